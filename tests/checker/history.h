#ifndef SCOUTLIGHT_TESTS_CHECKER_HISTORY_H_
#define SCOUTLIGHT_TESTS_CHECKER_HISTORY_H_

#include <cstdint>
#include <limits>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/key.h"
#include "storage/store.h"
#include "storage/transaction.h"

// What clients of a store did and saw, as check.h judges it. Plain values: filled by a recorder from a real server (recorder.h,
// collector.h), by a test from the store seam, or by a simulation (simulation.h).
namespace scoutlight::checker {

// Nanoseconds of CLOCK_MONOTONIC: all clients of a history run on one machine, so that their times compare.
using Nanos = int64_t;
inline constexpr Nanos kNever = std::numeric_limits<Nanos>::max();

enum class Outcome : uint8_t {
  kOk,
  kFailed,   // Refused: nothing has changed.
  kUnknown,  // No answer, or one that leaves open whether something has changed.
};

// Of a call that failed. `revision` is 0 where the error speaks of no state.
struct Failure {
  absl::StatusCode code = absl::StatusCode::kOk;
  Reason reason = Reason::kUnspecified;
  Revision revision = 0;
  Revision oldest_revision = 0;
};

// Put, Delete and Transact alike: a put is a transaction of one operation without conditions.
struct Write {
  enum class Form : uint8_t { kPut, kDelete, kTransact };

  Form form = Form::kTransact;
  std::vector<storage::Condition> conditions;
  std::vector<storage::Operation> on_success;
  std::vector<storage::Operation> on_failure;
  bool validate_only = false;
  std::string request_id;  // Calls with the same one (not empty) are repetitions of one request.
};

struct WriteAnswer {
  Revision revision = 0;
  bool succeeded = true;
  bool replayed = false;
  std::vector<storage::OperationResult> results;  // Of the branch taken.
};

// Get, or one page of a List. A page that continues another names its revision.
struct Read {
  bool is_get = false;
  storage::Query query;
};

struct ReadAnswer {
  Revision revision = 0;
  std::vector<Entry> entries;  // Of Get: one.
  bool more = false;
};

struct Grant {
  LeaseId id = 0;  // 0: the server draws it.
  absl::Duration ttl;
  std::string request_id;
};

struct GrantAnswer {
  LeaseId id = 0;
  absl::Duration ttl;
  Revision revision = 0;
  bool replayed = false;
};

struct Revoke {
  LeaseId id = 0;
  std::string request_id;
};

struct RevokeAnswer {
  int64_t deleted = 0;
  Revision revision = 0;
  bool replayed = false;
};

struct Renew {
  std::vector<LeaseId> ids;
};

struct RenewAnswer {
  std::vector<Outcome> results;  // One for each id: kOk renewed, kFailed no such lease, kUnknown may or may not be renewed.
  Revision revision = 0;
};

// One call of a client. A client has one call outstanding at a time.
struct Call {
  int client = 0;
  Nanos called = 0;
  Nanos returned = 0;  // With kUnknown: when the client gave it up; it may have effect later.
  Outcome outcome = Outcome::kUnknown;
  Failure failure;  // With kFailed, and what is known with kUnknown.
  std::variant<Write, Read, Grant, Revoke, Renew> request;
  std::variant<std::monostate, WriteAnswer, ReadAnswer, GrantAnswer, RevokeAnswer, RenewAnswer> answer;  // With kOk: of the request.
};

struct Frame {
  enum class Kind : uint8_t { kStarted, kSnapshot, kSnapshotEnd, kChanges, kProgress };

  Kind kind = Kind::kStarted;
  Nanos received = 0;
  Revision revision = 0;
  std::vector<Entry> entries;  // Of kSnapshot.
  std::vector<Event> events;   // Of kChanges.
  bool fragment = false;
  bool restart = false;
};

// One stream of a watch, from its call to its end.
struct WatchStream {
  Nanos called = 0;
  Revision start_revision = 0;
  bool include_snapshot = false;
  std::vector<Frame> frames;
  Nanos ended = 0;
  Failure end;  // kOk: the client ended it; reason kUnspecified: the connection broke.
};

// A watch that goes on over broken streams: each resumes where the one before ended.
struct WatchChain {
  int client = 0;
  KeyRange range;
  bool include_previous = false;
  std::vector<WatchStream> streams;
  Revision reached = 0;  // The recorder waited until the watch said that everything up to here was sent. 0: it did not wait.
};

// A time in which the server did not run because of the test itself, or nobody led the cluster that keeps its store.
struct Outage {
  enum class Kind : uint8_t {
    kRestart,
    kPause,
    kNewLeader,  // Who leads since gives every lease its full TTL anew, which is not promised: no lease must live longer for it.
    // A member that led, stood still and went on. An etcd before 3.4.31 and 3.5.13 lets it end, before it hears of who leads since, what
    // has run out by what it knew, whoever was told of a renewal meanwhile. Serving: it has surely heard.
    kOldLeader,
  };

  Kind kind = Kind::kRestart;
  Nanos stopped = 0;  // It ran until here at least: when the signal was sent.
  Nanos halted = 0;   // From here on it surely did not run.
  Nanos started = 0;  // Until here it surely did not run.
  Nanos serving = 0;  // From here on it surely did.
};

// A call of the test to give up states before `oldest`.
struct Compaction {
  Revision oldest = 0;
  Nanos called = 0;
};

// A transaction that changed something, as the collector of the history learned of it.
struct LoggedBatch {
  Batch batch;
  Nanos received = 0;
};

// Requirements: the store is empty at first (revision 1, and those after it that are gaps); every value written is unique, but for values
// within one call and repetitions of one request; a lease id is not granted again once it was.
struct History {
  std::vector<Call> calls;
  std::vector<LoggedBatch> log;  // From revision 2 to the last, as the collector got them.
  std::vector<WatchChain> watches;
  std::vector<Outage> outages;  // In order of time.
  std::vector<Compaction> compactions;
  bool compacts_by_itself = false;  // The store may compact when it likes.
  bool has_gaps = false;            // Others take revisions of the store too. FillGaps makes the log whole.
  // It lies in etcd, and less is promised (storage/etcd/etcd_store.h): a first grant may be called a repetition, the revision of a renewal
  // is one of before, a revocation counts keys that may have left the lease before it, writes may be refused as contended, and a watch
  // begins with what its server has been shown, up to 10 s ago.
  bool over_etcd = false;
};

// Appends what the chain of a collector (the range is all keys, from revision 2 on, with previous entries) received to `history->log`,
// the chain itself to `history->watches`.
void AddCollected(WatchChain chain, History* history);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_HISTORY_H_
