#include "client/topology.h"

#include <cstddef>
#include <deque>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "client/events/callback_gate.h"
#include "client/events/run_and_wait.h"
#include "client/topology/topology_feed.h"
#include "client/wire/topology_conversion.h"
#include "client/wire/wire.h"
#include "topology/topology_document.h"

namespace scoutlight {
namespace {

namespace wire = topology::v1;
using Stub = wire::TopologyService::Stub;

client::CallOptions Reading(Timeout timeout) { return {.timeout = timeout, .repeatable = client::Repeatable::kRead}; }
client::CallOptions Writing(Timeout timeout) { return {.timeout = timeout, .repeatable = client::Repeatable::kWithId}; }

template <typename Response>
StoreState StateOf(const Response& response) {
  return {response.revision(), response.store_id()};
}

template <typename Request>
void FillChange(ChangeTopologyOptions options, client::Wire* wire, Request* request) {
  request->set_cluster(std::move(options.cluster));
  request->set_expected_version(options.expected_version);
  request->set_validate_only(options.validate_only);
  request->set_comment(std::move(options.comment));
  request->set_request_id(wire->NewRequestId());
}

template <typename Response>
ChangeTopologyResult ResultOf(Response response) {
  ChangeTopologyResult result{.replayed = response.replayed(),
                              .links = client::LinkChangesOf(response.link_changes()),
                              .links_total = response.link_changes().total(),
                              .links_unknown = response.link_changes().unknown(),
                              .state = StateOf(response)};
  if constexpr (requires { response.found(); }) {
    result.unchanged = !response.found();
  } else {
    result.unchanged = response.unchanged();
  }
  if (response.has_topology()) result.topology = client::TopologyVersionOf(std::move(*response.mutable_topology()));
  return result;
}

}  // namespace

Topologies::Topologies(Connection connection) : wire_(connection.wire()) {}

absl::StatusOr<ChangeTopologyResult> Topologies::Apply(std::string document, ChangeTopologyOptions options) const {
  wire::ApplyRequest request;
  request.set_document(std::move(document));
  const Timeout timeout = options.timeout;
  FillChange(std::move(options), wire_.get(), &request);
  absl::StatusOr<wire::ApplyResponse> response = wire_->Call(&Stub::Apply, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return ResultOf(*std::move(response));
}

absl::StatusOr<ChangeTopologyResult> Topologies::Rollback(int64_t version, ChangeTopologyOptions options) const {
  wire::RollbackRequest request;
  request.set_version(version);
  const Timeout timeout = options.timeout;
  FillChange(std::move(options), wire_.get(), &request);
  absl::StatusOr<wire::RollbackResponse> response = wire_->Call(&Stub::Rollback, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return ResultOf(*std::move(response));
}

absl::StatusOr<ChangeTopologyResult> Topologies::Delete(ChangeTopologyOptions options) const {
  wire::DeleteRequest request;
  const Timeout timeout = options.timeout;
  FillChange(std::move(options), wire_.get(), &request);
  absl::StatusOr<wire::DeleteResponse> response = wire_->Call(&Stub::Delete, std::move(request), Writing(timeout));
  if (!response.ok()) return response.status();
  return ResultOf(*std::move(response));
}

absl::StatusOr<GetTopologyResult> Topologies::Get(GetTopologyOptions options) const {
  wire::GetRequest request;
  request.set_cluster(std::move(options.cluster));
  request.set_version(options.version);
  absl::StatusOr<wire::GetResponse> response = wire_->Call(&Stub::Get, std::move(request), Reading(options.timeout));
  if (!response.ok()) return response.status();
  const StoreState state = StateOf(*response);
  return GetTopologyResult{client::TopologyVersionOf(std::move(*response->mutable_topology())), state};
}

absl::StatusOr<ListTopologyVersionsResult> Topologies::ListVersions(absl::string_view cluster, Timeout timeout) const {
  wire::ListVersionsRequest request;
  request.set_cluster(std::string(cluster));
  absl::StatusOr<wire::ListVersionsResponse> response = wire_->Call(&Stub::ListVersions, std::move(request), Reading(timeout));
  if (!response.ok()) return response.status();
  ListTopologyVersionsResult result{.versions = {}, .state = StateOf(*response)};
  for (wire::TopologyVersion& version : *response->mutable_versions()) {
    result.versions.push_back(client::TopologyVersionOf(std::move(version)));
  }
  return result;
}

// Kept by its tasks too, so that a callback may destroy the TopologyWatch.
struct TopologyWatch::Core : std::enable_shared_from_this<TopologyWatch::Core> {
  // With so many that were not told yet the server is held back. One frame may bring more.
  static constexpr size_t kUntoldMax = 16;

  Core(std::shared_ptr<client::Wire> its_wire, OnUpdate its_on_update, OnEnd its_on_end)
      : wire(std::move(its_wire)), on_update(std::move(its_on_update)), on_end(std::move(its_on_end)), gate(&wire->callbacks()) {}

  // On the loop, as the feed's events are.
  void Begin(std::string cluster) {
    feed = std::make_unique<client::TopologyFeed>(client::TopologyFeed::Options{
        .loop = &wire->loop(),
        .open = wire->topology_watches(),
        .unit_random = wire->unit_random(),
        .cluster = std::move(cluster),
        .on_version = [this](TopologyVersion version,
                             const StoreId& store_id) { Add({.version = std::move(version), .store_id = store_id}); },
        .on_trouble = [this](const absl::Status& why) { OnTrouble(why); },
        .on_end = [this](const absl::Status& why) { End(why); },
        .saw = [this](Revision revision, const StoreId& store_id) { wire->Saw(revision, store_id); }});
    feed->Begin();
  }
  void Add(TopologyUpdate update) {
    bool full = false;
    {
      const MutexLock lock(&mu);
      untold.push_back(std::move(update));
      full = untold.size() >= kUntoldMax;
    }
    if (full) feed->Pause();
    PostTurn();
  }
  void OnTrouble(const absl::Status& why) {
    bool is_news = false;
    {
      const MutexLock lock(&mu);
      trouble = why;
      is_news = absl::IsDataLoss(why) && why.message() != damage;
      if (absl::IsDataLoss(why) || why.ok()) damage = std::string(why.message());
    }
    if (is_news) Add({.status = why});
  }
  void End(const absl::Status& why) {
    {
      const MutexLock lock(&mu);
      end = why;
    }
    PostTurn();
  }
  // A turn for each update, and one for the end.
  void PostTurn() {
    gate.Post([weak = weak_from_this()] {
      if (const std::shared_ptr<Core> core = weak.lock()) core->TakeTurn();
    });
  }

  // On the thread for callbacks.
  void TakeTurn() {
    std::optional<TopologyUpdate> update;
    std::optional<absl::Status> over;
    bool room = false;
    {
      const MutexLock lock(&mu);
      if (untold.empty()) {
        over = end;
      } else {
        update = std::move(untold.front());
        untold.pop_front();
        room = untold.size() == kUntoldMax - 1;
      }
    }
    if (room) PostResume();
    if (update.has_value()) return Tell(*std::move(update));
    if (over.has_value() && on_end != nullptr) std::exchange(on_end, nullptr)(*over);
  }
  void Tell(TopologyUpdate update) const {
    if (update.status.ok()) {
      absl::StatusOr<topology::Topology> read = topology::Topology();
      if (update.version.version != 0 && !update.version.deleted) read = topology::ParseTopology(update.version.document);
      if (read.ok()) update.topology = std::make_shared<const topology::Topology>(*std::move(read));
      update.status = read.status();
    }
    // The TopologyWatch may be gone when it returns; this is not.
    on_update(update);
  }
  // Behind a Pause() that was not done yet.
  void PostResume() {
    wire->loop().Post([weak = weak_from_this()] {
      // Never the last to let go: the destructor of the TopologyWatch waits for a later task.
      const std::shared_ptr<Core> core = weak.lock();
      if (core != nullptr && core->feed != nullptr) core->feed->Resume();
    });
  }

  const std::shared_ptr<client::Wire> wire;  // Goes last.
  const OnUpdate on_update;
  OnEnd on_end;  // Of the thread for callbacks; null: none, or told.
  client::CallbackGate gate;
  std::unique_ptr<client::TopologyFeed> feed;  // Of the loop.
  mutable Mutex mu;
  std::deque<TopologyUpdate> untold ABSL_GUARDED_BY(mu);
  std::optional<absl::Status> end ABSL_GUARDED_BY(mu);
  absl::Status trouble ABSL_GUARDED_BY(mu);
  std::string damage ABSL_GUARDED_BY(mu);  // That was told last, and not been over since; empty: none.
};

TopologyWatch::TopologyWatch(Connection connection, absl::string_view cluster, OnUpdate on_update, OnEnd on_end)
    : core_(std::make_shared<Core>(connection.wire(), std::move(on_update), std::move(on_end))) {
  // The destructor waits for a later task of the loop.
  core_->wire->loop().Post([core = core_.get(), cluster = std::string(cluster)] { core->Begin(cluster); });
}

TopologyWatch::~TopologyWatch() {
  core_->gate.Close();
  client::RunAndWait(&core_->wire->loop(), [core = core_.get()] { core->feed.reset(); });
}

absl::Status TopologyWatch::trouble() const {
  const MutexLock lock(&core_->mu);
  return core_->trouble;
}

}  // namespace scoutlight
