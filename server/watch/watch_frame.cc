#include "server/watch/watch_frame.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "base/limits.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/clean_text.h"
#include "server/entry_conversion.h"
#include "server/error_reason.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;
using google::protobuf::io::CodedOutputStream;

// Of a frame of changes for everything but its events.
constexpr size_t kHeaderBytesMax = 128;
// Of an event in its frame, beside its own bytes: tag and length.
constexpr size_t kEventHeaderBytesMax = 6;

FrameBytes Serialize(const wire::WatchResponse& frame) { return std::make_shared<const std::string>(frame.SerializeAsString()); }

wire::WatchResponse FrameOf(wire::WatchResponse::Kind kind, Revision revision, const StoreId& store_id) {
  wire::WatchResponse frame;
  frame.set_kind(kind);
  frame.set_revision(revision);
  frame.set_store_id(store_id);
  return frame;
}

wire::EventCause CauseOf(EventCause cause) {
  switch (cause) {
    case EventCause::kLeaseRevoked:
      return wire::EVENT_CAUSE_LEASE_REVOKED;
    case EventCause::kLeaseExpired:
      return wire::EVENT_CAUSE_LEASE_EXPIRED;
    case EventCause::kWrite:
      break;
  }
  return wire::EVENT_CAUSE_WRITE;
}

void FillEvent(const Event& event, absl::Time committed, Previous previous, wire::Event* out) {
  out->set_kind(event.kind == EventKind::kPut ? wire::Event::KIND_PUT : wire::Event::KIND_DELETE);
  out->set_cause(CauseOf(event.cause));
  if (event.kind == EventKind::kPut) {
    FillEntry(event.entry, Values::kShown, out->mutable_entry());
  } else {
    out->mutable_entry()->set_key(event.key.path());
    out->mutable_entry()->set_mod_revision(event.entry.mod_revision);
  }
  if (previous == Previous::kShown) {
    out->set_previous_known(event.previous_known);
    if (event.previous.has_value()) FillEntry(*event.previous, Values::kShown, out->mutable_previous());
  }
  const int64_t nanos = absl::ToUnixNanos(committed);
  const int64_t seconds = absl::ToUnixSeconds(committed);
  out->mutable_commit_time()->set_seconds(seconds);
  out->mutable_commit_time()->set_nanos(static_cast<int32_t>(nanos - seconds * 1'000'000'000));
}

// Adds events to a frame as long as they fit.
class FrameFiller {
 public:
  FrameFiller(const ChangesForm& form, wire::WatchResponse* frame) : form_(form), frame_(*frame) {}

  // How many of `events` were added: all; or none, if others are there; or as many as fit, at least one.
  size_t Add(const Batch& batch, const uint32_t* begin, const uint32_t* end) {
    const int before = frame_.events_size();
    const size_t bytes_before = bytes_;
    for (const uint32_t* event = begin; event != end; ++event) {
      FillEvent(batch.events[*event], batch.committed, form_.previous, frame_.add_events());
      bytes_ += frame_.events(frame_.events_size() - 1).ByteSizeLong() + kEventHeaderBytesMax;
      if (bytes_ <= form_.bytes_max || frame_.events_size() == 1) continue;
      frame_.mutable_events()->RemoveLast();
      if (before == 0) return event - begin;
      while (frame_.events_size() > before) frame_.mutable_events()->RemoveLast();
      bytes_ = bytes_before;
      return 0;
    }
    return end - begin;
  }

 private:
  const ChangesForm& form_;
  wire::WatchResponse& frame_;
  size_t bytes_ = kHeaderBytesMax;
};

}  // namespace

FrameBytes StartedFrame(Revision revision, const StoreId& store_id) {
  return Serialize(FrameOf(wire::WatchResponse::KIND_STARTED, revision, store_id));
}

FrameBytes ProgressFrame(Revision revision, const StoreId& store_id) {
  return Serialize(FrameOf(wire::WatchResponse::KIND_PROGRESS, revision, store_id));
}

FrameBytes SnapshotFrame(std::vector<Entry> entries, Revision revision, const StoreId& store_id, Restart restart) {
  wire::WatchResponse frame = FrameOf(wire::WatchResponse::KIND_SNAPSHOT, revision, store_id);
  frame.mutable_entries()->Reserve(static_cast<int>(entries.size()));
  for (Entry& entry : entries) FillEntry(std::move(entry), Values::kShown, frame.add_entries());
  frame.set_restart(restart == Restart::kYes);
  return Serialize(frame);
}

FrameBytes SnapshotEndFrame(Revision revision, const StoreId& store_id, Restart restart) {
  wire::WatchResponse frame = FrameOf(wire::WatchResponse::KIND_SNAPSHOT_END, revision, store_id);
  frame.set_restart(restart == Restart::kYes);
  return Serialize(frame);
}

FrameBytes EndedFrame(const WatchEnd& end) {
  wire::WatchResponse frame = FrameOf(wire::WatchResponse::KIND_ENDED, end.revision.value_or(0), end.store_id);
  wire::WatchStatus& status = *frame.mutable_status();
  status.set_code(static_cast<int>(end.status.code()));
  status.set_message(CleanText(end.status.message(), limits::kErrorMessageBytesMax));
  status.set_reason(static_cast<wire::ErrorReason>(ReasonShown(end.status)));
  status.set_revision(end.revision.value_or(0));
  status.set_oldest_revision(end.oldest_revision);
  for (const FieldViolation& violation : DetailsOf(end.status).value_or(ErrorDetails()).violations) {
    wire::FieldViolation& shown = *status.add_violations();
    shown.set_field(violation.field);
    shown.set_description(CleanText(violation.description, limits::kErrorMessageBytesMax));
  }
  if (const absl::Duration retry_after = RetryAfter(end.status); retry_after > absl::ZeroDuration()) {
    status.mutable_retry_after()->set_seconds(absl::ToInt64Seconds(retry_after));
    status.mutable_retry_after()->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(retry_after % absl::Seconds(1))));
  }
  return Serialize(frame);
}

std::vector<Matches> FindMatches(const std::vector<BatchPtr>& batches, const Interest& interest) {
  std::vector<Matches> found;
  for (const BatchPtr& batch : batches) {
    Matches matches{.batch = batch.get(), .events = {}};
    for (uint32_t event = 0; event < batch->events.size(); ++event) {
      if (interest.Wants(batch->events[event].key)) matches.events.push_back(event);
    }
    if (!matches.events.empty()) found.push_back(std::move(matches));
  }
  return found;
}

ChangesFrame BuildChanges(const std::vector<Matches>& matches, Cursor from, Revision to, const ChangesForm& form) {
  ChangesFrame built{.bytes = nullptr, .next = {to + 1, 0}};
  wire::WatchResponse frame;
  FrameFiller filler(form, &frame);
  for (const Matches& each : matches) {
    if (each.batch->revision < from.revision) continue;
    auto begin = each.events.begin();
    if (each.batch->revision == from.revision) begin = std::lower_bound(begin, each.events.end(), from.event);
    if (begin == each.events.end()) continue;
    const uint32_t* const first = &*begin;
    const size_t wanted = each.events.end() - begin;
    const size_t added = filler.Add(*each.batch, first, first + wanted);
    if (added == wanted) continue;
    built.next = {each.batch->revision, added > 0 ? first[added] : 0};
    frame.set_fragment(added > 0);
    break;
  }
  if (frame.events_size() == 0) return built;
  frame.set_kind(wire::WatchResponse::KIND_CHANGES);
  frame.set_revision(built.next.revision - 1);
  frame.set_store_id(form.store_id);
  built.bytes = Serialize(frame);
  return built;
}

std::string WatchManyPrefix(int64_t watch_id, size_t frame_bytes) {
  // watch_id = 1 and frame = 2 of WatchManyResponse.
  constexpr uint8_t kWatchIdTag = 1 << 3 | 0;
  constexpr uint8_t kFrameTag = 2 << 3 | 2;
  uint8_t prefix[kWatchManyPrefixBytesMax];
  uint8_t* end = prefix;
  *end++ = kWatchIdTag;
  end = CodedOutputStream::WriteVarint64ToArray(static_cast<uint64_t>(watch_id), end);
  *end++ = kFrameTag;
  end = CodedOutputStream::WriteVarint64ToArray(frame_bytes, end);
  return std::string(reinterpret_cast<const char*>(prefix), end - prefix);
}

}  // namespace scoutlight::server
