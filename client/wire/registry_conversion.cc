#include "client/wire/registry_conversion.h"

#include <optional>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

namespace wire = ::scoutlight::registry::v1;

wire::Condition::Comparison WireComparison(Condition::Comparison comparison) {
  switch (comparison) {
    case Condition::Comparison::kEqual:
      return wire::Condition::COMPARISON_EQUAL;
    case Condition::Comparison::kNotEqual:
      return wire::Condition::COMPARISON_NOT_EQUAL;
    case Condition::Comparison::kLess:
      return wire::Condition::COMPARISON_LESS;
    case Condition::Comparison::kGreater:
      return wire::Condition::COMPARISON_GREATER;
  }
  return wire::Condition::COMPARISON_UNSPECIFIED;
}

struct ConditionFiller {
  void operator()(const Condition::Existence& existence) const { out.set_exists(existence.exists); }
  void operator()(const Condition::NumberIs& number) const {
    out.set_comparison(WireComparison(number.comparison));
    switch (number.number) {
      case Condition::Number::kVersion:
        return out.set_version(number.than);
      case Condition::Number::kCreateRevision:
        return out.set_create_revision(number.than);
      case Condition::Number::kModRevision:
        return out.set_mod_revision(number.than);
      case Condition::Number::kLease:
        return out.set_lease_id(number.than);
    }
  }
  void operator()(const Condition::ValueIs& value) const {
    out.set_comparison(WireComparison(value.comparison));
    SetContent(value.than, &out);
  }

  wire::Condition& out;
};

struct OperationFiller {
  void operator()(const Operation::Put& put) const {
    wire::Operation::Put& to = *out.mutable_put();
    to.set_key(put.key);
    SetContent(put.value, &to);
    to.set_lease_id(put.lease_id);
    to.set_if_absent(put.if_absent);
    if (put.expected_mod_revision.has_value()) to.set_expected_mod_revision(*put.expected_mod_revision);
    to.set_return_previous(put.return_previous);
  }
  void operator()(const Operation::Delete& removal) const {
    wire::Operation::Delete& to = *out.mutable_delete_();
    to.set_key(removal.key);
    to.set_scope(WireScope(removal.scope));
    if (removal.expected_mod_revision.has_value()) to.set_expected_mod_revision(*removal.expected_mod_revision);
    to.set_return_previous(removal.return_previous);
  }
  void operator()(const Operation::Get& get) const { out.mutable_get()->set_key(get.key); }
  void operator()(const Operation::List& list) const {
    wire::Operation::List& to = *out.mutable_list();
    to.set_parent(list.parent);
    to.set_scope(WireScope(list.scope));
    to.set_keys_only(list.keys_only);
    to.set_limit(list.limit);
  }

  wire::Operation& out;
};

// Null: there is none.
absl::StatusOr<std::optional<Entry>> OptionalEntryOf(wire::Entry* entry) {
  if (entry == nullptr) return std::optional<Entry>();
  absl::StatusOr<Entry> read = EntryOf(std::move(*entry));
  if (!read.ok()) return read.status();
  return std::optional<Entry>(*std::move(read));
}

absl::StatusOr<EventKind> KindOf(wire::Event::Kind kind) {
  if (kind == wire::Event::KIND_PUT) return EventKind::kPut;
  if (kind == wire::Event::KIND_DELETE) return EventKind::kDelete;
  return MakeError(absl::StatusCode::kInternal, absl::StrCat("the server sent an event of the unknown kind ", static_cast<int>(kind)),
                   {.reason = Reason::kInternal});
}

EventCause CauseOf(wire::EventCause cause) {
  if (cause == wire::EVENT_CAUSE_LEASE_REVOKED) return EventCause::kLeaseRevoked;
  if (cause == wire::EVENT_CAUSE_LEASE_EXPIRED) return EventCause::kLeaseExpired;
  return EventCause::kWrite;
}

}  // namespace

absl::StatusOr<Entry> EntryOf(wire::Entry entry) {
  absl::StatusOr<Key> key = Key::FromNormal(entry.key());
  if (!key.ok()) {
    return MakeError(absl::StatusCode::kInternal, absl::StrCat("the server sent what is no key: ", key.status().message()),
                     {.reason = Reason::kInternal});
  }
  Entry out;
  out.key = *std::move(key);
  if (entry.content_case() == wire::Entry::kData) {
    out.value = {Value::Form::kData, std::move(*entry.mutable_data())};
  } else if (entry.content_case() == wire::Entry::kText) {
    out.value = {Value::Form::kText, std::move(*entry.mutable_text())};
  }
  out.create_revision = entry.create_revision();
  out.mod_revision = entry.mod_revision();
  out.version = entry.version();
  out.lease_id = entry.lease_id();
  out.has_value = entry.has_value();
  out.has_children = entry.has_children();
  return out;
}

absl::StatusOr<std::vector<Entry>> EntriesOf(google::protobuf::RepeatedPtrField<wire::Entry>* entries) {
  std::vector<Entry> out;
  out.reserve(entries->size());
  for (wire::Entry& entry : *entries) {
    absl::StatusOr<Entry> read = EntryOf(std::move(entry));
    if (!read.ok()) return read.status();
    out.push_back(*std::move(read));
  }
  return out;
}

absl::StatusOr<Event> EventOf(wire::Event event) {
  const absl::StatusOr<EventKind> kind = KindOf(event.kind());
  if (!kind.ok()) return kind.status();
  absl::StatusOr<Entry> entry = EntryOf(std::move(*event.mutable_entry()));
  if (!entry.ok()) return entry.status();
  absl::StatusOr<std::optional<Entry>> previous = OptionalEntryOf(event.has_previous() ? event.mutable_previous() : nullptr);
  if (!previous.ok()) return previous.status();
  Event out;
  out.key = entry->key;
  out.kind = *kind;
  out.cause = CauseOf(event.cause());
  out.entry = *std::move(entry);
  out.previous = *std::move(previous);
  out.previous_known = event.previous_known();
  return out;
}

absl::StatusOr<OperationResult> ResultOf(wire::OperationResult result) {
  switch (result.result_case()) {
    case wire::OperationResult::kPut: {
      absl::StatusOr<std::optional<Entry>> previous =
          OptionalEntryOf(result.put().has_previous() ? result.mutable_put()->mutable_previous() : nullptr);
      if (!previous.ok()) return previous.status();
      return OperationResult{OperationResult::Put{result.put().create_revision(), result.put().version(), *std::move(previous)}};
    }
    case wire::OperationResult::kDelete: {
      absl::StatusOr<std::vector<Entry>> previous = EntriesOf(result.mutable_delete_()->mutable_previous());
      if (!previous.ok()) return previous.status();
      return OperationResult{OperationResult::Delete{result.delete_().deleted(), *std::move(previous)}};
    }
    case wire::OperationResult::kGet: {
      absl::StatusOr<std::optional<Entry>> entry =
          OptionalEntryOf(result.get().has_entry() ? result.mutable_get()->mutable_entry() : nullptr);
      if (!entry.ok()) return entry.status();
      return OperationResult{OperationResult::Get{*std::move(entry)}};
    }
    case wire::OperationResult::kList: {
      absl::StatusOr<std::vector<Entry>> entries = EntriesOf(result.mutable_list()->mutable_entries());
      if (!entries.ok()) return entries.status();
      return OperationResult{OperationResult::List{*std::move(entries), result.list().more()}};
    }
    case wire::OperationResult::RESULT_NOT_SET:
      break;
  }
  return MakeError(absl::StatusCode::kInternal, "the server sent a result of an unknown operation", {.reason = Reason::kInternal});
}

absl::Status StatusOf(const wire::WatchStatus& status) {
  if (status.code() == 0) return absl::OkStatus();
  ErrorDetails details;
  details.reason = static_cast<Reason>(status.reason());
  for (const auto& violation : status.violations()) details.violations.push_back({violation.field(), violation.description()});
  if (status.has_retry_after()) details.retry_after = DurationOf(status.retry_after());
  if (status.revision() != 0) details.metadata.emplace_back("revision", absl::StrCat(status.revision()));
  if (status.oldest_revision() != 0) details.metadata.emplace_back("oldest_revision", absl::StrCat(status.oldest_revision()));
  return MakeError(static_cast<absl::StatusCode>(status.code()), status.message(), details);
}

wire::Scope WireScope(Scope scope) {
  switch (scope) {
    case Scope::kKey:
      return wire::SCOPE_KEY;
    case Scope::kChildren:
      return wire::SCOPE_CHILDREN;
    case Scope::kSubtree:
      return wire::SCOPE_SUBTREE;
  }
  return wire::SCOPE_UNSPECIFIED;
}

void FillCondition(const Condition& condition, wire::Condition* out) {
  out->set_key(condition.key);
  out->set_scope(WireScope(condition.scope));
  std::visit(ConditionFiller{*out}, condition.what);
}

void FillOperation(const Operation& operation, wire::Operation* out) { std::visit(OperationFiller{*out}, operation.what); }

}  // namespace scoutlight::client
