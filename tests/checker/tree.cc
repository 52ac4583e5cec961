#include "tests/checker/tree.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "base/limits.h"

namespace scoutlight::checker {
namespace {

using storage::Condition;
using storage::OperationResult;

template <typename T>
bool Compares(const T& actual, const T& given, Condition::Comparison comparison) {
  switch (comparison) {
    case Condition::Comparison::kEqual:
      return actual == given;
    case Condition::Comparison::kNotEqual:
      return actual != given;
    case Condition::Comparison::kLess:
      return actual < given;
    case Condition::Comparison::kGreater:
      return actual > given;
  }
  return false;
}

// The node directly below `parent` on the way to `key`, which lies below `parent`.
Key ChildTowards(const Key& key, const Key& parent) {
  const size_t start = parent.is_root() ? 1 : parent.path().size() + 1;
  const size_t end = key.path().find('/', start);
  return end == std::string::npos ? key : Key::FromNormal(absl::string_view(key.path()).substr(0, end)).value();
}

}  // namespace

// Carries out operations on the tree, and undoes them.
class Tree::Evaluation {
 public:
  Evaluation(Tree* tree, Revision revision, Leases leases) : tree_(*tree), revision_(revision), leases_(leases) {}
  ~Evaluation() {
    for (auto it = undo_.rbegin(); it != undo_.rend(); ++it) tree_.Set(it->first, std::move(it->second));
  }

  Effect Run(const Write& write) {
    effect_.succeeded =
        std::all_of(write.conditions.begin(), write.conditions.end(), [this](const Condition& condition) { return Holds(condition); });
    for (const storage::Operation& operation : effect_.succeeded ? write.on_success : write.on_failure) {
      effect_.results.emplace_back();
      if (!std::visit([this](const auto& one) { return Do(one, &effect_.results.back()); }, operation)) {
        effect_.results.clear();
        effect_.events.clear();
        return std::move(effect_);
      }
    }
    if (write.validate_only) effect_.events.clear();
    return std::move(effect_);
  }

 private:
  bool Holds(const Condition& condition) const {
    if (condition.scope != Scope::kKey) {
      bool found = false;
      tree_.Walk({condition.key, condition.scope}, std::nullopt, [&found](const Entry& entry) {
        found = entry.has_value;
        return !found;
      });
      return !found;
    }
    const Entry* const entry = tree_.Find(condition.key);
    static const Entry kNone;
    const Entry& shown = entry == nullptr ? kNone : *entry;
    switch (condition.target) {
      case Condition::Target::kExists:
        return (entry != nullptr) == condition.exists;
      case Condition::Target::kVersion:
        return Compares(shown.version, condition.number, condition.comparison);
      case Condition::Target::kCreateRevision:
        return Compares(shown.create_revision, condition.number, condition.comparison);
      case Condition::Target::kModRevision:
        return Compares(shown.mod_revision, condition.number, condition.comparison);
      case Condition::Target::kLeaseId:
        return Compares(shown.lease_id, condition.number, condition.comparison);
      case Condition::Target::kValue:
        return entry != nullptr && Compares(shown.value.bytes, condition.value.bytes, condition.comparison);
    }
    return false;
  }

  bool Fail(absl::StatusCode code, Reason reason) {
    effect_.code = code;
    effect_.reason = reason;
    return false;
  }

  bool Do(const storage::PutOperation& put, OperationResult* result) {
    const Entry* const there = tree_.Find(put.key);
    const Revision mod_revision = there == nullptr ? 0 : there->mod_revision;
    if (put.if_absent && there != nullptr) return Fail(absl::StatusCode::kAlreadyExists, Reason::kKeyExists);
    if (put.expected_mod_revision.value_or(mod_revision) != mod_revision) {
      return Fail(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed);
    }
    if (put.lease_id != 0 && leases_ == Leases::kMissing) return Fail(absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound);
    const bool is_new_key = there == nullptr || there->lease_id != put.lease_id;
    if (put.lease_id != 0 && is_new_key && tree_.KeysOf(put.lease_id).size() >= static_cast<size_t>(limits::kKeysPerLeaseMax)) {
      return Fail(absl::StatusCode::kFailedPrecondition, Reason::kLeaseKeysFull);
    }
    const Entry entry{.key = put.key,
                      .value = put.value,
                      .create_revision = there == nullptr ? revision_ : there->create_revision,
                      .mod_revision = revision_,
                      .version = there == nullptr ? 1 : there->version + 1,
                      .lease_id = put.lease_id,
                      .has_value = true};
    result->create_revision = entry.create_revision;
    result->version = entry.version;
    if (put.return_previous && there != nullptr) result->entries.push_back(*there);
    Change(put.key, entry);
    return true;
  }

  bool Do(const storage::DeleteOperation& erase, OperationResult* result) {
    if (erase.expected_mod_revision.has_value()) {
      const Entry* const there = tree_.Find(erase.range.key);
      if (*erase.expected_mod_revision != (there == nullptr ? 0 : there->mod_revision)) {
        return Fail(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed);
      }
    }
    std::vector<Entry> gone;
    tree_.Walk(erase.range, std::nullopt, [&gone](Entry entry) {
      if (entry.has_value) gone.push_back(std::move(entry));
      return true;
    });
    for (const Entry& entry : gone) Change(entry.key, std::nullopt);
    result->deleted = static_cast<int64_t>(gone.size());
    if (erase.return_previous) result->entries = std::move(gone);
    return true;
  }

  bool Do(const storage::GetOperation& get, OperationResult* result) {
    tree_.Walk({get.key, Scope::kKey}, std::nullopt, [result](Entry entry) {
      result->entries.push_back(std::move(entry));
      return true;
    });
    return true;
  }

  bool Do(const storage::ListOperation& list, OperationResult* result) {
    storage::Query query;
    query.range = list.range;
    query.keys_only = list.keys_only;
    query.entries_max = list.entries_max;
    result->entries = tree_.List(query, &result->more);
    return true;
  }

  void Change(const Key& key, std::optional<Entry> entry) {
    const Entry* const there = tree_.Find(key);
    Event& event = effect_.events[key];
    event.key = key;
    event.kind = entry.has_value() ? EventKind::kPut : EventKind::kDelete;
    event.entry = entry.value_or(Entry{.key = key, .mod_revision = revision_});
    undo_.emplace_back(key, there == nullptr ? std::nullopt : std::optional<Entry>(*there));
    tree_.Set(key, std::move(entry));
  }

  Tree& tree_;
  const Revision revision_;
  const Leases leases_;
  Effect effect_;
  std::vector<std::pair<Key, std::optional<Entry>>> undo_;
};

const Entry* Tree::Find(const Key& key) const {
  const auto it = entries_.find(key);
  return it == entries_.end() ? nullptr : &it->second;
}

bool Tree::HasChildren(const Key& key) const {
  const auto next = entries_.upper_bound(key);
  return next != entries_.end() && next->first.IsWithin(key);
}

void Tree::Walk(const KeyRange& range, const std::optional<Key>& after, const std::function<bool(Entry)>& show) const {
  const auto show_node = [&](Entry entry) {
    entry.has_children = HasChildren(entry.key);
    return show(std::move(entry));
  };
  if (range.scope == Scope::kKey) {
    const Entry* const entry = Find(range.key);
    if (entry != nullptr && (!after.has_value() || *after < range.key)) show_node(*entry);
    return;
  }
  auto it = range.scope == Scope::kSubtree ? entries_.lower_bound(range.key) : entries_.upper_bound(range.key);
  if (after.has_value()) {
    it = range.scope == Scope::kSubtree ? entries_.upper_bound(*after) : entries_.lower_bound(SubtreeOf{*after});
  }
  while (it != entries_.end() && it->first.IsWithin(range.key)) {
    if (range.scope == Scope::kSubtree) {
      if (!show_node(it->second)) return;
      ++it;
      continue;
    }
    const Key child = ChildTowards(it->first, range.key);
    if (!show_node(child == it->first ? it->second : Entry{.key = child})) return;
    it = entries_.lower_bound(SubtreeOf{child});
  }
}

std::vector<Entry> Tree::List(const storage::Query& query, bool* more) const {
  std::vector<Entry> entries;
  const bool by_key = query.order == storage::Order::kKey;
  *more = false;
  const auto take = [&](Entry entry) {
    if (entries.size() == static_cast<size_t>(query.entries_max)) {
      *more = true;
      return false;
    }
    if (query.keys_only) entry.value = Value();
    entries.push_back(std::move(entry));
    return true;
  };
  if (by_key) {
    Walk(query.range, query.after.has_value() ? std::optional<Key>(query.after->key) : std::nullopt, take);
    return entries;
  }
  std::vector<Entry> all;
  Walk(query.range, std::nullopt, [&all](Entry entry) {
    all.push_back(std::move(entry));
    return true;
  });
  std::stable_sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.create_revision < b.create_revision; });
  for (Entry& entry : all) {
    const bool before = query.after.has_value() &&
                        (entry.create_revision != query.after->create_revision ? entry.create_revision < query.after->create_revision
                                                                               : !(query.after->key < entry.key));
    if (!before && !take(std::move(entry))) break;
  }
  return entries;
}

Effect Tree::Evaluate(const Write& write, Revision revision, Leases leases) { return Evaluation(this, revision, leases).Run(write); }

void Tree::Apply(const Batch& batch) {
  for (const Event& event : batch.events) {
    Set(event.key, event.kind == EventKind::kPut ? std::optional<Entry>(event.entry) : std::nullopt);
  }
}

void Tree::Set(const Key& key, std::optional<Entry> entry) {
  const auto it = entries_.find(key);
  if (it != entries_.end() && it->second.lease_id != 0) {
    const auto keys = lease_keys_.find(it->second.lease_id);
    keys->second.erase(key);
    if (keys->second.empty()) lease_keys_.erase(keys);
  }
  if (entry.has_value()) {
    if (entry->lease_id != 0) lease_keys_[entry->lease_id].insert(key);
    if (it != entries_.end()) {
      it->second = *std::move(entry);
    } else {
      entries_.emplace(key, *std::move(entry));
    }
  } else if (it != entries_.end()) {
    entries_.erase(it);
  }
}

const std::set<Key>& Tree::KeysOf(LeaseId id) const {
  static const std::set<Key> kNone;
  const auto it = lease_keys_.find(id);
  return it == lease_keys_.end() ? kNone : it->second;
}

std::vector<LeaseId> Tree::UsedLeases() const {
  std::vector<LeaseId> ids;
  for (const auto& [id, keys] : lease_keys_) ids.push_back(id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

}  // namespace scoutlight::checker
