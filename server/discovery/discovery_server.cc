#include "server/discovery/discovery_server.h"

#include <atomic>
#include <utility>

#include "base/limits.h"
#include "base/reader_pool.h"
#include "discovery/strategy/random.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/catalog_reader.h"
#include "server/discovery/discovery_service.h"
#include "server/discovery/instance_hub.h"
#include "server/discovery/registrar.h"
#include "server/discovery/registration_service.h"
#include "server/discovery/resolver.h"
#include "server/discovery/schema_service.h"

namespace scoutlight::server {

// In the order in which they need each other.
struct DiscoveryServer::Parts {
  Parts(storage::Store* store, const Admission* admission, const DiscoveryOptions& options)
      : feed(std::make_shared<CatalogFeed>(store, CatalogFeedOptions{.clock = options.clock, .warn = options.warn},
                                           [this](const std::vector<discovery::ServiceName>& services) { hub.OnChanged(services); })),
        hub({.catalog = [this] { return feed->catalog(); },
             .clock = options.clock,
             .store_id = store->store_id(),
             .places = options.places}),
        resolver(options.seed),
        reader({.store = store, .resolver = &resolver, .clock = options.clock}),
        registrar(
            {.store = store,
             .feed = feed.get(),
             .clock = options.clock,
             .random = [this, seed = options.seed] { return discovery::MixBits(seed + drawn.fetch_add(1, std::memory_order_relaxed)); }}),
        registration({.store = store,
                      .admission = admission,
                      .feed = feed.get(),
                      .registrar = &registrar,
                      .readers = &readers,
                      .clock = options.clock}),
        discovery({.store = store, .admission = admission, .feed = feed.get(), .reader = &reader, .readers = &readers, .hub = &hub}),
        schemas({.store = store, .admission = admission, .feed = feed.get(), .readers = &readers}) {}

  std::atomic<uint64_t> drawn{0};  // Orders nothing.
  const std::shared_ptr<CatalogFeed> feed;
  InstanceHub hub;
  Resolver resolver;
  const CatalogReader reader;
  ReaderPool readers{limits::kReaderThreads, limits::kQueuedReadsMax};
  Registrar registrar;
  RegistrationService registration;
  DiscoveryService discovery;
  SchemaService schemas;
};

DiscoveryServer::DiscoveryServer(storage::Store* store, const Admission* admission, DiscoveryOptions options)
    : parts_(std::make_unique<Parts>(store, admission, options)) {}

DiscoveryServer::~DiscoveryServer() { Stop(); }

std::vector<grpc::Service*> DiscoveryServer::services() const { return {&parts_->registration, &parts_->discovery, &parts_->schemas}; }

std::vector<std::string> DiscoveryServer::ServiceNames() {
  return {discovery::v1::RegistrationService::service_full_name(), discovery::v1::DiscoveryService::service_full_name(),
          discovery::v1::SchemaService::service_full_name()};
}

std::shared_ptr<storage::Sink> DiscoveryServer::sink() const { return parts_->feed; }

void DiscoveryServer::Start() {
  parts_->feed->Start();
  parts_->hub.Start();
}

bool DiscoveryServer::ready() const { return parts_->feed->catalog() != nullptr; }

void DiscoveryServer::Drain(absl::Status reason) { parts_->hub.Drain(std::move(reason)); }

void DiscoveryServer::EndWaits() { parts_->feed->EndWaits(); }

void DiscoveryServer::Stop() { parts_->feed->Stop(); }

}  // namespace scoutlight::server
