#include "discovery/system_records.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/bounded_json.h"
#include "discovery/key_pattern.h"

namespace scoutlight::discovery {
namespace {

using nlohmann::json;

constexpr JsonBounds kRecordBounds{.bytes_max = 16 * limits::kKiB, .depth_max = 4};

constexpr absl::string_view kInstances = "instances";
constexpr absl::string_view kOverrides = "overrides";
constexpr absl::string_view kSchemas = "schemas";
constexpr absl::string_view kBindings = "bindings";
constexpr absl::string_view kSessions = "sessions";

// What is no UTF-8 becomes U+FFFD: a record can always be written.
std::string Dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

std::string TimeText(absl::Time time) { return absl::FormatTime(absl::RFC3339_full, time, absl::UTCTimeZone()); }

// Takes members of a record; after the first that is wrong, status() says which.
class RecordReader {
 public:
  explicit RecordReader(absl::string_view text) {
    absl::StatusOr<json> parsed = ParseBoundedJson(text, kRecordBounds, "record");
    if (!parsed.ok()) {
      status_ = parsed.status();
    } else if (!parsed->is_object()) {
      status_ = absl::InvalidArgumentError("is no JSON object");
    } else {
      json_ = *std::move(parsed);
    }
  }

  // Empty when it is missing.
  std::string Text(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return "";
    if (!found->is_string()) {
      Fault(name, "is no text");
      return "";
    }
    return found->get<std::string>();
  }
  int64_t Number(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return 0;
    if (!found->is_number_integer() || *found < 0 || *found > std::numeric_limits<int64_t>::max()) {
      Fault(name, absl::StrCat("is no number from 0 to ", std::numeric_limits<int64_t>::max()));
      return 0;
    }
    return found->get<int64_t>();
  }
  bool Flag(const char* name) {
    const auto found = json_.find(name);
    if (found == json_.end()) return false;
    if (!found->is_boolean()) {
      Fault(name, "is neither true nor false");
      return false;
    }
    return found->get<bool>();
  }
  std::optional<absl::Time> Time(const char* name) {
    const std::string text = Text(name);
    if (text.empty()) return std::nullopt;
    absl::Time time;
    std::string error;
    if (absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return time;
    Fault(name, absl::StrCat("is no time of RFC 3339: ", error));
    return std::nullopt;
  }
  void Fault(absl::string_view name, absl::string_view fault) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("its member ", name, " ", fault));
  }
  const absl::Status& status() const { return status_; }

 private:
  absl::Status status_;
  json json_ = json::object();
};

// Names are segments, so what is put together here is a key.
Key KeyOf(const std::string& path) { return *Key::FromNormal(path); }

Key NamedKey(absl::string_view tree, const InstanceName& name) {
  return KeyOf(absl::StrCat(kSystemTree, "/", tree, "/", name.cluster, "/", name.service, "/", name.id));
}

}  // namespace

std::string EncodeInstanceRecord(const InstanceRecord& record) {
  json document = {{"status", std::string(StatusText(record.status))}, {"registered_at", TimeText(record.registered_at)}};
  if (record.epoch != 0) document["epoch"] = record.epoch;
  if (!record.session.empty()) document["session"] = record.session;
  if (!record.schema.empty()) document["schema"] = record.schema;
  if (record.owns_lease) document["owns_lease"] = true;
  return Dump(document);
}

absl::StatusOr<InstanceRecord> ParseInstanceRecord(absl::string_view text) {
  RecordReader reader(text);
  InstanceRecord record;
  const std::string status = reader.Text("status");
  if (const std::optional<Status> known = ParseStatus(status); known.has_value()) {
    record.status = *known;
  } else {
    reader.Fault("status", absl::StrCat("is ", Shown(status)));
  }
  record.epoch = reader.Number("epoch");
  record.session = reader.Text("session");
  record.schema = reader.Text("schema");
  record.owns_lease = reader.Flag("owns_lease");
  record.registered_at = reader.Time("registered_at").value_or(absl::InfinitePast());
  if (!reader.status().ok()) return reader.status();
  return record;
}

std::string EncodeSessionRecord(const SessionRecord& record) {
  return Dump({{"lease_id", record.lease_id}, {"ttl", absl::FormatDuration(record.ttl)}});
}

absl::StatusOr<SessionRecord> ParseSessionRecord(absl::string_view text) {
  RecordReader reader(text);
  SessionRecord record;
  record.lease_id = reader.Number("lease_id");
  const std::string ttl = reader.Text("ttl");
  if (!ttl.empty() && !absl::ParseDuration(ttl, &record.ttl)) reader.Fault("ttl", "is no duration");
  if (!reader.status().ok()) return reader.status();
  return record;
}

std::string EncodeOverride(const Override& override) {
  json document = {{"reason", override.reason}, {"author", override.author}, {"created_at", TimeText(override.created_at)}};
  if (override.expires_at.has_value()) document["expires_at"] = TimeText(*override.expires_at);
  return Dump(document);
}

absl::StatusOr<Override> ParseOverride(absl::string_view text) {
  RecordReader reader(text);
  Override override;
  override.reason = reader.Text("reason");
  override.author = reader.Text("author");
  override.created_at = reader.Time("created_at").value_or(absl::InfinitePast());
  override.expires_at = reader.Time("expires_at");
  if (!reader.status().ok()) return reader.status();
  return override;
}

Key InstanceRecordKey(const InstanceName& name) { return NamedKey(kInstances, name); }
Key OverrideKey(const InstanceName& name) { return NamedKey(kOverrides, name); }
Key SchemaKey(absl::string_view schema) { return KeyOf(absl::StrCat(kSystemTree, "/", kSchemas, "/", schema)); }
Key BindingKey(absl::string_view cluster, absl::string_view service) {
  return KeyOf(absl::StrCat(kSystemTree, "/", kBindings, "/", cluster, "/", service));
}
Key SessionKey(absl::string_view id) { return KeyOf(absl::StrCat(kSystemTree, "/", kSessions, "/", absl::BytesToHexString(id))); }
Key InstanceRecordsTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kInstances)); }
Key OverridesTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kOverrides)); }
Key SchemasTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kSchemas)); }
Key BindingsTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kBindings)); }

std::optional<SystemKey> ReadSystemKey(const Key& key) {
  const KeySegments segments(key);
  if (segments.size() < 3 || segments[0] != kSystemTree.substr(1)) return std::nullopt;
  using Kind = SystemKey::Kind;
  if (segments[1] == kSchemas && segments.size() == 3) return SystemKey{.kind = Kind::kSchema, .name = segments[2]};
  if (segments[1] == kBindings && segments.size() == 4) {
    return SystemKey{.kind = Kind::kBinding, .cluster = segments[2], .service = segments[3]};
  }
  if (segments.size() != 5 || (segments[1] != kInstances && segments[1] != kOverrides)) return std::nullopt;
  return SystemKey{.kind = segments[1] == kInstances ? Kind::kInstance : Kind::kOverride,
                   .cluster = segments[2],
                   .service = segments[3],
                   .name = segments[4]};
}

}  // namespace scoutlight::discovery
