// Fills, lists, copies or compacts one server's store, or awaits that it serves, and prints what it measured as one JSON object on stdout.
// bench/run.py runs it.

#include <string>

#include "CLI/CLI.hpp"
#include "bench/print_figures.h"
#include "bench/store_load.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

absl::StatusOr<nlohmann::json> Nothing(const absl::Status& status) {
  if (!status.ok()) return status;
  return nlohmann::json::object();
}

absl::StatusOr<nlohmann::json> Lists(const MeasuredServer& server, const ListsOptions& options) {
  const absl::StatusOr<ListsResult> result = MeasureLists(server, options);
  if (!result.ok()) return result.status();
  const auto lists = static_cast<double>(result->latency.count());
  return nlohmann::json{{"lists", result->latency.count()},
                        {"lists_per_second", lists / absl::ToDoubleSeconds(result->measured)},
                        {"p50_us", Microseconds(result->latency.Percentile(0.50))},
                        {"p99_us", Microseconds(result->latency.Percentile(0.99))},
                        {"server_cpu_us_per_list", Microseconds(result->server_cpu) / lists}};
}

absl::StatusOr<nlohmann::json> Await(const MeasuredServer& server, const std::string& key) {
  const absl::StatusOr<absl::Duration> served = AwaitServing(server, key);
  if (!served.ok()) return served.status();
  return nlohmann::json{{"served_at", absl::ToDoubleSeconds(*served)}};
}

absl::StatusOr<nlohmann::json> Copy(const MeasuredServer& from, const std::string& parent, const MeasuredServer& to) {
  const absl::StatusOr<int64_t> entries = CopySubtree(from, parent, to);
  if (!entries.ok()) return entries.status();
  return nlohmann::json{{"entries", *entries}};
}

Filling FillingOf(const std::string& name) {
  if (name == "tree") return Filling::kTree;
  return name == "flat" ? Filling::kFlat : Filling::kKeys;
}

int Main(int argc, char** argv) {
  CLI::App app("Works on the whole store of a registry or an etcd");
  MeasuredServer server, target;
  std::string api = "registry", filling = "keys", what = "children", key = KeyOf(0), parent;
  double warm_up_seconds = 1, duration_seconds = 4;
  int64_t first = 0, entries = 10'000;
  ListsOptions lists;
  app.add_option("--server", server.address, "host:port of the server, without TLS")->required();
  app.add_option("--api", api, "registry or etcd")->check(CLI::IsMember({"registry", "etcd"}));
  app.add_option("--server-pid", server.pid, "the server's process id, to measure its processor time")->required();
  app.require_subcommand(1);

  CLI::App* fill_app = app.add_subcommand("fill", "puts entries, a hundred a transaction");
  fill_app->add_option("--filling", filling, "keys, tree or flat")->check(CLI::IsMember({"keys", "tree", "flat"}));
  fill_app->add_option("--first", first, "number of the first that is not there yet")->check(CLI::Range(0, 100'000'000));
  fill_app->add_option("--entries", entries, "that there are to be then")->check(CLI::Range(1, 100'000'000));

  CLI::App* lists_app = app.add_subcommand("lists", "whole lists, one after the other");
  lists_app->add_option("--what", what, "children of the tree, or all of the flat one")->check(CLI::IsMember({"children", "flat"}));
  lists_app->add_option("--entries", lists.entries, "that each shows; of etcd's children: all below")->required();
  lists_app->add_option("--page-size", lists.listing.page_size, "entries a page")->check(CLI::Range(1, 10'000));
  lists_app->add_option("--warm-up", warm_up_seconds, "seconds before the measurement")->check(CLI::Range(0.0, 600.0));
  lists_app->add_option("--duration", duration_seconds, "seconds of measurement")->check(CLI::Range(0.1, 3600.0));

  CLI::App* await_app = app.add_subcommand("await", "until a get is answered; the time is that of the monotonic clock");
  await_app->add_option("--key", key, "that is there");

  CLI::App* compact_app = app.add_subcommand("compact", "gives up all states but the latest");
  compact_app->add_option("--key", key, "that is there");

  CLI::App* copy_app = app.add_subcommand("copy", "puts all that lies below a key into an etcd");
  copy_app->add_option("--parent", parent, "the key")->required();
  copy_app->add_option("--to", target.address, "host:port of the etcd")->required();
  CLI11_PARSE(app, argc, argv);

  server.api = api == "etcd" ? Api::kEtcd : Api::kRegistry;
  target.api = Api::kEtcd;
  lists.listing.what = what == "children" ? Listing::What::kChildren : Listing::What::kSubtree;
  lists.listing.parent = what == "children" ? kTreeParent : kFlatParent;
  lists.warm_up = absl::Seconds(warm_up_seconds);
  lists.duration = absl::Seconds(duration_seconds);
  if (fill_app->parsed()) return PrintFigures(Nothing(Fill(server, FillingOf(filling), first, entries)));
  if (lists_app->parsed()) return PrintFigures(Lists(server, lists));
  if (await_app->parsed()) return PrintFigures(Await(server, key));
  if (compact_app->parsed()) return PrintFigures(Nothing(Compact(server, key)));
  return PrintFigures(Copy(server, parent, target));
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
