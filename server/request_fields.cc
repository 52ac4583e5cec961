#include "server/request_fields.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

Key ReadAnyKey(absl::string_view text, absl::string_view field, Violations* violations) {
  absl::StatusOr<Key> key = Key::Parse(text, field);
  if (key.ok()) return *std::move(key);
  violations->Add(key.status());
  return Key();
}

}  // namespace

Key ReadEntryKey(absl::string_view text, Violations* violations) {
  if (text == "/") violations->Add(Reason::kInvalidKey, "key", "is \"/\", which holds no value and can only be listed");
  return ReadAnyKey(text, "key", violations);
}

Key ReadWrittenKey(absl::string_view text, Violations* violations) {
  Key key = ReadEntryKey(text, violations);
  if (key.IsSystem()) {
    violations->Add(Reason::kReservedKey, "key",
                    absl::StrCat("the tree ", kSystemTree, " is the registry's own; \"", key.path(), "\" cannot be written here"));
  }
  return key;
}

Key ReadParent(absl::string_view text, Violations* violations) { return ReadAnyKey(text, "parent", violations); }

Key ReadWatchedKey(absl::string_view text, Violations* violations) { return ReadAnyKey(text, "key", violations); }

Scope ReadScope(registry::v1::Scope scope, Scope if_unspecified, Violations* violations) {
  switch (scope) {
    case registry::v1::SCOPE_UNSPECIFIED:
      return if_unspecified;
    case registry::v1::SCOPE_KEY:
      return Scope::kKey;
    case registry::v1::SCOPE_CHILDREN:
      return Scope::kChildren;
    case registry::v1::SCOPE_SUBTREE:
      return Scope::kSubtree;
    default:
      violations->Add(Reason::kInvalidField, "scope", absl::StrCat("is ", static_cast<int>(scope), ", which is no Scope"));
      return if_unspecified;
  }
}

int64_t ReadCount(int64_t number, absl::string_view field, Violations* violations) {
  if (number >= 0) return number;
  violations->Add(Reason::kInvalidField, field, absl::StrCat("is ", number, ", must not be negative"));
  return 0;
}

absl::Duration ReadDuration(const google::protobuf::Duration& duration, absl::Duration min, absl::Duration max, absl::string_view field,
                            Violations* violations) {
  const absl::Duration nanos = absl::Nanoseconds(duration.nanos());
  const bool mixed = (duration.seconds() > 0 && nanos < absl::ZeroDuration()) || (duration.seconds() < 0 && nanos > absl::ZeroDuration());
  if (mixed || nanos >= absl::Seconds(1) || nanos <= -absl::Seconds(1)) {
    violations->Add(Reason::kInvalidField, field,
                    absl::StrCat("is ", duration.seconds(), " seconds and ", duration.nanos(),
                                 " nanos, of which the latter must be of the seconds' sign and under a second"));
    return min;
  }
  const absl::Duration read = absl::Seconds(duration.seconds()) + nanos;
  if (read >= min && read <= max) return read;
  violations->Add(
      Reason::kInvalidField, field,
      absl::StrCat("is ", absl::FormatDuration(read), ", must be from ", absl::FormatDuration(min), " to ", absl::FormatDuration(max)));
  return min;
}

void FillDuration(absl::Duration duration, google::protobuf::Duration* out) {
  out->set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  out->set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
}

absl::Duration ReadHeartbeat(const google::protobuf::Duration& heartbeat, Violations* violations) {
  if (heartbeat.seconds() == 0 && heartbeat.nanos() == 0) return limits::kHeartbeatDefault;
  return ReadDuration(heartbeat, limits::kHeartbeatMin, limits::kHeartbeatMax, "heartbeat", violations);
}

int ReadEntriesMax(int32_t number, absl::string_view field, Violations* violations) {
  const int wanted = static_cast<int>(ReadCount(number, field, violations));
  return wanted == 0 ? limits::kPageEntriesDefault : std::min(wanted, limits::kPageEntriesMax);
}

void CheckRequestId(absl::string_view request_id, Violations* violations) {
  if (request_id.size() <= limits::kRequestIdBytesMax) return;
  violations->Add(Reason::kInvalidField, "request_id",
                  absl::StrCat("is ", request_id.size(), " bytes long, at most ", limits::kRequestIdBytesMax, " are allowed"));
}

void CheckValueBytes(absl::string_view bytes, absl::string_view field, Violations* violations) {
  if (bytes.size() <= limits::kValueBytesMax) return;
  violations->Add(Reason::kValueTooLarge, field,
                  absl::StrCat("is ", bytes.size(), " bytes long, at most ", limits::kValueBytesMax, " are allowed"));
}

}  // namespace scoutlight::server
