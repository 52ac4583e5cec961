#include "server/admin/admin_service.h"

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/deferred.h"
#include "base/error.h"
#include "base/key.h"
#include "server/admin/status_call.h"
#include "server/admin/status_report.h"
#include "server/identity.h"
#include "server/parse_request.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

// Whether a call can be read, and its caller is allowed everything.
template <typename Request>
absl::Status Admit(const Admission& admission, const grpc::CallbackServerContext& context, absl::string_view method,
                   const grpc::ByteBuffer& bytes, Request* request) {
  if (absl::Status malformed = ParseRequest(bytes, request); !malformed.ok()) return malformed;
  return admission.asks() ? admission.CheckAllowed(IdentityOf(context), method, {{Key(), Scope::kSubtree}}) : absl::OkStatus();
}

// The same of one that a server that drains does not take.
template <typename Request>
absl::Status AdmitIfOpen(const Admission& admission, const grpc::CallbackServerContext& context, absl::string_view method,
                         const grpc::ByteBuffer& bytes, Request* request) {
  if (absl::Status closed = admission.CheckOpen(); !closed.ok()) return closed;
  return Admit(admission, context, method, bytes, request);
}

absl::Status CheckCompact(const admin::v1::CompactRequest& request) {
  if (request.revision() >= 1) return absl::OkStatus();
  return InvalidField(Reason::kInvalidField, "revision", absl::StrCat("is ", request.revision(), ", at least 1 is needed"));
}

}  // namespace

AdminService::AdminService(Parts parts)
    : parts_(std::move(parts)),
      started_at_(parts_.clock->Now()),
      started_(parts_.clock->SinceBoot()),
      backups_(parts_.store, parts_.admission, parts_.clock, parts_.places) {}

grpc::ServerUnaryReactor* AdminService::Status(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                               grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  admin::v1::StatusRequest request;
  if (const absl::Status refused = Admit(*parts_.admission, *context, "AdminService/Status", *bytes, &request); !refused.ok()) {
    return call.Fail(refused, {});
  }
  StatusFacts facts;
  facts.started_at = started_at_;
  facts.uptime = parts_.clock->SinceBoot() - started_;
  facts.draining = !parts_.admission->CheckOpen().ok();
  facts.store_kind = parts_.store_kind;
  facts.store_id = parts_.store->store_id();
  facts.health = parts_.store->health();
  facts.leases = parts_.store->lease_count();
  facts.backend = parts_.store->backend();
  facts.behind = parts_.store->behind();
  facts.streams = parts_.places->taken();
  facts.streams_max = parts_.streams_max;
  facts.watches = parts_.hub->counts();
  facts.discovery = parts_.discovery->figures();
  facts.answer_within = parts_.answer_within;
  std::make_shared<StatusCall>(call, std::move(facts))->Start(parts_.store, parts_.discovery);
  return call.reactor();
}

grpc::ServerWriteReactor<grpc::ByteBuffer>* AdminService::Backup(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) {
  admin::v1::BackupRequest request;
  return backups_.Open(AdmitIfOpen(*parts_.admission, *context, "AdminService/Backup", *bytes, &request));
}

grpc::ServerUnaryReactor* AdminService::Compact(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  admin::v1::CompactRequest request;
  absl::Status refused = AdmitIfOpen(*parts_.admission, *context, "AdminService/Compact", *bytes, &request);
  if (refused.ok()) refused = CheckCompact(request);
  if (!refused.ok()) return call.Fail(refused, {});
  const DeferScope scope;
  parts_.store->Compact(request.revision(), [store = parts_.store, call](const storage::CompactResult& result) {
    if (!result.status.ok()) {
      call.Fail(result.status, {result.revision, result.oldest_revision, store->store_id()});
      return;
    }
    admin::v1::CompactResponse response;
    response.set_oldest_revision(result.oldest_revision);
    response.set_revision(result.revision);
    response.set_store_id(store->store_id());
    call.Answer(response);
  });
  return call.reactor();
}

}  // namespace scoutlight::server
