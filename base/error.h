#ifndef SCOUTLIGHT_BASE_ERROR_H_
#define SCOUTLIGHT_BASE_ERROR_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace scoutlight {

// Why a request failed, finer than its canonical code. The wire's scoutlight.registry.v1.ErrorReason has the same names and numbers
// (a test holds them together); numbers are never reused.
enum class Reason {
  kUnspecified = 0,
  // INVALID_ARGUMENT
  kMalformedRequest = 1,
  kInvalidField = 2,
  kInvalidKey = 3,
  kReservedKey = 4,
  kValueTooLarge = 5,
  kRequestTooLarge = 6,
  kTransactionTooLarge = 7,
  kDuplicateKey = 8,
  kAnswerTooLarge = 9,
  kInvalidPageToken = 10,
  kRequestIdReused = 11,
  kListTooLarge = 12,
  // NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION, ABORTED
  kKeyNotFound = 20,
  kKeyExists = 21,
  kConditionFailed = 22,
  kLeaseNotFound = 23,
  kLeaseExists = 24,
  kStoreReplaced = 25,
  kFenced = 26,
  kInstanceNotFound = 27,
  kServiceNotFound = 28,
  kSchemaNotFound = 29,
  kInstanceOwned = 30,
  kDiscoveryOff = 31,
  kNoneMatches = 32,
  kSchemaBreaks = 33,
  kSchemaInUse = 34,
  kSchemaShipped = 35,
  kContended = 36,
  kNotRegistered = 37,
  // OUT_OF_RANGE
  kCompacted = 40,
  kFutureRevision = 41,
  // RESOURCE_EXHAUSTED
  kOverloaded = 60,
  kDiskFull = 61,
  kLeasesFull = 62,
  kLeaseKeysFull = 63,
  kStreamsFull = 64,
  kWatchesFull = 65,
  // UNAVAILABLE, UNKNOWN, DATA_LOSS
  kDraining = 80,
  kReadOnly = 81,
  kOutcomeUnknown = 82,
  kDataCorrupted = 83,
  kBackendUnavailable = 84,
  kNoneResolvable = 85,
  kCatalogLoading = 86,
  // PERMISSION_DENIED, INTERNAL
  kNotAllowed = 100,
  kInternal = 101,
};

// "KEY_NOT_FOUND" for kKeyNotFound: the name on the wire. "UNSPECIFIED" for a value that is none.
absl::string_view ReasonName(Reason reason);

// A field of the request that breaks a rule: its path in the request ("on_success[2].put.key") and what is wrong with it, with the
// limit and the value.
struct FieldViolation {
  std::string field;
  std::string description;

  friend bool operator==(const FieldViolation&, const FieldViolation&) = default;
};

// What an error carries beside code and message.
struct ErrorDetails {
  Reason reason = Reason::kUnspecified;
  std::vector<FieldViolation> violations;
  // When trying again makes sense; zero: trying again the same way is no use.
  absl::Duration retry_after;
  // The key or lease that the error is about; empty: none.
  std::string resource;
  // Further facts by name ("oldest_revision": "17").
  std::vector<std::pair<std::string, std::string>> metadata;
};

// A status of `code` (not kOk) that carries `details`.
absl::Status MakeError(absl::StatusCode code, absl::string_view message, const ErrorDetails& details);

// INVALID_ARGUMENT with one violated field. The message names the field.
absl::Status InvalidField(Reason reason, absl::string_view field, absl::string_view description);

// INVALID_ARGUMENT with several violated fields. `violations` is not empty.
absl::Status InvalidFields(Reason reason, std::vector<FieldViolation> violations);

// The details that MakeError attached; nullopt when there are none.
std::optional<ErrorDetails> DetailsOf(const absl::Status& status);

// The reason that MakeError attached; kUnspecified when there is none.
Reason ReasonOf(const absl::Status& status);

// The same error with `prefix` put before the path of every violated field: PrefixFields(s, "put.") turns "key" into "put.key".
absl::Status PrefixFields(const absl::Status& status, absl::string_view prefix);

// The same error with `prefix` taken off the path of every violated field that begins with it: the other way round.
absl::Status StripFields(const absl::Status& status, absl::string_view prefix);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_ERROR_H_
