#include "storage/testing/reference_model.h"

#include <algorithm>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

using State = ReferenceModel::State;

absl::Status Failure(absl::StatusCode code, Reason reason) {
  ErrorDetails details;
  details.reason = reason;
  return MakeError(code, ReasonName(reason), details);
}

const Entry* Find(const State& state, const Key& key) {
  const auto it = state.find(key);
  return it == state.end() ? nullptr : &it->second;
}

bool HasChildren(const State& state, const Key& key) {
  return std::any_of(state.begin(), state.end(), [&](const auto& item) { return item.first.IsWithin(key) && !(item.first == key); });
}

// The node directly below `parent` on the way to `key`, which lies below `parent`.
Key ChildTowards(Key key, const Key& parent) {
  while (!(key.Parent() == parent)) key = key.Parent();
  return key;
}

// The range's nodes in key order: entries, and with kChildren branches too.
std::vector<Entry> ReadRange(const State& state, const KeyRange& range, bool show_system, bool keys_only) {
  State found;
  for (const auto& [key, entry] : state) {
    if (key.IsSystem() && !range.key.IsSystem() && !show_system) continue;
    if (range.Contains(key)) {
      found[key] = entry;
    } else if (range.scope == Scope::kChildren && key.IsWithin(range.key) && !(key == range.key)) {
      const Key child = ChildTowards(key, range.key);
      if (Find(state, child) == nullptr) found[child].key = child;
    }
  }
  std::vector<Entry> entries;
  for (auto& [key, entry] : found) {
    entry.has_children = HasChildren(state, key);
    if (keys_only) entry.value.bytes.clear();
    entries.push_back(std::move(entry));
  }
  return entries;
}

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

bool Holds(const State& state, const Condition& condition) {
  if (condition.scope != Scope::kKey) {
    const KeyRange range{condition.key, condition.scope};
    return std::none_of(state.begin(), state.end(), [&](const auto& item) { return range.Contains(item.first); });
  }
  const Entry* entry = Find(state, condition.key);
  const Entry header = entry == nullptr ? Entry() : *entry;
  switch (condition.target) {
    case Condition::Target::kExists:
      return (entry != nullptr) == condition.exists;
    case Condition::Target::kVersion:
      return Compares(header.version, condition.number, condition.comparison);
    case Condition::Target::kCreateRevision:
      return Compares(header.create_revision, condition.number, condition.comparison);
    case Condition::Target::kModRevision:
      return Compares(header.mod_revision, condition.number, condition.comparison);
    case Condition::Target::kLeaseId:
      return Compares(header.lease_id, condition.number, condition.comparison);
    case Condition::Target::kValue:
      return entry != nullptr && Compares(header.value.bytes, condition.value.bytes, condition.comparison);
  }
  return false;
}

// Carries out operations one after the other on a state of its own.
struct Execution {
  State state;
  Revision revision;
  const std::set<LeaseId>& leases;

  absl::Status Do(const PutOperation& put, OperationResult* result) {
    const Entry* there = Find(state, put.key);
    const std::optional<Entry> previous = there == nullptr ? std::nullopt : std::optional<Entry>(*there);
    if (put.if_absent && previous.has_value()) return Failure(absl::StatusCode::kAlreadyExists, Reason::kKeyExists);
    const Revision mod_revision = previous.has_value() ? previous->mod_revision : 0;
    if (put.expected_mod_revision.has_value() && *put.expected_mod_revision != mod_revision) {
      return Failure(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed);
    }
    if (put.lease_id != 0 && leases.count(put.lease_id) == 0) {
      return Failure(absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound);
    }
    Entry entry = previous.value_or(Entry());
    entry.key = put.key;
    entry.value = put.value;
    if (!previous.has_value()) entry.create_revision = revision;
    entry.mod_revision = revision;
    ++entry.version;
    entry.lease_id = put.lease_id;
    entry.has_value = true;
    result->create_revision = entry.create_revision;
    result->version = entry.version;
    if (put.return_previous && previous.has_value()) result->entries = {*previous};
    state[put.key] = std::move(entry);
    return absl::OkStatus();
  }

  absl::Status Do(const DeleteOperation& erase, OperationResult* result) {
    if (erase.expected_mod_revision.has_value()) {
      const Entry* there = Find(state, erase.range.key);
      if (*erase.expected_mod_revision != (there == nullptr ? 0 : there->mod_revision)) {
        return Failure(absl::StatusCode::kFailedPrecondition, Reason::kConditionFailed);
      }
    }
    for (auto it = state.begin(); it != state.end();) {
      if (!erase.range.Contains(it->first)) {
        ++it;
        continue;
      }
      ++result->deleted;
      if (erase.return_previous) result->entries.push_back(it->second);
      it = state.erase(it);
    }
    return absl::OkStatus();
  }

  absl::Status Do(const GetOperation& get, OperationResult* result) {
    result->entries = ReadRange(state, {get.key, Scope::kKey}, false, false);
    return absl::OkStatus();
  }

  absl::Status Do(const ListOperation& list, OperationResult* result) {
    result->entries = ReadRange(state, list.range, false, list.keys_only);
    result->more = result->entries.size() > static_cast<size_t>(list.entries_max);
    if (result->more) result->entries.resize(list.entries_max);
    return absl::OkStatus();
  }
};

}  // namespace

CommitResult ReferenceModel::Commit(const Transaction& transaction) {
  const State& before = states_.at(latest_);
  CommitResult result;
  result.revision = latest_;
  result.succeeded = std::all_of(transaction.conditions.begin(), transaction.conditions.end(),
                                 [&](const Condition& condition) { return Holds(before, condition); });
  Execution execution{before, latest_ + 1, leases_};
  for (const Operation& operation : result.succeeded ? transaction.on_success : transaction.on_failure) {
    OperationResult outcome;
    result.status = std::visit([&](const auto& one) { return execution.Do(one, &outcome); }, operation);
    if (!result.status.ok()) {
      result.results.clear();
      return result;
    }
    result.results.push_back(std::move(outcome));
  }
  if (execution.state != before) {
    Publish(std::move(execution.state), transaction.origin.cause);
    result.changed = true;
    result.revision = latest_;
  }
  return result;
}

Page ReferenceModel::Read(const Query& query) const {
  Page page;
  page.revision = query.revision == 0 ? latest_ : query.revision;
  page.oldest_revision = oldest_;
  if (query.revision > latest_) page.status = Failure(absl::StatusCode::kOutOfRange, Reason::kFutureRevision);
  if (query.revision != 0 && query.revision < oldest_) page.status = Failure(absl::StatusCode::kOutOfRange, Reason::kCompacted);
  if (!page.status.ok()) return page;
  return ReadState(states_.at(page.revision), query, std::move(page));
}

void ReferenceModel::Keep(Revision revision) {
  constexpr size_t kKeptMax = 1000;
  const auto same = [revision](const auto& item) { return item.first == revision; };
  if (const auto state = states_.find(revision); state != states_.end()) {
    kept_.push_back(*state);
  } else if (const auto kept = std::find_if(kept_.begin(), kept_.end(), same); kept != kept_.end()) {
    kept_.push_back(std::pair(*kept));
  }
  if (kept_.size() > kKeptMax) kept_.pop_front();
}

std::optional<Page> ReferenceModel::ReadKept(const Query& query) const {
  for (const auto& [revision, state] : kept_) {
    if (revision != query.revision) continue;
    Page page;
    page.revision = revision;
    page.oldest_revision = oldest_;
    return ReadState(state, query, std::move(page));
  }
  return std::nullopt;
}

Page ReferenceModel::ReadState(const State& state, const Query& query, Page page) const {
  std::vector<Entry> entries = ReadRange(state, query.range, query.show_system, query.keys_only);
  if (query.order == Order::kCreation) {
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.create_revision < b.create_revision; });
  }
  const auto is_behind = [&](const Entry& entry) {
    if (query.order == Order::kKey || entry.create_revision == query.after->create_revision) return query.after->key < entry.key;
    return query.after->create_revision < entry.create_revision;
  };
  size_t bytes = 0;
  for (Entry& entry : entries) {
    if (query.after.has_value() && !is_behind(entry)) continue;
    bytes += EntryBytes(entry);
    if (page.entries.size() == static_cast<size_t>(query.entries_max) || (!page.entries.empty() && bytes > query.bytes_max)) {
      page.more = true;
      break;
    }
    page.entries.push_back(std::move(entry));
  }
  return page;
}

std::vector<Batch> ReferenceModel::History(Revision from, Revision to, const KeyRange& range) const {
  std::vector<Batch> history;
  for (auto it = batches_.lower_bound(from); it != batches_.end() && it->first <= to; ++it) {
    Batch batch{it->first, absl::Time(), {}};
    for (const Event& event : it->second.events) {
      if (range.Contains(event.key)) batch.events.push_back(event);
    }
    if (!batch.events.empty()) history.push_back(std::move(batch));
  }
  return history;
}

absl::Status ReferenceModel::Compact(Revision oldest) {
  if (oldest > latest_) return Failure(absl::StatusCode::kOutOfRange, Reason::kFutureRevision);
  oldest_ = std::max(oldest_, oldest);
  states_.erase(states_.begin(), states_.lower_bound(oldest_));
  batches_.erase(batches_.begin(), batches_.upper_bound(oldest_));
  return absl::OkStatus();
}

CommitResult ReferenceModel::Revoke(LeaseId id) {
  CommitResult result;
  result.revision = latest_;
  result.succeeded = true;
  if (leases_.erase(id) == 0) {
    result.status = Failure(absl::StatusCode::kNotFound, Reason::kLeaseNotFound);
    return result;
  }
  State state = states_.at(latest_);
  OperationResult outcome;
  for (auto it = state.begin(); it != state.end();) {
    const bool ends = it->second.lease_id == id;
    outcome.deleted += ends ? 1 : 0;
    it = ends ? state.erase(it) : std::next(it);
  }
  if (outcome.deleted > 0) {
    Publish(std::move(state), EventCause::kLeaseRevoked);
    result.changed = true;
    result.revision = latest_;
  }
  result.results = {outcome};
  return result;
}

std::vector<Key> ReferenceModel::KeysOf(LeaseId id) const {
  std::vector<Key> keys;
  for (const auto& [key, entry] : states_.at(latest_)) {
    if (entry.lease_id == id) keys.push_back(key);
  }
  return keys;
}

void ReferenceModel::Publish(State state, EventCause cause) {
  const State& before = states_.at(latest_);
  ++latest_;
  std::map<Key, Event> events;
  for (const auto& [key, entry] : before) {
    if (const Entry* now = Find(state, key); now != nullptr && *now == entry) continue;
    Event& event = events[key];
    event.kind = EventKind::kDelete;
    event.entry.key = key;
    event.entry.mod_revision = latest_;
    event.previous = entry;
  }
  for (const auto& [key, entry] : state) {
    if (const Entry* then = Find(before, key); then != nullptr && *then == entry) continue;
    Event& event = events[key];
    event.kind = EventKind::kPut;
    event.entry = entry;
  }
  Batch& batch = batches_[latest_];
  batch.revision = latest_;
  for (auto& [key, event] : events) {
    event.key = key;
    event.cause = cause;
    event.previous_known = true;
    batch.events.push_back(std::move(event));
  }
  states_[latest_] = std::move(state);
}

std::string Describe(const Entry& entry) {
  return absl::StrCat(entry.key.path(), entry.has_value ? "=" : " (branch) ", static_cast<int>(entry.value.form), ":",
                      absl::CHexEscape(entry.value.bytes), " c", entry.create_revision, " m", entry.mod_revision, " v", entry.version, " l",
                      entry.lease_id, entry.has_children ? " +" : "");
}

namespace {

std::string Describe(const std::vector<Entry>& entries) {
  std::string text = "[";
  for (const Entry& entry : entries) absl::StrAppend(&text, text.size() > 1 ? ", " : "", storage::Describe(entry));
  return text + "]";
}

std::string Describe(const KeyRange& range) {
  static constexpr const char* kScopes[] = {"", "/<children>", "/<subtree>"};
  return absl::StrCat(range.key.path(), kScopes[static_cast<int>(range.scope)]);
}

std::string Describe(const Operation& operation) {
  if (const auto* put = std::get_if<PutOperation>(&operation)) {
    return absl::StrCat("put ", put->key.path(), "=", static_cast<int>(put->value.form), ":", absl::CHexEscape(put->value.bytes), " l",
                        put->lease_id, put->if_absent ? " if_absent" : "",
                        put->expected_mod_revision.has_value() ? absl::StrCat(" expects ", *put->expected_mod_revision) : "");
  }
  if (const auto* erase = std::get_if<DeleteOperation>(&operation)) {
    return absl::StrCat("delete ", Describe(erase->range),
                        erase->expected_mod_revision.has_value() ? absl::StrCat(" expects ", *erase->expected_mod_revision) : "");
  }
  if (const auto* list = std::get_if<ListOperation>(&operation)) {
    return absl::StrCat("list ", Describe(list->range), " ", list->entries_max);
  }
  return absl::StrCat("get ", std::get<GetOperation>(operation).key.path());
}

}  // namespace

std::string Describe(const CommitResult& result) {
  std::string text = absl::StrCat(result.status.ToString(), " r", result.revision, result.changed ? " changed" : "",
                                  result.succeeded ? " success" : " failure", result.replayed ? " replayed" : "");
  for (const OperationResult& one : result.results) {
    absl::StrAppend(&text, "\n    deleted ", one.deleted, one.more ? " more" : "", " c", one.create_revision, " v", one.version, " ",
                    Describe(one.entries));
  }
  return text;
}

std::string Describe(const Page& page) {
  return absl::StrCat(page.status.ToString(), " r", page.revision, " oldest ", page.oldest_revision, page.more ? " more " : " ",
                      Describe(page.entries));
}

std::string Describe(const Batch& batch) {
  std::string text = absl::StrCat("r", batch.revision);
  for (const Event& event : batch.events) {
    absl::StrAppend(&text, "\n    ", event.kind == EventKind::kPut ? "put " : "delete ", event.key.path(), " cause ",
                    static_cast<int>(event.cause), " ", Describe(event.entry), " was ",
                    !event.previous_known        ? "?"
                    : event.previous.has_value() ? Describe(*event.previous)
                                                 : "nothing");
  }
  return text;
}

std::string Describe(const Transaction& transaction) {
  std::string text;
  for (const Condition& condition : transaction.conditions) {
    absl::StrAppend(&text, "if ", Describe(KeyRange{condition.key, condition.scope}), " target ", static_cast<int>(condition.target),
                    " comparison ", static_cast<int>(condition.comparison), " ", condition.number, " ",
                    absl::CHexEscape(condition.value.bytes), condition.exists ? " exists" : " absent", "; ");
  }
  for (const Operation& operation : transaction.on_success) absl::StrAppend(&text, Describe(operation), "; ");
  if (!transaction.on_failure.empty()) absl::StrAppend(&text, "else ");
  for (const Operation& operation : transaction.on_failure) absl::StrAppend(&text, Describe(operation), "; ");
  return text;
}

std::string Describe(const Query& query) {
  return absl::StrCat("read ", Describe(query.range), " at ", query.revision, query.keys_only ? " keys" : "",
                      query.show_system ? " system" : "", query.order == Order::kCreation ? " by creation" : "", " entries ",
                      query.entries_max, " bytes ", query.bytes_max, " after ", query.after.has_value() ? query.after->key.path() : "-");
}

}  // namespace scoutlight::storage
