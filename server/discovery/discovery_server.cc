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
#include "server/discovery/recent_resolvers.h"
#include "server/discovery/registrar.h"
#include "server/discovery/registration_service.h"
#include "server/discovery/resolver.h"
#include "server/discovery/run_on_reader.h"
#include "server/discovery/schema_service.h"
#include "server/discovery/session_hub.h"
#include "server/discovery/subscriber_hub.h"
#include "server/fleet/fleet.h"

namespace scoutlight::server {
namespace {

using discovery::Catalog;

// Of the services that are guarded, so many are named.
constexpr size_t kGuardedShownMax = 100;

}  // namespace

// In the order in which they need each other.
struct DiscoveryServer::Parts {
  Parts(storage::Store* store, const Admission* admission, const DiscoveryOptions& options)
      : subscribers_admitted(!IsShared(*store)),
        feed(std::make_shared<CatalogFeed>(store, CatalogFeedOptions{.clock = options.clock, .warn = options.warn},
                                           [this](const std::vector<discovery::ServiceName>& services) {
                                             hub.OnChanged(services);
                                             sessions.OnChanged(services);
                                             subscribers.OnChanged(services);
                                           })),
        hub({.catalog = [this] { return feed->catalog(); },
             .clock = options.clock,
             .store_id = store->store_id(),
             .places = options.places,
             .behind = [store] { return store->behind(); }}),
        recent_resolvers(options.clock),
        subscribers(
            {.catalog = [this] { return subscribers_admitted.load(std::memory_order_acquire) ? feed->catalog() : nullptr; },
             .clock = options.clock,
             .store_id = store->store_id(),
             .random = [this, seed = options.seed] { return Draw(seed); },
             .places = options.places,
             .count_watches = [this](discovery::InstanceName name, uint64_t number,
                                     SubscriberHub::Parts::Counted done) { hub.CountShown(std::move(name), number, std::move(done)); },
             .end_count = [this](uint64_t number) { hub.EndCount(number); },
             .count_resolvers = [this](const discovery::ServiceName& service) { return recent_resolvers.Count(service); },
             .behind = [store] { return store->behind(); },
             .shared_store = IsShared(*store)}),
        fleet(IsShared(*store) ? std::make_unique<Fleet>(FleetPartsOf(store, options), &subscribers) : nullptr),
        resolver(options.seed),
        reader({.store = store, .resolver = &resolver, .clock = options.clock}),
        registrar(
            {.store = store, .feed = feed.get(), .clock = options.clock, .random = [this, seed = options.seed] { return Draw(seed); }}),
        sessions({.store = store, .feed = feed.get(), .registrar = &registrar, .places = options.places}),
        registration({.store = store,
                      .admission = admission,
                      .feed = feed.get(),
                      .registrar = &registrar,
                      .readers = &readers,
                      .sessions = &sessions,
                      .drains = fleet == nullptr ? static_cast<DrainAwaiter*>(&subscribers) : fleet.get(),
                      .clock = options.clock}),
        discovery({.store = store,
                   .admission = admission,
                   .feed = feed.get(),
                   .reader = &reader,
                   .readers = &readers,
                   .hub = &hub,
                   .subscribers = &subscribers,
                   .recent_resolvers = &recent_resolvers}),
        schemas({.store = store, .admission = admission, .feed = feed.get(), .readers = &readers}) {}

  FleetParts FleetPartsOf(storage::Store* store, const DiscoveryOptions& options) {
    LocalDrains local{
        .new_number = [this] { return subscribers.NewDrainNumber(); },
        .follow = [this](uint64_t number, DrainWait wait,
                         DrainWaits::Tell tell) { subscribers.FollowConfirmed(number, std::move(wait), std::move(tell)); },
        .end = [this](uint64_t number) { subscribers.EndWait(number); },
        .when_at = [this](Revision revision, CatalogFeed::Waiter done) { feed->WhenAt(revision, std::move(done)); },
        .on_server_gone = [this] { subscribers.OnServerGone(); },
        .on_admitted =
            [this] {
              subscribers_admitted.store(true, std::memory_order_release);
              subscribers.OnChanged({});
            },
        .end_subscribers = [this](absl::Status reason,
                                  absl::AnyInvocable<void() &&> done) { subscribers.Drain(std::move(reason), std::move(done)); }};
    return {.store = store,
            .clock = options.clock,
            .random = [this, seed = options.seed] { return Draw(seed); },
            .local = std::move(local),
            .warn = options.warn};
  }

  uint64_t Draw(uint64_t seed) { return discovery::MixBits(seed + drawn.fetch_add(1, std::memory_order_relaxed)); }

  std::atomic<uint64_t> drawn{0};  // Orders nothing.
  // Whether they may be shown what there is. True orders it after the catalog has come behind this server's record (fleet.h).
  std::atomic<bool> subscribers_admitted;
  const std::shared_ptr<CatalogFeed> feed;
  InstanceHub hub;
  RecentResolvers recent_resolvers;
  SubscriberHub subscribers;
  const std::unique_ptr<Fleet> fleet;  // Null: nobody shares the store.
  Resolver resolver;
  const CatalogReader reader;
  Registrar registrar;
  SessionHub sessions;
  ReaderPool readers{limits::kReaderThreads, limits::kQueuedReadsMax};
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
  parts_->subscribers.Start();
  parts_->sessions.Start();
}

void DiscoveryServer::Join(WatchHub* hub, std::string address) {
  if (parts_->fleet != nullptr) parts_->fleet->Start(hub, std::move(address));
}

bool DiscoveryServer::ready() const { return parts_->feed->catalog() != nullptr; }

DiscoveryServer::Figures DiscoveryServer::figures() const {
  const std::shared_ptr<discovery::Catalog> catalog = parts_->feed->catalog();
  return {.ready = catalog != nullptr,
          .loading = parts_->feed->loading(),
          .revision = catalog == nullptr ? 0 : catalog->revision(),
          .watches = parts_->hub.streams(),
          .sessions = parts_->sessions.streams(),
          .subscribers = parts_->subscribers.counts(),
          .resolver_states = parts_->resolver.states(),
          .problem = parts_->fleet == nullptr ? "" : parts_->fleet->problem()};
}

void DiscoveryServer::Look(absl::AnyInvocable<void(Figures) &&> done) const {
  Figures figures = this->figures();
  const std::shared_ptr<discovery::Catalog> catalog = parts_->feed->catalog();
  if (!figures.ready || catalog == nullptr) return std::move(done)(std::move(figures));
  Catalog::TotalsBounds bounds{.services_max = limits::kInlineEntriesMax, .guarded_max = kGuardedShownMax};
  figures.totals = catalog->CountIfFew(bounds);
  if (figures.totals.has_value() && figures.totals->unread == 0) return std::move(done)(std::move(figures));
  bounds = {.unread_max = limits::kPageEntriesMax, .guarded_max = kGuardedShownMax};
  // Once, here or there.
  const auto answer = std::make_shared<absl::AnyInvocable<void(Figures) &&>>(std::move(done));
  const absl::Status refused = RunOnReader(&parts_->readers, [catalog, bounds, answer, figures]() mutable {
    figures.totals = catalog->CountIfFew(bounds);
    std::move (*answer)(std::move(figures));
  });
  if (!refused.ok()) std::move (*answer)(std::move(figures));
}

void DiscoveryServer::Drain(absl::Status reason) {
  parts_->sessions.Drain(reason);
  // A fleet tells the others that the subscribers are served no more, so it is what ends them.
  if (parts_->fleet != nullptr) {
    parts_->fleet->Drain(reason);
  } else {
    parts_->subscribers.Drain(reason);
  }
  parts_->hub.Drain(std::move(reason));
}

void DiscoveryServer::EndWaits() { parts_->feed->EndWaits(); }

void DiscoveryServer::Stop() {
  if (parts_->fleet != nullptr) parts_->fleet->Stop();
  parts_->feed->Stop();
}

}  // namespace scoutlight::server
