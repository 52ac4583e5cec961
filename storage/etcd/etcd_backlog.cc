#include "storage/etcd/etcd_backlog.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {
namespace {

// What is kept.
constexpr size_t kChangesMax = 1'000;
constexpr size_t kBytesMax = 4 * limits::kMiB;
// What is asked for at once: reads, and events in them. Values are up to 1 MiB each, so a read asks for few where one brought much.
constexpr size_t kReadsMax = 32;
constexpr size_t kReadsEventsMax = 256;
constexpr size_t kReadMax = 128;
constexpr size_t kReadBytesSmall = 64 * 1024;
constexpr size_t kReadBytesLarge = 256 * 1024;

// The first event from `from` on before which something was that nobody has told; nullopt: there is none.
std::optional<size_t> NextUnknown(const Batch& batch, size_t from) {
  for (size_t i = from; i < batch.events.size(); ++i) {
    if (!batch.events[i].previous_known) return i;
  }
  return std::nullopt;
}

}  // namespace

EtcdBacklog::EtcdBacklog(EtcdClient& client, const EtcdMapping& mapping, EtcdBacklogOptions options)
    : client_(client), mapping_(mapping), options_(std::move(options)) {}

bool EtcdBacklog::is_full() const { return kept_.size() > kChangesMax || bytes_ > kBytesMax; }

void EtcdBacklog::Add(std::vector<EtcdChange> changes, size_t bytes) {
  for (EtcdChange& change : changes) {
    if (kept_.empty() || change.revision > last_revision()) kept_.push_back({.change = std::move(change)});
  }
  bytes_ = kept_.empty() ? 0 : bytes_ + bytes;
}

bool EtcdBacklog::IsComplete(const Kept& kept) {
  return kept.change.batch == nullptr || (kept.reads == 0 && !NextUnknown(*kept.change.batch, kept.asked_to).has_value());
}

bool EtcdBacklog::front_is_complete() const { return IsComplete(kept_.front()); }

void EtcdBacklog::DropFront() {
  kept_.pop_front();
  if (kept_.empty()) bytes_ = 0;
}

void EtcdBacklog::Complete(absl::FunctionRef<bool(const EtcdChange&)> wants) {
  for (Kept& kept : kept_) {
    if (kept.change.batch != nullptr && wants(kept.change) && !Ask(&kept)) return;
  }
}

bool EtcdBacklog::Ask(Kept* kept) {
  const Batch& batch = *kept->change.batch;
  for (std::optional<size_t> event = NextUnknown(batch, kept->asked_to); event.has_value(); event = NextUnknown(batch, kept->asked_to)) {
    if (reads_ == kReadsMax || reads_events_ >= kReadsEventsMax) return false;
    size_t end = *event + 1;
    while (end < batch.events.size() && end - *event < events_max_ && !batch.events[end].previous_known) ++end;
    ++reads_;
    reads_events_ += end - *event;
    ++kept->reads;
    kept->asked_to = end;
    // The past does not change: any member that has it knows it.
    Read({.revision = batch.revision, .event = *event, .end = end, .begun_with = end - *event}, Member::kAny);
  }
  return true;
}

void EtcdBacklog::Read(Asked asked, Member member) {
  const Kept* kept = Find(asked.revision);
  if (kept == nullptr) {
    // Shown meanwhile, by its answer.
    EndRead(asked);
    return options_.read();
  }
  const std::vector<Event>& events = kept->change.batch->events;
  const size_t read_to = std::min(asked.end, asked.event + events_max_);
  etcdserverpb::RangeRequest request;
  request.set_key(mapping_.Encode(events[asked.event].key));
  if (read_to - asked.event > 1) request.set_range_end(EtcdMapping::Successor(mapping_.Encode(events[read_to - 1].key)));
  request.set_limit(static_cast<int64_t>(read_to - asked.event));
  request.set_revision(asked.revision - 1);
  request.set_serializable(member == Member::kAny);
  client_.Range(std::move(request), [this, clearings = clearings_, asked, read_to, member](const RpcOutcome& outcome,
                                                                                           const etcdserverpb::RangeResponse& response) {
    if (clearings == clearings_) Take(asked, read_to, member, outcome, response);
  });
}

void EtcdBacklog::EndRead(const Asked& asked) {
  --reads_;
  reads_events_ -= asked.begun_with;
}

void EtcdBacklog::Take(Asked asked, size_t read_to, Member member, const RpcOutcome& outcome, const etcdserverpb::RangeResponse& response) {
  const bool is_gone = IsCompacted(outcome);
  if (IsFutureRevision(outcome)) {
    // It lags behind the one of the watch.
    if (member == Member::kAny) return Read(asked, Member::kUpToDate);
    // The watch has brought that revision.
    return options_.lost();
  }
  if (!outcome.ok() && !is_gone) {
    client_.thread().PostAfter(options_.retry_after, [this, clearings = clearings_, asked] {
      if (clearings == clearings_) Read(asked, Member::kAny);
    });
    return;
  }
  Kept* kept = Find(asked.revision);
  if (kept != nullptr && !is_gone) {
    const absl::StatusOr<size_t> next = SetPrevious(asked, read_to, response, &kept->change);
    if (!next.ok()) return options_.stopped(next.status());
    asked.event = *next;
    if (asked.event < asked.end) return Read(asked, member);
  }
  EndRead(asked);
  if (kept != nullptr) {
    --kept->reads;
    if (IsComplete(*kept)) kept->change.SetCauses();
  }
  options_.read();
}

absl::StatusOr<size_t> EtcdBacklog::SetPrevious(const Asked& asked, size_t read_to, const etcdserverpb::RangeResponse& response,
                                                EtcdChange* change) {
  std::vector<Event>& events = change->batch->events;
  size_t next = asked.event;
  size_t found = 0;
  for (const mvccpb::KeyValue& pair : response.kvs()) {
    while (next < read_to && mapping_.Encode(events[next].key) < pair.key()) ++next;
    if (next == read_to || mapping_.Encode(events[next].key) != pair.key()) continue;
    absl::StatusOr<Entry> previous = mapping_.ToEntry(pair);
    if (!previous.ok()) return previous.status();
    events[next].previous = *std::move(previous);
    events[next].previous_known = true;
    ++found;
    ++next;
  }
  Adapt(found, read_to - asked.event, response.ByteSizeLong());
  // Behind the last pair there may be more; without more, all that was asked for has been seen.
  return response.more() && !response.kvs().empty() ? next : read_to;
}

void EtcdBacklog::Adapt(size_t found, size_t wanted, size_t bytes) {
  if (found * 2 < wanted || bytes > kReadBytesLarge) {
    events_max_ = std::max<size_t>(wanted / 2, 1);
  } else if (found == wanted && bytes <= kReadBytesSmall) {
    events_max_ = std::clamp(wanted * 2, events_max_, kReadMax);
  }
}

EtcdBacklog::Kept* EtcdBacklog::Find(Revision revision) {
  const auto found = std::lower_bound(kept_.begin(), kept_.end(), revision,
                                      [](const Kept& kept, Revision wanted) { return kept.change.revision < wanted; });
  return found == kept_.end() || found->change.revision != revision ? nullptr : &*found;
}

void EtcdBacklog::Clear() {
  ++clearings_;
  kept_.clear();
  bytes_ = 0;
  reads_ = 0;
  reads_events_ = 0;
}

}  // namespace scoutlight::storage
