// Discovery over the wire: instances are registered, found, picked, watched, overridden; what is written by hand is one too.
#include <gmock/gmock.h>

#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "scoutlight/discovery/v1/schema.grpc.pb.h"
#include "tests/e2e/discovery_fixture.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_F(Discovery, ARegisteredInstanceIsReadAsKeysAndOneWrittenByHandIsFound) {
  const auto registered = Register("Printer", "laser", kLaser);
  ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  EXPECT_EQ(registered->instance().epoch(), registered->revision());
  EXPECT_TRUE(registered->instance().resolvable());
  ASSERT_EQ(registered->instance().endpoints_size(), 1);
  EXPECT_EQ(registered->instance().endpoints(0).url(), "https://192.168.1.101:8001");
  EXPECT_EQ(client().TextAt("/default/services/Printer/laser/port"), "8001");

  for (const auto& [name, value] : kInkjet) ASSERT_TRUE(client().Put("/default/services/Printer/inkjet/" + name, value).ok());
  EXPECT_THAT(Ids("Printer"), ElementsAre("inkjet", "laser"));
  const auto inkjet = Get("Printer", "inkjet");
  ASSERT_TRUE(inkjet.ok()) << inkjet.status.error_message();
  EXPECT_EQ(inkjet->instance().epoch(), 0);
  EXPECT_EQ(inkjet->instance().lease_id(), 0);
  EXPECT_FALSE(inkjet->instance().has_registered_at());
  EXPECT_EQ(inkjet->instance().properties().at("protocol"), "http");

  KillAndRestart();
  Connect();
  EXPECT_THAT(Ids("Printer"), ElementsAre("inkjet", "laser"));
  EXPECT_EQ(Get("Printer", "laser")->instance().epoch(), registered->instance().epoch());
}

TEST_F(Discovery, AnOwnerIsTheSessionUntilItsLeaseEndsOrAnotherTakesOver) {
  disco::RegisterRequest mine = RegisterOf("Printer", "laser", kLaser);
  mine.set_session_id("mine");
  const auto registered = Register(mine);
  ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  const int64_t epoch = registered->instance().epoch();

  // The same session again: nothing changes; then with other properties: those of before go, the epoch stays.
  const auto again = Register(mine);
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->instance().mod_revision(), registered->instance().mod_revision());
  disco::RegisterRequest changed = mine;
  changed.mutable_instance()->mutable_properties()->erase("protocol");
  (*changed.mutable_instance()->mutable_properties())["zone"] = "north";
  const auto after = Register(changed);
  ASSERT_TRUE(after.ok()) << after.status.error_message();
  EXPECT_EQ(after->instance().epoch(), epoch);
  EXPECT_EQ(after->instance().properties().count("protocol"), 0u);
  EXPECT_FALSE(client().Get("/default/services/Printer/laser/protocol").ok());

  disco::RegisterRequest theirs = RegisterOf("Printer", "laser", kInkjet);
  theirs.set_session_id("theirs");
  ExpectFailure(Register(theirs).status, grpc::StatusCode::ALREADY_EXISTS, "INSTANCE_OWNED");
  theirs.set_take_over(true);
  const auto taken = Register(theirs);
  ASSERT_TRUE(taken.ok()) << taken.status.error_message();
  EXPECT_GT(taken->instance().epoch(), epoch);

  // The old owner's words count no more.
  ExpectFailure(Deregister("Printer", "laser", epoch).status, grpc::StatusCode::ABORTED, "FENCED");
  disco::UpdateRequest update;
  update.mutable_name()->set_service("Printer");
  update.mutable_name()->set_id("laser");
  (*update.mutable_set_properties())["zone"] = "south";
  update.set_epoch(epoch);
  ExpectFailure(Call(&disco::RegistrationService::Stub::Update, update).status, grpc::StatusCode::ABORTED, "FENCED");
  update.set_epoch(taken->instance().epoch());
  const auto updated = Call(&disco::RegistrationService::Stub::Update, update);
  ASSERT_TRUE(updated.ok()) << updated.status.error_message();
  EXPECT_EQ(updated->instance().properties().at("zone"), "south");
  EXPECT_EQ(updated->instance().properties().at("port"), "8002");
  EXPECT_TRUE(Deregister("Printer", "laser", taken->instance().epoch())->found());
  EXPECT_FALSE(Deregister("Printer", "laser")->found());
  EXPECT_THAT(client().List("/default", wire::SCOPE_SUBTREE)->entries(), IsEmpty());
}

TEST_F(Discovery, AnInstanceGoesWithItsLeaseAndStaysWhileItIsRegisteredAgain) {
  disco::RegisterRequest kept = RegisterOf("Printer", "kept", kLaser);
  kept.mutable_ttl()->set_seconds(2);
  disco::RegisterRequest left = RegisterOf("Printer", "left", kLaser);
  left.mutable_ttl()->set_seconds(2);
  const auto registered = Register(kept);
  ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  EXPECT_GT(registered->instance().lease_id(), 0);
  ASSERT_TRUE(Register(left).ok());
  InstanceReader watch(*discovery_, WatchedService("Printer"));
  ASSERT_EQ(watch.NextEvent()->kind(), disco::WatchResponse::KIND_SNAPSHOT);
  ASSERT_EQ(watch.NextEvent()->kind(), disco::WatchResponse::KIND_SNAPSHOT_END);
  const Deadline deadline(kSoon);
  std::optional<disco::WatchResponse> gone;
  while (!gone.has_value() && !deadline.passed()) {
    const auto again = Register(kept);
    ASSERT_TRUE(again.ok()) << again.status.error_message();
    EXPECT_TRUE(again->unchanged());
    EXPECT_EQ(again->instance().lease_id(), registered->instance().lease_id());
    gone = watch.Next(absl::Milliseconds(200));
    if (gone.has_value() && gone->kind() == disco::WatchResponse::KIND_PROGRESS) gone.reset();
  }
  ASSERT_TRUE(gone.has_value());
  EXPECT_THAT(gone->removed(), ElementsAre("left"));
  EXPECT_THAT(Ids("Printer"), ElementsAre("kept"));
}

TEST_F(Discovery, AWatchShowsItsAnswerAndThenOnlyWhatChangesIt) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  ASSERT_TRUE(Register("Printer", "inkjet", kInkjet).ok());
  InstanceReader watch(*discovery_, WatchedService("Printer", "protocol == \"https\""));
  const auto snapshot = watch.NextEvent();
  ASSERT_TRUE(snapshot.has_value());
  ASSERT_EQ(snapshot->kind(), disco::WatchResponse::KIND_SNAPSHOT);
  ASSERT_EQ(snapshot->changed_size(), 1);
  EXPECT_EQ(snapshot->changed(0).id(), "laser");
  ASSERT_EQ(watch.NextEvent()->kind(), disco::WatchResponse::KIND_SNAPSHOT_END);

  // Hidden from it, then coming in, changing, going out, each told once.
  Properties inkjet = kInkjet;
  inkjet["zone"] = "north";
  ASSERT_TRUE(Register("Printer", "inkjet", inkjet).ok());
  inkjet["protocol"] = "https";
  const auto came = Register("Printer", "inkjet", inkjet);
  ASSERT_TRUE(came.ok());
  auto frame = watch.NextEvent();
  ASSERT_TRUE(frame.has_value());
  EXPECT_EQ(frame->kind(), disco::WatchResponse::KIND_CHANGES);
  ASSERT_EQ(frame->changed_size(), 1);
  EXPECT_EQ(frame->changed(0).id(), "inkjet");
  EXPECT_EQ(frame->changed(0).mod_revision(), came->revision());
  EXPECT_GE(frame->revision(), came->revision());
  inkjet["zone"] = "south";
  ASSERT_TRUE(Register("Printer", "inkjet", inkjet).ok());
  frame = watch.NextEvent();
  EXPECT_EQ(frame->changed(0).properties().at("zone"), "south");
  ASSERT_TRUE(Deregister("Printer", "inkjet").ok());
  frame = watch.NextEvent();
  EXPECT_THAT(frame->removed(), ElementsAre("inkjet"));
  EXPECT_EQ(frame->changed_size(), 0);

  server().Signal(SIGTERM);
  EXPECT_EQ(watch.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  server().WaitForExit();
  Start();
}

TEST_F(Discovery, AnOverrideTakesAnInstanceOutOverRegistrationsUntilItIsDeleted) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  disco::PutOverrideRequest put;
  put.mutable_name()->set_service("Printer");
  put.mutable_name()->set_id("laser");
  put.set_reason("paper jam");
  const auto overridden = Call(&disco::RegistrationService::Stub::PutOverride, put);
  ASSERT_TRUE(overridden.ok()) << overridden.status.error_message();
  ExpectFailure(Resolve(ResolveOf("Printer")).status, grpc::StatusCode::UNAVAILABLE, "NONE_RESOLVABLE");
  ASSERT_TRUE(Deregister("Printer", "laser").ok());
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  const auto laser = Get("Printer", "laser");
  EXPECT_FALSE(laser->instance().resolvable());
  EXPECT_EQ(laser->instance().override().reason(), "paper jam");
  EXPECT_EQ(laser->instance().override().author(), "host:127.0.0.1");
  const auto listed = Call(&disco::DiscoveryService::Stub::ListOverrides, disco::ListOverridesRequest());
  ASSERT_EQ(listed->overrides_size(), 1);
  EXPECT_EQ(listed->overrides(0).name().id(), "laser");

  disco::DeleteOverrideRequest erase;
  *erase.mutable_name() = put.name();
  EXPECT_TRUE(Call(&disco::RegistrationService::Stub::DeleteOverride, erase)->found());
  EXPECT_FALSE(Call(&disco::RegistrationService::Stub::DeleteOverride, erase)->found());
  EXPECT_EQ(Picked(ResolveOf("Printer")), "laser");
}

TEST_F(Discovery, OverridesOfAServiceAreThoseOfTheDefaultCluster) {
  for (const char* cluster : {"default", "other"}) {
    disco::PutOverrideRequest put;
    put.mutable_name()->set_cluster(cluster);
    put.mutable_name()->set_service("Printer");
    put.mutable_name()->set_id("laser");
    put.set_reason(std::string(512, 'x'));
    ASSERT_TRUE(Call(&disco::RegistrationService::Stub::PutOverride, put).ok());
    put.mutable_reason()->push_back('x');
    ExpectFailure(Call(&disco::RegistrationService::Stub::PutOverride, put).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                  {"reason"});
  }
  disco::ListOverridesRequest request;
  EXPECT_EQ(Call(&disco::DiscoveryService::Stub::ListOverrides, request)->overrides_size(), 2);
  request.set_service("Printer");
  const auto listed = Call(&disco::DiscoveryService::Stub::ListOverrides, request);
  ASSERT_EQ(listed->overrides_size(), 1);
  EXPECT_EQ(listed->overrides(0).name().cluster(), "default");
}

TEST_F(Discovery, ListsArePagedAndCountWhatIsThere) {
  std::set<std::string> registered;
  disco::RegisterAllRequest all;
  for (int i = 0; i < 25; ++i) {
    const std::string id = absl::StrCat("p", i);
    registered.insert(id);
    *all.add_registrations() = RegisterOf("Printer", id, kLaser);
  }
  *all.add_registrations() = RegisterOf("Printer", "bad", {{"port", "70000"}, {"health", "so-so"}});
  const auto results = Call(&disco::RegistrationService::Stub::RegisterAll, all);
  ASSERT_TRUE(results.ok()) << results.status.error_message();
  ASSERT_EQ(results->results_size(), 26);
  for (int i = 0; i < 25; ++i) EXPECT_EQ(results->results(i).code(), 0) << results->results(i).message();
  EXPECT_EQ(results->results(25).code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_EQ(results->results(25).reason(), "INVALID_FIELD");
  EXPECT_EQ(results->results(25).violations().count("instance.properties.port"), 1u);
  EXPECT_EQ(results->results(25).violations().count("instance.properties.health"), 1u);

  disco::ListInstancesRequest request;
  request.set_service("Printer");
  request.set_page_size(10);
  std::vector<std::string> listed;
  for (int pages = 0; pages < 5; ++pages) {
    const auto page = Call(&disco::DiscoveryService::Stub::ListInstances, request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    for (const disco::Instance& instance : page->instances()) listed.push_back(instance.id());
    request.set_page_token(page->next_page_token());
    if (page->next_page_token().empty()) break;
  }
  EXPECT_EQ(std::set<std::string>(listed.begin(), listed.end()), registered);
  EXPECT_EQ(listed.size(), registered.size());
  request.set_service("Scanner");
  request.set_page_token("x");
  ExpectFailure(Call(&disco::DiscoveryService::Stub::ListInstances, request).status, grpc::StatusCode::INVALID_ARGUMENT,
                "INVALID_PAGE_TOKEN", {"page_token"});

  const auto services = Call(&disco::DiscoveryService::Stub::ListServices, disco::ListServicesRequest());
  ASSERT_EQ(services->services_size(), 1);
  EXPECT_EQ(services->services(0).name(), "Printer");
  EXPECT_EQ(services->services(0).instances(), 25);
  EXPECT_EQ(services->services(0).resolvable(), 25);
  EXPECT_THAT(Call(&disco::DiscoveryService::Stub::ListClusters, disco::ListClustersRequest())->clusters(), ElementsAre("default"));
}

TEST_F(Discovery, BadRegistrationsNameEverythingThatIsWrongAndChangeNothing) {
  const int64_t before = client().Revision();
  disco::RegisterRequest request = RegisterOf("a/b", "..", {{"port", "0"}, {"weight", "-1"}, {"", "x"}});
  request.mutable_instance()->set_cluster("*");
  request.mutable_ttl()->set_seconds(100'000);
  request.set_session_id(std::string(65, 's'));
  request.set_request_id(std::string(65, 'r'));
  const Failure failure = FailureOf(Register(request).status);
  EXPECT_EQ(failure.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(failure.reason, "INVALID_FIELD");
  EXPECT_THAT(failure.fields, UnorderedElementsAre("instance.cluster", "instance.service", "instance.id", "instance.properties[\"\"]",
                                                   "ttl", "session_id", "request_id"));
  ExpectFailure(Register("Printer", "laser", {{"port", "0"}, {"weight", "-1"}}).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                {"instance.properties.port", "instance.properties.weight"});
  request = RegisterOf("Printer", "laser", {{"port", "80001"}});
  request.clear_permanent();
  ExpectFailure(Register(request).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"instance.properties.port", "lifetime"});
  disco::RegisterAllRequest all;
  *all.add_registrations() = request;
  const auto results = Call(&disco::RegistrationService::Stub::RegisterAll, all);
  ASSERT_TRUE(results.ok()) << results.status.error_message();
  EXPECT_EQ(results->results(0).violations().count("instance.properties.port"), 1u);
  EXPECT_EQ(results->results(0).violations().count("lifetime"), 1u);
  request = RegisterOf("Printer", "laser", kLaser);
  request.clear_permanent();
  request.set_lease_id(99);
  ExpectFailure(Register(request).status, grpc::StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND", {"lease_id"});
  disco::ResolveRequest resolve = ResolveOf("Printer", "protocol == ");
  resolve.set_count(17);
  ExpectFailure(Resolve(resolve).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"filter", "count"});
  resolve.clear_count();
  const Failure mistake = FailureOf(Resolve(resolve).status);
  EXPECT_EQ(mistake.metadata.count("offset"), 1u);
  EXPECT_EQ(mistake.metadata.count("column"), 1u);
  disco::UpdateRequest update;
  update.mutable_name()->set_service("Printer");
  update.mutable_name()->set_id("nobody");
  ExpectFailure(Call(&disco::RegistrationService::Stub::Update, update).status, grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND");
  InstanceReader watch(*discovery_, WatchedService("Printer", "age < 1h"));
  ExpectFailure(watch.End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"filter"});
  EXPECT_EQ(client().Revision(), before);
}

TEST_F(Discovery, LeasesThatTheServerMadeGoWithWhatTheyWereMadeFor) {
  const auto leases = [this] { return CallOf(*leases_, &wire::LeaseService::Stub::ListLeases, wire::ListLeasesRequest())->leases_size(); };
  disco::RegisterRequest request = RegisterOf("Printer", "laser", kLaser);
  request.mutable_ttl()->set_seconds(3600);
  ASSERT_TRUE(Register(request).ok());
  ASSERT_TRUE(Register(request).ok());
  EXPECT_EQ(leases(), 1);
  // Another ttl, a client's own lease, for good; each leaves the one before.
  request.mutable_ttl()->set_seconds(1800);
  ASSERT_TRUE(Register(request).ok());
  wire::GrantRequest grant;
  grant.mutable_ttl()->set_seconds(60);
  grant.set_lease_id(7);
  ASSERT_TRUE(CallOf(*leases_, &wire::LeaseService::Stub::Grant, grant).ok());
  request.set_lease_id(7);
  const auto own = Register(request);
  ASSERT_TRUE(own.ok()) << own.status.error_message();
  EXPECT_EQ(own->instance().lease_id(), 7);
  request.set_permanent(true);
  ASSERT_TRUE(Register(request).ok());
  const Deadline deadline(kSoon);
  while (leases() != 1 && !deadline.passed()) {
  }
  EXPECT_EQ(leases(), 1) << "the client's";
  request.mutable_ttl()->set_seconds(3600);
  ASSERT_TRUE(Register(request).ok());
  ASSERT_TRUE(Deregister("Printer", "laser").ok());
  disco::PutOverrideRequest put;
  put.mutable_name()->set_service("Printer");
  put.mutable_name()->set_id("laser");
  put.set_reason("paper jam");
  put.mutable_ttl()->set_seconds(600);
  ASSERT_TRUE(Call(&disco::RegistrationService::Stub::PutOverride, put).ok());
  ASSERT_TRUE(Call(&disco::RegistrationService::Stub::PutOverride, put).ok());
  disco::DeleteOverrideRequest erase;
  *erase.mutable_name() = put.name();
  ASSERT_TRUE(Call(&disco::RegistrationService::Stub::DeleteOverride, erase)->found());
  const Deadline at_last(kSoon);
  while (leases() != 1 && !at_last.passed()) {
  }
  EXPECT_EQ(leases(), 1);
}

TEST_F(Discovery, ARegistrationByTtlLeavesASharedLeaseAlone) {
  wire::GrantRequest grant;
  grant.mutable_ttl()->set_seconds(600);
  grant.set_lease_id(7);
  ASSERT_TRUE(CallOf(*leases_, &wire::LeaseService::Stub::Grant, grant).ok());
  disco::RegisterRequest shared = RegisterOf("Printer", "laser", kLaser);
  shared.set_lease_id(7);
  ASSERT_TRUE(Register(shared).ok());
  disco::RegisterRequest alone = shared;
  alone.mutable_ttl()->set_seconds(600);
  const auto registered = Register(alone);
  ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  EXPECT_NE(registered->instance().lease_id(), 7);
}

TEST_F(Discovery, AnUpdateLeavesAloneWhatItDoesNotName) {
  // By hand: one value that is no text, two on a lease, one not.
  wire::GrantRequest grant;
  grant.mutable_ttl()->set_seconds(600);
  grant.set_lease_id(7);
  ASSERT_TRUE(CallOf(*leases_, &wire::LeaseService::Stub::Grant, grant).ok());
  const std::string node = "/default/services/Printer/inkjet/";
  wire::PutRequest data;
  data.set_key(node + "cert");
  data.set_data(std::string("\xff\x00", 2));
  ASSERT_TRUE(client().Send(data).ok());
  wire::PutRequest leased = PutOf(node + "port", "8002");
  leased.set_lease_id(7);
  ASSERT_TRUE(client().Send(leased).ok());
  ASSERT_TRUE(client().Put(node + "hostname", "192.168.1.102").ok());

  disco::UpdateRequest update;
  update.mutable_name()->set_service("Printer");
  update.mutable_name()->set_id("inkjet");
  (*update.mutable_set_properties())["hostname"] = "192.168.1.103";
  (*update.mutable_set_properties())["port"] = "8003";
  const auto updated = Call(&disco::RegistrationService::Stub::Update, update);
  ASSERT_TRUE(updated.ok()) << updated.status.error_message();
  EXPECT_EQ(updated->instance().epoch(), 0);
  EXPECT_EQ(client().Get(node + "cert")->entry().data(), data.data());
  EXPECT_EQ(client().Get(node + "port")->entry().lease_id(), 7);
  EXPECT_EQ(client().Get(node + "port")->entry().text(), "8003");
  EXPECT_EQ(client().Get(node + "hostname")->entry().lease_id(), 0);
}

TEST_F(Discovery, AnUpdateIsSeenByWhoDeregistersAtTheSameTime) {
  // Whoever is second sees what the first did: the instance is gone for good, or was never removed.
  for (int round = 0; round < 20; ++round) {
    const auto registered = Register("Printer", "laser", kLaser);
    ASSERT_TRUE(registered.ok()) << registered.status.error_message();
    disco::UpdateRequest update;
    update.mutable_name()->set_service("Printer");
    update.mutable_name()->set_id("laser");
    (*update.mutable_set_properties())["zone"] = absl::StrCat("north-", round);
    std::thread updating([&] { Call(&disco::RegistrationService::Stub::Update, update); });
    const auto removed = Deregister("Printer", "laser");
    updating.join();
    ASSERT_TRUE(removed.ok()) << removed.status.error_message();
    ASSERT_TRUE(removed->found());
    ASSERT_THAT(client().List("/default", wire::SCOPE_SUBTREE)->entries(), IsEmpty()) << "round " << round;
  }
}

TEST_F(Discovery, ARequestIdBelongsToOneRequest) {
  disco::RegisterRequest request = RegisterOf("Printer", "laser", kLaser);
  request.set_request_id("once");
  ASSERT_TRUE(Register(request).ok());
  EXPECT_TRUE(Register(request)->unchanged());
  (*request.mutable_instance()->mutable_properties())["zone"] = "north";
  ExpectFailure(Register(request).status, grpc::StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
}

TEST_F(Discovery, AnotherSchemaLaysOutAnotherServiceAndARebindingTellsWhoWasLeftBehind) {
  const auto schemas = disco::SchemaService::NewStub(client().channel());
  disco::PutSchemaRequest put;
  put.set_document(R"({"name": "devices", "pattern": "/{cluster}/devices/{service}/{instance}", "serializer": "json",
                       "properties": {"port": {"type": "port", "required": true}}, "strategy": "random"})");
  const auto stored = CallOf(*schemas, &disco::SchemaService::Stub::PutSchema, put);
  ASSERT_TRUE(stored.ok()) << stored.status.error_message();
  EXPECT_TRUE(stored->applied());
  ASSERT_TRUE(Register("Scanner", "old", kLaser).ok());
  disco::PutBindingRequest bind;
  bind.mutable_binding()->set_cluster("default");
  bind.mutable_binding()->set_service("Scanner");
  bind.mutable_binding()->set_schema("devices");
  const auto bound = CallOf(*schemas, &disco::SchemaService::Stub::PutBinding, bind);
  ASSERT_TRUE(bound.ok()) << bound.status.error_message();
  EXPECT_TRUE(bound->applied());

  ExpectFailure(Register("Scanner", "flat", {{"hostname", "192.168.1.105"}}).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                {"instance.properties.port"});
  ASSERT_TRUE(Register("Scanner", "flat", kLaser).ok());
  EXPECT_EQ(client().List("/default/devices/Scanner")->entries_size(), 1);
  EXPECT_EQ(Resolve(ResolveOf("Scanner"))->strategy(), disco::STRATEGY_RANDOM);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Picked(ResolveOf("Scanner")), "flat") << "the other was left behind";
  const auto old = Get("Scanner", "old");
  ASSERT_TRUE(old.ok()) << old.status.error_message();
  EXPECT_FALSE(old->instance().resolvable());
  EXPECT_GT(old->instance().problems_size(), 0);
  // Gone with what it has under the layout of before.
  ASSERT_TRUE(Deregister("Scanner", "old").ok());
  EXPECT_THAT(client().List("/default/services", wire::SCOPE_SUBTREE)->entries(), IsEmpty());
  EXPECT_THAT(Ids("Scanner"), ElementsAre("flat"));
}

TEST_F(Discovery, ARepeatedRegistrationIsKnownByItsRequestThoughTheIdWasDrawn) {
  disco::RegisterRequest request = RegisterOf("Printer", "", kLaser);
  request.set_request_id("once");
  const auto first = Register(request);
  ASSERT_TRUE(first.ok()) << first.status.error_message();
  EXPECT_NE(first->instance().id(), "");
  KillAndRestart();
  Connect();
  const auto again = Register(request);
  ASSERT_TRUE(again.ok()) << again.status.error_message();
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->instance().id(), first->instance().id());
  EXPECT_THAT(Ids("Printer"), ElementsAre(first->instance().id()));
}

}  // namespace
}  // namespace scoutlight::testing
