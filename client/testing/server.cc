#include "client/testing/server.h"

#include <cstdio>
#include <cstdlib>
#include <future>
#include <optional>
#include <random>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "client/wire/wire.h"
#include "server/server.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"

namespace scoutlight::testing {
namespace {

// Somebody else may have the port for a moment, a client's own socket among others.
constexpr absl::Duration kPortTimeout = absl::Seconds(10);
constexpr absl::Duration kPortPause = absl::Milliseconds(20);
constexpr absl::Duration kReadyTimeout = absl::Seconds(30);

[[noreturn]] void Die(absl::string_view what, const absl::Status& why) {
  std::fprintf(stderr, "scoutlight::testing::Server: %s: %s\n", std::string(what).c_str(), why.ToString().c_str());
  std::abort();
}

uint64_t RandomFromSystem() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

StoreId NewStoreId() {
  return absl::StrCat(absl::Hex(RandomFromSystem(), absl::kZeroPad16), absl::Hex(RandomFromSystem(), absl::kZeroPad16));
}

std::unique_ptr<storage::Store> NewStore() {
  absl::StatusOr<std::unique_ptr<storage::Store>> store =
      storage::OpenLocalStore(storage::NewMemoryEngine(NewStoreId()), {.random = RandomFromSystem, .warn = [](absl::string_view) {}});
  if (!store.ok()) Die("cannot make a store", store.status());
  return *std::move(store);
}

std::unique_ptr<server::Server> NewServer(storage::Store* store, uint16_t port) {
  const absl::Duration deadline = Clock::System().SinceBoot() + kPortTimeout;
  for (;;) {
    server::ServerOptions options;
    options.listen.port = port;
    options.store_kind = "memory";
    options.discovery.seed = RandomFromSystem();
    absl::StatusOr<std::unique_ptr<server::Server>> server = server::Server::Start(store, std::move(options));
    if (server.ok()) return *std::move(server);
    if (port == 0 || Clock::System().SinceBoot() > deadline) Die("cannot start", server.status());
    absl::SleepFor(kPortPause);
  }
}

// Until the instances are known, a read of discovery is UNAVAILABLE, and made again.
void AwaitDiscovery(const Connection& connection) {
  const auto answer = connection.wire()->Call(&discovery::v1::DiscoveryService::Stub::ListClusters, discovery::v1::ListClustersRequest(),
                                              {.timeout = kReadyTimeout});
  if (!answer.ok()) Die("does not answer", answer.status());
}

}  // namespace

struct Server::Parts {
  std::unique_ptr<storage::Store> store = NewStore();
  std::unique_ptr<server::Server> server;  // Null: stopped.
  uint16_t port = 0;                       // 0: none yet.
};

Server::Server() : parts_(std::make_unique<Parts>()) { Start(); }

Server::~Server() { Stop(); }

Connection Server::Connect(ConnectionOptions options) const {
  options.endpoints = {address_};
  absl::StatusOr<Connection> connection = Connection::Open(std::move(options));
  if (!connection.ok()) Die("cannot connect", connection.status());
  return *std::move(connection);
}

void Server::Stop() {
  if (parts_->server == nullptr) return;
  parts_->server->Stop(absl::ZeroDuration());
  parts_->server.reset();
}

void Server::Start() {
  if (parts_->server != nullptr) return;
  parts_->server = NewServer(parts_->store.get(), parts_->port);
  parts_->port = parts_->server->address().port;
  address_ = parts_->server->address().ToString();
  AwaitDiscovery(Connect());
}

void Server::Restart() {
  Stop();
  Start();
}

void Server::Wipe() {
  Stop();
  parts_->store = NewStore();
  Start();
}

void Server::Compact() {
  std::promise<absl::Status> compacted;
  parts_->store->Read({.range = {Key(), Scope::kKey}}, [this, &compacted](storage::Page page) {
    parts_->store->Compact(page.revision, [&compacted](storage::CompactResult result) { compacted.set_value(result.status); });
  });
  if (absl::Status failed = compacted.get_future().get(); !failed.ok()) Die("cannot compact", failed);
  // Batches that the server has in memory are shown whatever is compacted.
  Restart();
}

}  // namespace scoutlight::testing
