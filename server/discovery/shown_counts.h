#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SHOWN_COUNTS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SHOWN_COUNTS_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "base/limits.h"
#include "discovery/names.h"
#include "discovery/service_snapshot.h"

namespace scoutlight::server {

// How many watches show an instance at work, kept up to date: asking again costs nothing, and a watch that has moved on a look for each
// count that it is in. An instance that is not at work is shown at work only by watches that were shown it before, so that no others are
// looked at; once a newer snapshot has it at work again, its count looks at each watch that moves. At most limits::kDrainsMax counts; each
// watch keeps a bit for each of them. Not thread-safe.
class ShownCounts {
 public:
  // A watch's own: the counts that it is in, by place.
  using Marks = std::bitset<limits::kDrainsMax>;
  // Whether the watch shows this instance at work.
  using Shows = absl::FunctionRef<bool(const std::string& id)>;

  // Begins to count, with no watch in it. `newest`: of the service, which all its watches have by now or will be told of no older than;
  // null: it has none. False: as many are kept as may be; nothing has changed. Requires that none has this number.
  bool Begin(uint64_t number, const discovery::InstanceName& name, const discovery::SnapshotPtr& newest);
  // The watch shows it.
  void Enter(uint64_t number, Marks* marks);
  // nullopt: none is kept with this number.
  std::optional<int> At(uint64_t number) const;

  // Watches of `service` are told of `newest` from now on. Before one of them is.
  void OnLook(const discovery::ServiceName& service, const discovery::SnapshotPtr& newest);
  // A watch shows something else than before.
  void OnMoved(const discovery::ServiceName& service, Shows shows, Marks* marks);
  // It shows nothing any more.
  void Leave(Marks* marks);

  // The count is kept no longer: its place is to be taken from the marks of the service's watches. nullopt: there was none.
  struct Ended {
    size_t place = 0;
    discovery::InstanceName name;
  };
  std::optional<Ended> End(uint64_t number);

 private:
  struct Kept {
    discovery::InstanceName name;
    int watches = 0;
  };
  struct OfService {
    discovery::SnapshotPtr looked_at;  // Kept alive, so that no other gets its place in memory.
    std::vector<size_t> places;
  };

  Marks taken_;
  Marks may_grow_;              // It was at work in a snapshot that watches may have been told of since it began.
  std::vector<Kept> by_place_;  // As many as were kept at a time.
  absl::flat_hash_map<uint64_t, size_t> places_;
  absl::flat_hash_map<discovery::ServiceName, OfService> services_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SHOWN_COUNTS_H_
