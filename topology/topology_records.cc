#include "topology/topology_records.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/bounded_json.h"
#include "discovery/object_reader.h"

namespace scoutlight::topology {
namespace {

using Json = nlohmann::json;

constexpr discovery::JsonBounds kRecordBounds{.bytes_max = 16 * limits::kKiB, .depth_max = 4};

Key KeyOf(const std::string& path) { return *Key::FromNormal(path); }

std::string ClusterPath(absl::string_view cluster) { return absl::StrCat(kSystemTree, "/topologies/", cluster); }
std::string VersionPath(absl::string_view cluster, int64_t version) {
  return absl::StrCat(ClusterPath(cluster), "/", absl::StrFormat("%010d", version));
}

absl::Status Unreadable(absl::string_view what) { return absl::InvalidArgumentError(what); }

// The members of a record that is of our format.
absl::StatusOr<VersionRecord> ReadMembers(const Json& json) {
  std::vector<FieldViolation> mistakes;
  discovery::ObjectReader reader(json, "", &mistakes);
  VersionRecord record;
  record.version = reader.Integer("version").value_or(0);
  record.applied_by = reader.String("applied_by").value_or("");
  record.comment = reader.String("comment").value_or("");
  record.restored_version = reader.Integer("restored_version").value_or(0);
  record.deleted = reader.Bool("deleted", false);
  const std::string applied_at = reader.String("applied_at").value_or("");
  if (!mistakes.empty()) return Unreadable(absl::StrCat("has a record whose ", mistakes[0].field, " ", mistakes[0].description));
  if (record.version < 1) return Unreadable(absl::StrCat("has a record whose version is ", record.version));
  std::string fault;
  if (!absl::ParseTime(absl::RFC3339_full, applied_at, &record.applied_at, &fault)) {
    return Unreadable(absl::StrCat("has a record whose applied_at is no time of RFC 3339: ", fault));
  }
  return record;
}

}  // namespace

std::string EncodeRecord(const VersionRecord& record) {
  nlohmann::ordered_json json = {{"format", kRecordFormat}, {"version", record.version}};
  json["applied_at"] = absl::FormatTime(absl::RFC3339_full, record.applied_at, absl::UTCTimeZone());
  json["applied_by"] = record.applied_by;
  if (!record.comment.empty()) json["comment"] = record.comment;
  if (record.restored_version != 0) json["restored_version"] = record.restored_version;
  if (record.deleted) json["deleted"] = true;
  // What is no UTF-8 becomes U+FFFD: a record can always be written. A line feed is escaped.
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

absl::StatusOr<VersionRecord> ParseRecord(absl::string_view text) {
  const absl::StatusOr<Json> json = discovery::ParseBoundedJson(text, kRecordBounds, "record");
  if (!json.ok()) return Unreadable(absl::StrCat("has a ", json.status().message()));
  std::vector<FieldViolation> mistakes;
  discovery::ObjectReader reader(*json, "record", &mistakes);
  const std::optional<int64_t> format = reader.Integer("format");
  if (!mistakes.empty()) return Unreadable(absl::StrCat("has a ", mistakes[0].field, " that ", mistakes[0].description));
  if (format != kRecordFormat) {
    return Unreadable(absl::StrCat("is of format ", format.value_or(0), ", but only format ", kRecordFormat, " is known here"));
  }
  return ReadMembers(*json);
}

std::string EncodeNewest(const StoredVersion& version) {
  std::string record = EncodeRecord(version.record);
  if (version.record.deleted) return record;
  return absl::StrCat(record, "\n", version.document);
}

absl::StatusOr<StoredVersion> ParseNewest(absl::string_view text) {
  const size_t end = text.find('\n');
  absl::StatusOr<VersionRecord> record = ParseRecord(text.substr(0, end));
  if (!record.ok()) return record.status();
  if (record->deleted != (end == absl::string_view::npos)) {
    return Unreadable(record->deleted ? "has a document, though it was deleted" : "has no document");
  }
  StoredVersion version{.record = *std::move(record), .document = ""};
  if (!version.record.deleted) version.document = std::string(text.substr(end + 1));
  return version;
}

Key NewestKey(absl::string_view cluster) { return KeyOf(ClusterPath(cluster)); }
Key VersionKey(absl::string_view cluster, int64_t version) { return KeyOf(VersionPath(cluster, version)); }
Key DocumentKey(absl::string_view cluster, int64_t version) { return KeyOf(absl::StrCat(VersionPath(cluster, version), "/document")); }

}  // namespace scoutlight::topology
