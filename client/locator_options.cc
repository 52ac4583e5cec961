#include "client/locator_options.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/names.h"

namespace scoutlight {
namespace {

constexpr absl::Duration kWaitMax = absl::Minutes(10);
constexpr size_t kFileNameBytesMax = 4'096;

class Checks {
 public:
  void Time(absl::string_view field, absl::Duration value, absl::Duration min, absl::Duration max) {
    if (value >= min && value <= max) return;
    Add(field, absl::StrCat("is ", absl::FormatDuration(value), ", ", absl::FormatDuration(min), " to ", absl::FormatDuration(max),
                            " is allowed"));
  }
  void Bytes(absl::string_view field, size_t bytes, size_t max) {
    if (bytes > max) Add(field, absl::StrCat("has ", bytes, " bytes, at most ", max, " are allowed"));
  }
  void Add(absl::string_view field, std::string description) { violations_.push_back({std::string(field), std::move(description)}); }
  void Add(std::vector<FieldViolation> violations) {
    for (FieldViolation& violation : violations) violations_.push_back(std::move(violation));
  }
  absl::Status Take() { return violations_.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations_)); }

 private:
  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::Status CheckOptions(const LocatorOptions& options) {
  Checks checks;
  if (std::string fault = discovery::ClusterFault(options.cluster); !fault.empty()) checks.Add("cluster", std::move(fault));
  const auto strategy = options.own_strategy == nullptr ? discovery::MakeStrategy(options.strategy)
                                                        : discovery::ModifyStrategy(options.strategy, options.own_strategy);
  if (!strategy.ok()) {
    if (const auto details = DetailsOf(PrefixFields(strategy.status(), "strategy.")); details.has_value()) checks.Add(details->violations);
  }
  checks.Bytes("subscriber_id", options.subscriber_id.size(), limits::kSubscriberIdBytesMax);
  checks.Time("first_answer_timeout", options.first_answer_timeout, absl::ZeroDuration(), kWaitMax);
  checks.Time("heartbeat", options.heartbeat, limits::kHeartbeatMin, limits::kHeartbeatMax);
  checks.Time("age_max", options.age_max, absl::Seconds(1), absl::InfiniteDuration());
  checks.Time("replaced_store_grace", options.replaced_store_grace, absl::ZeroDuration(), kWaitMax);
  if (options.ejection.has_value()) checks.Add(CheckOptions(*options.ejection, "ejection."));
  checks.Bytes("snapshot_file", options.snapshot_file.size(), kFileNameBytesMax);
  return checks.Take();
}

}  // namespace scoutlight
