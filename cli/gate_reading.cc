#include "cli/gate_reading.h"

#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/gate_records.h"
#include "client/discovery.h"
#include "client/topology.h"
#include "discovery/names.h"
#include "topology/topology.h"
#include "topology/topology_document.h"

namespace scoutlight::cli {
namespace {

using topology::Topology;

// The newest; without links if there is none, or, as is told, it cannot be read.
absl::StatusOr<Topology> NewestTopology(const Call& call) {
  const absl::StatusOr<GetTopologyResult> result = Topologies(call.connection).Get({.cluster = call.settings.cluster});
  if (absl::IsNotFound(result.status())) return Topology();
  if (!result.ok()) return result.status();
  absl::StatusOr<Topology> read = topology::ParseTopology(result->topology.document);
  if (read.ok()) return read;
  call.printer.Note(absl::StrCat("version ", result->topology.version, " of the topology breaks the rules that this program knows"));
  return Topology();
}

}  // namespace

GateReading::GateReading(CLI::App* gate, Verb* chosen) {
  CLI::App* const list =
      gate->add_subcommand("list", "list the gates of running instances: how they are linked, and what went through them");
  list->add_option("SERVICE", service_, "of its instances alone")->type_name("");
  SetExample(list, "scoutctl gate list encryptor");
  ChooseOnServer(list, this, &GateReading::List, chosen);
}

absl::Status GateReading::List(const Call& call) const {
  const absl::StatusOr<Topology> topology = NewestTopology(call);
  if (!topology.ok()) return topology.status();
  const Discovery discovery(call.connection);
  std::vector<std::string> services = {service_};
  if (service_.empty()) {
    const absl::StatusOr<ListServicesResult> all = discovery.ListServices(call.settings.cluster);
    if (!all.ok()) return all.status();
    services.clear();
    for (const ServiceSummary& service : all->services) services.push_back(service.name);
  }
  std::vector<Record> records;
  for (const std::string& service : services) {
    const discovery::ServiceName name{call.settings.cluster, service};
    const absl::StatusOr<ListInstancesResult> listed = discovery.ListInstances(name, {.instances_max = kListedMaxDefault});
    if (!listed.ok()) return listed.status();
    // One of those that were listed may be gone meanwhile.
    if (listed->instances.empty() && !service_.empty()) return discovery::ServiceNotFound(name);
    for (const discovery::Instance& instance : listed->instances) {
      if (instance.status == discovery::Status::kOwnerLost) continue;
      for (Record& record : GateRecords(instance, *topology)) records.push_back(std::move(record));
    }
  }
  call.printer.List("gates", records, Json::object());
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
