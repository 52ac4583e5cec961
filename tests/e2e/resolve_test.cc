// Resolve over the wire: who is picked, by which strategy and modifier, among whom.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/discovery_fixture.h"

namespace scoutlight::testing {
namespace {

TEST_F(Discovery, ResolveGoesRoundAndObeysFilterEndpointAndCount) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  ASSERT_TRUE(Register("Printer", "inkjet", kInkjet).ok());
  std::vector<std::string> picked;
  for (int i = 0; i < 4; ++i) picked.push_back(Picked(ResolveOf("Printer")));
  EXPECT_EQ(picked[0], picked[2]);
  EXPECT_EQ(picked[1], picked[3]);
  EXPECT_NE(picked[0], picked[1]);

  EXPECT_EQ(Picked(ResolveOf("Printer", "protocol == \"https\"")), "laser");
  disco::ResolveRequest by_scheme = ResolveOf("Printer");
  by_scheme.set_endpoint("http");
  EXPECT_EQ(Picked(by_scheme), "inkjet");
  EXPECT_EQ(Resolve(by_scheme)->picks(0).endpoint().port(), 8002);
  disco::ResolveRequest both = ResolveOf("Printer");
  both.set_count(5);
  const auto two = Resolve(both);
  ASSERT_EQ(two->picks_size(), 2);
  EXPECT_NE(two->picks(0).instance().id(), two->picks(1).instance().id());
  EXPECT_EQ(two->strategy(), disco::STRATEGY_ROUND_ROBIN);

  ExpectFailure(Resolve(ResolveOf("Scanner")).status, grpc::StatusCode::NOT_FOUND, "SERVICE_NOT_FOUND");
  ExpectFailure(Resolve(ResolveOf("Printer", "zone == \"north\"")).status, grpc::StatusCode::FAILED_PRECONDITION, "NONE_MATCHES");
}

TEST_F(Discovery, EveryStrategyPicksSomebody) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Register("Printer", absl::StrCat("p", i), kLaser).ok());
  for (int strategy = disco::STRATEGY_ROUND_ROBIN; strategy <= disco::STRATEGY_CONSISTENT_HASH; ++strategy) {
    disco::ResolveRequest request = ResolveOf("Printer");
    request.set_strategy(static_cast<disco::Strategy>(strategy));
    request.set_affinity_key("alice");
    const auto resolved = Resolve(request);
    ASSERT_TRUE(resolved.ok()) << strategy << " " << resolved.status.error_message();
    EXPECT_EQ(resolved->strategy(), strategy);
  }
  disco::ResolveRequest hashed = ResolveOf("Printer");
  hashed.set_strategy(disco::STRATEGY_CONSISTENT_HASH);
  hashed.set_affinity_key("bob");
  const std::string first = Picked(hashed);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(Picked(hashed), first);
}

TEST_F(Discovery, ACallerOfASubsetIsGivenItsOwnFew) {
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(Register("Printer", absl::StrCat("p", i), kLaser).ok());
  const auto few_of = [&](const std::string& caller) {
    disco::ResolveRequest request = ResolveOf("Printer");
    request.set_subset(2);
    request.set_caller(caller);
    std::set<std::string> picked;
    for (int i = 0; i < 8; ++i) picked.insert(Picked(request));
    return picked;
  };
  const std::set<std::string> alices = few_of("alice");
  EXPECT_EQ(alices.size(), 2u);
  EXPECT_EQ(few_of("alice"), alices);
  // Of eight callers two at least are given others: that all are given the same two of 190 pairs is no accident.
  std::set<std::set<std::string>> all;
  for (int i = 0; i < 8; ++i) all.insert(few_of(absl::StrCat("caller", i)));
  EXPECT_GT(all.size(), 1u);
  // Who names none is told apart by its host: the same one here.
  EXPECT_EQ(few_of("").size(), 2u);
  EXPECT_EQ(few_of(""), few_of("host:127.0.0.1"));
}

TEST_F(Discovery, ACallerIsSentToItsZoneWhileThatBearsItsShare) {
  for (const char* zone : {"north", "south"}) {
    for (int i = 0; i < 2; ++i) {
      Properties properties = kLaser;
      properties["zone"] = zone;
      ASSERT_TRUE(Register("Printer", absl::StrCat(zone, i), properties).ok());
    }
  }
  const auto picked_from = [&](const std::string& zone) {
    disco::ResolveRequest request = ResolveOf("Printer");
    request.set_zone(zone);
    std::set<std::string> picked;
    for (int i = 0; i < 8; ++i) picked.insert(Picked(request));
    return picked;
  };
  // Asked one after the other: each zone is a state of its own.
  EXPECT_THAT(picked_from("north"), ::testing::ElementsAre("north0", "north1"));
  EXPECT_THAT(picked_from("south"), ::testing::ElementsAre("south0", "south1"));
  EXPECT_EQ(picked_from("").size(), 4u);
  EXPECT_EQ(picked_from("east").size(), 4u) << "nobody is there";
  // With one of two left it bears 0.7 of its callers, and never the one who is critical.
  Properties sick = kLaser;
  sick["zone"] = "north";
  sick["health"] = "critical";
  ASSERT_TRUE(Register("Printer", "north0", sick).ok());
  int away = 0;
  for (int i = 0; i < 200; ++i) {
    disco::ResolveRequest request = ResolveOf("Printer");
    request.set_zone("north");
    const std::string picked = Picked(request);
    EXPECT_NE(picked, "north0");
    away += picked == "north1" ? 0 : 1;
  }
  EXPECT_NEAR(away, 60, 33) << "five standard deviations of 200 draws";
}

TEST_F(Discovery, WhoIsCriticalTakesNoWork) {
  Properties sick = kLaser;
  sick["health"] = "critical";
  ASSERT_TRUE(Register("Printer", "sick", sick).ok());
  ExpectFailure(Resolve(ResolveOf("Printer")).status, grpc::StatusCode::UNAVAILABLE, "NONE_RESOLVABLE");
  Properties ailing = kLaser;
  ailing["health"] = "warning";
  ASSERT_TRUE(Register("Printer", "ailing", ailing).ok());
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Picked(ResolveOf("Printer")), "ailing");
  EXPECT_THAT(Ids("Printer"), ::testing::ElementsAre("ailing", "sick"));
}

TEST_F(Discovery, ModifiersHaveTheirBounds) {
  ASSERT_TRUE(Register("Printer", "laser", kLaser).ok());
  disco::ResolveRequest right = ResolveOf("Printer");
  right.mutable_slow_start()->set_seconds(24 * 3600);
  right.set_subset(10'000);
  right.set_caller(std::string(200, 'x'));
  right.set_affinity_key(std::string(1024, 'k'));
  EXPECT_EQ(Picked(right), "laser");
  disco::ResolveRequest wrong = right;
  wrong.mutable_slow_start()->set_nanos(1);
  wrong.set_subset(10'001);
  wrong.mutable_caller()->push_back('x');
  wrong.mutable_affinity_key()->push_back('k');
  ExpectFailure(Resolve(wrong).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                {"affinity_key", "slow_start", "subset", "caller"});
  wrong.mutable_slow_start()->set_seconds(-1);
  wrong.mutable_slow_start()->set_nanos(0);
  wrong.set_subset(0);
  wrong.set_caller("alice");
  wrong.clear_affinity_key();
  ExpectFailure(Resolve(wrong).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"slow_start", "caller"});
}

}  // namespace
}  // namespace scoutlight::testing
