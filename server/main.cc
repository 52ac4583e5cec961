// scoutlightd: reads its settings, opens the store, serves until it is told to stop. The one place that draws randomness.

#include <grpc/grpc.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/config.h"
#include "server/listen_address.h"
#include "server/log.h"
#include "server/open_store.h"
#include "server/self_probe.h"
#include "server/server.h"
#include "server/stop_signal.h"

namespace scoutlight::server {
namespace {

constexpr int kExitCannotStart = 1;
constexpr int kExitCannotServe = 1;
// Calls in progress may take so long after SIGTERM ...
constexpr absl::Duration kDrainGrace = absl::Seconds(2);
// ... and everything together so long.
constexpr absl::Duration kStopTimeMax = absl::Milliseconds(4500);

// Running out of file descriptors once makes gRPC 1.51's listener deaf for good: take as many as there are.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("cannot raise the limit of open files");
  spdlog::debug("open files: at most {}", limit.rlim_cur);
}

uint64_t RandomFromSystem() {
  static std::random_device device;
  return uint64_t{device()} << 32 | device();
}

int CannotStart(const absl::Status& status) {
  spdlog::error("cannot start: {}", std::string(status.message()));
  return kExitCannotStart;
}

std::string KindOf(Config::Backend backend) {
  switch (backend) {
    case Config::Backend::kRocksdb:
      return "rocksdb";
    case Config::Backend::kMemory:
      return "memory";
    case Config::Backend::kEtcd:
      break;
  }
  return "etcd";
}

absl::StatusOr<ServerOptions> OptionsOf(const Config& config) {
  ServerOptions options;
  options.listen = config.listen;
  options.store_kind = KindOf(config.backend);
  options.discovery.seed = RandomFromSystem();
  options.discovery.warn = [](absl::string_view line) { spdlog::warn("discovery: {}", std::string(line)); };
  if (config.tls.certificate.empty()) return options;
  absl::StatusOr<TlsMaterial> tls = ReadTlsFiles(config.tls);
  if (!tls.ok()) return tls.status();
  options.tls = *std::move(tls);
  return options;
}

int Serve(const Config& config, StopSignal* stop) {
  for (const auto& [name, value] : SettingsOf(config)) spdlog::debug("setting {}={}", name, value);
  RaiseFileLimit();
  // Never undone: the last one out waits in gRPC 1.51 for up to 10 s when a client was slow to read (grpc issue 41050).
  grpc_init();
  absl::StatusOr<ServerOptions> options = OptionsOf(config);
  if (!options.ok()) return CannotStart(options.status());
  // Before the store is made or repaired: a server that cannot listen leaves no trace.
  if (absl::Status taken = config.restore_only ? absl::OkStatus() : TryBind(config.listen); !taken.ok()) return CannotStart(taken);
  absl::StatusOr<std::unique_ptr<storage::Store>> store = OpenStore(config, RandomFromSystem);
  if (!store.ok()) return CannotStart(store.status());
  if (config.restore_only) {
    LogAlways(absl::StrCat("made store ", (*store)->store_id()));
    return 0;
  }
  absl::StatusOr<std::unique_ptr<Server>> server = Server::Start(store->get(), *std::move(options));
  if (!server.ok()) return CannotStart(server.status());
  LogAlways(absl::StrCat("listening on ", (*server)->address().ToString()));
  {
    const SelfProbe probe((*server)->address(), {}, [] {
      spdlog::critical(
          "the server does not accept connections any more, probably for want of file descriptors: it ends, to be started anew");
      spdlog::shutdown();
      // Every acknowledged write is on disk; calls in progress end as with a crash.
      _exit(kExitCannotServe);
    });
    stop->Wait();
  }
  spdlog::info("stopping: a signal arrived; a second one ends at once");
  (*server)->Stop(kDrainGrace);
  server->reset();
  store->reset();
  spdlog::info("stopped");
  return 0;
}

int Main(const std::vector<std::string>& arguments) {
  const ParsedConfig parsed = ParseConfig(arguments);
  std::cout << parsed.output;
  for (const std::string& error : parsed.errors) std::cerr << "scoutlightd: " << error << "\n";
  if (!parsed.config.has_value()) return parsed.exit_code;
  StartLog(parsed.config->log_level, parsed.config->log_format);
  signal(SIGPIPE, SIG_IGN);
  // What is stored is for the server's user alone, also in a data directory that was there before.
  umask(S_IRWXG | S_IRWXO);
  // Debian builds gRPC with abseil's search for lock cycles on, for every lock of gRPC: 3 % of the time of a put.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  // Never destroyed: its thread lives as long as the process.
  auto* const stop = new StopSignal(kStopTimeMax);
  return Serve(*parsed.config, stop);
}

}  // namespace
}  // namespace scoutlight::server

int main(int argc, char** argv) { return scoutlight::server::Main(std::vector<std::string>(argv + 1, argv + argc)); }
