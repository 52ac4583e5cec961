#include "cli/json_printer.h"

#include <cstdint>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "cli/exit_code.h"

namespace scoutlight::cli {
namespace {

constexpr int kIndent = 2;
constexpr int kOneLine = -1;

// Text that is no UTF-8 gets replacement characters.
std::string TextOf(const Json& json, int indent) { return json.dump(indent, ' ', false, Json::error_handler_t::replace); }

Json TreeJson(const TreeNode& node) {
  Json json = JsonOf(node.record);
  if (node.children.empty()) return json;
  Json& children = json["children"] = Json::array();
  for (const TreeNode& child : node.children) children.push_back(TreeJson(child));
  return json;
}

// Numbers as numbers: details come as texts.
Json MetadataValue(const std::string& text) {
  int64_t number = 0;
  if (absl::SimpleAtoi(text, &number) && absl::StrCat(number) == text) return number;
  return text;
}

}  // namespace

Json ErrorJson(const absl::Status& status) {
  Json json = {{"code", absl::StatusCodeToString(status.code())}};
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  if (details.reason != Reason::kUnspecified) json["reason"] = std::string(ReasonName(details.reason));
  json["message"] = std::string(status.message());
  for (const FieldViolation& violation : details.violations) {
    json["violations"].push_back({{"field", violation.field}, {"description", violation.description}});
  }
  if (!details.resource.empty()) json["resource"] = details.resource;
  if (details.retry_after > absl::ZeroDuration()) json["retry_after"] = absl::FormatDuration(details.retry_after);
  // In one order, whatever that of the wire.
  for (const auto& [name, value] : std::map<std::string, std::string>(details.metadata.begin(), details.metadata.end())) {
    if (!json.contains(name)) json[name] = MetadataValue(value);
  }
  json["exit_code"] = static_cast<int>(ExitCodeOf(status));
  return json;
}

void JsonPrinter::WriteDocument(const Json& document) { output().Write(absl::StrCat(TextOf(document, kIndent), "\n")); }

void JsonPrinter::Item(const Record& item) { WriteDocument(JsonOf(item)); }

void JsonPrinter::List(absl::string_view member, const std::vector<Record>& items, const Json& rest) {
  Json document = {{std::string(member), Json::array()}};
  Json& array = document.begin().value();
  for (const Record& item : items) array.push_back(JsonOf(item));
  document.update(rest);
  WriteDocument(document);
}

void JsonPrinter::ValueOf(const Record& item, const Value&) { Item(item); }

void JsonPrinter::Tree(const TreeNode& root) { WriteDocument(TreeJson(root)); }

void JsonPrinter::Done(absl::string_view, const Record& result) { Item(result); }

void JsonPrinter::Events(const std::vector<Record>& events) {
  std::string lines;
  for (const Record& event : events) absl::StrAppend(&lines, TextOf(JsonOf(event), kOneLine), "\n");
  output().Write(lines);
}

void JsonPrinter::Note(absl::string_view) {}

void JsonPrinter::Failed(const absl::Status& status) { output().WriteError(absl::StrCat(TextOf(ErrorJson(status), kIndent), "\n")); }

}  // namespace scoutlight::cli
