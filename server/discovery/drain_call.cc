#include "server/discovery/drain_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/deferred.h"
#include "base/mutex.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/admit.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/registration_conversion.h"
#include "server/error_mapping.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;

// Lives until gRPC has done with it and nobody is to call it.
class DrainCall final : public grpc::ServerUnaryReactor, public std::enable_shared_from_this<DrainCall> {
 public:
  DrainCall(const DrainParts& parts, grpc::ByteBuffer* answer) : parts_(parts), answer_(*answer) {}

  void Start(const Identity& identity, const grpc::ByteBuffer& bytes) {
    self_ = shared_from_this();
    wire::DrainRequest request;
    absl::StatusOr<DrainSpec> spec = Admit(*parts_.admission, identity, "RegistrationService/Drain", bytes, &request, DrainSpecOf,
                                           [](const DrainSpec& wanted) { return std::vector<KeyRange>{RangeOf(wanted.change.name)}; });
    if (!spec.ok()) return Fail(spec.status(), 0);
    const absl::StatusOr<uint64_t> number = parts_.drains->TakeDrainPlace();
    if (!number.ok()) return Fail(number.status(), 0);
    {
      MutexLock lock(&mu_);
      number_ = *number;
    }
    spec->change.origin = OriginOf(identity, &request);
    DrainChange change = spec->change;
    const DeferScope scope;
    parts_.registrar->Drain(std::move(change), [self = shared_from_this(), spec = *std::move(spec)](const ChangedInstance& changed) {
      self->OnDraining(spec, changed);
    });
  }

  void OnCancel() override {
    uint64_t number = 0;
    {
      MutexLock lock(&mu_);
      cancelled_ = true;
      number = number_;
    }
    if (number != 0) parts_.drains->EndWait(number);
  }

  void OnDone() override {
    {
      MutexLock lock(&mu_);
      if (number_ != 0) parts_.drains->GiveBackDrainPlace();
    }
    self_.reset();
  }

 private:
  void OnDraining(const DrainSpec& spec, const ChangedInstance& changed) {
    if (!changed.status.ok()) return Fail(changed.status, changed.revision);
    const DrainWait wait{.name = spec.change.name, .revision = changed.revision, .timeout = spec.timeout, .linger = spec.linger};
    auto answer = [self = shared_from_this(), revision = changed.revision, replayed = changed.replayed](const DrainOutcome& outcome) {
      self->Answer(outcome, revision, replayed);
    };
    bool cancelled = false;
    {
      // Held until the wait is posted, so that a cancellation is seen here or comes behind it.
      MutexLock lock(&mu_);
      cancelled = cancelled_;
      if (!cancelled) parts_.drains->AwaitConfirmed(number_, wait, std::move(answer));
    }
    if (cancelled) Fail(absl::CancelledError("the caller has gone"), changed.revision);
  }

  void Answer(const DrainOutcome& outcome, Revision revision, bool replayed) {
    if (!outcome.status.ok()) return Fail(outcome.status, revision);
    wire::DrainResponse response;
    response.set_revision(revision);
    response.set_store_id(parts_.store->store_id());
    response.set_complete(outcome.complete);
    for (const DrainOutcome::Laggard& laggard : outcome.laggards) {
      wire::DrainResponse::Laggard* const named = response.add_laggards();
      named->set_subscriber_id(laggard.subscriber_id);
      named->set_peer(laggard.peer);
      named->set_gone(laggard.gone);
    }
    response.set_laggards_omitted(outcome.laggards_omitted);
    response.set_unconfirmable_watches(outcome.unconfirmable_watches);
    response.set_recent_resolvers(outcome.recent_resolvers);
    response.set_replayed(replayed);
    bool own_buffer = false;
    Finish(grpc::GenericSerialize<grpc::ProtoBufferWriter, wire::DrainResponse>(response, &answer_, &own_buffer));
  }

  void Fail(const absl::Status& status, Revision revision) { Finish(ToGrpcStatus(status, {revision, 0, parts_.store->store_id()})); }

  const DrainParts parts_;
  grpc::ByteBuffer& answer_;  // gRPC's, until Finish().
  std::shared_ptr<DrainCall> self_;

  Mutex mu_;
  uint64_t number_ ABSL_GUARDED_BY(mu_) = 0;  // Of its place; 0: it has none.
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace

grpc::ServerUnaryReactor* StartDrain(const DrainParts& parts, const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                     grpc::ByteBuffer* answer) {
  const auto call = std::make_shared<DrainCall>(parts, answer);
  call->Start(IdentityOf(context), bytes);
  return call.get();
}

}  // namespace scoutlight::server
