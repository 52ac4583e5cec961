#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_BACKLOG_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_BACKLOG_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/etcd/etcd_client.h"
#include "storage/etcd/etcd_events.h"
#include "storage/etcd/etcd_mapping.h"

namespace scoutlight::storage {

struct EtcdBacklogOptions {
  absl::Duration retry_after;  // When a read that failed is made again.
  // All must be set; called last in a task of the client's thread, never inside a call that is made here.
  std::function<void()> read;                            // A read has come to its end: more may be complete.
  std::function<void()> lost;                            // etcd knows nothing of a revision that is here: it was wiped or restored.
  std::function<void(const absl::Status& why)> stopped;  // kDataLoss: what was there before, no ScoutLight wrote.
};

// What a watch has brought and nobody has been shown yet, in order of revisions, and what was there before that. The watch does not bring
// the latter; it is read, many keys at once: neighbours as one range, as long as what lies between them is not more than they. Reads are
// allowed where etcd is full, a transaction of reads in some releases not. One that fails is made again. At most 32 reads, for 256 events,
// are under way. Used on the client's thread only; the client is shut down before this goes.
class EtcdBacklog {
 public:
  // `client` and `mapping` outlive this.
  EtcdBacklog(EtcdClient& client, const EtcdMapping& mapping, EtcdBacklogOptions options);

  bool empty() const { return kept_.empty(); }
  // Whoever fills this pauses until it is empty; a response of etcd more may come.
  bool is_full() const;
  // Whether anything is read, or will be read again.
  bool reads() const { return reads_ > 0; }

  // Adds what `bytes` of the watch brought. What is not behind the last revision here is dropped: etcd before 3.4.24 may say things twice.
  void Add(std::vector<EtcdChange> changes, size_t bytes);

  // Of the first revision; there must be one. What it brings is complete when it is known what was there before, if that can be: not what
  // is compacted away.
  const EtcdChange& front() const { return kept_.front().change; }
  bool front_is_complete() const;
  void DropFront();
  Revision last_revision() const { return kept_.back().change.revision; }

  // Reads what is missing, of the earliest revisions first and only of those that `wants` holds for.
  void Complete(absl::FunctionRef<bool(const EtcdChange&)> wants);

  // What was brought does not count any more, nor what is read for it.
  void Clear();

 private:
  struct Kept {
    EtcdChange change;
    size_t asked_to = 0;  // What was before the batch's events in front of this has been asked for, if need be ...
    size_t reads = 0;     // ... and so often has not been answered yet.
  };
  // The events [event, end) of a revision, of which a read asks for the first events_max_.
  struct Asked {
    Revision revision = 0;
    size_t event = 0;
    size_t end = 0;
    size_t begun_with = 0;  // Events.
  };
  enum class Member { kAny, kUpToDate };  // Which one is to answer.

  static bool IsComplete(const Kept& kept);
  // Asks for what is missing of one revision; false: as much is under way as may be.
  bool Ask(Kept* kept);
  void Read(Asked asked, Member member);
  void EndRead(const Asked& asked);
  void Take(Asked asked, size_t read_to, Member member, const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response);
  // What was there before the events [event, read_to), as far as the read got; where to go on.
  absl::StatusOr<size_t> SetPrevious(const Asked& asked, size_t read_to, const etcdserverpb::RangeResponse& response, EtcdChange* change);
  // What a read found of what it wanted, in an answer of so many bytes, tells how much the next one is to want.
  void Adapt(size_t found, size_t wanted, size_t bytes);
  // Null: it is not there, or not any more.
  Kept* Find(Revision revision);

  EtcdClient& client_;
  const EtcdMapping& mapping_;
  const EtcdBacklogOptions options_;
  std::deque<Kept> kept_;
  size_t bytes_ = 0;         // Since it was empty.
  size_t reads_ = 0;         // Under way, or to be made again; each goes on until all is answered that it was begun for.
  size_t reads_events_ = 0;  // How many events those were begun with.
  size_t events_max_ = 1;    // So many events a read asks for: more, the closer their keys lie.
  int64_t clearings_ = 0;    // Tells a read whether anybody waits for it.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_BACKLOG_H_
