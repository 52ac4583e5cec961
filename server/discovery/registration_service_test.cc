#include "server/discovery/registration_service.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registration_service_fixture.h"
#include "storage/testing/await.h"

namespace scoutlight::server {
namespace {

using ::testing::IsEmpty;

// Every error that speaks of a state says which.
TEST_F(RegistrationServiceTest, ErrorsCarryTheStateThatTheySpeakOf) {
  wire::RegisterRequest mine = RegisterOf("i");
  mine.set_session_id("mine");
  ASSERT_TRUE(Register(mine).ok());
  sync().Put(discovery::BindingKey("default", "off"), "none");
  ASSERT_TRUE(storage::AwaitCondition([this] { return server_->catalog()->claims()->SchemaOf("default", "off") == nullptr; }));
  const Revision latest = sync().Latest();
  const auto expect = [&](const auto& seen, grpc::StatusCode code, const std::string& reason) {
    EXPECT_EQ(seen.status.error_code(), code) << seen.status.error_message();
    EXPECT_EQ(seen.reason, reason);
    EXPECT_EQ(seen.revision(), latest) << reason;
    const auto store_id = seen.metadata.find("store_id");
    EXPECT_TRUE(store_id != seen.metadata.end() && store_id->second == store_->store_id()) << reason;
  };
  wire::RegisterRequest theirs = mine;
  theirs.set_session_id("theirs");
  expect(Register(theirs), grpc::StatusCode::ALREADY_EXISTS, "INSTANCE_OWNED");
  wire::RegisterRequest on_a_lease = mine;
  on_a_lease.set_lease_id(99);
  expect(Register(on_a_lease), grpc::StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND");
  auto update = Named<wire::UpdateRequest>("i");
  update.set_epoch(1);
  expect(Call(&Registrations::Update, update), grpc::StatusCode::ABORTED, "FENCED");
  expect(Call(&Registrations::Update, Named<wire::UpdateRequest>("none")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND");
  auto deregister = Named<wire::DeregisterRequest>("i");
  deregister.set_epoch(1);
  expect(Call(&Registrations::Deregister, deregister), grpc::StatusCode::ABORTED, "FENCED");
  deregister.mutable_name()->set_service("off");
  expect(Call(&Registrations::Deregister, deregister), grpc::StatusCode::FAILED_PRECONDITION, "DISCOVERY_OFF");
}

TEST_F(RegistrationServiceTest, ARegisterAllOfRefusalsCarriesTheCatalogsRevision) {
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  const auto refused = Call(&Registrations::RegisterAll, AllOf(2, "no port"));
  ASSERT_TRUE(refused.ok()) << refused.status.error_message();
  for (const auto& result : refused->results()) EXPECT_EQ(result.code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(refused->revision(), sync().Latest());
  EXPECT_EQ(refused->store_id(), store_->store_id());
}

TEST_F(RegistrationServiceTest, AnInstanceIsRegisteredOnceInACall) {
  wire::RegisterAllRequest all = AllOf(3);
  *all.add_registrations() = RegisterOf("i1", "81");
  // In another cluster it is another one; without an id each is drawn one of its own.
  *all.add_registrations() = RegisterOf("i1");
  all.mutable_registrations(4)->mutable_instance()->set_cluster("other");
  for (int i = 0; i < 2; ++i) *all.add_registrations() = RegisterOf("");
  // By the same request_id they would be drawn the same.
  for (int i = 7; i < 9; ++i) {
    *all.add_registrations() = RegisterOf("");
    all.mutable_registrations(i)->set_request_id("once");
  }
  const auto answered = Call(&Registrations::RegisterAll, all);
  ASSERT_TRUE(answered.ok()) << answered.status.error_message();
  for (int i = 0; i < answered->results_size(); ++i) {
    const auto& result = answered->results(i);
    EXPECT_EQ(result.code(), i == 3 || i == 8 ? grpc::StatusCode::INVALID_ARGUMENT : grpc::StatusCode::OK) << i << " " << result.message();
  }
  EXPECT_EQ(answered->results(3).violations().count("instance.id"), 1u);
  EXPECT_NE(answered->results(3).message().find("registrations[1]"), std::string::npos) << answered->results(3).message();
  EXPECT_EQ(answered->results(1).instance().properties().at("port"), "80");
}

TEST_F(RegistrationServiceTest, ACallRegistersAThousandAtMost) {
  const auto most = Call(&Registrations::RegisterAll, AllOf(limits::kRegistrationsMax));
  ASSERT_TRUE(most.ok()) << most.status.error_message();
  EXPECT_EQ(most->results_size(), limits::kRegistrationsMax);
  const auto more = Call(&Registrations::RegisterAll, AllOf(limits::kRegistrationsMax + 1));
  EXPECT_EQ(more.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << more.status.error_message();
  EXPECT_EQ(Call(&Registrations::RegisterAll, AllOf(0)).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(RegistrationServiceTest, AnUpdateTellsAllThatIsWrongAndWhatWasSoBefore) {
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  sync().Put(storage::K("/default/services/s/i/weight"), "heavy");
  auto update = Named<wire::UpdateRequest>("i");
  (*update.mutable_set_properties())["x/y"] = "1";
  (*update.mutable_set_properties())[""] = "1";
  (*update.mutable_set_properties())["port"] = "70000";
  const auto refused = Call(&Registrations::Update, update);
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << refused.status.error_message();
  const std::string message = refused.status.error_message();
  for (const char* part : {"set_properties[\"x/y\"]", "set_properties[\"\"]", "set_properties.port",
                           "set_properties.weight: is not set here, and what is stored is \"heavy\""}) {
    EXPECT_NE(message.find(part), std::string::npos) << part << " in " << message;
  }
}

TEST_F(RegistrationServiceTest, AnOverrideThatExpiresIsGoneAfterItsTimeAndNotBefore) {
  const absl::Duration step = absl::Milliseconds(200);
  const absl::Duration ttl = absl::Seconds(10);
  ASSERT_TRUE(Register(RegisterOf("i")).ok());
  auto put = Named<wire::PutOverrideRequest>("i");
  put.set_reason("jam");
  put.mutable_ttl()->set_seconds(absl::ToInt64Seconds(ttl));
  ASSERT_TRUE(Call(&Registrations::PutOverride, put).ok());
  const auto overrides = [this] {
    wire::ListOverridesRequest list;
    list.set_cluster("default");
    list.set_service("s");
    return Call(server_->reads(), &Reads::ListOverrides, list)->overrides_size();
  };
  const auto resolved = [this] {
    wire::ResolveRequest resolve;
    resolve.set_service("s");
    return Call(server_->reads(), &Reads::Resolve, resolve);
  };
  int round = 0;
  for (absl::Duration passed; passed < ttl; passed += step) {
    ASSERT_EQ(overrides(), 1) << "ended after " << absl::FormatDuration(passed);
    EXPECT_EQ(resolved().reason, "NONE_RESOLVABLE");
    const auto again = Register(RegisterOf("i", absl::StrCat(100 + round++)));
    ASSERT_TRUE(again.ok()) << again.status.error_message();
    EXPECT_EQ(again->instance().override().reason(), "jam");
    EXPECT_FALSE(again->instance().resolvable());
    ASSERT_TRUE(clock_.AdvanceAndWaitUntilSeen(step));
  }
  ASSERT_TRUE(storage::AwaitCondition([this] { return !server_->catalog()->FindInstance({"default", "s", "i"})->override.has_value(); }));
  EXPECT_EQ(overrides(), 0);
  const auto picked = resolved();
  ASSERT_TRUE(picked.ok()) << picked.status.error_message();
  EXPECT_EQ(picked->picks(0).instance().id(), "i");
  EXPECT_EQ(sync().Get(discovery::OverrideKey({"default", "s", "i"})), std::nullopt);
  EXPECT_THAT(sync().ListLeases().leases, IsEmpty());
}

}  // namespace
}  // namespace scoutlight::server
