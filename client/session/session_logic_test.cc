#include "client/session/session_logic.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/session/session_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;
using State = RegistrationState;
using Request = discovery::v1::SessionRequest;
using Response = discovery::v1::SessionResponse;

using SessionLogicTest = SessionTest;

TEST_F(SessionLogicTest, OpensNoStreamBeforeAnythingIsWanted) {
  RunFor(absl::Minutes(1));
  EXPECT_EQ(streams.opened(), 0);
}

TEST_F(SessionLogicTest, TheFirstDeclarationReplacesAndIsFollowedByAHeartbeat) {
  Register("a");
  ASSERT_EQ(streams.newest().sent().size(), 1);
  EXPECT_EQ(streams.newest().sent()[0].open().session_id(), ModelServer::kSession);
  EXPECT_EQ(streams.newest().sent()[0].open().ttl().seconds(), 9);
  server.Run();
  const std::vector<Request>& sent = streams.newest().sent();
  ASSERT_EQ(sent.size(), 3);
  EXPECT_TRUE(sent[1].declare().replace());
  EXPECT_THAT(SetOf(sent[1]), ElementsAre("a"));
  EXPECT_TRUE(sent[2].has_heartbeat());
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(reports[Named("a")].epoch, server.instances[Named("a")].epoch);
  EXPECT_EQ(saw, reports[Named("a")].epoch);
}

TEST_F(SessionLogicTest, BeatsEveryThirdOfTheTtl) {
  Register("a");
  RunFor(absl::ZeroDuration());
  streams.newest().TakeSent();
  RunFor(kBeat - absl::Milliseconds(1));
  EXPECT_TRUE(streams.newest().TakeSent().empty());
  RunFor(absl::Milliseconds(1));
  EXPECT_EQ(streams.newest().TakeSent().size(), 1);
  RunFor(10 * kBeat);
  EXPECT_EQ(streams.newest().TakeSent().size(), 10);
  EXPECT_EQ(streams.opened(), 1);
}

TEST_F(SessionLogicTest, WhatChangesDuringARoundGoesIntoTheNextOne) {
  Register("a");
  server.Step();
  server.Step();
  ASSERT_EQ(streams.newest().sent().size(), 3);
  Register("b");
  Register("c");
  Unregister("a");
  EXPECT_EQ(streams.newest().sent().size(), 3);
  RunFor(absl::ZeroDuration());
  const Request& second = streams.newest().sent()[3];
  EXPECT_FALSE(second.declare().replace());
  EXPECT_THAT(SetOf(second), ElementsAre("b", "c"));
  EXPECT_EQ(second.declare().remove_size(), 1);
  EXPECT_FALSE(IsThere("a"));
  EXPECT_EQ(State("a"), State::kRemoved);
  EXPECT_EQ(State("c"), State::kRegistered);
}

TEST_F(SessionLogicTest, WhatWasNeverDeclaredIsRemovedAtOnce) {
  Register("a");
  Unregister("a");
  EXPECT_EQ(State("a"), State::kRemoved);
  RunFor(absl::ZeroDuration());
  EXPECT_FALSE(IsThere("a"));
}

TEST_F(SessionLogicTest, AStreamThatEndsIsOpenedAgainAndEverythingIsDeclared) {
  RegisterAll({"a", "b"});
  RunFor(absl::ZeroDuration());
  Unregister("b");
  server.Break(absl::UnavailableError("cut"));
  Register("c");
  EXPECT_EQ(streams.opened(), 1);
  RunFor(Backoff::kFirst);
  EXPECT_EQ(streams.opened(), 2);
  EXPECT_TRUE(IsThere("a"));
  EXPECT_FALSE(IsThere("b"));
  EXPECT_TRUE(IsThere("c"));
  EXPECT_EQ(State("b"), State::kRemoved);
  // Nobody saw it go.
  EXPECT_THAT(told, Not(Contains(State::kLost)));
}

TEST_F(SessionLogicTest, ALostLeaseIsReplacedWithTheNextHeartbeat) {
  Register("a");
  RunFor(kBeat / 2);
  server.ExpireLease();
  server.Run();
  EXPECT_EQ(State("a"), State::kLost);
  RunFor(kBeat / 2);
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_TRUE(IsThere("a"));
}

TEST_F(SessionLogicTest, WipedDataAreFilledAgain) {
  RegisterAll({"a", "b"});
  RunFor(absl::Minutes(1));
  server.Wipe();
  RunFor(Backoff::kFirst);
  EXPECT_EQ(server.instances.size(), 2);
}

TEST_F(SessionLogicTest, AnInstanceThatAnOperatorDeletesComesBack) {
  Register("a");
  RunFor(absl::ZeroDuration());
  server.Delete(Named("a"));
  server.Run();
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_THAT(told, Contains(State::kLost));
}

TEST_F(SessionLogicTest, AFencedInstanceStaysAwayUntilItIsRegisteredAgain) {
  RegisterAll({"a", "b"});
  RunFor(absl::ZeroDuration());
  server.Own(Named("a"), "another");
  server.Run();
  EXPECT_EQ(State("a"), State::kFenced);
  EXPECT_EQ(ReasonOf(reports[Named("a")].status), Reason::kFenced);
  server.Break(absl::UnavailableError("cut"));
  RunFor(absl::Minutes(5));
  EXPECT_EQ(server.instances[Named("a")].session, "another");
  EXPECT_EQ(State("b"), State::kRegistered);

  Register("a");
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kFenced);
  Register("a", "1", IfOwned::kTakeOver);
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(server.instances[Named("a")].session, ModelServer::kSession);
}

TEST_F(SessionLogicTest, TakingOverIsNotRepeatedOnceItIsDone) {
  server.Own(Named("a"), "another");
  Register("a", "1", IfOwned::kTakeOver);
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kRegistered);
  server.Own(Named("a"), "another");
  RunFor(absl::Minutes(5));
  EXPECT_EQ(State("a"), State::kFenced);
}

TEST_F(SessionLogicTest, WhatIsTakenOverIsDeclaredApartFromTheRest) {
  server.Own(Named("a"), "another");
  server.Own(Named("b"), "another");
  Register("a", "1", IfOwned::kTakeOver);
  Register("b");
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(State("b"), State::kFenced);
  EXPECT_EQ(server.instances[Named("b")].session, "another");
}

TEST_F(SessionLogicTest, ARefusedInstanceIsToldWithItsFieldsAndTriedAgainByTheServer) {
  Register("a", kRefusedPort);
  RunFor(kBeat);
  EXPECT_EQ(State("a"), State::kRefused);
  const std::optional<ErrorDetails> details = DetailsOf(reports[Named("a")].status);
  ASSERT_TRUE(details.has_value());
  EXPECT_THAT(details->violations, ElementsAre(FieldViolation{"properties.port", "is refused"}));
  Register("a", "2");
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kRegistered);
}

TEST_F(SessionLogicTest, OneThatTheServerDoesNotTakeInHoldsUpNoOther) {
  RegisterAll({"a", "b"});
  Register("m", kMalformedPort);
  RunFor(absl::Milliseconds(200));
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(State("b"), State::kRegistered);
  EXPECT_EQ(State("m"), State::kRefused);
  EXPECT_THAT(DetailsOf(reports[Named("m")].status)->violations, ElementsAre(FieldViolation{"properties.port", "is malformed"}));
  const int opened = streams.opened();
  RunFor(kRejectedRetryMin - absl::Seconds(1));
  EXPECT_EQ(streams.opened(), opened);
  // Its retries become rare.
  RunFor(absl::Minutes(10));
  EXPECT_LE(streams.opened(), opened + 10);
  Register("m", "2");
  RunFor(absl::Seconds(3));
  EXPECT_EQ(State("m"), State::kRegistered);
}

TEST_F(SessionLogicTest, AnUpdateThatTheServerDoesNotTakeInLeavesWhatWasThere) {
  Register("a", "1");
  RunFor(absl::ZeroDuration());
  Register("a", kMalformedPort);
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("a"), State::kRefused);
  EXPECT_EQ(server.instances[Named("a")].properties["port"], "1");
  RunFor(absl::Minutes(10));
  EXPECT_EQ(State("a"), State::kRefused);
  EXPECT_EQ(server.instances[Named("a")].properties["port"], "1");
}

TEST_F(SessionLogicTest, WithoutPlaceInTheErrorTheOneAtFaultIsFoundByHalves) {
  std::vector<std::string> ids;
  for (int i = 0; i < 9; ++i) ids.push_back(std::string(1, static_cast<char>('a' + i)));
  RegisterAll(ids);
  random = 0;
  server.Step();
  server.Step();
  for (int ends = 0; ends < 100 && State("d") != State::kRefused; ++ends) {
    loop.Advance(absl::ZeroDuration());
    if (!streams.is_open()) continue;
    // Only d is at fault; the server does not say so.
    streams.Deliver([] {
      Response opened;
      opened.mutable_opened();
      return opened;
    }());
    while (streams.is_open()) {
      std::vector<std::string> declared;
      for (const Request& request : streams.newest().TakeSent()) {
        for (const std::string& id : SetOf(request)) declared.push_back(id);
      }
      if (std::count(declared.begin(), declared.end(), "d") > 0) {
        streams.End(absl::InvalidArgumentError("no"));
      } else {
        Response alive;
        alive.mutable_alive();
        streams.Deliver(alive);
        if (declared.empty()) break;
      }
    }
  }
  EXPECT_EQ(State("d"), State::kRefused);
  EXPECT_EQ(reports.count(Named("e")), 0);
}

TEST_F(SessionLogicTest, SoftValuesGoWithAHeartbeatThatComesEarlierForThem) {
  Register("a");
  RunFor(absl::ZeroDuration());
  SetLoad("a", 7);
  SetLoad("a", 8);
  RunFor(kSoftPace - absl::Milliseconds(1));
  EXPECT_TRUE(server.instances[Named("a")].counters.empty());
  RunFor(absl::Milliseconds(1));
  EXPECT_EQ(server.instances[Named("a")].counters["calls"], 8);
  SetLoad("b", 9);
  streams.newest().TakeSent();
  RunFor(kBeat - absl::Milliseconds(1));
  EXPECT_TRUE(streams.newest().TakeSent().empty());
}

TEST_F(SessionLogicTest, SoftValuesAreTheSameOverStreamsAndLeases) {
  Register("a");
  SetLoad("a", 7);
  RunFor(kBeat);
  server.Wipe();
  RunFor(kBeat);
  EXPECT_EQ(server.instances[Named("a")].counters["calls"], 7);
  server.ExpireLease();
  RunFor(2 * kBeat);
  EXPECT_EQ(server.instances[Named("a")].counters["calls"], 7);
}

TEST_F(SessionLogicTest, LargeSetsAreDeclaredInSeveralMessages) {
  std::vector<SessionLogic::Wanted> wanted;
  discovery::Properties large{{"port", "1"}};
  for (char name = 'a'; name < 'd'; ++name) large[std::string(1, name)] = std::string(limits::kPropertyValueBytesMax, 'x');
  const auto properties = std::make_shared<const discovery::Properties>(large);
  for (int i = 0; i < 60; ++i) wanted.push_back({Named(absl::StrCat("i", i)), properties});
  On([&] { logic->Register(std::move(wanted)); });
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(server.instances.size(), 60);
  EXPECT_EQ(streams.opened(), 1);
  EXPECT_EQ(streams.newest().sent().size(), 1 + 3 * 2);
}

TEST_F(SessionLogicTest, ManySoftValuesGoWithSeveralHeartbeats) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1000; ++i) ids.push_back(absl::StrCat("i", i));
  RegisterAll(ids);
  RunFor(absl::ZeroDuration());
  discovery::SoftValues soft;
  for (int i = 0; i < 32; ++i) soft.counters[absl::StrCat(std::string(100, 'c'), i)] = i;
  On([&] {
    for (const std::string& id : ids) logic->SetSoftValues(Named(id), soft);
  });
  RunFor(absl::Seconds(10));
  for (const std::string& id : ids) EXPECT_EQ(server.instances[Named(id)].counters.size(), 32);
}

}  // namespace
}  // namespace scoutlight::client
