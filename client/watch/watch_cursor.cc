#include "client/watch/watch_cursor.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/events/backoff.h"
#include "client/wire/registry_conversion.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;
using ResetCause = WatchEvent::ResetCause;

// A transaction that came in pieces: its entries, and what each event counts for beside them.
constexpr size_t kTransactionBytesMax = 2 * limits::kTransactionBytesMax + 1024 * limits::kChangesMax;

absl::Status Broken(absl::string_view what) {
  return MakeError(absl::StatusCode::kInternal, absl::StrCat("the server sent a watch ", what), {.reason = Reason::kInternal});
}

bool IsGap(const absl::Status& status) {
  const Reason reason = ReasonOf(status);
  return reason == Reason::kCompacted || reason == Reason::kStoreReplaced;
}

}  // namespace

WatchCursor::WatchCursor(std::string key, WatchOptions options)
    : key_(std::move(key)),
      options_(std::move(options)),
      next_(options_.start_revision),
      store_id_(options_.store_id),
      wants_state_(options_.snapshot && options_.start_revision == 0) {}

wire::WatchRequest WatchCursor::Request() const {
  wire::WatchRequest request;
  request.set_key(key_);
  request.set_scope(WireScope(options_.scope));
  request.set_include_previous(options_.previous);
  *request.mutable_heartbeat() = WireDuration(options_.progress_interval);
  if (wants_state_) {
    request.set_include_snapshot(true);
  } else if (next_ != 0) {
    request.set_start_revision(next_);
    request.set_store_id(store_id_);
    request.set_include_snapshot(options_.on_gap == WatchOptions::OnGap::kSnapshot);
  }
  return request;
}

absl::StatusOr<std::vector<WatchEvent>> WatchCursor::Take(wire::WatchResponse frame) {
  std::vector<WatchEvent> told;
  absl::Status broken;
  switch (frame.kind()) {
    case wire::WatchResponse::KIND_STARTED:
      TakeStarted(frame, &told);
      break;
    case wire::WatchResponse::KIND_SNAPSHOT:
    case wire::WatchResponse::KIND_SNAPSHOT_END:
      broken = TakeState(std::move(frame), &told);
      break;
    case wire::WatchResponse::KIND_CHANGES:
      broken = TakeChanges(std::move(frame), &told);
      break;
    case wire::WatchResponse::KIND_PROGRESS:
      if (in_state_ || part_.has_value() || frame.revision() + 1 < next_) return Broken("progress out of turn");
      next_ = frame.revision() + 1;
      told.push_back({.kind = WatchEvent::Kind::kProgress, .revision = frame.revision(), .store_id = frame.store_id()});
      break;
    default:
      // Of a later version.
      break;
  }
  if (!broken.ok()) return broken;
  told_ = told_ || !told.empty();
  return told;
}

void WatchCursor::TakeStarted(const wire::WatchResponse& frame, std::vector<WatchEvent>* told) {
  // 0: the state comes first.
  if (frame.revision() == 0) return;
  store_id_ = frame.store_id();
  next_ = frame.revision() + 1;
  if (!told_) told->push_back({.kind = WatchEvent::Kind::kStarted, .revision = frame.revision(), .store_id = frame.store_id()});
}

absl::Status WatchCursor::TakeState(wire::WatchResponse frame, std::vector<WatchEvent>* told) {
  if (frame.restart()) {
    told->push_back(ResetBy(frame.store_id()));
    part_.reset();
    in_state_ = true;
    wants_state_ = true;
  }
  if (!in_state_) return Broken("a state that did not begin");
  if (frame.entries_size() > 0) {
    absl::StatusOr<std::vector<Entry>> entries = EntriesOf(frame.mutable_entries());
    if (!entries.ok()) return entries.status();
    told->push_back(
        {.kind = WatchEvent::Kind::kSnapshot, .revision = frame.revision(), .store_id = frame.store_id(), .entries = *std::move(entries)});
  }
  if (frame.kind() != wire::WatchResponse::KIND_SNAPSHOT_END) return absl::OkStatus();
  in_state_ = false;
  wants_state_ = false;
  next_ = frame.revision() + 1;
  store_id_ = frame.store_id();
  told->push_back({.kind = WatchEvent::Kind::kSnapshotEnd, .revision = frame.revision(), .store_id = frame.store_id()});
  return absl::OkStatus();
}

WatchEvent WatchCursor::ResetBy(const StoreId& store_id) {
  // One that begins anew has the cause of the first time, unless the store is another by now.
  if (!store_id_.empty() && store_id != store_id_) {
    cause_ = ResetCause::kReplaced;
  } else if (!wants_state_) {
    cause_ = ResetCause::kMissed;
  }
  return {.kind = WatchEvent::Kind::kReset, .store_id = store_id, .cause = cause_};
}

absl::Status WatchCursor::TakeChanges(wire::WatchResponse frame, std::vector<WatchEvent>* told) {
  if (in_state_) return Broken("changes before the end of the state");
  for (wire::Event& sent : *frame.mutable_events()) {
    const absl::Time committed = TimeOf(sent.commit_time());
    absl::StatusOr<Event> event = EventOf(std::move(sent));
    if (!event.ok()) return event.status();
    const Revision revision = event->entry.mod_revision;
    if (revision < next_ || (part_.has_value() && revision < part_->revision)) return Broken("changes out of turn");
    if (part_.has_value() && part_->revision != revision) {
      told->push_back(*std::exchange(part_, std::nullopt));
    }
    if (!part_.has_value()) {
      part_ = {.kind = WatchEvent::Kind::kChanges, .revision = revision, .store_id = frame.store_id(), .committed = committed};
      part_bytes_ = 0;
    }
    part_->events.push_back(*std::move(event));
    part_bytes_ += EntryBytes(part_->events.back().entry);
    if (part_bytes_ > kTransactionBytesMax) return Broken("a transaction without end");
  }
  if (!frame.fragment() && part_.has_value()) told->push_back(*std::exchange(part_, std::nullopt));
  next_ = std::max(next_, frame.revision() + 1);
  store_id_ = frame.store_id();
  return absl::OkStatus();
}

void WatchCursor::CutOff() {
  part_.reset();
  in_state_ = false;
}

WatchCursor::After WatchCursor::Ended(const absl::Status& status) {
  CutOff();
  if (Backoff::IsLasting(status.code())) return After::kIsOver;
  if (IsGap(status)) {
    if (options_.on_gap == WatchOptions::OnGap::kEnd) return After::kIsOver;
    AskForState(ReasonOf(status) == Reason::kCompacted ? ResetCause::kMissed : ResetCause::kReplaced);
    return After::kGoesOn;
  }
  // Of the program's own number, before anything was told.
  if (ReasonOf(status) == Reason::kFutureRevision && !told_) return After::kIsOver;
  return After::kGoesOn;
}

void WatchCursor::AskForState(ResetCause cause) {
  if (!wants_state_) cause_ = cause;
  wants_state_ = true;
}

}  // namespace scoutlight::client
