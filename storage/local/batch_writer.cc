#include "storage/local/batch_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/stable_hash.h"
#include "storage/local/history.h"
#include "storage/local/layout.h"
#include "storage/local/open_state.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// What a request that is remembered by its change is answered with again.
CommitResult ChangeOf(const RequestIndex::Request& request) {
  return {.status = absl::OkStatus(),
          .revision = request.changed ? request.before + 1 : request.before,
          .changed = request.changed,
          .succeeded = true};
}

std::string RequestName(const Origin& origin) { return absl::StrCat(origin.caller.size(), ":", origin.caller, origin.request_id); }

// Whether a repetition gets this answer again: it was carried out, or refused by what it asked for itself. What failed for the server's
// reasons is tried anew.
bool IsAnswer(const absl::Status& status) {
  if (status.ok()) return true;
  const Reason reason = ReasonOf(status);
  return reason == Reason::kKeyExists || reason == Reason::kConditionFailed;
}

absl::Status LeaseKeysFull(LeaseId id, LeaseLoad load) {
  ErrorDetails details;
  details.reason = Reason::kLeaseKeysFull;
  details.resource = absl::StrCat(id);
  const std::string message =
      load.keys > limits::kKeysPerLeaseMax
          ? absl::StrCat("lease ", id, " would hold ", load.keys, " keys, at most ", limits::kKeysPerLeaseMax, " are allowed")
          : absl::StrCat("lease ", id, " would hold entries of ", load.bytes, " bytes, at most ", limits::kBytesPerLeaseMax,
                         " are allowed");
  details.violations = {{"put.lease_id", message}};
  return MakeError(absl::StatusCode::kFailedPrecondition, message, details);
}

absl::Status LeasesFull() {
  ErrorDetails details;
  details.reason = Reason::kLeasesFull;
  details.retry_after = absl::Seconds(1);
  return MakeError(absl::StatusCode::kResourceExhausted, absl::StrCat("there are ", limits::kLeasesMax, " leases, which is the most"),
                   details);
}

// Names a request of a caller, over restarts. Never 0.
uint64_t TagOf(const Origin& origin) {
  if (origin.request_id.empty()) return 0;
  return std::max<uint64_t>(1, StableHash().Add(origin.caller).Add(origin.request_id).value());
}

}  // namespace

BatchWriter::BatchWriter(Parts parts, const View& view)
    : parts_(parts),
      view_(view),
      latest_(view.snapshot, parts.known),
      overlay_(&latest_),
      writes_(parts.engine->NewWriteSet()),
      revision_(view.revision) {
  rules_.may_use_lease = [this](LeaseId id, LeaseLoad more) { return MayUseLease(id, more); };
  MutexLock lock(&parts_.leases->mu);
  life_ = parts_.leases->table.life();
}

void BatchWriter::Add(QueuedWrite& write) {
  if (parts_.room.has_value()) {
    const int64_t used = static_cast<int64_t>(writes_->bytes());
    rules_.may_put = parts_.room->for_puts_bytes > used ? absl::OkStatus() : DiskFull();
    rules_.may_delete = parts_.room->for_deletes_bytes > used ? absl::OkStatus() : DiskFull();
  }
  if (auto* transaction = std::get_if<QueuedTransaction>(&write.work)) AddTransaction(*transaction);
  if (auto* grant = std::get_if<QueuedGrant>(&write.work)) AddGrant(*grant);
  if (auto* end = std::get_if<QueuedLeaseEnd>(&write.work)) AddLeaseEnd(*end);
  if (auto* note = std::get_if<QueuedLeaseNote>(&write.work)) AddLeaseNote(*note);
}

absl::Status BatchWriter::Write() {
  if (writes_->bytes() == 0 && !notes_uptime_) return absl::OkStatus();
  if (changed()) writes_->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(revision_));
  if (notes_uptime_) {
    writes_->Put(Table::kMeta, layout::kMetaUptime, layout::EncodeU64(static_cast<uint64_t>(absl::ToInt64Milliseconds(parts_.lease_now))));
  }
  return parts_.engine->Write(*writes_, revision_);
}

void BatchWriter::KeepRecords() && {
  std::move(overlay_).ShowChanges(
      [this](const std::string& path, std::optional<std::string> record) { parts_.known->Set(path, std::move(record)); });
}

void BatchWriter::ApplyLeases(absl::FunctionRef<void()> publish) {
  if (granted_.empty() && load_delta_.empty() && ended_.empty() && noted_.empty()) return publish();
  MutexLock lock(&parts_.leases->mu);
  LeaseTable& table = parts_.leases->table;
  for (const auto& [id, lease] : granted_) table.Add(lease);
  for (const auto& [id, load] : load_delta_) table.AddLoad(id, load);
  for (const LeaseId id : ended_) table.Remove(id);
  for (const LeaseId id : noted_) table.NoteRenewed(id);
  publish();
}

void BatchWriter::ForEachRequest(const std::function<void(const Origin&, RequestIndex::Request)>& show) const {
  for (const Remembered& remembered : remembered_) show(*remembered.origin, remembered.request);
}

void BatchWriter::AddTransaction(QueuedTransaction& write) {
  const Origin& origin = write.transaction.origin;
  const bool by_change = origin.memory == Memory::kChange;
  const bool remember = !origin.request_id.empty() && !write.transaction.validate_only;
  const bool asks = !origin.request_id.empty() && by_change;
  const auto again = [&](const RequestIndex::Request& request) {
    return by_change ? ChangeOf(request) : ReplayOn(write.transaction, request);
  };
  if ((remember || asks) && Replay(origin, &write.result, again)) {
    if (by_change) write.result.results.clear();
    return;
  }
  Evaluation evaluation = Evaluate(write.transaction, revision_ + 1, rules_, &overlay_);
  write.result = std::move(evaluation.result);
  const bool memorable = by_change ? write.result.changed : IsAnswer(write.result.status);
  if (remember && memorable) Remember(origin, &write.result, write.result.changed);
  if (write.result.changed) Stage(std::move(evaluation.changes), origin);
}

absl::StatusOr<std::optional<BatchWriter::Earlier>> BatchWriter::FindEarlier(const Origin& origin) const {
  if (origin.request_id.empty()) return std::nullopt;
  Earlier earlier;
  if (const auto in_batch = remembered_by_name_.find(RequestName(origin)); in_batch != remembered_by_name_.end()) {
    earlier.in_batch = &remembered_[in_batch->second];
    earlier.request = earlier.in_batch->request;
  } else if (const auto known = parts_.requests->Find(origin.caller, origin.request_id); known.has_value()) {
    earlier.request = *known;
  } else {
    return std::nullopt;
  }
  if (earlier.request.hash != origin.request_hash) return RequestIdReused(origin.request_id);
  return earlier;
}

// Before what it changed is staged: `before` is the state it was evaluated on.
void BatchWriter::Remember(const Origin& origin, const CommitResult* result, bool changed) {
  remembered_by_name_[RequestName(origin)] = remembered_.size();
  remembered_.push_back(
      {.origin = &origin, .result = result, .request = {.hash = origin.request_hash, .before = revision_, .changed = changed}});
}

bool BatchWriter::Replay(const Origin& origin, CommitResult* result,
                         const std::function<CommitResult(const RequestIndex::Request&)>& again) {
  const absl::StatusOr<std::optional<Earlier>> earlier = FindEarlier(origin);
  if (!earlier.ok()) {
    result->status = earlier.status();
    result->revision = revision_;
    return true;
  }
  if (!earlier->has_value()) return false;
  const Remembered* const in_batch = (*earlier)->in_batch;
  *result = in_batch != nullptr && in_batch->result != nullptr ? *in_batch->result : again((*earlier)->request);
  result->replayed = true;
  return true;
}

CommitResult BatchWriter::ReplayOn(const Transaction& transaction, const RequestIndex::Request& request) {
  const PastState past(view_.snapshot, request.before);
  Overlay state(&past);
  Rules rules;  // It was allowed then.
  rules.may_use_lease = [](LeaseId, LeaseLoad) { return absl::OkStatus(); };
  return Evaluate(transaction, request.before + 1, rules, &state).result;
}

CommitResult BatchWriter::ReplayRevoke(const RequestIndex::Request& request) {
  CommitResult result{.status = absl::OkStatus(), .revision = request.before, .changed = request.changed, .succeeded = true};
  OperationResult summary;
  if (request.changed) {
    result.revision = request.before + 1;
    const HistoryPage page = ReadHistory(view_, result.revision, result.revision, {Key(), Scope::kSubtree}, limits::kTransactionBytesMax);
    if (!page.status.ok()) return {.status = page.status, .revision = revision_};
    if (!page.batches.empty()) summary.deleted = static_cast<int64_t>(page.batches.front()->events.size());
  }
  result.results = {summary};
  return result;
}

void BatchWriter::AddGrant(QueuedGrant& write) {
  write.result.revision = revision_;
  GrantRequest& request = write.request;
  if (request.ttl < limits::kLeaseTtlMin || request.ttl > limits::kLeaseTtlMax) {
    write.result.status =
        InvalidField(Reason::kInvalidField, "ttl",
                     absl::StrCat("is ", absl::FormatDuration(request.ttl), ", must be from ", absl::FormatDuration(limits::kLeaseTtlMin),
                                  " to ", absl::FormatDuration(limits::kLeaseTtlMax)));
    return;
  }
  if (request.id < 0) {
    write.result.status = InvalidField(Reason::kInvalidField, "lease_id", absl::StrCat("is ", request.id, ", must not be negative"));
    return;
  }
  if (absl::Status other = FindEarlier(request.origin).status(); !other.ok()) {
    write.result.status = other;
    return;
  }
  // As the disk keeps it, so that it is the same over restarts.
  request.ttl = absl::Ceil(request.ttl, layout::kLeaseTimeUnit);
  const uint64_t tag = TagOf(request.origin);
  // A repetition finds its lease by the id drawn from it; a lease that is called so by chance (one in 2^63) takes that away.
  LeaseId id = request.id == 0 ? static_cast<LeaseId>(tag >> 1) : request.id;
  if (id != 0 && AnswerInUse(id, tag, write)) return;
  if (!rules_.may_put.ok()) {
    write.result.status = rules_.may_put;
    return;
  }
  {
    MutexLock lock(&parts_.leases->mu);
    if (parts_.leases->table.size() + granted_.size() >= static_cast<size_t>(limits::kLeasesMax)) {
      write.result.status = LeasesFull();
      return;
    }
    // At most a million of 2^63 ids are in use: the loop ends.
    while (id == 0 || parts_.leases->table.Knows(id) || granted_.contains(id)) id = static_cast<LeaseId>((*parts_.random)() >> 1);
  }
  granted_[id] = {.id = id, .ttl = request.ttl, .ends = parts_.lease_now + request.ttl, .life = life_, .tag = tag};
  writes_->Put(Table::kLeases, layout::LeaseKey(id),
               layout::EncodeLease({.ttl = request.ttl, .life = life_, .remaining = request.ttl, .tag = tag}));
  write.result.lease = {.id = id, .ttl = request.ttl, .remaining = request.ttl, .keys = {}};
  if (!request.origin.request_id.empty()) Remember(request.origin, nullptr, false);
}

bool BatchWriter::AnswerInUse(LeaseId id, uint64_t tag, QueuedGrant& write) {
  std::optional<Lease> lease;
  {
    MutexLock lock(&parts_.leases->mu);
    lease = parts_.leases->table.Find(id);
    // A taken one is about to go.
    if (lease.has_value() && lease->taken) lease = Lease{.id = id};
  }
  if (const auto granted = granted_.find(id); granted != granted_.end()) lease = granted->second;
  if (!lease.has_value()) return false;
  if (tag != 0 && lease->tag == tag && lease->ttl == write.request.ttl) {
    write.result.lease = {
        .id = id, .ttl = lease->ttl, .remaining = std::max(absl::ZeroDuration(), lease->ends - parts_.lease_now), .keys = {}};
    write.result.replayed = true;
  } else if (tag != 0 && lease->tag == tag) {
    write.result.status = RequestIdReused(write.request.origin.request_id);
  } else if (write.request.id != 0) {
    write.result.status = LeaseExists(id);
  } else {
    return false;
  }
  return true;
}

void BatchWriter::AddLeaseEnd(QueuedLeaseEnd& write) {
  write.result.revision = revision_;
  const LeaseId id = write.request.id;
  const Origin& origin = write.request.origin;
  if (Replay(origin, &write.result, [this](const RequestIndex::Request& request) { return ReplayRevoke(request); })) return;
  {
    MutexLock lock(&parts_.leases->mu);
    LeaseTable& table = parts_.leases->table;
    const bool taken = write.cause == EventCause::kLeaseExpired ? table.TakeIfEnded(id, parts_.lease_now) : table.Take(id);
    if (!taken) {
      write.result.status = LeaseNotFound(absl::StatusCode::kNotFound, id);
      return;
    }
  }
  if (!HasRoomToEnd(id)) {
    write.result.status = DiskFull();
    return Untake(id);
  }
  absl::StatusOr<std::vector<Key>> keys = KeysOfLease(id);
  if (!keys.ok()) {
    write.result.status = keys.status();
    return Untake(id);
  }
  Transaction transaction;
  transaction.origin = origin;
  transaction.origin.cause = write.cause;
  for (Key& key : *keys) transaction.on_success.push_back(DeleteOperation{.range = {std::move(key), Scope::kKey}});
  Rules rules;  // Whether there is room was seen above, for all keys at once.
  rules.may_use_lease = [](LeaseId, LeaseLoad) { return absl::OkStatus(); };
  Evaluation evaluation = Evaluate(transaction, revision_ + 1, rules, &overlay_);
  write.result = std::move(evaluation.result);
  if (!write.result.status.ok()) return Untake(id);
  OperationResult summary;
  for (const OperationResult& result : write.result.results) summary.deleted += result.deleted;
  write.result.results = {summary};
  if (!origin.request_id.empty()) Remember(origin, &write.result, write.result.changed);
  if (write.result.changed) Stage(std::move(evaluation.changes), transaction.origin);
  writes_->Delete(Table::kLeases, layout::LeaseKey(id));
  ended_.push_back(id);
}

void BatchWriter::AddLeaseNote(QueuedLeaseNote& write) {
  write.result.revision = revision_;
  notes_uptime_ = true;
  std::vector<Lease> renewed;
  {
    MutexLock lock(&parts_.leases->mu);
    for (const LeaseId id : write.renewed) {
      // It may have ended since, or does in this batch.
      const std::optional<Lease> lease = parts_.leases->table.Find(id);
      if (lease.has_value() && !lease->taken && lease->life != life_) renewed.push_back(*lease);
    }
  }
  for (const Lease& lease : renewed) {
    writes_->Put(Table::kLeases, layout::LeaseKey(lease.id),
                 layout::EncodeLease({.ttl = lease.ttl, .life = life_, .remaining = lease.ttl, .tag = lease.tag}));
    noted_.push_back(lease.id);
  }
}

bool BatchWriter::HasRoomToEnd(LeaseId id) const {
  if (!parts_.room.has_value()) return true;
  LeaseLoad load;
  {
    MutexLock lock(&parts_.leases->mu);
    load = parts_.leases->table.load(id);
  }
  if (const auto delta = load_delta_.find(id); delta != load_delta_.end()) load.bytes += delta->second.bytes;
  return parts_.room->for_deletes_bytes - static_cast<int64_t>(writes_->bytes()) >= load.bytes;
}

void BatchWriter::Untake(LeaseId id) {
  MutexLock lock(&parts_.leases->mu);
  parts_.leases->table.Untake(id);
}

absl::StatusOr<std::vector<Key>> BatchWriter::KeysOfLease(LeaseId id) const {
  absl::StatusOr<std::vector<Key>> written = ReadKeysOfLease(*view_.snapshot, id);
  if (!written.ok()) return written.status();
  std::vector<Key> keys = *std::move(written);
  const auto put = put_on_lease_.find(id);
  if (put != put_on_lease_.end()) keys.insert(keys.end(), put->second.begin(), put->second.end());
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  // What this batch has changed may have left the lease.
  std::vector<Key> attached;
  for (Key& key : keys) {
    absl::StatusOr<std::optional<std::string>> record = overlay_.Lookup(layout::EncodePath(key));
    if (!record.ok()) return record.status();
    if (!record->has_value()) continue;
    absl::StatusOr<layout::EntryHeader> header = layout::DecodeEntryHeader(**record);
    if (!header.ok()) return header.status();
    if (header->lease_id == id) attached.push_back(std::move(key));
  }
  return attached;
}

absl::Status BatchWriter::MayUseLease(LeaseId id, LeaseLoad more) const {
  if (const auto delta = load_delta_.find(id); delta != load_delta_.end()) {
    more.keys += delta->second.keys;
    more.bytes += delta->second.bytes;
  }
  if (!granted_.contains(id)) {
    MutexLock lock(&parts_.leases->mu);
    if (!parts_.leases->table.Has(id)) return LeaseNotFound(absl::StatusCode::kFailedPrecondition, id, "put.lease_id");
    const LeaseLoad load = parts_.leases->table.load(id);
    more.keys += load.keys;
    more.bytes += load.bytes;
  }
  const bool fits = more.keys <= limits::kKeysPerLeaseMax && more.bytes <= static_cast<int64_t>(limits::kBytesPerLeaseMax);
  return fits ? absl::OkStatus() : LeaseKeysFull(id, more);
}

void BatchWriter::Stage(std::vector<Change> changes, const Origin& origin) {
  ++revision_;
  auto batch = std::make_shared<Batch>();
  batch->revision = revision_;
  batch->committed = parts_.committed;
  batch->events.reserve(changes.size());
  for (size_t i = 0; i < changes.size(); ++i) {
    Change& change = changes[i];
    if (change.event.kind == EventKind::kPut) {
      writes_->Put(Table::kLive, change.path, change.record);
    } else {
      writes_->Delete(Table::kLive, change.path);
    }
    std::optional<absl::string_view> previous;
    if (change.previous_record.has_value()) previous = *change.previous_record;
    writes_->Put(Table::kPast, layout::PastKey(change.path, revision_), layout::EncodeBefore(previous));
    StageLeaseKeys(change);
    layout::EventRecord record{
        .event = std::move(change.event), .committed = parts_.committed, .last = i + 1 == changes.size(), .request = {}};
    if (i == 0 && !origin.request_id.empty()) {
      record.request = {.caller = origin.caller, .request_id = origin.request_id, .request_hash = origin.request_hash};
    }
    writes_->Put(Table::kLog, layout::LogKey(revision_, i), layout::EncodeEvent(record));
    batch->events.push_back(std::move(record.event));
  }
  batches_.push_back(std::move(batch));
}

void BatchWriter::StageLeaseKeys(const Change& change) {
  const LeaseId before = change.event.previous.has_value() ? change.event.previous->lease_id : 0;
  const LeaseId after = change.event.entry.lease_id;
  if (before == 0 && after == 0) return;
  const int64_t bytes_before = change.previous_record.has_value() ? BytesOnLease(change.path, *change.previous_record) : 0;
  const int64_t bytes_after = BytesOnLease(change.path, change.record);
  if (before != 0) {
    if (before != after) writes_->Delete(Table::kLeaseKeys, layout::LeaseKeysKey(before, change.path));
    LeaseLoad& load = load_delta_[before];
    --load.keys;
    load.bytes -= bytes_before;
  }
  if (after == 0) return;
  LeaseLoad& load = load_delta_[after];
  ++load.keys;
  load.bytes += bytes_after;
  if (before != after || bytes_before != bytes_after) {
    writes_->Put(Table::kLeaseKeys, layout::LeaseKeysKey(after, change.path),
                 layout::EncodeLeaseKeyBytes(static_cast<uint64_t>(bytes_after)));
  }
  if (before != after) put_on_lease_[after].push_back(change.event.key);
}

}  // namespace scoutlight::storage
