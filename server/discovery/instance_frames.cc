#include "server/discovery/instance_frames.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_conversion.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::InstancePtr;

constexpr size_t kFrameBytes = 1 * limits::kMiB;

}  // namespace

InstanceFrames::Next InstanceFrames::NextOf(const Step& step, const discovery::Filter& filter) {
  const std::string name =
      absl::StrCat(absl::Hex(reinterpret_cast<uintptr_t>(step.from.get())), "-", absl::Hex(reinterpret_cast<uintptr_t>(step.to.get())), "-",
                   step.to_revision, "-", step.after.size(), ":", step.after, filter.text());
  const auto [found, is_new] = made_.try_emplace(name);
  Made& made = found->second;
  if (is_new) {
    made.from = step.from;
    made.to = step.to;
    made.next = Make(step, filter);
  }
  return made.next;
}

InstanceFrames::Next InstanceFrames::Make(const Step& step, const discovery::Filter& filter) {
  Next next{.frame = nullptr, .after = {}, .last = true};
  wire::WatchResponse response;
  size_t bytes = 0;
  discovery::ForEachDifference(step.from.get(), step.to.get(), [&](const InstancePtr& was, const InstancePtr& is) {
    const std::string& id = was != nullptr ? was->name.id : is->name.id;
    if (id <= step.after || !next.last) return;
    const bool shown = was != nullptr && filter.Matches(*was, absl::Time());
    const bool shows = is != nullptr && filter.Matches(*is, absl::Time());
    if (!shown && !shows) return;
    const size_t more = shows ? InstanceBytes(*is) : id.size();
    if (bytes > 0 && bytes + more > kFrameBytes) {
      next.last = false;
      return;
    }
    bytes += more;
    next.after = id;
    if (shows) {
      FillInstance(*is, response.add_changed());
    } else {
      response.add_removed(id);
    }
  });
  const bool initial = step.from == nullptr;
  // The end of a snapshot is told even if there was nothing.
  if (!initial && bytes == 0) return next;
  response.set_kind(!initial ? wire::WatchResponse::KIND_CHANGES
                             : (bytes == 0 ? wire::WatchResponse::KIND_SNAPSHOT_END : wire::WatchResponse::KIND_SNAPSHOT));
  response.set_fragment(!initial && !next.last);
  // A piece of a snapshot says nothing about any revision yet.
  if (!initial || bytes == 0) response.set_revision(step.to_revision);
  response.set_store_id(store_id_);
  next.frame = std::make_shared<const std::string>(response.SerializeAsString());
  frames_made_.fetch_add(1, std::memory_order_relaxed);
  // Behind the last piece of a snapshot comes one more frame, its end.
  if (initial) next.last = bytes == 0;
  return next;
}

InstanceFrame InstanceFrames::Progress(Revision revision) const {
  wire::WatchResponse response;
  response.set_kind(wire::WatchResponse::KIND_PROGRESS);
  response.set_revision(revision);
  response.set_store_id(store_id_);
  return std::make_shared<const std::string>(response.SerializeAsString());
}

}  // namespace scoutlight::server
