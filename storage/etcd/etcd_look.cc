#include "storage/etcd/etcd_look.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/etcd/etcd_errors.h"
#include "storage/local/layout.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

using etcdserverpb::Compare;
using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;

// Single keys in one call: values are up to 1 MiB each.
constexpr size_t kKeysAtOnce = 32;
constexpr size_t kChildrenAtOnce = 4;
// Pairs in one call of a walk, without and with values; the number grows fourfold while a call brings less than kPageBytesSmall.
constexpr int64_t kPairsAtOnce = 1'000;
constexpr int64_t kValuesAtOnceMin = 8;
constexpr int64_t kValuesAtOnceMax = 64;
constexpr size_t kPageBytesSmall = 256 * limits::kKiB;
// A deleted subtree with more nodes is not guarded node by node: etcd takes 128 compares.
constexpr size_t kFixedNodesMax = 48;

Compare CompareMod(const EtcdRange& range, Compare::CompareResult result, Revision revision) {
  Compare compare;
  SetRange(range, &compare);
  compare.set_target(Compare::MOD);
  compare.set_result(result);
  compare.set_mod_revision(revision);
  return compare;
}

}  // namespace

void EtcdLook::AtConditions(const std::vector<Condition>& conditions, std::string request_key, Done done) {
  done_ = std::move(done);
  request_key_ = std::move(request_key);
  for (const Condition& condition : conditions) {
    Want want{.kind = Want::Kind::kKey, .key = condition.key, .values = condition.target == Condition::Target::kValue};
    if (condition.scope == Scope::kChildren) {
      // Only a child's own entry counts, and deeper nodes lie between them.
      want.kind = Want::Kind::kAnyChild;
    } else if (condition.scope == Scope::kSubtree) {
      wants_.push_back(want);
      want.kind = Want::Kind::kBelow;
    }
    wants_.push_back(std::move(want));
  }
  GoOn();
}

void EtcdLook::AtOperations(const std::vector<Operation>& operations, Done done) {
  done_ = std::move(done);
  Changed changed;
  for (const Operation& operation : operations) {
    if (const auto* erase = std::get_if<DeleteOperation>(&operation)) changed.deleted.push_back(erase->range);
    if (const auto* put = std::get_if<PutOperation>(&operation)) changed.put.push_back({put->key, Scope::kKey});
  }
  for (const Operation& operation : operations) WantOperation(operation, changed);
  GoOn();
}

void EtcdLook::WantOperation(const Operation& operation, const Changed& changed) {
  if (const auto* put = std::get_if<PutOperation>(&operation)) {
    wants_.push_back({.kind = Want::Kind::kKey, .key = put->key});
  } else if (const auto* erase = std::get_if<DeleteOperation>(&operation)) {
    Want want{.kind = Want::Kind::kKey, .key = erase->range.key, .purpose = Want::Purpose::kDelete};
    want.entries_max = bounds_.entries_max;
    if (erase->range.scope == Scope::kChildren) want.kind = Want::Kind::kChildren;
    if (erase->range.scope == Scope::kSubtree) {
      want.kind = Want::Kind::kSubtree;
      const auto overlaps = [erase](const KeyRange& other) { return erase->range.Overlaps(other); };
      // Which of two deletes took a node is told apart only if each node is fixed.
      if (std::count_if(changed.deleted.begin(), changed.deleted.end(), overlaps) > 1) want.purpose = Want::Purpose::kRead;
    }
    wants_.push_back(std::move(want));
  } else {
    const auto* get = std::get_if<GetOperation>(&operation);
    const ListOperation of_get{.range = {get == nullptr ? Key() : get->key, Scope::kKey}};
    WantList(get == nullptr ? std::get<ListOperation>(operation) : of_get, changed);
  }
}

void EtcdLook::WantList(const ListOperation& list, const Changed& changed) {
  const KeyRange all_below{list.range.key, Scope::kSubtree};
  const auto inside = [&all_below](const KeyRange& range) { return all_below.Overlaps(range); };
  const bool after_deletes = std::any_of(changed.deleted.begin(), changed.deleted.end(), inside);
  Want want{.kind = Want::Kind::kSubtree, .key = list.range.key, .values = !list.keys_only, .hide_system = list.range.key.is_root()};
  // Where nodes go, what comes up behind them is shown, or missed: then all must be known.
  want.entries_max = after_deletes ? bounds_.entries_max : list.entries_max;
  want.cut = after_deletes ? Want::Cut::kTooLarge : Want::Cut::kAllowed;
  if (list.range.scope == Scope::kKey) {
    wants_.push_back({.kind = Want::Kind::kKey, .key = list.range.key, .values = !list.keys_only});
    want.values = false;
    if (!after_deletes) want.kind = Want::Kind::kBelow;
  } else if (list.range.scope == Scope::kChildren && !after_deletes) {
    want.kind = Want::Kind::kChildren;
    // Values that are put in the place of large ones make room for more.
    want.fills_answer = std::none_of(changed.put.begin(), changed.put.end(), inside);
  }
  wants_.push_back(std::move(want));
}

void EtcdLook::GoOn() {
  if (wants_.empty() && request_key_.empty()) return Finish({});
  const bool is_single =
      wants_.empty() || wants_.back().kind == Want::Kind::kKey || wants_.back().kind == Want::Kind::kBelow || !request_key_.empty();
  return is_single ? ReadKeys() : StartWalk();
}

EtcdRange EtcdLook::RangeOf(const Want& want) const {
  const Scope scope = want.kind == Want::Kind::kKey ? Scope::kKey : want.kind == Want::Kind::kSubtree ? Scope::kSubtree : Scope::kChildren;
  return mapping_.RangeOf({want.key, scope});
}

void EtcdLook::ReadKeys() {
  TxnRequest request;
  std::vector<Want> wants;
  if (!request_key_.empty()) {
    RangeRequest* read = request.add_success()->mutable_request_range();
    read->set_key(request_key_);
    read->set_revision(revision_);
  }
  while (!wants_.empty() && wants.size() < (wants_.back().fills_answer ? kChildrenAtOnce : kKeysAtOnce) &&
         (wants_.back().kind == Want::Kind::kKey || wants_.back().kind == Want::Kind::kBelow)) {
    wants.push_back(std::move(wants_.back()));
    wants_.pop_back();
    const Want& want = wants.back();
    RangeRequest* read = request.add_success()->mutable_request_range();
    SetRange(RangeOf(want), read);
    read->set_revision(revision_);
    read->set_limit(1);
    read->set_keys_only(want.kind == Want::Kind::kBelow || !want.values);
  }
  client_.Txn(std::move(request), EtcdClient::Repeat::kAnytime,
              [self = shared_from_this(), wants = std::move(wants)](const RpcOutcome& outcome, const TxnResponse& response) {
                if (self->Answered(outcome, response.header())) self->TakeKeys(wants, response);
              });
}

void EtcdLook::TakeKeys(const std::vector<Want>& wants, const TxnResponse& response) {
  int at = 0;
  if (!request_key_.empty()) {
    request_key_.clear();
    const RangeResponse& read = response.responses(at++).response_range();
    if (read.kvs_size() > 0) request_ = read.kvs(0);
  }
  for (const Want& want : wants) {
    const RangeResponse& read = response.responses(at++).response_range();
    const EtcdRange range = RangeOf(want);
    if (read.kvs_size() == 0) {
      if (range.end.empty()) {
        fixed_[range.begin] = 0;
      } else {
        empty_.push_back(range);
      }
      continue;
    }
    const mvccpb::KeyValue& pair = read.kvs(0);
    fixed_[pair.key()] = pair.mod_revision();
    bytes_ += pair.value().size();
    if (want.fills_answer) answer_bytes_ += pair.value().size();
    if (absl::Status foreign = Keep(pair, want.kind == Want::Kind::kKey && want.values); !foreign.ok()) return Finish({{}, foreign});
  }
  // What lies behind these is not shown.
  while (answer_bytes_ > limits::kAnswerBytesMax && !wants_.empty() && wants_.back().kind == Want::Kind::kKey &&
         wants_.back().fills_answer) {
    wants_.pop_back();
  }
  // Twice what one transaction may hold: only reads can ask for so much, whose answer has a bound of its own.
  if (bytes_ > 2 * bounds_.bytes_max) {
    return Finish({{}, TransactionTooLarge(absl::StrCat("it would read over ", 2 * bounds_.bytes_max, " bytes of entries; split it"))});
  }
  GoOn();
}

void EtcdLook::StartWalk() {
  walk_ = {};
  walk_.want = std::move(wants_.back());
  wants_.pop_back();
  const EtcdRange range = RangeOf(walk_.want);
  walk_.from = range.begin;
  walk_.end = range.end;
  const bool has_values = walk_.want.values && walk_.want.kind == Want::Kind::kSubtree;
  walk_.limit = has_values ? kValuesAtOnceMin : kPairsAtOnce;
  walk_.limit_max = has_values ? kValuesAtOnceMax : kPairsAtOnce;
  WalkOn();
}

void EtcdLook::WalkOn() {
  RangeRequest request;
  SetRange({walk_.from, walk_.end}, &request);
  request.set_revision(revision_);
  // The values of children are read when it is known which nodes they are.
  request.set_keys_only(!walk_.want.values || walk_.want.kind == Want::Kind::kChildren);
  request.set_limit(walk_.limit);
  client_.Range(std::move(request), [self = shared_from_this()](const RpcOutcome& outcome, const RangeResponse& response) {
    if (!self->Answered(outcome, response.header())) return;
    Walk& walk = self->walk_;
    const size_t before = walk.bytes;
    for (const mvccpb::KeyValue& pair : response.kvs()) {
      if (pair.key() < walk.from) continue;  // Passed by, within this very response.
      if (walk.want.kind == Want::Kind::kAnyChild) {
        const absl::StatusOr<bool> found = self->TakeForChild(pair);
        if (!found.ok()) return self->Finish({{}, found.status()});
        if (*found) return self->GoOn();
        continue;
      }
      const bool with_value = walk.want.values && walk.want.kind == Want::Kind::kSubtree;
      if (absl::Status foreign = self->Keep(pair, with_value); !foreign.ok()) return self->Finish({{}, foreign});
      if (!self->TakeWalked(pair)) return self->EndWalk(/*cut=*/true);
    }
    if (!response.more() || walk.from >= walk.end) return self->EndWalk(/*cut=*/false);
    if (walk.bytes - before < kPageBytesSmall) walk.limit = std::min(walk.limit * 4, walk.limit_max);
    self->WalkOn();
  });
}

absl::StatusOr<bool> EtcdLook::TakeForChild(const mvccpb::KeyValue& pair) {
  const std::string child(EtcdMapping::ChildOf(mapping_.Encode(walk_.want.key), pair.key()));
  // What is below it says nothing.
  walk_.from = EtcdMapping::SubtreeEnd(child);
  if (child != pair.key()) return false;
  fixed_[child] = pair.mod_revision();
  if (absl::Status foreign = Keep(pair, /*with_value=*/false); !foreign.ok()) return foreign;
  return true;
}

bool EtcdLook::TakeWalked(const mvccpb::KeyValue& pair) {
  walk_.pairs.emplace_back(pair.key(), pair.mod_revision());
  walk_.bytes += pair.key().size() + pair.value().size();
  const std::string node = mapping_.Encode(walk_.want.key);
  if (walk_.want.hide_system && EtcdMapping::ChildOf(node, pair.key()) == mapping_.Encode(*Key::Parse(kSystemTree))) {
    walk_.from = EtcdMapping::SubtreeEnd(EtcdMapping::ChildOf(node, pair.key()));
    return true;
  }
  walk_.from = EtcdMapping::Successor(pair.key());
  if (walk_.want.kind == Want::Kind::kChildren) {
    const std::string child(EtcdMapping::ChildOf(node, pair.key()));
    // The rest of its subtree says nothing more.
    if (child != pair.key()) walk_.from = EtcdMapping::SubtreeEnd(child);
    walk_.entries += child == walk_.last_child ? 0 : 1;
    walk_.last_child = child;
  } else {
    ++walk_.entries;
  }
  const bool is_list = walk_.want.cut == Want::Cut::kAllowed;
  return walk_.entries <= walk_.want.entries_max && walk_.bytes <= (is_list ? limits::kAnswerBytesMax : bounds_.bytes_max);
}

void EtcdLook::EndWalk(bool cut) {
  const Want& want = walk_.want;
  if (cut && want.cut == Want::Cut::kTooLarge) {
    return Finish({{},
                   TransactionTooLarge(absl::StrCat("it would take in over ", bounds_.entries_max, " keys or ", bounds_.bytes_max,
                                                    " bytes of entries; split it"))});
  }
  const EtcdRange whole = RangeOf(want);
  if (want.kind == Want::Kind::kAnyChild) {
    not_grown_.push_back(whole);
    return GoOn();
  }
  if (walk_.pairs.empty()) {
    empty_.push_back(whole);
    return GoOn();
  }
  not_grown_.push_back({whole.begin, cut ? EtcdMapping::Successor(walk_.pairs.back().first) : whole.end});
  if (want.purpose == Want::Purpose::kDelete && want.kind == Want::Kind::kSubtree && walk_.pairs.size() > kFixedNodesMax) {
    unfixed_.push_back({want.key, Scope::kSubtree});
    walk_.pairs.resize(1);
  }
  for (const auto& [etcd_key, mod_revision] : walk_.pairs) fixed_[etcd_key] = mod_revision;
  if (want.kind == Want::Kind::kChildren && want.values) {
    const std::string node = mapping_.Encode(want.key);
    answer_bytes_ = 0;
    // The last want is next.
    for (auto pair = walk_.pairs.rbegin(); pair != walk_.pairs.rend(); ++pair) {
      if (EtcdMapping::ChildOf(node, pair->first) != pair->first) continue;
      absl::StatusOr<Key> key = mapping_.Decode(pair->first);
      if (!key.ok()) return Finish({{}, key.status()});
      wants_.push_back({.kind = Want::Kind::kKey, .key = *std::move(key), .fills_answer = want.fills_answer});
    }
  }
  GoOn();
}

absl::Status EtcdLook::Keep(const mvccpb::KeyValue& pair, bool with_value) {
  absl::StatusOr<Entry> entry = mapping_.ToEntry(pair);
  if (!entry.ok()) return entry.status();
  std::string path = layout::EncodePath(entry->key);
  // One that was read with its value for another operation has it already.
  if (!with_value) {
    absl::StatusOr<std::optional<std::string>> there = state_.Lookup(path);
    if (!there.ok()) return there.status();
    if (there->has_value()) return absl::OkStatus();
  }
  state_.Put(std::move(path), layout::EncodeEntry(*entry));
  return absl::OkStatus();
}

bool EtcdLook::Answered(const RpcOutcome& outcome, const etcdserverpb::ResponseHeader& header) {
  if (!outcome.ok()) {
    Finish({outcome, {}});
    return false;
  }
  if (revision_ == 0) revision_ = header.revision();
  return true;
}

void EtcdLook::Finish(Seen seen) { std::exchange(done_, nullptr)(std::move(seen)); }

std::vector<Compare> EtcdLook::Guards() const {
  std::vector<Compare> guards;
  for (const auto& [etcd_key, mod_revision] : fixed_) guards.push_back(CompareMod({etcd_key, ""}, Compare::EQUAL, mod_revision));
  for (const EtcdRange& range : empty_) guards.push_back(CompareMod(range, Compare::EQUAL, 0));
  for (const EtcdRange& range : not_grown_) guards.push_back(CompareMod(range, Compare::LESS, revision_ + 1));
  return guards;
}

}  // namespace scoutlight::storage
