#include "storage/local/batch_writer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "storage/local/open_state.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

std::string RequestName(const Origin& origin) { return absl::StrCat(origin.caller.size(), ":", origin.caller, origin.request_id); }

// Whether a repetition gets this answer again: it was carried out, or refused by what it asked for itself. What failed for the server's
// reasons is tried anew.
bool IsAnswer(const absl::Status& status) {
  if (status.ok()) return true;
  const Reason reason = ReasonOf(status);
  return reason == Reason::kKeyExists || reason == Reason::kConditionFailed;
}

absl::Status LeaseKeysFull(LeaseId id) {
  ErrorDetails details;
  details.reason = Reason::kLeaseKeysFull;
  details.resource = absl::StrCat(id);
  const std::string message = absl::StrCat("lease ", id, " holds ", limits::kKeysPerLeaseMax, " keys already, which is the most");
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

}  // namespace

BatchWriter::BatchWriter(Parts parts, const View& view)
    : parts_(parts),
      view_(view),
      latest_(view.snapshot),
      overlay_(&latest_),
      writes_(parts.engine->NewWriteSet()),
      room_(parts.engine->FreeRoom()),
      revision_(view.revision) {
  rules_.may_use_lease = [this](LeaseId id, int extra) { return MayUseLease(id, extra); };
}

void BatchWriter::Add(QueuedWrite& write) {
  if (room_.has_value()) {
    const int64_t used = static_cast<int64_t>(writes_->bytes());
    rules_.may_put = room_->for_puts_bytes > used ? absl::OkStatus() : DiskFull();
    rules_.may_delete = room_->for_deletes_bytes > used ? absl::OkStatus() : DiskFull();
  }
  if (auto* transaction = std::get_if<QueuedTransaction>(&write.work)) AddTransaction(*transaction);
  if (auto* grant = std::get_if<QueuedGrant>(&write.work)) AddGrant(*grant);
  if (auto* end = std::get_if<QueuedLeaseEnd>(&write.work)) AddLeaseEnd(*end);
}

absl::Status BatchWriter::Write() {
  if (writes_->bytes() == 0) return absl::OkStatus();
  if (changed()) writes_->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(revision_));
  return parts_.engine->Write(*writes_, revision_);
}

void BatchWriter::ApplyLeases() {
  MutexLock lock(&parts_.leases->mu);
  for (const auto& [id, ttl] : granted_) parts_.leases->table.Add(id, ttl, parts_.since_boot);
  for (const auto& [id, delta] : lease_key_delta_) parts_.leases->table.AddKeys(id, delta);
  for (const LeaseId id : ended_) parts_.leases->table.Remove(id);
}

void BatchWriter::ForEachRequest(const std::function<void(const Origin&, RequestIndex::Request)>& show) const {
  for (const Remembered& remembered : remembered_) show(remembered.write->transaction.origin, remembered.request);
}

void BatchWriter::AddTransaction(QueuedTransaction& write) {
  const Origin& origin = write.transaction.origin;
  const bool remember = !origin.request_id.empty() && !write.transaction.validate_only;
  if (remember && Replay(write)) return;
  Evaluation evaluation = Evaluate(write.transaction, revision_ + 1, rules_, &overlay_);
  write.result = std::move(evaluation.result);
  if (remember && IsAnswer(write.result.status)) {
    remembered_by_name_[RequestName(origin)] = remembered_.size();
    remembered_.push_back({&write, {.hash = origin.request_hash, .before = revision_, .changed = write.result.changed}});
  }
  if (write.result.changed) Stage(std::move(evaluation.changes), origin);
}

bool BatchWriter::Replay(QueuedTransaction& write) {
  const Origin& origin = write.transaction.origin;
  const auto in_batch = remembered_by_name_.find(RequestName(origin));
  std::optional<RequestIndex::Request> request;
  if (in_batch != remembered_by_name_.end()) {
    request = remembered_[in_batch->second].request;
  } else {
    request = parts_.requests->Find(origin.caller, origin.request_id);
  }
  if (!request.has_value()) return false;
  if (request->hash != origin.request_hash) {
    write.result.status = RequestIdReused(origin.request_id);
    write.result.revision = revision_;
  } else if (in_batch != remembered_by_name_.end()) {
    write.result = remembered_[in_batch->second].write->result;
    write.result.replayed = true;
  } else {
    write.result = ReplayOn(write.transaction, *request);
  }
  return true;
}

CommitResult BatchWriter::ReplayOn(const Transaction& transaction, const RequestIndex::Request& request) {
  const PastState past(view_.snapshot, request.before);
  Overlay state(&past);
  Rules rules;  // It was allowed then.
  rules.may_use_lease = [](LeaseId, int) { return absl::OkStatus(); };
  CommitResult result = Evaluate(transaction, request.before + 1, rules, &state).result;
  result.replayed = true;
  return result;
}

void BatchWriter::AddGrant(QueuedGrant& write) {
  write.result.revision = revision_;
  const GrantRequest& request = write.request;
  if (request.ttl < limits::kLeaseTtlMin || request.ttl > limits::kLeaseTtlMax) {
    write.result.status =
        InvalidField(Reason::kInvalidField, "ttl",
                     absl::StrCat("is ", absl::FormatDuration(request.ttl), ", must be from ", absl::FormatDuration(limits::kLeaseTtlMin),
                                  " to ", absl::FormatDuration(limits::kLeaseTtlMax)));
    return;
  }
  if (request.id < 0) {
    write.result.status = InvalidField(Reason::kInvalidField, "id", absl::StrCat("is ", request.id, ", must not be negative"));
    return;
  }
  if (!rules_.may_put.ok()) {
    write.result.status = rules_.may_put;
    return;
  }
  LeaseId id = request.id;
  {
    MutexLock lock(&parts_.leases->mu);
    if (parts_.leases->table.size() + granted_.size() >= static_cast<size_t>(limits::kLeasesMax)) {
      write.result.status = LeasesFull();
      return;
    }
    // At most a million of 2^63 ids are in use: the loop ends.
    while (id == 0 || (request.id == 0 && (parts_.leases->table.Knows(id) || granted_.contains(id)))) {
      id = static_cast<LeaseId>((*parts_.random)() >> 1);
    }
    if (parts_.leases->table.Knows(id) || granted_.contains(id)) {
      write.result.status = LeaseExists(id);
      return;
    }
  }
  granted_[id] = request.ttl;
  writes_->Put(Table::kLeases, layout::LeaseKey(id), layout::EncodeLease({.ttl = request.ttl, .life = 0, .remaining = request.ttl}));
  write.result.lease = {.id = id, .ttl = request.ttl, .remaining = request.ttl, .keys = {}};
}

void BatchWriter::AddLeaseEnd(QueuedLeaseEnd& write) {
  write.result.revision = revision_;
  {
    MutexLock lock(&parts_.leases->mu);
    LeaseTable& table = parts_.leases->table;
    const bool taken = write.cause == EventCause::kLeaseExpired ? table.TakeIfEnded(write.id, parts_.since_boot) : table.Take(write.id);
    if (!taken) {
      write.result.status = LeaseNotFound(absl::StatusCode::kNotFound, write.id);
      return;
    }
  }
  absl::StatusOr<std::vector<Key>> keys = KeysOfLease(write.id);
  if (!keys.ok()) {
    write.result.status = keys.status();
    return Untake(write.id);
  }
  Transaction transaction;
  transaction.origin.cause = write.cause;
  for (Key& key : *keys) transaction.on_success.push_back(DeleteOperation{.range = {std::move(key), Scope::kKey}});
  Rules rules;  // A lease ends whatever the disk says.
  rules.may_use_lease = [](LeaseId, int) { return absl::OkStatus(); };
  Evaluation evaluation = Evaluate(transaction, revision_ + 1, rules, &overlay_);
  write.result = std::move(evaluation.result);
  if (!write.result.status.ok()) return Untake(write.id);
  OperationResult summary;
  for (const OperationResult& result : write.result.results) summary.deleted += result.deleted;
  write.result.results = {summary};
  if (write.result.changed) Stage(std::move(evaluation.changes), transaction.origin);
  writes_->Delete(Table::kLeases, layout::LeaseKey(write.id));
  ended_.push_back(write.id);
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

absl::Status BatchWriter::MayUseLease(LeaseId id, int extra) const {
  const auto delta = lease_key_delta_.find(id);
  int keys = extra + (delta == lease_key_delta_.end() ? 0 : delta->second);
  if (!granted_.contains(id)) {
    MutexLock lock(&parts_.leases->mu);
    if (!parts_.leases->table.Has(id)) return LeaseNotFound(absl::StatusCode::kFailedPrecondition, id, "put.lease_id");
    keys += parts_.leases->table.keys(id);
  }
  return keys > limits::kKeysPerLeaseMax ? LeaseKeysFull(id) : absl::OkStatus();
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
  if (before == after) return;
  if (before != 0) {
    writes_->Delete(Table::kLeaseKeys, layout::LeaseKeysKey(before, change.path));
    --lease_key_delta_[before];
  }
  if (after != 0) {
    writes_->Put(Table::kLeaseKeys, layout::LeaseKeysKey(after, change.path), "");
    ++lease_key_delta_[after];
    put_on_lease_[after].push_back(change.event.key);
  }
}

}  // namespace scoutlight::storage
