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

TEST_F(SessionLogicTest, ARefusedInstanceHoldsUpNoOtherAndEndsNoStream) {
  RegisterAll({"a", "b"});
  Register("m", kRefusedPort);
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(State("b"), State::kRegistered);
  EXPECT_EQ(State("m"), State::kRefused);
  RunFor(absl::Minutes(10));
  EXPECT_EQ(State("m"), State::kRefused);
  EXPECT_EQ(streams.opened(), 1);
}

TEST_F(SessionLogicTest, ARefusedUpdateLeavesWhatWasThereOverStreams) {
  Register("a", "1");
  RunFor(absl::ZeroDuration());
  const Revision epoch = server.instances[Named("a")].epoch;
  Register("a", kRefusedPort);
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("a"), State::kRefused);
  server.Break(absl::UnavailableError("cut"));
  RunFor(absl::Minutes(1));
  EXPECT_EQ(State("a"), State::kRefused);
  EXPECT_EQ(server.instances[Named("a")].properties["port"], "1");
  EXPECT_EQ(server.instances[Named("a")].epoch, epoch);
}

TEST_F(SessionLogicTest, ADeclarationThatIsNotTakenInIsToldOfAllAndTriedAgainSlowly) {
  RegisterAll({"a", "b"});
  RunFor(absl::ZeroDuration());
  Register("m", kMalformedPort);
  server.Run();
  EXPECT_EQ(State("a"), State::kRefused);
  EXPECT_EQ(State("m"), State::kRefused);
  EXPECT_TRUE(absl::IsInvalidArgument(reports[Named("m")].status));
  const int opened = streams.opened();
  RunFor(10 * Backoff::kMax);
  EXPECT_LE(streams.opened(), opened + 20);
  EXPECT_GE(streams.opened(), opened + 5);
  EXPECT_TRUE(IsThere("a")) << "nothing of the declaration was done";
  Register("m", "2");
  RunFor(Backoff::kMax);
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(State("m"), State::kRegistered);
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

TEST_F(SessionLogicTest, LargeSetsAreOneDeclarationOfSeveralMessagesWithHeartbeatsBetween) {
  RegisterLarge("i", 60);
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(server.instances.size(), 60);
  EXPECT_EQ(streams.opened(), 1);
  const std::vector<Request>& sent = streams.newest().sent();
  ASSERT_EQ(sent.size(), 1 + 4 * 2);
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(sent[1 + 2 * i].declare().replace());
    EXPECT_EQ(sent[1 + 2 * i].declare().more(), i < 3);
    EXPECT_EQ(sent[1 + 2 * i].declare().number(), sent[1].declare().number());
    EXPECT_TRUE(sent[2 + 2 * i].has_heartbeat());
  }
}

TEST_F(SessionLogicTest, WhatChangesWithinADeclarationGoesIntoTheNextOne) {
  RegisterLarge("i", 60);
  server.Step();
  server.Step();
  ASSERT_EQ(streams.newest().sent().size(), 3) << "the first message is on its way";
  Register("i0", "2");
  Unregister("i59");
  server.Step();
  server.Step();
  EXPECT_TRUE(server.instances.empty());
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(server.instances.size(), 59);
  EXPECT_EQ(server.instances[Named("i0")].properties["port"], "2");
  EXPECT_EQ(State("i0"), State::kRegistered);
  EXPECT_EQ(State("i59"), State::kRemoved);
}

TEST_F(SessionLogicTest, AStreamThatEndsWithinADeclarationBeginsItAnew) {
  RegisterLarge("i", 60);
  server.Step();
  server.Step();
  server.Break(absl::UnavailableError("cut"));
  RunFor(Backoff::kFirst);
  EXPECT_EQ(streams.opened(), 2);
  EXPECT_EQ(server.instances.size(), 60);
}

TEST_F(SessionLogicTest, LeavingWithinADeclarationLeavesNothing) {
  RegisterLarge("i", 60);
  server.Step();
  server.Step();
  Leave();
  server.Run();
  EXPECT_TRUE(left.has_value());
  EXPECT_TRUE(server.instances.empty());
}

TEST_F(SessionLogicTest, AsMuchAsASessionMayWantIsDeclared) {
  RegisterLarge("i", static_cast<int>(limits::kBytesPerLeaseMax / kLargeBytes));
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(server.instances.size(), limits::kBytesPerLeaseMax / kLargeBytes);
  // Each in the place of another: at no time is more wanted.
  for (size_t i = 0; i < limits::kBytesPerLeaseMax / kLargeBytes; ++i) Unregister(absl::StrCat("i", i));
  RegisterLarge("j", static_cast<int>(limits::kBytesPerLeaseMax / kLargeBytes), IfOwned::kTakeOver);
  RunFor(absl::ZeroDuration());
  EXPECT_EQ(server.instances.size(), limits::kBytesPerLeaseMax / kLargeBytes);
  EXPECT_TRUE(IsThere("j0"));
  EXPECT_EQ(streams.opened(), 1);
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
