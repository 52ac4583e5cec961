#include "tests/checker/answers.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/testing/reference_model.h"

namespace scoutlight::checker {
namespace {

using storage::OperationResult;

std::string Show(const std::vector<Entry>& entries) {
  constexpr size_t kShownMax = 8;
  std::string text = absl::StrCat(entries.size(), " [");
  for (size_t i = 0; i < std::min(entries.size(), kShownMax); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ", ", storage::Describe(entries[i]));
  }
  return absl::StrCat(text, entries.size() > kShownMax ? ", ...]" : "]");
}

// Previous entries do not say whether they had children.
std::vector<Entry> WithoutChildren(std::vector<Entry> entries) {
  for (Entry& entry : entries) entry.has_children = false;
  return entries;
}

// Without values there is no form of them either.
std::vector<Entry> WithoutForms(std::vector<Entry> entries) {
  for (Entry& entry : entries) {
    if (entry.value.bytes.empty()) entry.value.form = Value().form;
  }
  return entries;
}

bool IsRead(const storage::Operation& operation) {
  return std::holds_alternative<storage::GetOperation>(operation) || std::holds_alternative<storage::ListOperation>(operation);
}

std::string FaultInResult(const storage::Operation& operation, const OperationResult& actual, const OperationResult& due) {
  if (actual.deleted != due.deleted) return absl::StrCat("deleted ", actual.deleted, ", and there were ", due.deleted);
  if (actual.version != due.version) return absl::StrCat("version ", actual.version, " instead of ", due.version);
  if (actual.create_revision != due.create_revision) {
    return absl::StrCat("create_revision ", actual.create_revision, " instead of ", due.create_revision);
  }
  if (actual.more != due.more) return absl::StrCat("more is ", actual.more);
  const auto* const list = std::get_if<storage::ListOperation>(&operation);
  const bool keys_only = list != nullptr && list->keys_only;
  const bool same = keys_only           ? WithoutForms(actual.entries) == due.entries
                    : IsRead(operation) ? actual.entries == due.entries
                                        : WithoutChildren(actual.entries) == WithoutChildren(due.entries);
  if (same) return "";
  return absl::StrCat(IsRead(operation) ? "entries " : "previous ", Show(actual.entries), " instead of ", Show(due.entries));
}

// Whether a page that ends before `limit` entries does so because it is full of bytes.
bool IsFullOfBytes(const std::vector<Entry>& entries) {
  size_t bytes = 0;
  for (const Entry& entry : entries) bytes += EntryBytes(entry);
  constexpr size_t kSlackBytes = limits::kValueBytesMax + limits::kMiB;  // The next entry, and what the encoding adds.
  return bytes + kSlackBytes > limits::kAnswerBytesMax;
}

}  // namespace

std::string FaultInWrite(const Call& call, const Effect& effect) {
  if (call.outcome == Outcome::kFailed) {
    if (effect.code == call.failure.code && effect.reason == call.failure.reason) return "";
    return absl::StrCat("it was refused with ", std::string(ReasonName(call.failure.reason)), " where ",
                        effect.code == absl::StatusCode::kOk ? "OK" : std::string(ReasonName(effect.reason)), " is due");
  }
  const Write& write = std::get<Write>(call.request);
  const WriteAnswer& answer = std::get<WriteAnswer>(call.answer);
  if (effect.code != absl::StatusCode::kOk) {
    return absl::StrCat("it was carried out where ", std::string(ReasonName(effect.reason)), " is due");
  }
  if (answer.succeeded != effect.succeeded) {
    return absl::StrCat("the wrong branch: its conditions ", effect.succeeded ? "held" : "did not hold");
  }
  if (answer.results.size() != effect.results.size()) {
    return absl::StrCat(answer.results.size(), " results for ", effect.results.size(), " operations");
  }
  const auto& branch = answer.succeeded ? write.on_success : write.on_failure;
  for (size_t i = 0; i < branch.size(); ++i) {
    const std::string fault = FaultInResult(branch[i], answer.results[i], effect.results[i]);
    if (!fault.empty()) return absl::StrCat("operation ", i, ": ", fault);
  }
  return "";
}

std::string FaultInRead(const Call& call, const Tree& tree) {
  const Read& read = std::get<Read>(call.request);
  storage::Query query = read.query;
  if (read.is_get) query.entries_max = 1;
  bool more = false;
  std::vector<Entry> due = tree.List(query, &more);
  if (call.outcome == Outcome::kFailed) {
    const bool missing = read.is_get && due.empty() && call.failure.reason == Reason::kKeyNotFound;
    return missing ? ""
                   : absl::StrCat("it was refused with ", std::string(ReasonName(call.failure.reason)), " where ", Show(due), " is there");
  }
  const ReadAnswer& answer = std::get<ReadAnswer>(call.answer);
  if (query.revision != 0 && answer.revision != query.revision) return absl::StrCat("it shows revision ", answer.revision);
  if (read.is_get && due.empty()) return absl::StrCat("it shows ", Show(answer.entries), " where nothing is");
  if (answer.more && !read.is_get && answer.entries.size() < due.size() && !answer.entries.empty() && IsFullOfBytes(answer.entries)) {
    due.resize(answer.entries.size());
    more = true;
  }
  if ((query.keys_only ? WithoutForms(answer.entries) : answer.entries) != due)
    return absl::StrCat("it shows ", Show(answer.entries), " instead of ", Show(due));
  if (!read.is_get && answer.more != more) return absl::StrCat("it says that there is ", answer.more ? "more" : "no more");
  return "";
}

std::string FaultInEvents(const std::vector<Event>& events, const Effect& effect) {
  if (events.size() != effect.events.size()) return absl::StrCat(events.size(), " events, and it changes ", effect.events.size(), " keys");
  auto due = effect.events.begin();
  for (const Event& event : events) {
    if (!(event.key == due->first)) return absl::StrCat("an event of ", event.key.path(), " instead of ", due->first.path());
    if (event.kind != due->second.kind) return absl::StrCat("an event of the wrong kind for ", event.key.path());
    if (event.kind == EventKind::kPut && !(event.entry == due->second.entry)) {
      return absl::StrCat("the event of ", storage::Describe(event.entry), " instead of ", storage::Describe(due->second.entry));
    }
    ++due;
  }
  return "";
}

std::string FaultInSnapshot(const std::vector<Entry>& entries, const KeyRange& range, const Tree& tree) {
  storage::Query query;
  query.range = range;
  query.entries_max = std::numeric_limits<int>::max();
  bool more = false;
  const auto is_branch = [](const Entry& entry) { return !entry.has_value; };
  std::vector<Entry> due = WithoutChildren(tree.List(query, &more));
  std::vector<Entry> actual = WithoutChildren(entries);
  due.erase(std::remove_if(due.begin(), due.end(), is_branch), due.end());
  actual.erase(std::remove_if(actual.begin(), actual.end(), is_branch), actual.end());
  return actual == due ? "" : absl::StrCat("the snapshot holds ", Show(actual), " instead of ", Show(due));
}

}  // namespace scoutlight::checker
