// Puts one kind of load on one server and prints what it measured as one JSON object on stdout. bench/run.py runs it.

#include <cstdio>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "bench/load.h"
#include "bench/store_load.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

constexpr int64_t kInstancesMax = 1'000'000;

// "get:64,put:16". kInvalidArgument: anything else.
absl::StatusOr<std::vector<Part>> ParseParts(const std::string& text) {
  std::vector<Part> parts;
  for (const std::string& item : std::vector<std::string>(absl::StrSplit(text, ','))) {
    const std::vector<std::string> fields = absl::StrSplit(item, ':');
    Part part;
    if (fields.size() != 2 || !absl::SimpleAtoi(fields[1], &part.in_flight) || part.in_flight < 1 || part.in_flight > 10'000) {
      return absl::InvalidArgumentError("a load is OPERATION:IN_FLIGHT, 1 to 10000 in flight, joined by commas: " + text);
    }
    absl::StatusOr<Operation> operation = ParseOperation(fields[0]);
    if (!operation.ok()) return operation.status();
    part.operation = *operation;
    parts.push_back(part);
  }
  return parts;
}

absl::Status CheckRun(Api api, const std::vector<Part>& parts, const Fleet& fleet) {
  for (const Part& part : parts) {
    if (!HasOperation(api, part.operation)) {
      return absl::InvalidArgumentError(absl::StrCat("--load: that API has no operation ", OperationName(part.operation)));
    }
  }
  if (int64_t{fleet.services} * fleet.instances_per_service > kInstancesMax) {
    return absl::InvalidArgumentError(absl::StrCat("--services times --instances is over ", kInstancesMax));
  }
  return absl::OkStatus();
}

// What kGetPast is to read, where it is made. kInvalidArgument: the store is not so old.
absl::Status FindPast(int64_t changes_ago, LoadOptions* options) {
  bool wanted = false;
  for (const Part& part : options->parts) wanted = wanted || part.operation == Operation::kGetPast;
  if (!wanted || options->api == Api::kFloor) return absl::OkStatus();
  const absl::StatusOr<int64_t> latest = LatestRevision({.address = options->server, .api = options->api}, KeyOf(0));
  if (!latest.ok()) return latest.status();
  if (*latest <= changes_ago) {
    return absl::InvalidArgumentError(absl::StrCat("--changes-ago=", changes_ago, ": the store is at revision ", *latest));
  }
  options->data.past_revision = *latest - changes_ago;
  return absl::OkStatus();
}

double Microseconds(absl::Duration duration) { return absl::ToDoubleMicroseconds(duration); }

nlohmann::json ToJson(const LoadResult& result) {
  nlohmann::json json = {{"seconds", absl::ToDoubleSeconds(result.measured)},
                         {"failed_calls", result.failed_calls},
                         {"first_failure", result.first_failure},
                         {"parts", nlohmann::json::array()}};
  int64_t calls = 0;
  for (const PartResult& part : result.parts) {
    calls += part.latency.count();
    const absl::string_view name = OperationName(part.operation);
    json["parts"].push_back({{"operation", std::string(name.data(), name.size())},
                             {"in_flight", part.in_flight},
                             {"calls", part.latency.count()},
                             {"calls_per_second", static_cast<double>(part.latency.count()) / absl::ToDoubleSeconds(result.measured)},
                             {"p50_us", Microseconds(part.latency.Percentile(0.50))},
                             {"p90_us", Microseconds(part.latency.Percentile(0.90))},
                             {"p99_us", Microseconds(part.latency.Percentile(0.99))},
                             {"max_us", Microseconds(part.latency.max())}});
  }
  if (calls > 0) {
    if (result.server_cpu) json["server_cpu_us_per_call"] = Microseconds(*result.server_cpu) / static_cast<double>(calls);
    json["client_cpu_us_per_call"] = Microseconds(result.client_cpu) / static_cast<double>(calls);
  }
  return json;
}

int Main(int argc, char** argv) {
  CLI::App app("Puts load on a registry, an etcd or an empty gRPC handler and prints latency, throughput and processor time as JSON");
  LoadOptions options;
  std::string api = "registry", load = "get:64";
  double warm_up_seconds = 1, duration_seconds = 5;
  int64_t changes_ago = 1'000;
  app.add_option("--server", options.server, "host:port of the server, without TLS")->required();
  app.add_option("--api", api, "registry, etcd or floor (the registry's calls, answered with nothing)");
  app.add_option("--load", load,
                 "what to keep in flight, as OPERATION:IN_FLIGHT[,...]; operations are get, put, get-past and"
                 " transact (ten puts), and of discovery resolve, register and register-all");
  app.add_option("--keys", options.data.keys, "number of keys")->check(CLI::Range(1, 1'000'000));
  app.add_option("--value-bytes", options.data.value_bytes, "bytes of a value")->check(CLI::Range(0, 1'000'000));
  app.add_option("--changes-ago", changes_ago, "how old the state is that get-past reads")->check(CLI::Range(0, 100'000'000));
  app.add_option("--service-prefix", options.data.fleet.prefix, "of the services' names; for operations of discovery");
  app.add_option("--services", options.data.fleet.services, "number of services; likewise")->check(CLI::Range(1, 100'000));
  app.add_option("--instances", options.data.fleet.instances_per_service, "of each service; likewise")->check(CLI::Range(1, 1'000'000));
  app.add_option("--channels", options.channels, "connections")->check(CLI::Range(1, 1'000));
  app.add_option("--threads", options.threads, "threads that take answers")->check(CLI::Range(1, 64));
  app.add_option("--warm-up", warm_up_seconds, "seconds before the measurement")->check(CLI::Range(0.0, 600.0));
  app.add_option("--duration", duration_seconds, "seconds of measurement")->check(CLI::Range(0.1, 3600.0));
  app.add_option("--calls", options.calls, "make so many calls at most, all measured, without a warm-up")->check(CLI::PositiveNumber);
  app.add_option("--server-pid", options.server_pid, "the server's process id, to measure its processor time");
  CLI11_PARSE(app, argc, argv);

  absl::StatusOr<Api> parsed_api = ParseApi(api);
  absl::StatusOr<std::vector<Part>> parts = ParseParts(load);
  absl::Status status = parsed_api.ok() ? parts.status() : parsed_api.status();
  if (status.ok()) status = CheckRun(*parsed_api, *parts, options.data.fleet);
  if (status.ok()) {
    options.api = *parsed_api;
    options.parts = *std::move(parts);
    status = FindPast(changes_ago, &options);
  }
  if (status.ok()) {
    options.warm_up = absl::Seconds(warm_up_seconds);
    options.duration = absl::Seconds(duration_seconds);
    absl::StatusOr<LoadResult> result = RunLoad(options);
    status = result.status();
    if (result.ok()) {
      std::cout << ToJson(*result).dump() << std::endl;
      return result->failed_calls == 0 ? 0 : 1;
    }
  }
  std::cerr << status << std::endl;
  return 2;
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
