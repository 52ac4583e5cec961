#ifndef SCOUTLIGHT_CLIENT_WATCH_WATCH_FRAMES_H_
#define SCOUTLIGHT_CLIENT_WATCH_WATCH_FRAMES_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "client/watch_event.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::client {

// Frames as the server sends them, and events in a line, for tests.
inline const StoreId kStore = "one";
inline const StoreId kOtherStore = "other";

using Frame = registry::v1::WatchResponse;

inline Frame FrameOf(Frame::Kind kind, Revision revision, const StoreId& store_id = kStore) {
  Frame frame;
  frame.set_kind(kind);
  frame.set_revision(revision);
  frame.set_store_id(store_id);
  return frame;
}
inline Frame Started(Revision revision) { return FrameOf(Frame::KIND_STARTED, revision); }
inline Frame Progress(Revision revision) { return FrameOf(Frame::KIND_PROGRESS, revision); }

enum class First { kYes, kNo };
inline Frame StatePart(First first, Revision revision, const std::vector<std::string>& keys, const StoreId& store_id = kStore) {
  Frame frame = FrameOf(Frame::KIND_SNAPSHOT, revision, store_id);
  frame.set_restart(first == First::kYes);
  for (const std::string& key : keys) {
    auto* entry = frame.add_entries();
    entry->set_key(key);
    entry->set_text("x");
    entry->set_has_value(true);
    entry->set_mod_revision(revision);
  }
  return frame;
}
inline Frame StateEnd(First first, Revision revision, const StoreId& store_id = kStore) {
  Frame frame = FrameOf(Frame::KIND_SNAPSHOT_END, revision, store_id);
  frame.set_restart(first == First::kYes);
  return frame;
}

// Puts at these revisions, all shown by one frame.
inline Frame Changes(const std::vector<std::pair<Revision, std::string>>& puts) {
  Frame frame = FrameOf(Frame::KIND_CHANGES, puts.back().first);
  for (const auto& [revision, key] : puts) {
    auto* event = frame.add_events();
    event->set_kind(registry::v1::Event::KIND_PUT);
    event->set_cause(registry::v1::EVENT_CAUSE_WRITE);
    event->mutable_entry()->set_key(key);
    event->mutable_entry()->set_text("x");
    event->mutable_entry()->set_mod_revision(revision);
    event->mutable_entry()->set_has_value(true);
  }
  return frame;
}
// The last transaction goes on in the next frame.
inline Frame Fragment(const std::vector<std::pair<Revision, std::string>>& puts) {
  Frame frame = Changes(puts);
  frame.set_fragment(true);
  frame.set_revision(puts.back().first - 1);
  return frame;
}

inline Frame Ended(absl::StatusCode code, Reason reason) {
  Frame frame;
  frame.set_kind(Frame::KIND_ENDED);
  frame.mutable_status()->set_code(static_cast<int>(code));
  frame.mutable_status()->set_reason(static_cast<registry::v1::ErrorReason>(reason));
  return frame;
}

// "started 7", "reset missed", "state 7 /a /b", "end 7", "changes 8 /a", "progress 8".
inline std::string LineOf(const WatchEvent& event) {
  std::vector<std::string> keys;
  for (const Entry& entry : event.entries) keys.push_back(entry.key.path());
  for (const Event& change : event.events) keys.push_back(change.key.path());
  const std::string shown = absl::StrCat(event.revision, keys.empty() ? "" : " ", absl::StrJoin(keys, " "));
  switch (event.kind) {
    case WatchEvent::Kind::kStarted:
      return absl::StrCat("started ", shown);
    case WatchEvent::Kind::kReset:
      if (event.cause == WatchEvent::ResetCause::kAsked) return "reset asked";
      return event.cause == WatchEvent::ResetCause::kMissed ? "reset missed" : "reset replaced";
    case WatchEvent::Kind::kSnapshot:
      return absl::StrCat("state ", shown);
    case WatchEvent::Kind::kSnapshotEnd:
      return absl::StrCat("end ", shown);
    case WatchEvent::Kind::kChanges:
      return absl::StrCat("changes ", shown);
    case WatchEvent::Kind::kProgress:
      return absl::StrCat("progress ", shown);
  }
  return "";
}
inline std::vector<std::string> LinesOf(const std::vector<WatchEvent>& events) {
  std::vector<std::string> lines;
  for (const WatchEvent& event : events) lines.push_back(LineOf(event));
  return lines;
}

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WATCH_WATCH_FRAMES_H_
