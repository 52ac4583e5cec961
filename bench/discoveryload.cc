// Measures what discovery costs one server and prints it as one JSON object on stdout. bench/run.py runs it.

#include <string>

#include "CLI/CLI.hpp"
#include "bench/discovery_load.h"
#include "bench/print_figures.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

absl::StatusOr<nlohmann::json> Changes(const MeasuredServer& server, const ChangesOptions& options) {
  absl::StatusOr<ChangesResult> result = MeasureChanges(server, options);
  if (!result.ok()) return result.status();
  const auto cpu_of = [](const ChangesResult::Cost& cost) { return Microseconds(cost.server_cpu) / static_cast<double>(cost.changes); };
  return nlohmann::json{{"changes", result->alone.changes},
                        {"answered_p50_us", Microseconds(result->answered.Percentile(0.50))},
                        {"answered_p99_us", Microseconds(result->answered.Percentile(0.99))},
                        {"seen_p50_us", Microseconds(result->seen.Percentile(0.50))},
                        {"seen_p99_us", Microseconds(result->seen.Percentile(0.99))},
                        {"resolved_p50_us", Microseconds(result->resolved.Percentile(0.50))},
                        {"server_cpu_us_per_change", cpu_of(result->alone)},
                        {"server_cpu_us_per_resolve", cpu_of(result->with_resolve) - cpu_of(result->alone)}};
}

absl::StatusOr<nlohmann::json> Await(const MeasuredServer& server, const AwaitOptions& options) {
  absl::StatusOr<AwaitResult> result = AwaitInstances(server, options);
  if (!result.ok()) return result.status();
  return nlohmann::json{{"resolved_at", absl::ToDoubleSeconds(result->resolved_at)}, {"resident_bytes", result->resident_bytes}};
}

int Main(int argc, char** argv) {
  CLI::App app("Measures discovery: what a change of an instance costs the server, and when a server has all instances");
  MeasuredServer server;
  app.add_option("--server", server.address, "host:port of the server, without TLS")->required();
  app.add_option("--server-pid", server.pid, "the server's process id, to measure its processor time and memory")->required();
  app.require_subcommand(1);

  ChangesOptions changes;
  changes.fleet.services = 1;
  double warm_up_seconds = 1, duration_seconds = 4;
  CLI::App* changes_app =
      app.add_subcommand("changes", "updates, one at a time, of a service that is watched, some with a Resolve after them");
  changes_app->add_option("--service-prefix", changes.fleet.prefix, "as bench/loadgen registered it; the first service")->required();
  changes_app->add_option("--instances", changes.fleet.instances_per_service, "that it has")->check(CLI::Range(1, 1'000'000))->required();
  changes_app->add_option("--warm-up", warm_up_seconds, "seconds before the measurement")->check(CLI::Range(0.0, 600.0));
  changes_app->add_option("--duration", duration_seconds, "seconds of measurement")->check(CLI::Range(0.1, 3600.0));

  AwaitOptions await;
  CLI::App* await_app = app.add_subcommand("await", "until the server has its instances; the time is that of the monotonic clock");
  await_app->add_option("--service", await.service, "to resolve");
  await_app->add_option("--instances", await.instances, "that there must be in all")->check(CLI::Range(0, 100'000'000))->required();
  CLI11_PARSE(app, argc, argv);

  changes.warm_up = absl::Seconds(warm_up_seconds);
  changes.duration = absl::Seconds(duration_seconds);
  return PrintFigures(changes_app->parsed() ? Changes(server, changes) : Await(server, await));
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
