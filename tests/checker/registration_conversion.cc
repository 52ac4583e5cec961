#include "tests/checker/registration_conversion.h"

#include "absl/strings/numbers.h"
#include "tests/support/client.h"
#include "tests/support/failure.h"

namespace scoutlight::checker {
namespace {

namespace wire = discovery::v1;

// One that is not ours, or that says so itself, or that came while the call may have gone on.
bool LeavesOpen(const testing::Failure& failure) {
  return failure.reason.empty() || failure.code == grpc::StatusCode::UNKNOWN || failure.code == grpc::StatusCode::UNAVAILABLE;
}

Revision RevisionOf(const testing::Failure& failure) {
  const auto found = failure.metadata.find("revision");
  Revision revision = 0;
  return found != failure.metadata.end() && absl::SimpleAtoi(found->second, &revision) ? revision : 0;
}

StoreId StoreOf(const testing::Failure& failure) {
  const auto found = failure.metadata.find("store_id");
  return found == failure.metadata.end() ? "" : found->second;
}

template <typename Response>
void Take(const grpc::Status& status, const Response& response, RegistrationCall* call) {
  if (status.ok()) {
    call->outcome = Outcome::kOk;
    call->store = response.store_id();
    call->revision = response.revision();
    call->replayed = response.replayed();
    return;
  }
  const testing::Failure failure = testing::FailureOf(status);
  call->outcome = LeavesOpen(failure) ? Outcome::kUnknown : Outcome::kFailed;
  call->code = static_cast<absl::StatusCode>(status.error_code());  // absl and gRPC share the numbers.
  call->reason = failure.reason;
  call->store = StoreOf(failure);
  call->revision = RevisionOf(failure);
}

template <typename Response>
void Take(const grpc::Status& status, const Response& response, DiscoveryRead* read) {
  if (status.ok()) {
    read->outcome = Outcome::kOk;
    read->store = response.store_id();
    read->revision = response.revision();
    return;
  }
  const testing::Failure failure = testing::FailureOf(status);
  const bool nobody =
      failure.reason == "INSTANCE_NOT_FOUND" || failure.reason == "SERVICE_NOT_FOUND" || failure.reason == "NONE_RESOLVABLE";
  read->store = StoreOf(failure);
  read->revision = RevisionOf(failure);
  const bool answers = nobody && !read->store.empty() && read->revision != 0;
  read->outcome = answers ? Outcome::kOk : failure.reason.empty() ? Outcome::kUnknown : Outcome::kFailed;
}

}  // namespace

std::string ClusterOf(const std::string& cluster) { return cluster.empty() ? "default" : cluster; }

ShownInstance ShownOf(const wire::Instance& instance) {
  return {.id = instance.id(),
          .properties = PropertiesText({instance.properties().begin(), instance.properties().end()}),
          .status = static_cast<discovery::Status>(instance.status()),
          .held = instance.has_held_until(),
          .overridden = instance.has_override(),
          .resolvable = instance.resolvable(),
          .lease_id = instance.lease_id(),
          .epoch = instance.epoch(),
          .mod_revision = instance.mod_revision()};
}

InstanceFrame FrameOf(const wire::WatchResponse& response) {
  InstanceFrame frame{.kind = static_cast<InstanceFrame::Kind>(response.kind()),
                      .removed = {response.removed().begin(), response.removed().end()},
                      .revision = response.revision(),
                      .store = response.store_id(),
                      .fragment = response.fragment()};
  for (const wire::Instance& instance : response.changed()) frame.changed.push_back(ShownOf(instance));
  return frame;
}

RegistrationCall FactOf(const wire::RegisterRequest& request, const grpc::Status& status, const wire::RegisterResponse& response) {
  RegistrationCall call{.kind = CallKind::kRegister, .name = NameOf(request.instance()), .session = request.session_id()};
  call.take_over = request.take_over();
  if (request.has_ttl()) call.ttl = testing::DurationOf(request.ttl());
  Take(status, response, &call);
  if (!status.ok()) return call;
  call.instance = ShownOf(response.instance());
  // If the server has drawn it.
  call.name.id = response.instance().id();
  call.unchanged = response.unchanged();
  return call;
}

RegistrationCall FactOf(const wire::UpdateRequest& request, const grpc::Status& status, const wire::UpdateResponse& response) {
  RegistrationCall call{.kind = CallKind::kUpdate, .name = NameOf(request.name()), .epoch = request.epoch()};
  Take(status, response, &call);
  if (status.ok()) call.instance = ShownOf(response.instance());
  return call;
}

RegistrationCall FactOf(const wire::DeregisterRequest& request, const grpc::Status& status, const wire::DeregisterResponse& response) {
  RegistrationCall call{.kind = CallKind::kDeregister, .name = NameOf(request.name()), .epoch = request.epoch()};
  Take(status, response, &call);
  call.found = response.found();
  return call;
}

RegistrationCall FactOf(const wire::DrainRequest& request, const grpc::Status& status, const wire::DrainResponse& response) {
  RegistrationCall call{.kind = CallKind::kDrain, .name = NameOf(request.name()), .epoch = request.epoch()};
  Take(status, response, &call);
  call.complete = response.complete();
  return call;
}

DiscoveryRead FactOf(const wire::GetInstanceRequest& request, const grpc::Status& status, const wire::GetInstanceResponse& response) {
  DiscoveryRead read{.kind = DiscoveryRead::Kind::kGet, .service = ServiceOf(request.name()), .id = request.name().id()};
  Take(status, response, &read);
  if (status.ok()) read.shown = {ShownOf(response.instance())};
  return read;
}

DiscoveryRead FactOf(const wire::ListInstancesRequest& request, const grpc::Status& status, const wire::ListInstancesResponse& response) {
  DiscoveryRead read{.kind = DiscoveryRead::Kind::kList, .service = ServiceOf(request)};
  read.whole = request.filter().empty() && request.page_token().empty() && response.next_page_token().empty();
  Take(status, response, &read);
  read.guarded = response.guarded();
  for (const wire::Instance& instance : response.instances()) read.shown.push_back(ShownOf(instance));
  return read;
}

DiscoveryRead FactOf(const wire::ResolveRequest& request, const grpc::Status& status, const wire::ResolveResponse& response) {
  DiscoveryRead read{.kind = DiscoveryRead::Kind::kResolve, .service = ServiceOf(request)};
  read.whole = request.filter().empty() && request.endpoint().empty();
  Take(status, response, &read);
  read.guarded = response.guarded();
  for (const auto& pick : response.picks()) read.shown.push_back(ShownOf(pick.instance()));
  return read;
}

}  // namespace scoutlight::checker
