// Measures what leases of one server cost and prints it as one JSON object on stdout. bench/run.py runs it.

#include <iostream>
#include <string>

#include "CLI/CLI.hpp"
#include "bench/lease_load.h"
#include "bench/print_figures.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

absl::StatusOr<nlohmann::json> KeepAlive(const MeasuredServer& server, const KeepAliveOptions& options) {
  absl::StatusOr<KeepAliveResult> result = MeasureKeepAlives(server, options);
  if (!result.ok()) return result.status();
  return nlohmann::json{
      {"renewals_per_second", static_cast<double>(result->renewals) / absl::ToDoubleSeconds(result->measured)},
      {"server_cpu_ms_per_second", absl::ToDoubleMilliseconds(result->server_cpu) / absl::ToDoubleSeconds(result->measured)},
      {"server_cpu_us_per_renewal", Microseconds(result->server_cpu) / static_cast<double>(result->renewals)},
      {"p50_us", Microseconds(result->latency.Percentile(0.50))},
      {"p99_us", Microseconds(result->latency.Percentile(0.99))}};
}

absl::StatusOr<nlohmann::json> Endings(const MeasuredServer& server, const EndingsOptions& options) {
  absl::StatusOr<EndingsResult> result = MeasureEndings(server, options);
  if (!result.ok()) return result.status();
  const absl::Duration idle = result->idle.Percentile(0.99), busy = result->busy.Percentile(0.99);
  return nlohmann::json{{"idle_p50_us", Microseconds(result->idle.Percentile(0.50))},
                        {"idle_p99_us", Microseconds(idle)},
                        {"busy_p50_us", Microseconds(result->busy.Percentile(0.50))},
                        {"busy_p99_us", Microseconds(busy)},
                        {"busy_to_idle", absl::FDivDuration(busy, idle)},
                        {"ends_per_second", result->ends_per_second}};
}

int Main(int argc, char** argv) {
  CLI::App app("Measures leases of a registry or an etcd: what renewals cost the server, and what ends cost its writers");
  MeasuredServer server;
  std::string api = "registry";
  app.add_option("--server", server.address, "host:port of a fresh server, without TLS")->required();
  app.add_option("--api", api, "registry or etcd")->check(CLI::IsMember({"registry", "etcd"}));
  app.add_option("--server-pid", server.pid, "the server's process id, to measure its processor time")->required();
  app.require_subcommand(1);

  KeepAliveOptions keep_alive;
  bool unary = false;
  double warm_up_seconds = 1, duration_seconds = 10, idle_seconds = 5, busy_seconds = 5, ttl_seconds = 60;
  CLI::App* keep_alive_app = app.add_subcommand("keep-alive", "leases, each renewed every 10 s, as with a TTL of 30 s");
  keep_alive_app->add_option("--leases", keep_alive.leases, "so many")->check(CLI::Range(1'000, 1'000'000));
  keep_alive_app->add_option("--leases-per-message", keep_alive.leases_per_message, "at most")->check(CLI::Range(1, 10'000));
  keep_alive_app->add_flag("--unary", unary, "a call for each message, in place of streams");
  keep_alive_app->add_option("--warm-up", warm_up_seconds, "seconds before the measurement")->check(CLI::Range(0.0, 600.0));
  keep_alive_app->add_option("--duration", duration_seconds, "seconds of measurement")->check(CLI::Range(0.1, 3600.0));

  EndingsOptions endings;
  CLI::App* endings_app = app.add_subcommand("endings", "puts at an even pace before and while all leases end");
  endings_app->add_option("--leases", endings.leases, "so many, with a key each")->check(CLI::Range(1'000, 1'000'000));
  endings_app->add_option("--ttl", ttl_seconds, "seconds, longer than --idle")->check(CLI::Range(2.0, 3600.0));
  endings_app->add_option("--puts-per-second", endings.puts_per_second, "the pace")->check(CLI::Range(1, 100'000));
  endings_app->add_option("--idle", idle_seconds, "seconds of measurement before")->check(CLI::Range(0.1, 600.0));
  endings_app->add_option("--busy", busy_seconds, "seconds of measurement while they end")->check(CLI::Range(0.1, 600.0));
  CLI11_PARSE(app, argc, argv);

  server.api = api == "etcd" ? Api::kEtcd : Api::kRegistry;
  if (unary && server.api == Api::kEtcd) {
    std::cerr << "--unary: etcd renews on streams alone" << std::endl;
    return 1;
  }
  keep_alive.form = unary ? RenewForm::kUnary : RenewForm::kStream;
  keep_alive.warm_up = absl::Seconds(warm_up_seconds);
  keep_alive.duration = absl::Seconds(duration_seconds);
  endings.ttl = absl::Seconds(ttl_seconds);
  endings.idle = absl::Seconds(idle_seconds);
  endings.busy = absl::Seconds(busy_seconds);
  return PrintFigures(keep_alive_app->parsed() ? KeepAlive(server, keep_alive) : Endings(server, endings));
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
