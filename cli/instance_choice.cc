#include "cli/instance_choice.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "cli/flags.h"
#include "client/discovery.h"
#include "discovery/filter/filter.h"

namespace scoutlight::cli {
namespace {

using discovery::StrategyKind;

std::vector<std::pair<std::string, std::optional<StrategyKind>>> Strategies() {
  std::vector<std::pair<std::string, std::optional<StrategyKind>>> strategies;
  for (StrategyKind kind : discovery::kAllStrategies) strategies.emplace_back(std::string(discovery::StrategyText(kind)), kind);
  return strategies;
}

}  // namespace

void AddStrategy(CLI::App* verb, std::optional<StrategyKind>* set, const std::string& help) {
  AddChoice(verb, "--strategy", set, Strategies(), help)->type_name("STRATEGY");
}

void InstanceChoice::Declare(CLI::App* verb, const std::string& endpoint_help) {
  AddStrategy(verb, &strategy_, "how the instance is picked [random]");
  verb->add_option("--filter", filter_, "one of those that it chooses, such as 'zone == \"north\"'")->type_name("FILTER");
  verb->add_option("--endpoint-name", endpoint_, endpoint_help)->type_name("NAME");
  verb->add_option("--zone", zone_, "instances of this zone are preferred")->type_name("ZONE");
  verb->add_option("--affinity", affinity_key_, "equal keys go to one instance, with consistent_hash")->type_name("KEY");
  verb->add_option("--service-ca", ca_, "PEM file with the certificates to trust of instances [the system's]")->type_name("FILE");
  verb->add_option("--service-cert", certificate_, "PEM file with the certificate to show to instances")->type_name("FILE");
  verb->add_option("--service-key", key_, "PEM file with its key")->type_name("FILE");
}

absl::StatusOr<ResolveOptions> InstanceChoice::Options() const {
  absl::StatusOr<discovery::Filter> filter = discovery::Filter::Parse(filter_, discovery::AgeTerms::kRefused);
  if (!filter.ok()) return filter.status();
  // A turn of round robin begins anew in each program: it would always be the first one's.
  return ResolveOptions{.strategy = discovery::StrategyOptions{.kind = strategy_.value_or(StrategyKind::kRandom), .zone = zone_},
                        .filter = *std::move(filter)};
}

absl::StatusOr<TlsCredentials> InstanceChoice::Credentials() const {
  if (certificate_.empty() != key_.empty()) {
    const absl::string_view missing = key_.empty() ? "--service-key" : "--service-cert";
    const absl::string_view given = key_.empty() ? "--service-cert" : "--service-key";
    return InvalidField(Reason::kInvalidField, missing, absl::StrCat("is missing, and ", given, " is given"));
  }
  return ReadCredentials({.flag = "--service-ca", .path = ca_}, {.flag = "--service-cert", .path = certificate_},
                         {.flag = "--service-key", .path = key_});
}

absl::StatusOr<Locator> OpenLocator(const Connection& connection, const Settings& settings) {
  const absl::StatusOr<ListClustersResult> reached = Discovery(connection).ListClusters();
  if (!reached.ok()) return reached.status();
  return Locator::Open(connection, {.cluster = settings.cluster, .first_answer_timeout = settings.timeout});
}

}  // namespace scoutlight::cli
