#include "cli/service_reading.h"

#include <utility>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/instance_choice.h"
#include "cli/instance_records.h"
#include "discovery/names.h"
#include "discovery/strategy/strategy_kind.h"

namespace scoutlight::cli {
namespace {

constexpr absl::string_view kGuardedNote = "guarded: instances whose owners were lost are still shown for a while";

}  // namespace

ServiceReading::ServiceReading(CLI::App* service, Verb* chosen) {
  CLI::App* const list = service->add_subcommand("list", "list the services of a cluster");
  SetExample(list, "scoutctl service list");
  ChooseOnServer(list, this, &ServiceReading::List, chosen);

  CLI::App* const get = service->add_subcommand("get", "show the instances of a service, or all of one instance");
  get->add_option("SERVICE", service_, "its name")->required()->type_name("");
  get->add_option("ID", id_, "of one instance")->type_name("");
  get->add_option("--filter", filter_, "those alone that it chooses, such as 'zone == \"north\"'")->type_name("FILTER");
  SetExample(get, "scoutctl service get Printer laser");
  ChooseOnServer(get, this, &ServiceReading::Get, chosen);

  DeclareResolve(service, chosen);
}

void ServiceReading::DeclareResolve(CLI::App* service, Verb* chosen) {
  CLI::App* const resolve = service->add_subcommand("resolve", "pick an instance that takes work");
  resolve->add_option("SERVICE", service_, "its name")->required()->type_name("");
  AddStrategy(resolve, &query_.strategy, "how it is picked; default: the schema's, else round_robin");
  resolve->add_option("--filter", filter_, "of those that it chooses, such as 'protocol == \"https\"'")->type_name("FILTER");
  resolve->add_option("--endpoint-name", query_.endpoint, "the name of an endpoint, else a scheme, that it must have")->type_name("NAME");
  resolve->add_option("--zone", query_.zone, "instances of this zone are preferred")->type_name("ZONE");
  resolve->add_option("--affinity", query_.affinity_key, "equal keys go to one instance, with consistent_hash")->type_name("KEY");
  resolve->add_option("--count", query_.count, "so many different ones [1]")->check(RangeFault(1, limits::kPicksMax))->type_name("COUNT");
  SetExample(resolve, "scoutctl service resolve Printer --filter 'protocol == \"https\"'");
  ChooseOnServer(resolve, this, &ServiceReading::Resolve, chosen);
}

absl::Status ServiceReading::List(const Call& call) const {
  const absl::StatusOr<ListServicesResult> result = Discovery(call.connection).ListServices(call.settings.cluster);
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const ServiceSummary& service : result->services) records.push_back(ServiceRecord(service));
  call.printer.List("services", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::Status ServiceReading::Get(const Call& call) const {
  const Discovery discovery(call.connection);
  if (id_.has_value()) {
    if (!filter_.empty()) return InvalidField(Reason::kInvalidField, "--filter", "is given, and ID too");
    const absl::StatusOr<GetInstanceResult> result = discovery.GetInstance({call.settings.cluster, service_, *id_});
    if (!result.ok()) return result.status();
    call.printer.Item(InstanceRecord(result->instance));
    return absl::OkStatus();
  }
  const discovery::ServiceName name{call.settings.cluster, service_};
  const absl::StatusOr<ListInstancesResult> result = discovery.ListInstances(name, {.filter = filter_, .instances_max = kListedMaxDefault});
  if (!result.ok()) return result.status();
  // As Resolve says it. A filter may choose none of a service that is there.
  if (result->instances.empty() && filter_.empty()) return discovery::ServiceNotFound(name);
  std::vector<Record> records;
  for (const discovery::Instance& instance : result->instances) records.push_back(InstanceRecord(instance));
  Json rest = {{"guarded", result->guarded}};
  rest.update(StateJson(result->state));
  call.printer.List("instances", records, rest);
  if (result->guarded) call.printer.Note(kGuardedNote);
  return absl::OkStatus();
}

absl::Status ServiceReading::Resolve(const Call& call) const {
  ResolveQuery query = query_;
  query.cluster = call.settings.cluster;
  query.filter = filter_;
  const absl::StatusOr<ResolveResult> result = Discovery(call.connection).Resolve(service_, query);
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const ResolveResult::Pick& pick : result->picks) records.push_back(PickRecord(pick));
  Json rest = Json::object();
  if (result->strategy.has_value()) rest["strategy"] = std::string(discovery::StrategyText(*result->strategy));
  rest["guarded"] = result->guarded;
  rest.update(StateJson(result->state));
  call.printer.List("picks", records, rest);
  if (result->guarded) call.printer.Note(kGuardedNote);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
