#include "cli/topology_watching.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "cli/flags.h"
#include "cli/topology_records.h"
#include "cli/until_stopped.h"
#include "cli/watch_loop.h"
#include "client/topology.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

struct Kind {
  std::string type;
  Colour colour;
};

Kind KindOf(const TopologyUpdate& update) {
  if (!update.status.ok()) return {"unreadable", Colour::kRed};
  if (update.version.version == 0) return {"none", Colour::kDim};
  return update.version.deleted ? Kind{"deleted", Colour::kRed} : Kind{"topology", Colour::kGreen};
}

Record UpdateRecord(const TopologyUpdate& update) {
  Kind kind = KindOf(update);
  Record record = VersionRecord(update.version);
  if (update.version.version == 0) record = {.name = "", .fields = {{"version", Json()}}};
  record.fields.insert(record.fields.begin(), {"type", std::move(kind.type), Where::kAlways, std::nullopt, kind.colour});
  if (!update.status.ok()) {
    record.fields.push_back({"problem", std::string(update.status.message())});
  } else {
    Append(SizeFields(*update.topology), &record);
    for (size_t i = record.fields.size() - 2; i < record.fields.size(); ++i) record.fields[i].where = Where::kJson;
    record.fields.push_back({"size", Json(), Where::kAlways, SizeText(*update.topology)});
  }
  if (!update.version.document.empty()) record.fields.push_back({"document", update.version.document, Where::kJson});
  if (!update.store_id.empty()) record.fields.push_back({"store_id", update.store_id, Where::kJson});
  return record;
}

}  // namespace

TopologyWatching::TopologyWatching(CLI::App* topology, Verb* chosen) {
  CLI::App* const watch = topology->add_subcommand("watch", "show the cluster's topology and each that follows, until Ctrl-C");
  SetExample(watch, "scoutctl topology watch -o json");
  ChooseOnServer(watch, this, &TopologyWatching::Watch, chosen);
}

absl::Status TopologyWatching::Watch(const Call& call) const {
  const absl::StatusOr<std::unique_ptr<UntilStopped>> made = UntilStopped::Create();
  if (!made.ok()) return made.status();
  UntilStopped& until = **made;
  std::atomic<bool> begun = false;
  const auto on_update = [&](const TopologyUpdate& update) {
    begun.store(true, std::memory_order_relaxed);
    call.printer.Event(UpdateRecord(update));
    if (absl::Status unread = call.printer.status(); !unread.ok()) until.End(unread);
  };
  const TopologyWatch watch(call.connection, call.settings.cluster, on_update, [&until](const absl::Status& why) { until.End(why); });
  return RunWatch(
      &until, begun, call.settings.timeout, [&watch] { return watch.trouble(); }, &call.printer);
}

}  // namespace scoutlight::cli
