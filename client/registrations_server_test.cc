#include "client/registrations.h"
#include "client/registry.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/discovery.h"
#include "client/testing/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using discovery::InstanceName;
using discovery::StrategyKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Registration Printer(const std::string& id, const std::string& port = "8001") {
  return {.service = "Printer", .id = id, .properties = {{"hostname", "10.0.0.1"}, {"port", port}, {"protocol", "http"}}};
}
InstanceName Named(const std::string& id) { return {"default", "Printer", id}; }

class RegistrationsServerTest : public ::testing::Test {
 protected:
  ::scoutlight::testing::Server server;
  Connection connection = server.Connect();
  Registrations registrations{connection};
  Discovery discovery{connection};
};

TEST_F(RegistrationsServerTest, AnInstanceIsRegisteredForATtlForEverOrOnALease) {
  const absl::StatusOr<RegisterResult> timed = registrations.Register(Printer("a"), absl::Seconds(30));
  ASSERT_TRUE(timed.ok()) << timed.status();
  EXPECT_NE(timed->instance.lease_id, 0);
  EXPECT_FALSE(timed->unchanged);
  EXPECT_EQ(registrations.Register(Printer("b"), Permanent())->instance.lease_id, 0);
  const LeaseId lease_id = Registry(connection).GrantLease(absl::Seconds(30))->lease.id;
  EXPECT_EQ(registrations.Register(Printer("c"), lease_id)->instance.lease_id, lease_id);
  EXPECT_EQ(connection.revision(), discovery.GetInstance(Named("c"))->state.revision);
  EXPECT_TRUE(registrations.Register(Printer("c"), lease_id)->unchanged);
  EXPECT_FALSE(registrations.Register(Printer(""), Permanent())->instance.name.id.empty());
}

TEST_F(RegistrationsServerTest, AnotherSessionsInstanceIsOnlyTakenOverIfAskedFor) {
  ASSERT_TRUE(registrations.Register(Printer("a"), Permanent(), {.session_id = "one"}).ok());
  EXPECT_EQ(ReasonOf(registrations.Register(Printer("a"), Permanent(), {.session_id = "two"}).status()), Reason::kInstanceOwned);
  EXPECT_TRUE(registrations.Register(Printer("a"), Permanent(), {.if_owned = IfOwned::kTakeOver, .session_id = "two"}).ok());
}

TEST_F(RegistrationsServerTest, OfManySomeMayFail) {
  const absl::StatusOr<RegisterAllResult> all =
      registrations.RegisterAll({{Printer("a"), Permanent()}, {Printer("b", "70000"), Permanent()}, {Printer("c"), absl::Seconds(30)}});
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->results.size(), 3);
  EXPECT_EQ(all->results[0]->instance.name, Named("a"));
  EXPECT_EQ(all->results[1].status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(all->results[1].status())->violations[0].field, "properties.port");
  EXPECT_TRUE(all->results[2].ok());
  EXPECT_EQ(discovery.ListInstances({"default", "Printer"})->instances.size(), 2);
}

TEST_F(RegistrationsServerTest, PropertiesAreChangedByTheOwnersEpoch) {
  const Revision epoch = registrations.Register(Printer("a"), Permanent())->instance.epoch;
  const absl::StatusOr<UpdateResult> updated =
      registrations.Update(Named("a"), {.set = {{"zone", "north"}}, .remove = {"protocol"}}, epoch);
  ASSERT_TRUE(updated.ok()) << updated.status();
  EXPECT_EQ(updated->instance.properties, (discovery::Properties{{"hostname", "10.0.0.1"}, {"port", "8001"}, {"zone", "north"}}));
  EXPECT_EQ(registrations.Update(Named("a"), {.set = {{"zone", "south"}}, .remove = {}, .replace = true})->instance.properties.size(), 1);
  EXPECT_EQ(ReasonOf(registrations.Update(Named("a"), {}, epoch + 1).status()), Reason::kFenced);
  EXPECT_EQ(ReasonOf(registrations.Update(Named("x"), {}).status()), Reason::kInstanceNotFound);
  EXPECT_EQ(ReasonOf(registrations.Deregister(Named("a"), epoch + 1).status()), Reason::kFenced);
  EXPECT_TRUE(registrations.Deregister(Named("a"), epoch)->found);
  EXPECT_FALSE(registrations.Deregister(Named("a"))->found);
}

TEST_F(RegistrationsServerTest, ADrainedInstanceTakesNoWork) {
  ASSERT_TRUE(registrations.Register(Printer("a"), Permanent()).ok());
  const absl::StatusOr<DrainResult> drained = registrations.Drain(Named("a"), {.timeout = absl::ZeroDuration()});
  ASSERT_TRUE(drained.ok()) << drained.status();
  EXPECT_THAT(drained->report.laggards, IsEmpty());
  EXPECT_EQ(discovery.GetInstance(Named("a"))->instance.status, discovery::Status::kDraining);
  EXPECT_EQ(ReasonOf(discovery.Resolve("Printer").status()), Reason::kNoneResolvable);
  EXPECT_EQ(ReasonOf(registrations.Drain(Named("x")).status()), Reason::kInstanceNotFound);
}

TEST_F(RegistrationsServerTest, OverridesArePutListedAndDeleted) {
  ASSERT_TRUE(registrations.Register(Printer("a"), Permanent()).ok());
  const absl::StatusOr<PutOverrideResult> put = registrations.PutOverride(Named("a"), "paper jam", absl::Minutes(5));
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->override->reason, "paper jam");
  EXPECT_TRUE(put->override->expires_at.has_value());
  const absl::StatusOr<ListOverridesResult> listed = discovery.ListOverrides();
  ASSERT_EQ(listed->overrides.size(), 1);
  EXPECT_EQ(listed->overrides[0].name, Named("a"));
  EXPECT_EQ(listed->overrides[0].override, put->override);
  EXPECT_FALSE(discovery.GetInstance(Named("a"))->instance.resolvable());
  EXPECT_TRUE(registrations.DeleteOverride(Named("a"))->found);
  EXPECT_FALSE(registrations.DeleteOverride(Named("a"))->found);
  EXPECT_TRUE(absl::IsInvalidArgument(registrations.PutOverride(Named("a"), "").status()));
}

TEST_F(RegistrationsServerTest, WithoutLossesNoneIsConfirmed) {
  EXPECT_EQ(registrations.ConfirmLoss({"default", "Printer"}, {})->confirmed, 0);
}

TEST_F(RegistrationsServerTest, ClustersServicesAndInstancesAreListed) {
  std::vector<ToRegister> all;
  for (int i = 0; i < 5; ++i) all.push_back({Printer(absl::StrCat("p", i), absl::StrCat(8000 + i)), Permanent()});
  all.push_back({{.cluster = "other", .service = "Scanner", .id = "s", .properties = {}}, Permanent()});
  ASSERT_TRUE(registrations.RegisterAll(std::move(all)).ok());
  EXPECT_THAT(discovery.ListClusters()->clusters, ElementsAre("default", "other"));
  const absl::StatusOr<ListServicesResult> services = discovery.ListServices();
  ASSERT_EQ(services->services.size(), 1);
  EXPECT_EQ(services->services[0].name, "Printer");
  EXPECT_EQ(services->services[0].resolvable, 5);
  EXPECT_EQ(services->state.store_id, connection.store_id());
  EXPECT_EQ(discovery.ListInstances({"default", "Printer"}, {.filter = "port >= 8003"})->instances.size(), 2);
  EXPECT_TRUE(discovery.ListInstances({"default", "Nobody"})->instances.empty());
  EXPECT_EQ(ReasonOf(discovery.ListInstances({"default", "Printer"}, {.instances_max = 4}).status()), Reason::kListTooLarge);
  EXPECT_EQ(discovery.ListInstances({"default", "Printer"}, {.instances_max = 5})->instances.size(), 5);
  EXPECT_TRUE(absl::IsInvalidArgument(discovery.ListInstances({"default", "Printer"}, {.filter = "port >="}).status()));
  EXPECT_THAT(discovery.ListSubscribers()->subscribers, IsEmpty());
}

TEST_F(RegistrationsServerTest, TheServerPicks) {
  Registration printer = Printer("a");
  printer.properties["endpoint.admin"] = "https://10.0.0.1:9001/admin";
  ASSERT_TRUE(registrations.Register(printer, Permanent()).ok());
  for (const StrategyKind kind : discovery::kAllStrategies) {
    const absl::StatusOr<ResolveResult> picked = discovery.Resolve("Printer", {.strategy = kind, .endpoint = "admin", .affinity_key = "k"});
    ASSERT_TRUE(picked.ok()) << picked.status();
    EXPECT_EQ(picked->strategy, kind);
    ASSERT_EQ(picked->picks.size(), 1);
    EXPECT_EQ(picked->picks[0].instance.name, Named("a"));
    EXPECT_EQ(picked->picks[0].endpoint->url.port, 9001);
  }
  EXPECT_EQ(discovery.Resolve("Printer")->picks[0].endpoint->url.port, 8001);
  EXPECT_EQ(ReasonOf(discovery.Resolve("Printer", {.endpoint = "ftp"}).status()), Reason::kNoneMatches);
  EXPECT_EQ(ReasonOf(discovery.Resolve("Nobody").status()), Reason::kServiceNotFound);
  EXPECT_TRUE(absl::IsInvalidArgument(discovery.Resolve("Printer", {.count = 17}).status()));
}

TEST_F(RegistrationsServerTest, ChangesAreMadeOverARestart) {
  ASSERT_TRUE(registrations.Register(Printer("a"), Permanent()).ok());
  server.Restart();
  EXPECT_TRUE(registrations.Register(Printer("b"), Permanent()).ok());
  EXPECT_EQ(discovery.ListInstances({"default", "Printer"})->instances.size(), 2);
}

}  // namespace
}  // namespace scoutlight
