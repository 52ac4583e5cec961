#ifndef SCOUTLIGHT_SERVER_REQUEST_FIELDS_H_
#define SCOUTLIGHT_SERVER_REQUEST_FIELDS_H_

#include <google/protobuf/duration.pb.h>

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/violations.h"

namespace scoutlight::server {

// Readers of single fields. Each adds what is wrong to `violations` and then gives some valid value, so that reading goes on.

// A key that names an entry: not "/".
Key ReadEntryKey(absl::string_view text, Violations* violations);
// A key that may be written: not "/", not in the system tree.
Key ReadWrittenKey(absl::string_view text, Violations* violations);
// A key whose surroundings are listed; "/" too. The field is "parent".
Key ReadParent(absl::string_view text, Violations* violations);
// The same of the field "key".
Key ReadWatchedKey(absl::string_view text, Violations* violations);

Scope ReadScope(registry::v1::Scope scope, Scope if_unspecified, Violations* violations);

// `number`, which must not be negative.
int64_t ReadCount(int64_t number, absl::string_view field, Violations* violations);

// A duration from `min` to `max`; `min` when it is wrong.
absl::Duration ReadDuration(const google::protobuf::Duration& duration, absl::Duration min, absl::Duration max, absl::string_view field,
                            Violations* violations);
void FillDuration(absl::Duration duration, google::protobuf::Duration* out);
// How often a watch sends a frame at least: limits::kHeartbeatDefault when it is not set.
absl::Duration ReadHeartbeat(const google::protobuf::Duration& heartbeat, Violations* violations);

// How many entries a list asks for at most.
int ReadEntriesMax(int32_t number, absl::string_view field, Violations* violations);

void CheckRequestId(absl::string_view request_id, Violations* violations);

// The value of a message with `oneof content {string text; bytes data;}`.
template <typename Message>
Value ReadValue(const Message& message, Violations* violations);

// Adds kValueTooLarge when `bytes` is over the limit.
void CheckValueBytes(absl::string_view bytes, absl::string_view field, Violations* violations);

template <typename Message>
Value ReadValue(const Message& message, Violations* violations) {
  switch (message.content_case()) {
    case Message::kText:
      CheckValueBytes(message.text(), "text", violations);
      return {Value::Form::kText, message.text()};
    case Message::kData:
      CheckValueBytes(message.data(), "data", violations);
      return {Value::Form::kData, message.data()};
    case Message::CONTENT_NOT_SET:
      break;
  }
  violations->Add(Reason::kInvalidField, "text|data", "must be set; an empty value is set and empty");
  return {};
}

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_REQUEST_FIELDS_H_
