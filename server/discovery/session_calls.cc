#include "server/discovery/session_calls.h"

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/admit.h"
#include "server/discovery/session_conversion.h"
#include "server/error_mapping.h"
#include "server/hub_call.h"
#include "server/identity.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

// A longer message is read on a reader: about limits::kInlineEntriesMax registrations.
constexpr size_t kInlineBytesMax = limits::kInlineEntriesMax * limits::kKiB;

grpc::Status StatusOf(const absl::Status& status, const SessionCalls& parts) {
  if (status.ok()) return grpc::Status::OK;
  const std::shared_ptr<discovery::Catalog> catalog = parts.feed->catalog();
  return ToGrpcStatus(status, {.revision = catalog == nullptr ? 0 : catalog->revision(), .store_id = parts.store->store_id()});
}

class SessionCall final : public HubCall<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>, SessionStream, SessionHub>,
                          public std::enable_shared_from_this<SessionCall> {
 public:
  SessionCall(const SessionCalls& parts, Identity identity) : HubCall(parts.hub), parts_(parts), identity_(std::move(identity)) {}

  void Write(std::shared_ptr<const std::string> frame) override { StartFrame(std::move(frame)); }
  void ReadNext() override { StartRead(&read_); }
  void Finish(const absl::Status& status) override { ServerBidiReactor::Finish(StatusOf(status, parts_)); }

  void OnReadDone(bool ok) override {
    if (!ok) return hub_.OnReadsDone(this);
    if (read_.Length() <= kInlineBytesMax) return hub_.Take(this, Read());
    // At most one for each stream: a full pool is no reason to end one, whose client would send the same again.
    parts_.readers->Run([self = shared_from_this()] { self->hub_.Take(self.get(), self->Read()); });
  }

 private:
  absl::StatusOr<SessionStep> Read() const {
    wire::SessionRequest request;
    return Admit(
        *parts_.admission, identity_, "RegistrationService/Session", read_, &request,
        [this](const wire::SessionRequest& asked) { return SessionStepOf(asked, parts_.store->traits()); }, RangesOf);
  }

  const SessionCalls parts_;
  const Identity identity_;
  grpc::ByteBuffer read_;  // Until the message is taken in.
};

}  // namespace

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartSession(const grpc::CallbackServerContext& context,
                                                                          const SessionCalls& parts) {
  const Identity identity = IdentityOf(context);
  const auto call = std::make_shared<SessionCall>(parts, identity);
  call->HoldFor(call);
  absl::Status refused = parts.admission->CheckOpen();
  if (refused.ok()) refused = parts.hub->Open(call, identity.connection);
  if (!refused.ok()) call->Fail(StatusOf(refused, parts));
  return call.get();
}

}  // namespace scoutlight::server
