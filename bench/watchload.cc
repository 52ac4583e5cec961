// Measures what watches of one server cost and prints it as one JSON object on stdout. bench/run.py runs it.

#include <string>

#include "CLI/CLI.hpp"
#include "bench/print_figures.h"
#include "bench/watch_load.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

nlohmann::json ToJson(const Histogram& latency) {
  return {{"count", latency.count()},
          {"p50_us", Microseconds(latency.Percentile(0.50))},
          {"p90_us", Microseconds(latency.Percentile(0.90))},
          {"p99_us", Microseconds(latency.Percentile(0.99))},
          {"max_us", Microseconds(latency.max())}};
}

absl::StatusOr<nlohmann::json> FanOut(const MeasuredServer& server, const FanOutOptions& options) {
  absl::StatusOr<FanOutResult> result = MeasureFanOut(server, options);
  if (!result.ok()) return result.status();
  nlohmann::json json = ToJson(result->last_event);
  json["server_cpu_us_per_event"] = Microseconds(result->server_cpu) / static_cast<double>(result->events);
  return json;
}

absl::StatusOr<nlohmann::json> Delivery(const MeasuredServer& server, const DeliveryOptions& options) {
  absl::StatusOr<DeliveryResult> result = MeasureDelivery(server, options);
  if (!result.ok()) return result.status();
  nlohmann::json json = ToJson(result->latency);
  json["late_max_us"] = Microseconds(result->late_max);
  return json;
}

absl::StatusOr<nlohmann::json> Idle(const MeasuredServer& server, const IdleOptions& options) {
  absl::StatusOr<IdleResult> result = MeasureIdle(server, options);
  if (!result.ok()) return result.status();
  const auto grown = static_cast<double>(result->bytes_after - result->bytes_before);
  return nlohmann::json{
      {"bytes_before", result->bytes_before}, {"bytes_after", result->bytes_after}, {"kb_per_watch", grown / 1000 / options.watches}};
}

int Main(int argc, char** argv) {
  CLI::App app("Measures watches of a registry or an etcd: how fast events come, and what watches cost the server");
  MeasuredServer server;
  std::string api = "registry";
  app.add_option("--server", server.address, "host:port of the server, without TLS")->required();
  app.add_option("--api", api, "registry, etcd or floor (bare streams)")->check(CLI::IsMember({"registry", "etcd", "floor"}));
  app.add_option("--server-pid", server.pid, "the server's process id, to measure its processor time and memory")->required();
  app.require_subcommand(1);

  FanOutOptions fan_out;
  CLI::App* fan_out_app = app.add_subcommand("fan-out", "from a put to the last of many watchers, each with a stream of its own");
  fan_out_app->add_option("--watchers", fan_out.watchers, "watchers of the key")->check(CLI::Range(1, 20'000));
  fan_out_app->add_option("--connections", fan_out.connections, "connections that they share")->check(CLI::Range(1, 1'000));
  fan_out_app->add_option("--warm-up-rounds", fan_out.warm_up_rounds, "puts before the measurement")->check(CLI::Range(0, 10'000));
  fan_out_app->add_option("--rounds", fan_out.rounds, "puts that are measured")->check(CLI::Range(1, 10'000));

  fan_out_app->add_option("--keys", fan_out.keys, "of a data set, put in their scattered turn under watches of its tree; 0: one key alone")
      ->check(CLI::Range(0, 10'000'000));

  DeliveryOptions delivery;
  double warm_up_seconds = 1, duration_seconds = 4, settle_seconds = 1;
  CLI::App* delivery_app = app.add_subcommand("delivery", "from a put to the one watcher of its tree, at an even pace of puts");
  delivery_app->add_option("--puts-per-second", delivery.puts_per_second, "the pace")->check(CLI::Range(1, 100'000));
  delivery_app->add_option("--warm-up", warm_up_seconds, "seconds before the measurement")->check(CLI::Range(0.0, 600.0));
  delivery_app->add_option("--duration", duration_seconds, "seconds of measurement")->check(CLI::Range(0.1, 3600.0));

  IdleOptions idle;
  bool multiplexed = false;
  CLI::App* idle_app = app.add_subcommand("idle", "memory of watches that see nothing; the server should be a fresh one");
  idle_app->add_option("--watches", idle.watches, "so many, each of its own key")->check(CLI::Range(1, 20'000));
  idle_app->add_option("--connections", idle.connections, "connections that their streams share")->check(CLI::Range(1, 1'000));
  idle_app->add_flag("--multiplexed", multiplexed, "all on one stream, in place of a stream each");
  idle_app->add_option("--settle", settle_seconds, "seconds between the last start and the second look")->check(CLI::Range(0.0, 60.0));
  CLI11_PARSE(app, argc, argv);

  const absl::StatusOr<Api> parsed_api = ParseApi(api);
  if (!parsed_api.ok()) return PrintFigures(parsed_api.status());
  server.api = *parsed_api;
  delivery.warm_up = absl::Seconds(warm_up_seconds);
  delivery.duration = absl::Seconds(duration_seconds);
  idle.form = multiplexed ? WatchForm::kMultiplexed : WatchForm::kStreamEach;
  idle.settle = absl::Seconds(settle_seconds);
  return PrintFigures(fan_out_app->parsed()    ? FanOut(server, fan_out)
                      : delivery_app->parsed() ? Delivery(server, delivery)
                                               : Idle(server, idle));
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
