#include "server/fleet/fleet_records.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "discovery/bounded_json.h"

namespace scoutlight::server {
namespace {

using nlohmann::json;

constexpr discovery::JsonBounds kRecordBounds{.bytes_max = 2 * kStandingBytesMax, .depth_max = 4};
constexpr absl::string_view kServers = "servers";
constexpr absl::string_view kDrains = "drains";
// Of a standing without its laggards.
constexpr size_t kStandingFrameBytes = 512;

// What is no UTF-8 becomes U+FFFD: a record can always be written.
std::string Dump(const json& document) { return document.dump(-1, ' ', false, json::error_handler_t::replace); }

Key KeyOf(const std::string& path) { return *Key::FromNormal(path); }

// Takes members of an object; after the first that is wrong, status() says which.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {
    if (!object_.is_object()) status_ = absl::InvalidArgumentError("is no JSON object");
  }

  // Empty, 0 or false when it is missing.
  std::string Text(const char* name) {
    const json* const member = Find(name);
    if (member == nullptr) return "";
    if (member->is_string()) return member->get<std::string>();
    Fault(name, "is no text");
    return "";
  }
  int64_t Count(const char* name, int64_t most) {
    const json* const member = Find(name);
    if (member == nullptr) return 0;
    if (member->is_number_unsigned() && member->get<uint64_t>() <= static_cast<uint64_t>(most)) return member->get<int64_t>();
    Fault(name, absl::StrCat("is no number from 0 to ", most));
    return 0;
  }
  int Int(const char* name) { return static_cast<int>(Count(name, std::numeric_limits<int>::max())); }
  bool Flag(const char* name) {
    const json* const member = Find(name);
    if (member == nullptr) return false;
    if (member->is_boolean()) return member->get<bool>();
    Fault(name, "is neither true nor false");
    return false;
  }
  absl::Duration Millis(const char* name) { return absl::Milliseconds(Count(name, absl::ToInt64Milliseconds(limits::kDrainTimeoutMax))); }
  const json* Find(const char* name) {
    if (!status_.ok()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  void Fault(absl::string_view name, absl::string_view fault) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("its member ", name, " ", fault));
  }
  const absl::Status& status() const { return status_; }

 private:
  const json& object_;
  absl::Status status_;
};

absl::StatusOr<json> Parse(absl::string_view text) { return discovery::ParseBoundedJson(text, kRecordBounds, "record"); }

absl::StatusOr<DrainOutcome::Laggard> LaggardIn(const json& object) {
  Members members(object);
  DrainOutcome::Laggard laggard{.subscriber_id = members.Text("subscriber_id"), .peer = members.Text("peer"), .gone = members.Flag("gone")};
  if (!members.status().ok()) return members.status();
  return laggard;
}

}  // namespace

std::string EncodeServerRecord(const ServerRecord& record) {
  return Dump({{"address", record.address}, {"started_at", absl::FormatTime(absl::RFC3339_full, record.started_at, absl::UTCTimeZone())}});
}

absl::StatusOr<ServerRecord> ParseServerRecord(absl::string_view text) {
  const absl::StatusOr<json> parsed = Parse(text);
  if (!parsed.ok()) return parsed.status();
  Members members(*parsed);
  ServerRecord record{.address = members.Text("address"), .started_at = absl::InfinitePast()};
  const std::string started = members.Text("started_at");
  if (!started.empty() && !absl::ParseTime(absl::RFC3339_full, started, &record.started_at, nullptr)) {
    members.Fault("started_at", "is no time of RFC 3339");
  }
  if (!members.status().ok()) return members.status();
  return record;
}

std::string EncodeDrainRecord(const DrainRecord& record) {
  return Dump({{"cluster", record.name.cluster},
               {"service", record.name.service},
               {"id", record.name.id},
               {"revision", record.revision},
               {"timeout_ms", absl::ToInt64Milliseconds(record.timeout)},
               {"linger_ms", absl::ToInt64Milliseconds(record.linger)}});
}

absl::StatusOr<DrainRecord> ParseDrainRecord(absl::string_view text) {
  const absl::StatusOr<json> parsed = Parse(text);
  if (!parsed.ok()) return parsed.status();
  Members members(*parsed);
  DrainRecord record;
  record.name = {members.Text("cluster"), members.Text("service"), members.Text("id")};
  record.revision = members.Count("revision", std::numeric_limits<Revision>::max());
  record.timeout = members.Millis("timeout_ms");
  record.linger = members.Millis("linger_ms");
  if (!members.status().ok()) return members.status();
  if (record.revision == 0) return absl::InvalidArgumentError("names no revision");
  return record;
}

std::string EncodeStanding(const DrainStanding& standing) {
  const DrainOutcome& outcome = standing.outcome;
  json laggards = json::array();
  int omitted = outcome.laggards_omitted;
  size_t bytes = kStandingFrameBytes;
  for (const DrainOutcome::Laggard& laggard : outcome.laggards) {
    json named = {{"subscriber_id", laggard.subscriber_id}, {"peer", laggard.peer}};
    if (laggard.gone) named["gone"] = true;
    const size_t named_bytes = Dump(named).size() + 1;
    if (bytes + named_bytes > kStandingBytesMax) {
      ++omitted;
      continue;
    }
    bytes += named_bytes;
    laggards.push_back(std::move(named));
  }
  return Dump({{"settled", standing.settled},
               {"complete", outcome.complete},
               {"laggards", std::move(laggards)},
               {"omitted", omitted},
               {"watches", outcome.unconfirmable_watches},
               {"resolvers", outcome.recent_resolvers}});
}

absl::StatusOr<DrainStanding> ParseStanding(absl::string_view text) {
  const absl::StatusOr<json> parsed = Parse(text);
  if (!parsed.ok()) return parsed.status();
  Members members(*parsed);
  DrainStanding standing{.settled = members.Flag("settled"), .outcome = {}};
  DrainOutcome& outcome = standing.outcome;
  outcome.complete = members.Flag("complete");
  outcome.laggards_omitted = members.Int("omitted");
  outcome.unconfirmable_watches = members.Int("watches");
  outcome.recent_resolvers = members.Int("resolvers");
  if (const json* const laggards = members.Find("laggards"); laggards != nullptr) {
    if (!laggards->is_array()) members.Fault("laggards", "is no list");
    for (const json& each : *laggards) {
      absl::StatusOr<DrainOutcome::Laggard> laggard = LaggardIn(each);
      if (!laggard.ok()) return laggard.status();
      outcome.laggards.push_back(*std::move(laggard));
    }
  }
  if (!members.status().ok()) return members.status();
  return standing;
}

Key ServersTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kServers)); }
Key DrainsTree() { return KeyOf(absl::StrCat(kSystemTree, "/", kDrains)); }
Key ServerKey(absl::string_view server) { return KeyOf(absl::StrCat(kSystemTree, "/", kServers, "/", server)); }
Key DrainKey(absl::string_view drain) { return KeyOf(absl::StrCat(kSystemTree, "/", kDrains, "/", drain)); }
Key StandingKey(absl::string_view drain, absl::string_view server) {
  return KeyOf(absl::StrCat(kSystemTree, "/", kDrains, "/", drain, "/", server));
}

std::optional<FleetKey> ReadFleetKey(absl::string_view path) {
  const std::vector<std::string> segments = absl::StrSplit(path, '/');
  // The first is what stands before the leading slash.
  if (segments.size() < 4 || segments.size() > 5 || absl::StrCat("/", segments[1]) != kSystemTree) return std::nullopt;
  using Kind = FleetKey::Kind;
  if (segments[2] == kServers && segments.size() == 4) return FleetKey{.kind = Kind::kServer, .drain = "", .server = segments[3]};
  if (segments[2] != kDrains) return std::nullopt;
  if (segments.size() == 4) return FleetKey{.kind = Kind::kDrain, .drain = segments[3], .server = ""};
  return FleetKey{.kind = Kind::kStanding, .drain = segments[3], .server = segments[4]};
}

}  // namespace scoutlight::server
