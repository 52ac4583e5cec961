#ifndef SCOUTLIGHT_CLIENT_WIRE_REGISTRY_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_REGISTRY_CONVERSION_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "base/key.h"
#include "client/transaction.h"
#include "scoutlight/registry/v1/registry.pb.h"

namespace scoutlight::client {

// What the server sent, as the library's types. kInternal: it is none of the kind (a key that is not one).
absl::StatusOr<Entry> EntryOf(registry::v1::Entry entry);
absl::StatusOr<std::vector<Entry>> EntriesOf(google::protobuf::RepeatedPtrField<registry::v1::Entry>* entries);
absl::StatusOr<Event> EventOf(registry::v1::Event event);
absl::StatusOr<OperationResult> ResultOf(registry::v1::OperationResult result);

// Why a watch of WatchMany ended, with the details that a call's status has.
absl::Status StatusOf(const registry::v1::WatchStatus& status);

registry::v1::Scope WireScope(Scope scope);

// Puts a value into the oneof `content` of a request.
template <typename Message>
void SetContent(Value value, Message* out) {
  if (value.form == Value::Form::kText) {
    out->set_text(std::move(value.bytes));
  } else {
    out->set_data(std::move(value.bytes));
  }
}

void FillCondition(const Condition& condition, registry::v1::Condition* out);
void FillOperation(const Operation& operation, registry::v1::Operation* out);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_REGISTRY_CONVERSION_H_
