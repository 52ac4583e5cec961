#include "server/discovery/subscribe_calls.h"

#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/discovery_conversion.h"
#include "server/discovery/instance_conversion.h"
#include "server/error_mapping.h"
#include "server/hub_call.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "server/shared_slice.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

using Bidi = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

class SubscribeCall final : public HubCall<Bidi, SubscriberStream, SubscriberHub> {
 public:
  SubscribeCall(SubscriberHub* hub, const Admission* admission, Identity identity)
      : HubCall(hub), admission_(*admission), identity_(std::move(identity)) {}

  void Write(std::string head, InstanceFrame frame) override {
    const grpc::Slice slices[] = {grpc::Slice(head), frame == nullptr ? grpc::Slice() : SharedSlice(std::move(frame))};
    StartFrame(slices, slices[1].size() == 0 ? 1 : 2);
  }
  void ReadNext() override { StartRead(&read_); }
  void Finish(const absl::Status& status) override { Bidi::Finish(status.ok() ? grpc::Status::OK : ToGrpcStatus(status, {})); }

  void OnReadDone(bool ok) override {
    // The subscriber has half-closed: it hears on, and confirms nothing any more. Or it is gone: OnCancel says so.
    if (ok) hub_.Take(this, Read());
  }

 private:
  absl::StatusOr<SubscriberMessage> Read() {
    wire::SubscribeRequest request;
    if (absl::Status malformed = ParseRequest(read_, &request); !malformed.ok()) return malformed;
    absl::StatusOr<SubscriberMessage> message = SubscriberMessageOf(request);
    if (!message.ok() || !admission_.asks()) return message;
    std::vector<KeyRange> ranges;
    for (const discovery::ServiceName& service : message->add) ranges.push_back(RangeOf(service));
    if (absl::Status denied = admission_.CheckAllowed(identity_, "DiscoveryService/Subscribe", ranges); !denied.ok()) return denied;
    return message;
  }

  const Admission& admission_;
  const Identity identity_;
  grpc::ByteBuffer read_;  // Until OnReadDone.
};

}  // namespace

Bidi* StartSubscribe(const grpc::CallbackServerContext& context, const Admission& admission, SubscriberHub* hub) {
  Identity identity = IdentityOf(context);
  std::string caller = identity.Caller();
  const auto call = std::make_shared<SubscribeCall>(hub, &admission, std::move(identity));
  call->HoldFor(call);
  absl::Status refused = admission.CheckOpen();
  if (refused.ok()) refused = hub->Open(call, context.peer(), std::move(caller));
  if (!refused.ok()) call->Fail(ToGrpcStatus(refused, {}));
  return call.get();
}

}  // namespace scoutlight::server
