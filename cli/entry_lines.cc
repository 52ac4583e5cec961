#include "cli/entry_lines.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "cli/record.h"
#include "client/transaction.h"

namespace scoutlight::cli {
namespace {

constexpr int kFormatVersion = 1;

absl::Status Wrong(absl::string_view what) { return absl::InvalidArgumentError(what); }

// OK: it has no other members.
absl::Status CheckMembers(const Json& line, std::initializer_list<absl::string_view> known) {
  for (const auto& [name, value] : line.items()) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Wrong(absl::StrCat("has a member that is not known, ", Shown(name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<ExportLine> ParseEntry(const Json& line) {
  if (absl::Status unknown = CheckMembers(line, {"key", "value", "encoding"}); !unknown.ok()) return unknown;
  const Json key = line.value("key", Json());
  const Json value = line.value("value", Json());
  const Json encoding = line.value("encoding", Json());
  if (!key.is_string() || !value.is_string()) return Wrong("must have \"key\" and \"value\", both texts");
  if (!encoding.is_null() && encoding != "base64") return Wrong("\"encoding\" must be \"base64\", or not be there");
  ExportedEntry entry{.key = key.get<std::string>(), .value = TextValue(value.get<std::string>())};
  if (!encoding.is_null()) {
    std::string bytes;
    if (!absl::Base64Unescape(entry.value.bytes, &bytes)) return Wrong("\"value\" is no base64");
    entry.value = DataValue(std::move(bytes));
  }
  if (entry.value.bytes.size() > limits::kValueBytesMax) {
    return Wrong(absl::StrCat("\"value\" has ", entry.value.bytes.size(), " bytes, at most ", limits::kValueBytesMax));
  }
  return entry;
}

absl::StatusOr<ExportLine> ParseBegin(const Json& line) {
  if (line["scoutlight_export"] != kFormatVersion) return Wrong("is of an export in a form that this program does not know");
  const Json revision = line.value("revision", Json());
  const Json prefix = line.value("prefix", Json());
  const Json store_id = line.value("store_id", Json());
  if (!revision.is_number_integer() || !prefix.is_string() || !store_id.is_string()) {
    return Wrong("must have \"prefix\", \"revision\" and \"store_id\"");
  }
  return ExportBegin{prefix.get<std::string>(), revision.get<Revision>(), store_id.get<std::string>()};
}

}  // namespace

std::string TextOf(const ExportLine& line) {
  Json json = Json::object();
  if (const auto* begin = std::get_if<ExportBegin>(&line)) {
    json = {{"scoutlight_export", kFormatVersion}, {"prefix", begin->prefix}, {"revision", begin->revision}, {"store_id", begin->store_id}};
  } else if (const auto* entry = std::get_if<ExportedEntry>(&line)) {
    const bool is_text = entry->value.form == Value::Form::kText;
    json = {{"key", entry->key}, {"value", is_text ? entry->value.bytes : absl::Base64Escape(entry->value.bytes)}};
    if (!is_text) json["encoding"] = "base64";
  } else {
    json = {{"end", true}, {"entries", std::get<ExportEnd>(line).entries}};
  }
  return absl::StrCat(json.dump(), "\n");
}

absl::StatusOr<ExportLine> ParseExportLine(absl::string_view text) {
  const Json line = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!line.is_object()) return Wrong("is no object of JSON");
  if (line.contains("scoutlight_export")) return ParseBegin(line);
  if (!line.contains("end")) return ParseEntry(line);
  const Json entries = line.value("entries", Json());
  if (!entries.is_number_integer()) return Wrong("must have \"entries\", a number");
  return ExportEnd{entries.get<int64_t>()};
}

}  // namespace scoutlight::cli
