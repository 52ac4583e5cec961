#include "client/watch/watch_streams.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "client/wire/registry_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;

}  // namespace

WatchStreams::WatchStreams(Options options)
    : options_(std::move(options)), shared_(options_.lane, this), unread_check_(options_.lane.loop) {}

WatchStreams::Handle WatchStreams::Add(std::string key, WatchOptions options, std::shared_ptr<EventBuffer> buffer) {
  const Handle handle = ++last_;
  watches_.try_emplace(handle, options_.lane.loop, std::move(key), std::move(options), std::move(buffer), options_.lane.unit_random);
  shared_.Start(handle);
  return handle;
}

void WatchStreams::Remove(Handle handle) {
  const auto watch = watches_.find(handle);
  if (watch == watches_.end()) return;
  shared_.Stop(handle);
  line_.erase(std::remove(line_.begin(), line_.end(), handle), line_.end());
  EndOwnStream(&watch->second);
  watches_.erase(watch);
}

void WatchStreams::OnRoom(Handle handle) {
  const auto watch = watches_.find(handle);
  if (watch == watches_.end()) return;
  if (watch->second.own != nullptr) return watch->second.own->Resume();
  const Parked parked = std::exchange(watch->second.parked, Parked::kNo);
  if (parked == Parked::kForShared) shared_.Start(handle);
  if (parked == Parked::kForOwn) GiveOwnStream(handle, &watch->second);
}

wire::WatchRequest WatchStreams::RequestOf(Handle handle) { return watches_.at(handle).cursor.Request(); }

void WatchStreams::OnCutOff(Handle handle, const absl::Status& why) {
  Watch& watch = watches_.at(handle);
  watch.cursor.CutOff();
  SetTrouble(&watch, why);
}

void WatchStreams::OnFrame(Handle handle, wire::WatchResponse frame) {
  Watch& watch = watches_.at(handle);
  if (frame.kind() == wire::WatchResponse::KIND_ENDED) return OnEnded(handle, &watch, StatusOf(frame.status()));
  if (frame.revision() != 0) options_.saw(frame.revision(), frame.store_id());
  const bool started = frame.kind() == wire::WatchResponse::KIND_STARTED;
  absl::StatusOr<std::vector<WatchEvent>> events = watch.cursor.Take(std::move(frame));
  if (!events.ok()) {
    watch.cursor.CutOff();
    return AskLater(handle, &watch, events.status());
  }
  // A part is no success yet: it would come again before each broken one.
  if (!started && watch.cursor.is_whole()) watch.backoff.Reset();
  SetTrouble(&watch, absl::OkStatus());
  // What tells nothing fills nothing: a state that begins anew, and makes room, may follow.
  const bool has_room = events->empty() || watch.buffer->Push(*std::move(events));
  if (watch.own != nullptr && !watch.cursor.wants_state()) {
    EndOwnStream(&watch);
    Share(handle, &watch);
  } else if (!has_room) {
    OnFull(handle, &watch);
  }
}

void WatchStreams::OnEnded(Handle handle, Watch* watch, const absl::Status& status) {
  shared_.Forget(handle);
  if (watch->cursor.Ended(status) == WatchCursor::After::kGoesOn) return AskLater(handle, watch, status);
  EndOwnStream(watch);
  watch->buffer->End(status);
}

void WatchStreams::AskLater(Handle handle, Watch* watch, const absl::Status& why) {
  SetTrouble(watch, why);
  shared_.Stop(handle);
  EndOwnStream(watch);
  watch->retry.Set(watch->backoff.NextAfter(why), [this, handle, watch] { Share(handle, watch); });
}

void WatchStreams::OnFull(Handle handle, Watch* watch) {
  if (watch->own != nullptr) return watch->own->Pause();
  const bool in_state = watch->cursor.is_in_state();
  shared_.Stop(handle);
  watch->cursor.CutOff();
  if (in_state) return GiveOwnStream(handle, watch);
  watch->parked = Parked::kForShared;
}

void WatchStreams::GiveOwnStream(Handle handle, Watch* watch) {
  if (own_streams_ == kOwnStreamsMax) {
    line_.push_back(handle);
    SetTrouble(watch, absl::ResourceExhaustedError(absl::StrCat("read slowly, as ", kOwnStreamsMax, " others that are served first")));
    if (!unread_check_.is_set()) TakeBackUnread();
    return;
  }
  ++own_streams_;
  watch->unread.reset();
  watch->own = std::make_unique<WatchLane>(options_.lane, static_cast<WatchLane::Owner*>(this));
  watch->own->Start(handle);
}

void WatchStreams::EndOwnStream(Watch* watch) {
  if (watch->own == nullptr) return;
  watch->own.reset();
  --own_streams_;
  if (line_.empty()) return;
  const Handle next = line_.front();
  line_.pop_front();
  GiveOwnStream(next, &watches_.at(next));
}

void WatchStreams::TakeBackUnread() {
  if (line_.empty()) return;
  unread_check_.Set(kUnreadCheck, [this] { TakeBackUnread(); });
  for (auto& [handle, watch] : watches_) {
    if (watch.own == nullptr) continue;
    const int64_t taken = watch.buffer->taken();
    const bool stands = watch.own->is_paused();
    if (stands && watch.unread == taken && !line_.empty()) {
      watch.cursor.CutOff();
      watch.parked = Parked::kForOwn;
      EndOwnStream(&watch);
    } else {
      watch.unread = stands ? std::optional<int64_t>(taken) : std::nullopt;
    }
  }
}

void WatchStreams::Share(Handle handle, Watch* watch) {
  watch->parked = watch->buffer->has_room() ? Parked::kNo : Parked::kForShared;
  if (watch->parked == Parked::kNo) shared_.Start(handle);
}

void WatchStreams::SetTrouble(Watch* watch, const absl::Status& why) {
  if (!watch->in_trouble && why.ok()) return;
  watch->in_trouble = !why.ok();
  watch->buffer->SetTrouble(why);
}

}  // namespace scoutlight::client
