#include "cli/entry_records.h"

#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/utf8.h"
#include "cli/terminal_text.h"

namespace scoutlight::cli {
namespace {

// The child of `parent` with this name, which is the last one if it is there: entries come in key order.
TreeNode* ChildNamed(absl::string_view name, TreeNode* parent) {
  if (parent->children.empty() || parent->children.back().label != name) {
    const std::string& above = parent->record.name;
    std::string path = absl::StrCat(above == "/" ? "" : above, "/", name);
    TreeNode child{.label = std::string(name), .text = "", .record = {.name = path, .fields = {{"key", path}}}, .children = {}};
    parent->children.push_back(std::move(child));
  }
  return &parent->children.back();
}

}  // namespace

Json NumberJson(int64_t number) { return number == 0 ? Json() : Json(number); }

Json LeaseJson(LeaseId lease_id) { return lease_id == 0 ? Json() : Json(absl::StrCat(lease_id)); }

Json StateJson(const StoreState& state) { return {{"revision", state.revision}, {"store_id", state.store_id}}; }

std::vector<Field> StateFields(const StoreState& state) {
  return {{"revision", state.revision, Field::Where::kJson}, {"store_id", state.store_id, Field::Where::kJson}};
}

std::vector<Field> ValueFields(const Value& value) {
  if (!FindInvalidUtf8(value.bytes).has_value()) return {{"value", value.bytes}};
  std::string encoded = absl::Base64Escape(value.bytes);
  std::string text = absl::StrCat("base64:", encoded);
  return {{"value", std::move(encoded), Field::Where::kAlways, std::move(text)}, {"encoding", "base64", Field::Where::kJson}};
}

Record EntryRecord(const Entry& entry, Values values) {
  const std::string& path = entry.key.path();
  Record record{.name = path, .fields = {}};
  const bool shown_as_branch = entry.has_children && !entry.key.is_root();
  record.fields.push_back({"key", path, Field::Where::kAlways, absl::StrCat(path, shown_as_branch ? "/" : "")});
  record.fields.push_back({"mod_revision", NumberJson(entry.mod_revision)});
  record.fields.push_back({"create_revision", NumberJson(entry.create_revision), Field::Where::kWide});
  record.fields.push_back({"version", NumberJson(entry.version), Field::Where::kWide});
  record.fields.push_back({"lease_id", LeaseJson(entry.lease_id), Field::Where::kWide});
  record.fields.push_back({"has_value", entry.has_value, Field::Where::kJson});
  record.fields.push_back({"has_children", entry.has_children, Field::Where::kJson});
  if (values == Values::kLeftOut) return record;
  if (!entry.has_value) {
    record.fields.push_back({"value", {}, Field::Where::kAlways, ""});
    return record;
  }
  Append(ValueFields(entry.value), &record);
  return record;
}

TreeNode TreeOf(const Key& root, const std::vector<Entry>& entries, Values values) {
  TreeNode tree{.label = root.path(), .text = "", .record = {.name = root.path(), .fields = {{"key", root.path()}}}, .children = {}};
  for (const Entry& entry : entries) {
    TreeNode* node = &tree;
    const absl::string_view below = absl::string_view(entry.key.path()).substr(root.is_root() ? 0 : root.path().size());
    for (absl::string_view name : absl::StrSplit(below, '/', absl::SkipEmpty())) node = ChildNamed(name, node);
    if (!entry.has_value) continue;
    if (values == Values::kShown) node->text = ValueText(entry.value);
    node->record.fields.push_back({"mod_revision", entry.mod_revision});
    if (values == Values::kLeftOut) continue;
    Append(ValueFields(entry.value), &node->record);
  }
  return tree;
}

}  // namespace scoutlight::cli
