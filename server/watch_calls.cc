#include "server/watch_calls.h"

#include <grpcpp/support/slice.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "server/error_mapping.h"
#include "server/hub_call.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "server/shared_slice.h"
#include "server/watch/watch_frame.h"
#include "server/watch_conversion.h"

namespace scoutlight::server {
namespace {

namespace wire = ::scoutlight::registry::v1;

// What a request asks for, if its caller may have that.
absl::StatusOr<WatchSpec> Admit(const Admission& admission, const Identity& identity, absl::string_view method,
                                const wire::WatchRequest& request) {
  absl::StatusOr<WatchSpec> spec = WatchSpecOf(request);
  if (!spec.ok()) return spec;
  if (absl::Status denied = admission.CheckAllowed(identity, method, {spec->range}); !denied.ok()) return denied;
  return spec;
}

// What a Watch call asks for.
absl::StatusOr<WatchSpec> ReadWatch(const Admission& admission, const Identity& identity, const grpc::ByteBuffer& bytes) {
  wire::WatchRequest request;
  if (absl::Status malformed = ParseRequest(bytes, &request); !malformed.ok()) return malformed;
  return Admit(admission, identity, "RegistryService/Watch", request);
}

// What both forms of a call have in common.
template <typename Reactor>
class RegistryHubCall : public HubCall<Reactor, WatchStream, WatchHub> {
 public:
  using HubCall<Reactor, WatchStream, WatchHub>::HubCall;

  void Finish(const WatchEnd& end) final { this->Reactor::Finish(StatusOf(end)); }
};

class WatchCall final : public RegistryHubCall<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  using RegistryHubCall::RegistryHubCall;

  void Write(int64_t /*watch_id*/, const FrameBytes& frame) override { StartFrame(frame); }
  void ReadNext() override {}
};

class WatchManyCall final : public RegistryHubCall<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  WatchManyCall(WatchHub* hub, const Admission* admission, Identity identity)
      : RegistryHubCall(hub), admission_(*admission), identity_(std::move(identity)) {}

  void Write(int64_t watch_id, const FrameBytes& frame) override {
    const grpc::Slice slices[] = {grpc::Slice(WatchManyPrefix(watch_id, frame->size())), SharedSlice(frame)};
    StartFrame(slices, 2);
  }
  void ReadNext() override { StartRead(&read_); }

  void OnReadDone(bool ok) override {
    // The client has half-closed: its watches go on. Or it is gone: OnCancel says so.
    if (ok) hub_.Command(this, Read());
  }

 private:
  WatchCommand Read() {
    wire::WatchManyRequest request;
    if (absl::Status malformed = ParseRequest(read_, &request); !malformed.ok()) return malformed;
    switch (request.request_case()) {
      case wire::WatchManyRequest::kCreate: {
        absl::StatusOr<WatchSpec> spec = Admit(admission_, identity_, "RegistryService/WatchMany", request.create().watch());
        if (!spec.ok()) spec = PrefixFields(spec.status(), "create.watch.");
        return CreateWatch{.watch_id = request.create().watch_id(), .spec = std::move(spec)};
      }
      case wire::WatchManyRequest::kCancel:
        return CancelWatch{.watch_id = request.cancel().watch_id()};
      case wire::WatchManyRequest::REQUEST_NOT_SET:
        break;
    }
    return InvalidField(Reason::kInvalidField, "request", "one of create, cancel must be set");
  }

  const Admission& admission_;
  const Identity identity_;
  grpc::ByteBuffer read_;  // Until OnReadDone.
};

}  // namespace

grpc::Status StatusOf(const WatchEnd& end) {
  ErrorDetails details = DetailsOf(end.status).value_or(ErrorDetails());
  if (end.revision.has_value()) details.metadata.emplace_back("revision", absl::StrCat(*end.revision));
  if (!end.store_id.empty()) details.metadata.emplace_back("store_id", end.store_id);
  return ToGrpcStatus(MakeError(end.status.code(), end.status.message(), details),
                      {end.revision.value_or(0), end.oldest_revision, end.store_id});
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* StartWatch(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                                       const Admission& admission, WatchHub* hub) {
  const auto call = std::make_shared<WatchCall>(hub);
  call->HoldFor(call);
  const Identity identity = IdentityOf(context);
  absl::StatusOr<WatchSpec> spec = ReadWatch(admission, identity, bytes);
  if (!spec.ok()) {
    call->Fail(ToGrpcStatus(spec.status(), {}));
    return call.get();
  }
  const Revision sent = SentBefore(*spec, hub->store_id(), hub->shown());
  absl::Status refused = admission.CheckOpen();
  if (refused.ok()) refused = hub->OpenOne(call, identity.connection, *std::move(spec));
  if (!refused.ok()) call->Fail(StatusOf({.status = refused, .revision = sent, .store_id = hub->store_id()}));
  return call.get();
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartWatchMany(const grpc::CallbackServerContext& context,
                                                                            const Admission& admission, WatchHub* hub) {
  const Identity identity = IdentityOf(context);
  const auto call = std::make_shared<WatchManyCall>(hub, &admission, identity);
  call->HoldFor(call);
  absl::Status refused = admission.CheckOpen();
  if (refused.ok()) refused = hub->OpenMany(call, identity.connection);
  if (!refused.ok()) call->Fail(StatusOf({.status = refused, .store_id = hub->store_id()}));
  return call.get();
}

}  // namespace scoutlight::server
