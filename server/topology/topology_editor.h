#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_EDITOR_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_EDITOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "base/clock.h"
#include "base/entry.h"
#include "base/limits.h"
#include "base/reader_pool.h"
#include "server/topology/topology_reads.h"
#include "storage/store.h"
#include "storage/transaction.h"
#include "topology/topology_diff.h"

namespace scoutlight::server {

// Documents over so many bytes are not read on the caller's thread.
inline constexpr size_t kInlineDocumentBytesMax = 16 * limits::kKiB;

// What every change of a topology says. Names and texts are checked.
struct TopologyRequest {
  std::string cluster;
  int64_t expected_version = 0;  // 0: any, or none.
  bool validate_only = false;
  std::string comment;
  std::string applied_by;
  storage::Origin origin;  // With Memory::kChange.
};

// What came of a change.
struct TopologyChange {
  absl::Status status;
  Revision revision = 0;              // Of the state shown, or made.
  Revision oldest_revision = 0;       // With kOutOfRange.
  std::optional<MadeVersion> newest;  // As it is now; with validate_only as it would be, at revision 0. nullopt: not known, or none.
  bool unchanged = false;             // There was nothing to do.
  bool replayed = false;              // An earlier request with the same id has done it, at `revision`.
  std::vector<topology::LinkChange> links;
  bool links_unknown = false;  // The version before cannot be read by the rules of now.
};

// Changes topologies: reads the newest version, judges what is to follow, and commits it on the condition that no other has come; else it
// begins again, a few times. One transaction has four operations at most. Documents over kInlineDocumentBytesMax are read on a reader.
// Waits for nothing; `done` runs under no lock, maybe inside the call. Thread-safe.
//
// A request with an id that has made a version is answered with that again, whatever others have done since. Before a change is refused
// for the state of things, the store is asked for such a request: that state may be its own doing.
//
// After every error nothing has changed, except kUnknown. Beside those of the store:
//   kInvalidArgument     Apply: the document's mistakes, each with its path
//   kNotFound            Rollback: the version is not kept
//   kFailedPrecondition  kConditionFailed: `expected_version`; Rollback: a deletion, or what is no document any more
//   kAborted             kContended: others came before each time
//   kResourceExhausted   kOverloaded: too many wait for a reader
//   kDataLoss            what is stored cannot be read
class TopologyEditor {
 public:
  // All outlive it and every call.
  TopologyEditor(storage::Store* store, Clock* clock, ReaderPool* readers) : store_(*store), clock_(*clock), readers_(*readers) {}

  using Done = absl::AnyInvocable<void(TopologyChange) &&>;
  void Apply(TopologyRequest request, std::string document, Done done);
  void Rollback(TopologyRequest request, int64_t version, Done done);
  void Delete(TopologyRequest request, Done done);

 private:
  class Edit;

  storage::Store& store_;
  Clock& clock_;
  ReaderPool& readers_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_EDITOR_H_
