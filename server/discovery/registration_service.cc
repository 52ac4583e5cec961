#include "server/discovery/registration_service.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>
#include <grpcpp/support/proto_buffer_reader.h>

#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "base/utf8.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "server/admit.h"
#include "server/discovery/all_results.h"
#include "server/discovery/drain_call.h"
#include "server/discovery/instance_conversion.h"
#include "server/discovery/registration_conversion.h"
#include "server/discovery/run_on_reader.h"
#include "server/discovery/session_calls.h"
#include "server/error_mapping.h"
#include "server/unary_call.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using google::protobuf::internal::WireFormatLite;

constexpr auto kRangeOfInstance = [](const auto& asked) { return std::vector<KeyRange>{RangeOf(asked.name)}; };

// An instance that is registered without an id has none yet: the whole service is asked about.
KeyRange RangeOfRegistration(const Registration& registration) {
  if (!registration.name.id.empty()) return RangeOf(registration.name);
  return RangeOf(discovery::ServiceName{registration.name.cluster, registration.name.service});
}

// For authorization: an override stands where its record does.
constexpr auto kRangeOfOverride = [](const auto& asked) {
  return std::vector<KeyRange>{{discovery::OverrideKey(asked.name), Scope::kKey}};
};

// Who it is, as text: a certificate's name may be any bytes.
std::string Shown(const Identity& identity) {
  const std::string caller = identity.Caller();
  return FindInvalidUtf8(caller).has_value() ? absl::CHexEscape(caller) : caller;
}

ShownState StateOf(Revision revision, const storage::Store& store) { return {revision, 0, store.store_id()}; }

absl::StatusOr<std::vector<absl::StatusOr<Registration>>> RegistrationsOf(const wire::RegisterAllRequest& request,
                                                                          const storage::Traits& traits, const discovery::Claims* claims) {
  if (request.registrations_size() < 1 || request.registrations_size() > limits::kRegistrationsMax) {
    return InvalidField(Reason::kInvalidField, "registrations",
                        absl::StrCat("are ", request.registrations_size(), ", must be from 1 to ", limits::kRegistrationsMax));
  }
  std::vector<absl::StatusOr<Registration>> registrations;
  using Named = std::tuple<std::string, std::string, bool, std::string>;  // Cluster, service, whether by its request_id.
  absl::flat_hash_map<Named, int> places;
  for (const wire::RegisterRequest& one : request.registrations()) {
    absl::StatusOr<Registration> registration = RegistrationOf(one, traits, claims);
    // Which of two would come last is nobody's to say. The id of one that names none is drawn from its request_id.
    if (registration.ok() && !(registration->name.id.empty() && one.request_id().empty())) {
      const std::string& named = registration->name.id.empty() ? one.request_id() : registration->name.id;
      const Named name{registration->name.cluster, registration->name.service, registration->name.id.empty(), named};
      const auto [first, is_new] = places.try_emplace(name, static_cast<int>(registrations.size()));
      if (!is_new) {
        registration = InvalidField(Reason::kInvalidField, registration->name.id.empty() ? "request_id" : "instance.id",
                                    absl::StrCat("is ", ::scoutlight::Shown(named), ", and so is that of registrations[", first->second,
                                                 "]: each instance can be registered once in a call"));
      }
    }
    registrations.push_back(std::move(registration));
  }
  return registrations;
}

// Whether so many are to be registered that it is no work for a thread of gRPC's. Looks at no more than their beginnings; of bytes that are
// no message at those before the fault.
bool IsLong(const grpc::ByteBuffer& bytes) {
  constexpr uint32_t kRegistrationTag =
      WireFormatLite::MakeTag(wire::RegisterAllRequest::kRegistrationsFieldNumber, WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  grpc::ByteBuffer read = bytes;  // The same bytes.
  grpc::ProtoBufferReader reader(&read);
  google::protobuf::io::CodedInputStream coded(&reader);
  int held = 0;
  while (const uint32_t tag = coded.ReadTag()) {
    if (tag == kRegistrationTag && ++held > limits::kInlineEntriesMax) return true;
    if (!WireFormatLite::SkipField(&coded, tag)) return false;
  }
  return false;
}

}  // namespace

grpc::ServerUnaryReactor* RegistrationService::Register(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                        grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::RegisterRequest request;
  auto registration = Admit(
      *parts_.admission, identity, "RegistrationService/Register", *bytes, &request,
      [this](const wire::RegisterRequest& wanted) {
        return RegistrationOf(wanted, parts_.store->traits(), parts_.feed->claims().claims.get());
      },
      [](const Registration& wanted) { return std::vector<KeyRange>{RangeOfRegistration(wanted)}; });
  if (!registration.ok()) return call.Fail(registration.status(), {});
  registration->origin = OriginOf(identity, &request);
  const DeferScope scope;
  parts_.registrar->Register(*std::move(registration), [this, call](const ChangedInstance& changed) {
    if (!changed.status.ok()) {
      call.Fail(changed.status, StateOf(changed.revision, *parts_.store));
      return;
    }
    wire::RegisterResponse response;
    FillInstance(*changed.instance, response.mutable_instance());
    response.set_revision(changed.revision);
    response.set_store_id(parts_.store->store_id());
    response.set_unchanged(changed.unchanged);
    response.set_replayed(changed.replayed);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistrationService::RegisterAll(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                           grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  if (!IsLong(*bytes)) {
    RegisterEach(call, identity, *bytes);
    return call.reactor();
  }
  // The bytes live as long as the call.
  const absl::Status refused = RunOnReader(parts_.readers, [this, call, identity, bytes] { RegisterEach(call, identity, *bytes); });
  if (!refused.ok()) return call.Fail(refused, {});
  return call.reactor();
}

void RegistrationService::RegisterEach(const UnaryCall& call, const Identity& identity, const grpc::ByteBuffer& bytes) {
  wire::RegisterAllRequest request;
  auto registrations = Admit(
      *parts_.admission, identity, "RegistrationService/RegisterAll", bytes, &request,
      [this](const wire::RegisterAllRequest& wanted) {
        return RegistrationsOf(wanted, parts_.store->traits(), parts_.feed->claims().claims.get());
      },
      [](const std::vector<absl::StatusOr<Registration>>& wanted) {
        std::vector<KeyRange> ranges;
        for (const auto& one : wanted) {
          if (one.ok()) ranges.push_back(RangeOfRegistration(*one));
        }
        return ranges;
      });
  if (!registrations.ok()) {
    call.Fail(registrations.status(), {});
    return;
  }
  const std::shared_ptr<discovery::Catalog> catalog = parts_.feed->catalog();
  const auto results = std::make_shared<AllResults>(call, request.registrations_size(),
                                                    StateOf(catalog == nullptr ? 0 : catalog->revision(), *parts_.store));
  // In one scope, so that the changes go to disk together.
  const DeferScope scope;
  for (int i = 0; i < request.registrations_size(); ++i) {
    absl::StatusOr<Registration>& one = (*registrations)[i];
    if (!one.ok()) {
      results->Set(i, {.status = one.status()});
      continue;
    }
    one->origin = OriginOf(identity, request.mutable_registrations(i));
    parts_.registrar->Register(*std::move(one), [results, i](const ChangedInstance& changed) { results->Set(i, changed); });
  }
}

grpc::ServerUnaryReactor* RegistrationService::Update(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                      grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::UpdateRequest request;
  auto update = Admit(*parts_.admission, identity, "RegistrationService/Update", *bytes, &request, UpdateOf, kRangeOfInstance);
  if (!update.ok()) return call.Fail(update.status(), {});
  update->origin = OriginOf(identity, &request);
  const DeferScope scope;
  parts_.registrar->Change(*std::move(update), [this, call](const ChangedInstance& changed) {
    if (!changed.status.ok()) {
      call.Fail(changed.status, StateOf(changed.revision, *parts_.store));
      return;
    }
    wire::UpdateResponse response;
    FillInstance(*changed.instance, response.mutable_instance());
    response.set_replayed(changed.replayed);
    response.set_revision(changed.revision);
    response.set_store_id(parts_.store->store_id());
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistrationService::Deregister(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                          grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::DeregisterRequest request;
  auto deregistration =
      Admit(*parts_.admission, identity, "RegistrationService/Deregister", *bytes, &request, DeregistrationOf, kRangeOfInstance);
  if (!deregistration.ok()) return call.Fail(deregistration.status(), {});
  deregistration->origin = OriginOf(identity, &request);
  const DeferScope scope;
  parts_.registrar->Deregister(*std::move(deregistration), [this, call](const ChangedInstance& changed) {
    if (!changed.status.ok()) {
      call.Fail(changed.status, StateOf(changed.revision, *parts_.store));
      return;
    }
    wire::DeregisterResponse response;
    response.set_found(!changed.unchanged);
    response.set_replayed(changed.replayed);
    response.set_revision(changed.revision);
    response.set_store_id(parts_.store->store_id());
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistrationService::PutOverride(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                           grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::PutOverrideRequest request;
  auto spec = Admit(
      *parts_.admission, identity, "RegistrationService/PutOverride", *bytes, &request,
      [this](const wire::PutOverrideRequest& wanted) { return OverrideSpecOf(wanted, parts_.store->traits()); }, kRangeOfOverride);
  if (!spec.ok()) return call.Fail(spec.status(), {});
  discovery::Override override{.reason = spec->reason, .author = Shown(identity), .created_at = parts_.clock->Now(), .expires_at = {}};
  if (spec->ttl.has_value()) override.expires_at = override.created_at + *spec->ttl;
  const DeferScope scope;
  overrides_.Put(std::move(spec->name), std::move(override), spec->ttl, OriginOf(identity, &request),
                 [this, call](const OverrideChange& change) {
                   if (!change.status.ok()) {
                     call.Fail(StripFields(change.status, "on_success[0].put."), StateOf(change.revision, *parts_.store));
                     return;
                   }
                   wire::PutOverrideResponse response;
                   if (change.override.has_value()) FillOverride(*change.override, response.mutable_override());
                   response.set_revision(change.revision);
                   response.set_store_id(parts_.store->store_id());
                   response.set_replayed(change.replayed);
                   call.Answer(response);
                 });
  return call.reactor();
}

grpc::ServerUnaryReactor* RegistrationService::DeleteOverride(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                              grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  const Identity identity = IdentityOf(*context);
  wire::DeleteOverrideRequest request;
  auto name = Admit(*parts_.admission, identity, "RegistrationService/DeleteOverride", *bytes, &request, NameOf,
                    [](const discovery::InstanceName& asked) {
                      return std::vector<KeyRange>{{discovery::OverrideKey(asked), Scope::kKey}};
                    });
  if (!name.ok()) return call.Fail(name.status(), {});
  const DeferScope scope;
  overrides_.Delete(*std::move(name), OriginOf(identity, &request), [this, call](const OverrideChange& change) {
    if (!change.status.ok()) {
      call.Fail(StripFields(change.status, "on_success[0].delete."), StateOf(change.revision, *parts_.store));
      return;
    }
    wire::DeleteOverrideResponse response;
    response.set_found(change.found);
    response.set_revision(change.revision);
    response.set_store_id(parts_.store->store_id());
    response.set_replayed(change.replayed);
    call.Answer(response);
  });
  return call.reactor();
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* RegistrationService::Session(grpc::CallbackServerContext* context) {
  return StartSession(
      *context,
      {.store = parts_.store, .admission = parts_.admission, .feed = parts_.feed, .readers = parts_.readers, .hub = parts_.sessions});
}

grpc::ServerUnaryReactor* RegistrationService::Drain(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                     grpc::ByteBuffer* answer) {
  return StartDrain({.store = parts_.store, .admission = parts_.admission, .registrar = parts_.registrar, .drains = parts_.drains},
                    *context, *bytes, answer);
}

void RegistrationService::AnswerConfirmed(const UnaryCall& call, int confirmed) const {
  wire::ConfirmLossResponse response;
  response.set_confirmed(confirmed);
  response.set_revision(parts_.feed->catalog()->revision());
  response.set_store_id(parts_.store->store_id());
  call.Answer(response);
}

grpc::ServerUnaryReactor* RegistrationService::ConfirmLoss(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                                           grpc::ByteBuffer* answer) {
  const UnaryCall call(context, answer);
  wire::ConfirmLossRequest request;
  auto loss = Admit(*parts_.admission, IdentityOf(*context), "RegistrationService/ConfirmLoss", *bytes, &request, ConfirmedLossOf,
                    [](const ConfirmedLoss& asked) { return std::vector<KeyRange>{RangeOf(asked.service)}; });
  if (!loss.ok()) return call.Fail(loss.status(), {});
  parts_.feed->WhenAt(0, [this, call, loss = *std::move(loss)](const absl::Status& status) mutable {
    if (!status.ok()) return call.Fail(status, {0, 0, parts_.store->store_id()}), void();
    if (!loss.ids.empty()) return AnswerConfirmed(call, parts_.feed->ConfirmLoss(loss.service, loss.ids));
    const absl::Status refused = RunOnReader(
        parts_.readers, [this, call, service = std::move(loss.service)] { AnswerConfirmed(call, parts_.feed->ConfirmLosses(service)); });
    if (!refused.ok()) call.Fail(refused, {0, 0, parts_.store->store_id()});
  });
  return call.reactor();
}

}  // namespace scoutlight::server
