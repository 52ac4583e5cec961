#include "base/error.h"

#include <cstdint>
#include <cstring>
#include <iterator>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace scoutlight {
namespace {

constexpr absl::string_view kPayloadUrl = "scoutlight/error-details";

struct NamedReason {
  Reason reason;
  absl::string_view name;
};

constexpr NamedReason kReasons[] = {
    {Reason::kMalformedRequest, "MALFORMED_REQUEST"},
    {Reason::kInvalidField, "INVALID_FIELD"},
    {Reason::kInvalidKey, "INVALID_KEY"},
    {Reason::kReservedKey, "RESERVED_KEY"},
    {Reason::kValueTooLarge, "VALUE_TOO_LARGE"},
    {Reason::kRequestTooLarge, "REQUEST_TOO_LARGE"},
    {Reason::kTransactionTooLarge, "TRANSACTION_TOO_LARGE"},
    {Reason::kDuplicateKey, "DUPLICATE_KEY"},
    {Reason::kAnswerTooLarge, "ANSWER_TOO_LARGE"},
    {Reason::kInvalidPageToken, "INVALID_PAGE_TOKEN"},
    {Reason::kRequestIdReused, "REQUEST_ID_REUSED"},
    {Reason::kListTooLarge, "LIST_TOO_LARGE"},
    {Reason::kKeyNotFound, "KEY_NOT_FOUND"},
    {Reason::kKeyExists, "KEY_EXISTS"},
    {Reason::kConditionFailed, "CONDITION_FAILED"},
    {Reason::kLeaseNotFound, "LEASE_NOT_FOUND"},
    {Reason::kLeaseExists, "LEASE_EXISTS"},
    {Reason::kStoreReplaced, "STORE_REPLACED"},
    {Reason::kFenced, "FENCED"},
    {Reason::kInstanceNotFound, "INSTANCE_NOT_FOUND"},
    {Reason::kServiceNotFound, "SERVICE_NOT_FOUND"},
    {Reason::kSchemaNotFound, "SCHEMA_NOT_FOUND"},
    {Reason::kInstanceOwned, "INSTANCE_OWNED"},
    {Reason::kDiscoveryOff, "DISCOVERY_OFF"},
    {Reason::kNoneMatches, "NONE_MATCHES"},
    {Reason::kSchemaBreaks, "SCHEMA_BREAKS"},
    {Reason::kSchemaInUse, "SCHEMA_IN_USE"},
    {Reason::kSchemaShipped, "SCHEMA_SHIPPED"},
    {Reason::kContended, "CONTENDED"},
    {Reason::kNotRegistered, "NOT_REGISTERED"},
    {Reason::kCompacted, "COMPACTED"},
    {Reason::kFutureRevision, "FUTURE_REVISION"},
    {Reason::kOverloaded, "OVERLOADED"},
    {Reason::kDiskFull, "DISK_FULL"},
    {Reason::kLeasesFull, "LEASES_FULL"},
    {Reason::kLeaseKeysFull, "LEASE_KEYS_FULL"},
    {Reason::kStreamsFull, "STREAMS_FULL"},
    {Reason::kWatchesFull, "WATCHES_FULL"},
    {Reason::kDraining, "DRAINING"},
    {Reason::kReadOnly, "READ_ONLY"},
    {Reason::kOutcomeUnknown, "OUTCOME_UNKNOWN"},
    {Reason::kDataCorrupted, "DATA_CORRUPTED"},
    {Reason::kBackendUnavailable, "BACKEND_UNAVAILABLE"},
    {Reason::kNoneResolvable, "NONE_RESOLVABLE"},
    {Reason::kCatalogLoading, "CATALOG_LOADING"},
    {Reason::kNotAllowed, "NOT_ALLOWED"},
    {Reason::kInternal, "INTERNAL"},
};

// The payload is a sequence of strings, each behind its length in four bytes of this machine's order: it never leaves the process.
void Append(std::string* out, absl::string_view text) {
  const uint32_t length = text.size();
  out->append(reinterpret_cast<const char*>(&length), sizeof(length));
  out->append(text.data(), text.size());
}

std::string Take(absl::string_view* in) {
  uint32_t length = 0;
  std::memcpy(&length, in->data(), sizeof(length));
  std::string text(in->substr(sizeof(length), length));
  in->remove_prefix(sizeof(length) + length);
  return text;
}

// Applies `rename` to the path of every violated field.
template <typename Rename>
absl::Status RenameFields(const absl::Status& status, Rename rename) {
  std::optional<ErrorDetails> details = DetailsOf(status);
  if (!details.has_value() || details->violations.empty()) return status;
  for (FieldViolation& violation : details->violations) rename(&violation.field);
  // The message of an invalid request is made of its fields.
  if (status.code() == absl::StatusCode::kInvalidArgument) return InvalidFields(details->reason, std::move(details->violations));
  return MakeError(status.code(), status.message(), *details);
}

}  // namespace

absl::string_view ReasonName(Reason reason) {
  for (const NamedReason& named : kReasons) {
    if (named.reason == reason) return named.name;
  }
  return "UNSPECIFIED";
}

absl::Status MakeError(absl::StatusCode code, absl::string_view message, const ErrorDetails& details) {
  std::string payload;
  Append(&payload, absl::StrCat(static_cast<int>(details.reason)));
  Append(&payload, absl::StrCat(absl::ToInt64Milliseconds(details.retry_after)));
  Append(&payload, details.resource);
  Append(&payload, absl::StrCat(details.violations.size()));
  for (const FieldViolation& violation : details.violations) {
    Append(&payload, violation.field);
    Append(&payload, violation.description);
  }
  for (const auto& [name, value] : details.metadata) {
    Append(&payload, name);
    Append(&payload, value);
  }
  absl::Status status(code, message);
  status.SetPayload(kPayloadUrl, absl::Cord(payload));
  return status;
}

absl::Status InvalidField(Reason reason, absl::string_view field, absl::string_view description) {
  return InvalidFields(reason, {{std::string(field), std::string(description)}});
}

absl::Status InvalidFields(Reason reason, std::vector<FieldViolation> violations) {
  std::string message;
  for (const FieldViolation& violation : violations) {
    absl::StrAppend(&message, message.empty() ? "" : "; ", violation.field, ": ", violation.description);
  }
  ErrorDetails details;
  details.reason = reason;
  details.violations = std::move(violations);
  return MakeError(absl::StatusCode::kInvalidArgument, message, details);
}

std::optional<ErrorDetails> DetailsOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) return std::nullopt;
  const std::string bytes(*payload);
  absl::string_view in = bytes;
  ErrorDetails details;
  details.reason = static_cast<Reason>(std::stoi(Take(&in)));
  details.retry_after = absl::Milliseconds(std::stoll(Take(&in)));
  details.resource = Take(&in);
  const size_t violations = std::stoul(Take(&in));
  for (size_t i = 0; i < violations; ++i) {
    std::string field = Take(&in);
    details.violations.push_back({std::move(field), Take(&in)});
  }
  while (!in.empty()) {
    std::string name = Take(&in);
    details.metadata.emplace_back(std::move(name), Take(&in));
  }
  return details;
}

Reason ReasonOf(const absl::Status& status) {
  const std::optional<ErrorDetails> details = DetailsOf(status);
  return details.has_value() ? details->reason : Reason::kUnspecified;
}

absl::Status PrefixFields(const absl::Status& status, absl::string_view prefix) {
  return RenameFields(status, [prefix](std::string* field) { field->insert(0, std::string(prefix)); });
}

absl::Status StripFields(const absl::Status& status, absl::string_view prefix) {
  return RenameFields(status, [prefix](std::string* field) { *field = std::string(absl::StripPrefix(*field, prefix)); });
}

}  // namespace scoutlight
