#ifndef SCOUTLIGHT_DISCOVERY_INSTANCE_H_
#define SCOUTLIGHT_DISCOVERY_INSTANCE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/error.h"
#include "discovery/encoded_instance.h"
#include "discovery/names.h"

namespace scoutlight::discovery {

// What an instance says of itself, by name.
using Properties = absl::btree_map<std::string, std::string>;

// The value of a property; nullptr: it has none. Valid until `properties` changes.
const std::string* FindProperty(const Properties& properties, absl::string_view name);

// Whether an instance takes work. On the wire: numbers are never reused.
enum class Status : uint8_t {
  kUp = 1,
  kDraining = 2,   // Leaving: its owner asked that nobody new is sent there.
  kOwnerLost = 3,  // Its lease ended while too many others did; kept until `held_until`.
};

// What the property `health` says, best first. On the wire: numbers are never reused.
enum class Health : uint8_t { kPassing = 1, kWarning = 2, kCritical = 3 };

// "UP", "DRAINING", "OWNER_LOST"; "passing", "warning", "critical". The parsers take exactly these.
absl::string_view StatusText(Status status);
std::optional<Status> ParseStatus(absl::string_view text);
absl::string_view HealthText(Health health);
std::optional<Health> ParseHealth(absl::string_view text);

// Something that is wrong with an instance. An instance with problems is listed; whether it is resolved, PropertyRules::RequiredHold
// decides.
struct Problem {
  std::string property;  // Empty: the instance as a whole.
  std::string message;   // Goes on after the property's name: "is missing", "is 70000, at most 65535 is allowed".

  friend bool operator==(const Problem&, const Problem&) = default;
};

// What changes often and is sent with heartbeats: kept in memory alone.
struct SoftValues {
  std::optional<double> load;         // 0 idle, 1 full; may be above.
  std::optional<double> reliability;  // 0..1.
  absl::btree_map<std::string, int64_t> counters;

  friend bool operator==(const SoftValues&, const SoftValues&) = default;
};

// An operator's word that an instance gets no work, whatever its owner says.
struct Override {
  std::string reason;
  std::string author;
  absl::Time created_at = absl::InfinitePast();
  std::optional<absl::Time> expires_at;

  friend bool operator==(const Override&, const Override&) = default;
};

// One instance of a service, as discovery shows it. A plain value: nothing here is checked; see CheckInstance.
struct Instance {
  InstanceName name;
  Properties properties;
  Status status = Status::kUp;
  Health health = Health::kPassing;
  std::vector<Problem> problems;
  LeaseId lease_id = 0;                             // 0: none, it stays until it is deleted.
  Revision epoch = 0;                               // At which its owner got it; 0: written by hand.
  Revision create_revision = 0;                     // Of its oldest entry that is there.
  Revision mod_revision = 0;                        // Of its newest change.
  absl::Time registered_at = absl::InfinitePast();  // InfinitePast: not known.
  std::optional<absl::Time> held_until;             // With kOwnerLost: when it goes.
  SoftValues soft;
  std::optional<Override> override;
  bool valid = true;    // It can be read, and has the properties that its schema requires, valid.
  EncodedOnce encoded;  // Of the rest, which must not change any more once this is there.

  // Whether it takes work: a lost owner's does not, but may be chosen when no other is left.
  bool resolvable() const { return IsFit() && health != Health::kCritical; }
  // Whether nothing but its health can keep it out of work.
  bool IsFit() const { return status == Status::kUp && valid && !override.has_value(); }
  // Whether it would take work, were its owner not lost.
  bool IsFitButLost() const { return status == Status::kOwnerLost && valid && !override.has_value() && health != Health::kCritical; }

  friend bool operator==(const Instance&, const Instance&) = default;
};

// The well-known properties, which discovery itself reads. `hostname`, `port`, `protocol` and `endpoint.<name>`: see endpoint.h.
inline constexpr absl::string_view kWeightProperty = "weight";            // A number of at least 0; 1 when missing.
inline constexpr absl::string_view kZoneProperty = "zone";                // Any text.
inline constexpr absl::string_view kHealthProperty = "health";            // passing, warning, critical; passing when missing.
inline constexpr absl::string_view kLoadProperty = "load";                // Where no soft value came.
inline constexpr absl::string_view kReliabilityProperty = "reliability";  // Where no soft value came.

// Of names and values together.
size_t PropertyBytes(const Properties& properties);

// What is wrong with the value of a property, whatever the schema: over limits::kPropertyValueBytesMax, or not UTF-8; in words that go on
// after its name. Empty: nothing. Thread-safe.
std::string PropertyValueFault(absl::string_view value);

// What a caller wants to register, against the bounds that hold for every schema: names (names.h), at most limits::kPropertiesMax
// properties without fault, limits::kInstanceBytesMax together. All violations at once,
// with the fields `cluster`, `service`, `id`, `properties`, `properties.<name>`; empty: none. An instance that passes can be written by
// every schema. Thread-safe.
std::vector<FieldViolation> CheckInstance(const InstanceName& name, const Properties& properties);

// Soft values: finite numbers, load >= 0, reliability 0..1, at most limits::kSoftCountersMax counters with property names.
// Fields `load`, `reliability`, `counters`, `counters.<name>`.
std::vector<FieldViolation> CheckSoftValues(const SoftValues& soft);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_INSTANCE_H_
