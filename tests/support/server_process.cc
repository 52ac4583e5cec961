#include "tests/support/server_process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/stable_hash.h"
#include "storage/etcd/etcd_process.h"

namespace scoutlight::testing {
namespace {

// The test's data dependency: named by the build, or found beside the test when that is run by hand.
std::string ProgramPath() {
  const char* named = getenv("SCOUTLIGHTD");
  if (named != nullptr && std::filesystem::exists(named)) return named;
  return std::filesystem::read_symlink("/proc/self/exe").string() + ".runfiles/scoutlight/server/scoutlightd";
}

// With SCOUTLIGHT_TEST_STORE=etcd a server keeps in etcd what it would keep in its data directory: under a prefix of that name, in one etcd
// for all servers of the test. Not one that is told what its store is, or what to make it of.
std::optional<std::string> StoreFlag(const ServerFlags& flags) {
  const char* const kind = getenv("SCOUTLIGHT_TEST_STORE");
  if (kind == nullptr || std::string(kind) != "etcd" || flags.data_dir.empty()) return std::nullopt;
  for (const std::string& flag : flags.flags) {
    if (absl::StartsWith(flag, "--store") || absl::StartsWith(flag, "--restore")) return std::nullopt;
  }
  static const std::unique_ptr<storage::EtcdProcess> etcd = storage::EtcdProcess::Start();
  if (etcd == nullptr) return std::nullopt;
  return absl::StrCat("--store=etcd://", etcd->target(), "/", absl::Hex(StableHash().Add(flags.data_dir).value()));
}

ProcessOptions OptionsOf(ServerFlags flags) {
  ProcessOptions options;
  options.command = {ProgramPath()};
  if (!flags.listen.empty()) options.command.push_back(absl::StrCat("--listen=", flags.listen));
  if (!flags.data_dir.empty()) options.command.push_back(absl::StrCat("--data-dir=", flags.data_dir));
  if (std::optional<std::string> store = StoreFlag(flags); store.has_value()) options.command.push_back(*std::move(store));
  for (std::string& flag : flags.flags) options.command.push_back(std::move(flag));
  options.environment = std::move(flags.environment);
  options.mount = std::move(flags.mount);
  return options;
}

// The address in a log, of which the last line may not be complete.
std::string AddressIn(absl::string_view log) {
  constexpr absl::string_view kMark = "listening on ";
  const size_t start = log.find(kMark);
  if (start == absl::string_view::npos) return "";
  const absl::string_view rest = log.substr(start + kMark.size());
  const size_t end = rest.find_first_of("\"\n ");
  return end == absl::string_view::npos ? "" : std::string(rest.substr(0, end));
}

}  // namespace

ServerProcess::ServerProcess(ServerFlags flags) : Process(OptionsOf(std::move(flags))) {}

bool ServerProcess::WaitUntilListening(absl::Duration bound) {
  const bool listens = WaitForErrors([](const std::string& log) { return !AddressIn(log).empty(); }, bound);
  EXPECT_TRUE(listens) << "the server does not listen; it wrote:\n" << errors();
  return listens;
}

std::string ServerProcess::address() { return AddressIn(errors()); }

size_t ServerProcess::resident_bytes() const {
  std::ifstream status(absl::StrCat("/proc/", pid(), "/status"));
  for (std::string line; std::getline(status, line);) {
    absl::string_view number = line;
    if (!absl::ConsumePrefix(&number, "VmRSS:") || !absl::ConsumeSuffix(&number, " kB")) continue;
    size_t kib = 0;
    return absl::SimpleAtoi(number, &kib) ? kib * 1024 : 0;
  }
  return 0;
}

void ServerProcess::Kill() {
  Signal(SIGKILL);
  EXPECT_EQ(WaitForExit(), Exit{.signal = SIGKILL});
}

std::unique_ptr<ServerProcess> StartServer(ServerFlags flags) {
  auto server = std::make_unique<ServerProcess>(std::move(flags));
  server->WaitUntilListening();
  return server;
}

}  // namespace scoutlight::testing
