#include "tests/checker/request_mix.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/check_transaction.h"

namespace scoutlight::checker {
namespace {

constexpr size_t kLeasesMax = 4;  // That one client cares for.
constexpr int kTransactionTriesMax = 100;

std::vector<Key> TreeOfKeys() {
  std::vector<Key> keys;
  const auto add = [&keys](const std::string& path) { keys.push_back(Key::Parse(path).value()); };
  for (const char* top : {"a", "b", "c"}) {
    add(absl::StrCat("/t/", top));
    for (int i = 0; i < 4; ++i) {
      add(absl::StrCat("/t/", top, "/", i));
      add(absl::StrCat("/t/", top, "/", i, "/deep/x"));
    }
  }
  return keys;
}

bool IsAllowed(const Write& write) {
  storage::Traits traits;
  traits.operations_max = limits::kOperationsMax;
  traits.changes_max = limits::kChangesMax;
  traits.bytes_max = limits::kTransactionBytesMax;
  storage::Transaction transaction;
  transaction.conditions = write.conditions;
  transaction.on_success = write.on_success;
  transaction.on_failure = write.on_failure;
  return storage::CheckTransaction(transaction, traits).ok();
}

const char* const kWatched[] = {"/", "/t", "/t/a", "/t/b", "/t/c/1", "/t/a/2/deep"};

}  // namespace

KeyRange DrawWatched(std::mt19937_64* random) {
  static constexpr Scope kScopes[] = {Scope::kKey, Scope::kChildren, Scope::kSubtree};
  const auto below = [random](size_t bound) { return std::uniform_int_distribution<size_t>(0, bound - 1)(*random); };
  KeyRange range{Key::Parse(kWatched[below(std::size(kWatched))]).value(), kScopes[below(std::size(kScopes))]};
  // There is no entry at the root.
  if (range.key.is_root() && range.scope == Scope::kKey) range.scope = Scope::kSubtree;
  return range;
}

RequestMix::RequestMix(int client, uint64_t seed, MixOptions options)
    : client_(client), options_(options), random_(seed * 1'000'003 + client), keys_(TreeOfKeys()), mod_revisions_(keys_.size()) {}

const Key& RequestMix::AnyKey() { return keys_[Below(static_cast<int>(keys_.size()))]; }

Scope RequestMix::AnyScope() {
  static constexpr Scope kScopes[] = {Scope::kKey, Scope::kChildren, Scope::kSubtree};
  return kScopes[Below(3)];
}

Value RequestMix::NewValue() { return {Chance(70) ? Value::Form::kText : Value::Form::kData, absl::StrCat(client_, ":", ++values_)}; }

LeaseId RequestMix::AnyLease() {
  if (!options_.leases || leases_.empty() || !Chance(25)) return 0;
  return leases_[Below(static_cast<int>(leases_.size()))];
}

std::string RequestMix::NewRequestId() {
  if (!options_.request_ids || !Chance(33)) return "";
  return absl::StrCat("id-", client_, "-", ++request_ids_);
}

std::optional<Revision> RequestMix::MaybeExpected(int percent, const Key& key) {
  if (!Chance(percent)) return std::nullopt;
  return mod_revisions_[std::find(keys_.begin(), keys_.end(), key) - keys_.begin()].value_or(0);
}

storage::PutOperation RequestMix::NewPut(const Key& key) {
  storage::PutOperation put;
  put.key = key;
  put.value = NewValue();
  put.lease_id = AnyLease();
  put.if_absent = Chance(15);
  put.expected_mod_revision = MaybeExpected(15, key);
  put.return_previous = Chance(40);
  return put;
}

storage::DeleteOperation RequestMix::NewDelete() {
  storage::DeleteOperation erase;
  erase.range = {AnyKey(), Chance(60) ? Scope::kKey : AnyScope()};
  if (erase.range.scope == Scope::kKey) erase.expected_mod_revision = MaybeExpected(15, erase.range.key);
  erase.return_previous = Chance(40);
  return erase;
}

storage::Condition RequestMix::NewCondition() {
  using Target = storage::Condition::Target;
  storage::Condition condition;
  condition.key = AnyKey();
  condition.target = static_cast<Target>(Below(6));
  if (condition.target == Target::kExists) {
    condition.exists = Chance(50);
    if (!condition.exists) condition.scope = AnyScope();
    return condition;
  }
  condition.comparison = static_cast<storage::Condition::Comparison>(Below(4));
  condition.number = condition.target == Target::kVersion ? Below(4) : MaybeExpected(100, condition.key).value_or(0);
  if (condition.target == Target::kLeaseId) condition.number = AnyLease();
  if (condition.target == Target::kValue) condition.value = {Value::Form::kText, absl::StrCat(client_, ":", Below(100))};
  return condition;
}

storage::Operation RequestMix::NewOperation() {
  const int kind = Below(10);
  if (kind < 5) return NewPut(AnyKey());
  if (kind < 7) return NewDelete();
  if (kind < 9) return storage::GetOperation{AnyKey()};
  return storage::ListOperation{.range = {AnyKey(), AnyScope()}, .keys_only = Chance(30), .entries_max = 1 + Below(6)};
}

RequestMix::Request RequestMix::NewTransaction() {
  // Two writes of one key are refused for their shape, which says nothing of the store.
  for (int i = 0; i < kTransactionTriesMax; ++i) {
    Write write;
    for (int n = Below(3); n > 0; --n) write.conditions.push_back(NewCondition());
    for (int n = 1 + Below(4); n > 0; --n) write.on_success.push_back(NewOperation());
    for (int n = Below(3); n > 0; --n) write.on_failure.push_back(NewOperation());
    if (!IsAllowed(write)) continue;
    write.request_id = NewRequestId();
    return write;
  }
  return Read{.is_get = true, .query = {.range = {AnyKey(), Scope::kKey}}};
}

RequestMix::Request RequestMix::NewRead() {
  if (next_page_.has_value()) {
    Read page = *std::move(next_page_);
    next_page_.reset();
    return page;
  }
  Read read;
  read.is_get = Chance(50);
  read.query.range = {AnyKey(), read.is_get ? Scope::kKey : AnyScope()};
  // The past, and now and then the future.
  if (latest_ > 0 && Chance(35)) read.query.revision = std::max<Revision>(1, latest_ - Below(60) + (Chance(5) ? 200 : 0));
  if (read.is_get) return read;
  if (Chance(30)) read.query.range.key = keys_[0].Parent();
  read.query.keys_only = Chance(25);
  read.query.order = Chance(25) ? storage::Order::kCreation : storage::Order::kKey;
  read.query.entries_max = Chance(60) ? 1'000 : 1 + Below(5);
  return read;
}

RequestMix::Request RequestMix::NewLeaseCall() {
  if (leases_.size() < kLeasesMax) {
    const double spread = absl::ToDoubleSeconds(options_.ttl_max - options_.ttl_min);
    return Grant{.id = 0, .ttl = options_.ttl_min + absl::Seconds(spread * Below(100) / 100), .request_id = NewRequestId()};
  }
  const LeaseId id = leases_[Below(static_cast<int>(leases_.size()))];
  if (Chance(85)) return Renew{.ids = {id}};
  return Revoke{.id = id, .request_id = NewRequestId()};
}

Call RequestMix::Next() {
  Call call;
  call.client = client_;
  const int kind = Below(100);
  if (options_.leases && kind < 8) {
    call.request = NewLeaseCall();
  } else if (kind < 40) {
    call.request = Write{
        .form = Write::Form::kPut, .conditions = {}, .on_success = {NewPut(AnyKey())}, .on_failure = {}, .request_id = NewRequestId()};
  } else if (kind < 52) {
    Write write{.form = Write::Form::kDelete, .conditions = {}, .on_success = {NewDelete()}, .on_failure = {}, .validate_only = Chance(10)};
    if (!write.validate_only) write.request_id = NewRequestId();
    call.request = std::move(write);
  } else if (kind < 72) {
    call.request = NewTransaction();
  } else {
    call.request = NewRead();
  }
  return call;
}

void RequestMix::LearnEntry(const Entry& entry) {
  const auto it = std::find(keys_.begin(), keys_.end(), entry.key);
  if (it != keys_.end()) mod_revisions_[it - keys_.begin()] = entry.mod_revision;
}

void RequestMix::Learn(const Call& call) {
  latest_ = std::max(latest_, call.failure.code == absl::StatusCode::kOutOfRange ? 0 : call.failure.revision);
  const auto* const revoke = std::get_if<Revoke>(&call.request);
  if (revoke != nullptr) leases_.erase(std::remove(leases_.begin(), leases_.end(), revoke->id), leases_.end());
  if (call.outcome != Outcome::kOk) return;
  if (const auto* read = std::get_if<ReadAnswer>(&call.answer)) {
    const Read& request = std::get<Read>(call.request);
    if (request.query.revision == 0) {
      latest_ = std::max(latest_, read->revision);
      for (const Entry& entry : read->entries) LearnEntry(entry);
    }
    if (read->more && Chance(70)) {
      next_page_ = request;
      next_page_->query.revision = read->revision;
      next_page_->query.after = {read->entries.back().key, read->entries.back().create_revision};
    }
  } else if (const auto* write = std::get_if<WriteAnswer>(&call.answer)) {
    latest_ = std::max(latest_, write->revision);
    const Write& request = std::get<Write>(call.request);
    if (request.form == Write::Form::kPut)
      LearnEntry({.key = std::get<storage::PutOperation>(request.on_success[0]).key, .mod_revision = write->revision});
  } else if (const auto* grant = std::get_if<GrantAnswer>(&call.answer)) {
    leases_.push_back(grant->id);
  } else if (const auto* renewed = std::get_if<RenewAnswer>(&call.answer)) {
    const LeaseId id = std::get<Renew>(call.request).ids[0];
    if (renewed->results[0] == Outcome::kFailed) leases_.erase(std::remove(leases_.begin(), leases_.end(), id), leases_.end());
  }
}

}  // namespace scoutlight::checker
