// What Status makes of what it has found out.

#include "server/admin/status_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

namespace wire = admin::v1;
using Health = storage::StoreHealth;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// All is well.
StatusFacts Well() {
  StatusFacts facts;
  facts.started_at = absl::FromUnixMillis(1'700'000'000'250);
  facts.uptime = absl::Milliseconds(90'500);
  facts.discovery.ready = true;
  facts.discovery.totals.emplace();
  return facts;
}

std::vector<std::string> ProblemsOf(const wire::StatusResponse& response) {
  return {response.problems().begin(), response.problems().end()};
}

TEST(StatusReport, TellsTimesAndThatAllIsWell) {
  const wire::StatusResponse response = StatusResponseOf(Well());
  EXPECT_EQ(response.state(), wire::SERVING_STATE_SERVING);
  EXPECT_THAT(ProblemsOf(response), IsEmpty());
  EXPECT_EQ(response.started_at().seconds(), 1'700'000'000);
  EXPECT_EQ(response.started_at().nanos(), 250'000'000);
  EXPECT_EQ(response.uptime().seconds(), 90);
  EXPECT_EQ(response.uptime().nanos(), 500'000'000);
  EXPECT_EQ(response.limits().at("leases_max"), limits::kLeasesMax);
  EXPECT_EQ(response.limits().at("loss_held_max_ms"), 60'000);
}

TEST(StatusReport, EachTroubleHasItsStateAndReason) {
  StatusFacts facts = Well();
  facts.health = {Health::State::kServing, "the disk is nearly full"};
  wire::StatusResponse response = StatusResponseOf(facts);
  EXPECT_EQ(response.state(), wire::SERVING_STATE_SERVING);
  EXPECT_THAT(ProblemsOf(response), ElementsAre("the disk is nearly full"));

  facts.health = {Health::State::kReadOnly, "a sync failed"};
  response = StatusResponseOf(facts);
  EXPECT_EQ(response.state(), wire::SERVING_STATE_READ_ONLY);
  EXPECT_THAT(ProblemsOf(response), ElementsAre("a sync failed"));

  facts.health = {Health::State::kUnavailable, ""};
  response = StatusResponseOf(facts);
  EXPECT_EQ(response.state(), wire::SERVING_STATE_UNAVAILABLE);
  EXPECT_THAT(ProblemsOf(response), SizeIs(1));

  facts.draining = true;
  facts.discovery = {};
  response = StatusResponseOf(facts);
  EXPECT_EQ(response.state(), wire::SERVING_STATE_DRAINING);
  EXPECT_THAT(ProblemsOf(response), ElementsAre("the server stops", testing::_, HasSubstr("CATALOG_LOADING")));
  EXPECT_FALSE(response.discovery().has_totals());

  facts = Well();
  facts.discovery.totals.reset();
  EXPECT_THAT(ProblemsOf(StatusResponseOf(facts)), ElementsAre(HasSubstr("OVERLOADED")));

  facts = Well();
  facts.discovery.problem = "the other servers do not see this one";
  EXPECT_THAT(ProblemsOf(StatusResponseOf(facts)), ElementsAre("the other servers do not see this one"));
}

TEST(StatusReport, WhoHasNotAnsweredInTimeIsTold) {
  StatusFacts facts = Well();
  facts.answer_within = absl::Seconds(2);
  facts.store_late = true;
  EXPECT_THAT(ProblemsOf(StatusResponseOf(facts)), ElementsAre("the store has not answered a read within 2s: its revisions are not known"));
  facts.discovery_late = true;
  facts.discovery.totals.reset();
  EXPECT_THAT(ProblemsOf(StatusResponseOf(facts)),
              ElementsAre(HasSubstr("a read within 2s"), "the instances could not be counted within 2s"));
  facts.health = {Health::State::kReadOnly, "a sync failed"};
  facts.draining = true;
  facts.discovery.problem = "the other servers do not see this one";
  EXPECT_THAT(ProblemsOf(StatusResponseOf(facts)), SizeIs(5)) << "the most that there are";
}

TEST(StatusReport, AProblemIsTextOfBoundedLength) {
  StatusFacts facts = Well();
  facts.health = {Health::State::kUnavailable, "damaged: \xff" + std::string(2'000, 'x')};
  const std::string problem = StatusResponseOf(facts).problems(0);
  EXPECT_EQ(problem.size(), limits::kErrorMessageBytesMax);
  EXPECT_EQ(problem.substr(0, 10), "damaged: ?");
}

TEST(StatusReport, ABackendOutsideTheServerIsShownWithItsMembers) {
  StatusFacts facts = Well();
  EXPECT_FALSE(StatusResponseOf(facts).store().has_behind());
  facts.backend = {.members = {"a:2379", "b:2379"}, .member = "b:2379"};
  facts.behind = absl::Milliseconds(1'500);
  const wire::StatusResponse response = StatusResponseOf(facts);
  EXPECT_THAT(response.store().members(), ElementsAre("a:2379", "b:2379"));
  EXPECT_EQ(response.store().member(), "b:2379");
  EXPECT_EQ(response.store().behind().seconds(), 1);
  EXPECT_EQ(response.store().behind().nanos(), 500'000'000);
}

TEST(StatusReport, LeasesThatWereNotCountedAreUnset) {
  StatusFacts facts = Well();
  EXPECT_FALSE(StatusResponseOf(facts).store().has_leases());
  facts.leases = 0;
  EXPECT_TRUE(StatusResponseOf(facts).store().has_leases());
  facts.leases = 300'000;
  const wire::StatusResponse response = StatusResponseOf(facts);
  EXPECT_EQ(response.store().leases(), 300'000) << "all of them";
  EXPECT_EQ(response.store().leases_max(), limits::kLeasesMax);
}

TEST(StatusReport, GuardedServicesAreNamed) {
  StatusFacts facts = Well();
  facts.discovery.totals->held = 5;
  facts.discovery.totals->guarded.push_back({.service = {"c", "s"}, .held = 5, .held_until = absl::FromUnixSeconds(1'700'000'060)});
  facts.discovery.totals->guarded_omitted = 3;
  const wire::StatusResponse response = StatusResponseOf(facts);
  EXPECT_EQ(response.discovery().totals().held(), 5);
  ASSERT_EQ(response.discovery().guarded_size(), 1);
  EXPECT_EQ(response.discovery().guarded(0).cluster(), "c");
  EXPECT_EQ(response.discovery().guarded(0).service(), "s");
  EXPECT_EQ(response.discovery().guarded(0).held(), 5);
  EXPECT_EQ(response.discovery().guarded(0).held_until().seconds(), 1'700'000'060);
  EXPECT_EQ(response.discovery().guarded_omitted(), 3);
}

}  // namespace
}  // namespace scoutlight::server
