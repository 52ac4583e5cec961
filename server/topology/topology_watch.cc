#include "server/topology/topology_watch.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "scoutlight/topology/v1/topology.pb.h"
#include "server/admit.h"
#include "server/error_mapping.h"
#include "server/hub_call.h"
#include "server/identity.h"
#include "server/topology/topology_conversion.h"
#include "server/watch_calls.h"

namespace scoutlight::server {
namespace {

using Reactor = grpc::ServerWriteReactor<grpc::ByteBuffer>;

class TopologyWatchCall final : public HubCall<Reactor, WatchStream, WatchHub> {
 public:
  TopologyWatchCall(WatchHub* hub, TopologyFrames* frames) : HubCall(hub), frames_(*frames) {}

  void Write(int64_t /*watch_id*/, const FrameBytes& frame) override {
    absl::StatusOr<FrameBytes> turned = frames_.Turn(frame);
    if (!turned.ok()) {
      unreadable_ = turned.status();
      return hub_.OnCancelled(this);
    }
    if (*turned == nullptr) return hub_.OnWritten(this);
    StartFrame(*std::move(turned));
  }
  void ReadNext() override {}
  void Finish(const WatchEnd& end) override {
    WatchEnd told = end;
    if (!unreadable_.ok()) told.status = unreadable_;
    Reactor::Finish(StatusOf(told));
  }

 private:
  TopologyFrames& frames_;
  absl::Status unreadable_;  // Why a frame was not sent; then the stream ends with that.
};

}  // namespace

Reactor* StartTopologyWatch(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes, const Admission& admission,
                            WatchHub* hub, TopologyFrames* frames) {
  const auto call = std::make_shared<TopologyWatchCall>(hub, frames);
  call->HoldFor(call);
  const Identity identity = IdentityOf(context);
  topology::v1::WatchRequest request;
  absl::StatusOr<WatchSpec> spec = Admit(admission, identity, "TopologyService/Watch", bytes, &request, TopologyWatchOf,
                                         [](const WatchSpec& wanted) { return std::vector<KeyRange>{wanted.range}; });
  absl::Status refused = spec.status();
  if (refused.ok()) refused = hub->OpenOne(call, identity.connection, *std::move(spec));
  if (!refused.ok()) call->Fail(ToGrpcStatus(refused, {0, 0, hub->store_id()}));
  return call.get();
}

}  // namespace scoutlight::server
