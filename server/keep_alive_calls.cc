#include "server/keep_alive_calls.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "scoutlight/registry/v1/lease.pb.h"
#include "server/admit.h"
#include "server/error_mapping.h"
#include "server/identity.h"
#include "server/lease_conversion.h"
#include "server/open_streams.h"
#include "server/stream_phase.h"

namespace scoutlight::server {
namespace {

namespace wire = registry::v1;

}  // namespace

struct KeepAliveCalls::Calls {
  explicit Calls(std::shared_ptr<StreamPlaces> places) : open(std::move(places)) {}

  OpenStreams<Call> open;
};

// One call. gRPC's callbacks and the store's answer follow one another; Stop() comes from any thread at any time.
class KeepAliveCalls::Call final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Call(storage::Store* store, const Admission* admission, std::shared_ptr<Calls> calls, Identity identity)
      : store_(*store), admission_(*admission), calls_(std::move(calls)), identity_(std::move(identity)) {}

  void Start() { StartRead(&read_); }
  void Refuse(const absl::Status& status) { FinishReading(ToGrpcStatus(status, {})); }

  void Stop() {
    if (phase_.Stop()) Finish(Draining());
  }

  void OnReadDone(bool ok) override {
    // The client has sent its last, or is gone.
    if (!ok) return FinishReading(grpc::Status::OK);
    if (!phase_.BeginAnswer()) return;
    wire::KeepAliveRequest request;
    const absl::StatusOr<std::vector<LeaseId>> ids = Admit(
        admission_, identity_, "LeaseService/KeepAlive", read_, &request,
        [](const wire::KeepAliveRequest& wanted) { return RenewedIdsOf(wanted.lease_ids()); },
        [](const auto&) {
          return std::vector<KeyRange>{{Key(), Scope::kKey}};
        });
    if (!ids.ok()) return FinishAnswering(ToGrpcStatus(ids.status(), {}));
    const DeferScope scope;
    store_.RenewLeases(*ids, identity_.connection, [this](const storage::Renewals& renewals) { Answer(renewals); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return FinishAnswering(grpc::Status::CANCELLED);
    if (!phase_.EndAnswer()) return Finish(Draining());
    StartRead(&read_);
  }

  void OnCancel() override { Stop(); }

  void OnDone() override {
    // The list outlives this, which goes with the reference to it.
    const std::shared_ptr<Calls> calls = calls_;
    calls->open.Remove(this);
  }

 private:
  // Why it was stopped: by the server, else by its client.
  grpc::Status Draining() const {
    const absl::Status closed = admission_.CheckOpen();
    return closed.ok() ? grpc::Status::CANCELLED : ToGrpcStatus(closed, {});
  }

  void Answer(const storage::Renewals& renewals) {
    bool own_buffer = false;
    written_.Clear();
    const grpc::Status status = grpc::GenericSerialize<grpc::ProtoBufferWriter, wire::KeepAliveResponse>(
        KeepAliveResponseOf(renewals, store_.store_id()), &written_, &own_buffer);
    if (!status.ok()) return FinishAnswering(status);
    StartWrite(&written_);
  }

  void FinishReading(const grpc::Status& status) {
    if (phase_.FinishReading()) Finish(status);
  }
  // By whoever answers.
  void FinishAnswering(const grpc::Status& status) {
    phase_.AbandonAnswer();
    Finish(status);
  }

  storage::Store& store_;
  const Admission& admission_;
  const std::shared_ptr<Calls> calls_;
  const Identity identity_;
  StreamPhase phase_;
  grpc::ByteBuffer read_;     // Until OnReadDone.
  grpc::ByteBuffer written_;  // Until OnWriteDone.
};

KeepAliveCalls::KeepAliveCalls(storage::Store* store, const Admission* admission, std::shared_ptr<StreamPlaces> places)
    : store_(*store), admission_(*admission), calls_(std::make_shared<Calls>(std::move(places))) {}

KeepAliveCalls::~KeepAliveCalls() = default;

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* KeepAliveCalls::Open(const grpc::CallbackServerContext& context) {
  const auto call = std::make_shared<Call>(&store_, &admission_, calls_, IdentityOf(context));
  if (const absl::Status full = calls_->open.Add(call); !full.ok()) {
    call->Refuse(full);
  } else {
    call->Start();
  }
  // OnDone comes only after this has returned, so the reference in `open` is still there.
  return call.get();
}

void KeepAliveCalls::Drain() { calls_->open.Close(); }

}  // namespace scoutlight::server
