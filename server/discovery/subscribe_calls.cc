#include "server/discovery/subscribe_calls.h"

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
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

// A longer message is read on a reader: limits::kInlineEntriesMax services with the longest names.
constexpr size_t kInlineBytesMax = limits::kInlineEntriesMax * 2 * limits::kNameBytesMax;

class SubscribeCall final : public HubCall<Bidi, SubscriberStream, SubscriberHub>, public std::enable_shared_from_this<SubscribeCall> {
 public:
  SubscribeCall(const SubscribeCalls& parts, Identity identity)
      : HubCall(parts.hub), admission_(*parts.admission), readers_(*parts.readers), identity_(std::move(identity)) {}

  void Write(std::string head, InstanceFrame frame) override {
    const grpc::Slice slices[] = {grpc::Slice(head), frame == nullptr ? grpc::Slice() : SharedSlice(std::move(frame))};
    StartFrame(slices, slices[1].size() == 0 ? 1 : 2);
  }
  void ReadNext() override { StartRead(&read_); }
  void Finish(const absl::Status& status) override { Bidi::Finish(status.ok() ? grpc::Status::OK : ToGrpcStatus(status, {})); }

  void OnReadDone(bool ok) override {
    // The subscriber has half-closed: it hears on, and confirms nothing any more. Or it is gone: OnCancel says so.
    if (!ok) return;
    if (read_.Length() <= kInlineBytesMax) return hub_.Take(this, Read());
    // At most one for each stream, whose next message is read after it: a full pool is no reason to end one that would come again.
    readers_.Run([self = shared_from_this()] { self->hub_.Take(self.get(), self->Read()); });
  }

 private:
  absl::StatusOr<SubscriberMessage> Read() const {
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
  ReaderPool& readers_;
  const Identity identity_;
  grpc::ByteBuffer read_;  // Until the hub asks for the next message.
};

}  // namespace

Bidi* StartSubscribe(const grpc::CallbackServerContext& context, const SubscribeCalls& parts) {
  Identity identity = IdentityOf(context);
  std::string caller = identity.Caller();
  const auto call = std::make_shared<SubscribeCall>(parts, std::move(identity));
  call->HoldFor(call);
  absl::Status refused = parts.admission->CheckOpen();
  if (refused.ok()) refused = parts.hub->Open(call, context.peer(), std::move(caller));
  if (!refused.ok()) call->Fail(ToGrpcStatus(refused, {}));
  return call.get();
}

}  // namespace scoutlight::server
