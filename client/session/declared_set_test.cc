#include "client/session/declared_set.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/session/session_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using State = RegistrationState;
using Declare = discovery::v1::SessionRequest::Declare;

DeclaredSet::Properties At(const std::string& port) {
  return std::make_shared<const discovery::Properties>(discovery::Properties{{"port", port}});
}

// A set alone, whose server a test is.
class DeclaredRoundsTest : public ::testing::Test {
 protected:
  void Want(const std::string& id, const std::string& port) { set.Want(Named(id), At(port), IfOwned::kRefuse); }
  Declare Take() { return set.TakeDeclare(absl::ZeroDuration()).value(); }
  void Answer(const std::string& id, InstanceState::State answer, Revision epoch = 0) {
    InstanceState state;
    FillName(Named(id), state.mutable_name());
    state.set_state(answer);
    state.set_epoch(epoch);
    if (answer == InstanceState::STATE_REFUSED) state.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
    set.OnState(state);
  }
  std::vector<std::string> Ids(const Declare& declare) {
    std::vector<std::string> ids;
    for (const auto& one : declare.set()) ids.push_back(one.id());
    return ids;
  }

  RegistrationReport told;  // The newest.
  DeclaredSet set{[this](const RegistrationReport& report) { told = report; }};
};

TEST_F(DeclaredRoundsTest, AnAnswerToAnEarlierDeclarationIsNotToldOfALaterOne) {
  Want("a", "1");
  set.BeginStream();
  Take();
  Want("a", "2");
  Answer("a", InstanceState::STATE_REFUSED);
  EXPECT_EQ(told.state, State::kPending);
  EXPECT_TRUE(told.status.ok());
  Answer("a", InstanceState::STATE_REGISTERED, 7);
  EXPECT_EQ(told, (RegistrationReport{.name = Named("a"), .state = State::kPending, .epoch = 7}));
  set.OnRoundTaken();
  Take();
  Answer("a", InstanceState::STATE_REGISTERED, 7);
  EXPECT_EQ(told, (RegistrationReport{.name = Named("a"), .state = State::kRegistered, .epoch = 7}));
}

TEST_F(DeclaredRoundsTest, WhatSeemedLostIsNotToldAsRegisteredWhenItIsWantedOtherwiseSince) {
  Want("a", "1");
  set.BeginStream();
  Take();
  Answer("a", InstanceState::STATE_REGISTERED, 7);
  set.OnLapse(absl::UnavailableError("asleep"));
  Want("a", "2");
  set.OnRoundTaken();
  EXPECT_EQ(told.state, State::kPending);
}

TEST_F(DeclaredRoundsTest, WhatWasTakenInAndNotAnsweredGoesBeforeWhatIsNew) {
  Want("z", "1");
  set.BeginStream();
  Take();
  set.OnRoundTaken();
  const std::string large(limits::kPropertyValueBytesMax, 'x');
  for (int i = 0; i < 100; ++i) Want(absl::StrCat("a", i), large);
  set.BeginStream();
  EXPECT_THAT(Ids(Take()), Contains("z"));
}

TEST_F(DeclaredRoundsTest, WhatIsToGoTakesNoPlaceInTheFirstDeclaration) {
  for (int i = 0; i < limits::kSessionInstancesMax; ++i) Want(absl::StrCat("a", i), "1");
  set.BeginStream();
  Take();
  set.OnRoundTaken();
  set.UnwantAll();
  for (int i = 0; i < limits::kSessionInstancesMax; ++i) Want(absl::StrCat("b", i), "1");
  Take();
  set.OnRoundTaken();
  Take();
  set.OnRoundTaken();
  set.BeginStream();
  const Declare first = Take();
  EXPECT_TRUE(first.replace());
  EXPECT_EQ(first.set_size(), limits::kSessionInstancesMax);
  EXPECT_EQ(first.remove_size(), 0);
  set.OnRoundTaken();
  EXPECT_EQ(Take().remove_size(), limits::kSessionInstancesMax);
}

// The same with a server.
class SessionRestartTest : public SessionTest {
 protected:
  void SetUp() override {
    for (char id = 'a'; id < 'k'; ++id) ids.push_back(std::string(1, id));
    RegisterAll(ids);
    RunFor(absl::ZeroDuration());
    for (const std::string& id : ids) epochs.push_back(server.instances[Named(id)].epoch);
  }
  std::vector<Revision> Epochs() {
    std::vector<Revision> now;
    for (const std::string& id : ids) now.push_back(server.instances[Named(id)].epoch);
    return now;
  }
  // What is under way is not taken in.
  void Reject() { server.Break(absl::InvalidArgumentError("no")); }

  std::vector<std::string> ids;
  std::vector<Revision> epochs;
};

TEST_F(SessionRestartTest, ARejectionWithoutPlaceDeregistersNothing) {
  RegisterAll({"m", "n"});
  Reject();
  RunFor(Backoff::kFirst);
  const std::vector<discovery::v1::SessionRequest>& sent = streams.newest().sent();
  ASSERT_GE(sent.size(), 6u);
  EXPECT_THAT(SetOf(sent[1]), ::testing::ElementsAreArray(ids));
  EXPECT_THAT(SetOf(sent[3]), ElementsAre("m"));
  EXPECT_THAT(SetOf(sent[5]), ElementsAre("n"));
  EXPECT_EQ(Epochs(), epochs);
  EXPECT_EQ(State("n"), State::kRegistered);
  EXPECT_THAT(told, Not(Contains(State::kLost)));
}

TEST_F(SessionRestartTest, ChangesThatMayHaveBeenRejectedComeAfterWhatWasTakenIn) {
  RegisterAll({"a", "b"}, "2");
  Reject();
  RunFor(Backoff::kFirst);
  const std::vector<discovery::v1::SessionRequest>& sent = streams.newest().sent();
  ASSERT_GE(sent.size(), 6u);
  EXPECT_THAT(SetOf(sent[1]), ::testing::ElementsAreArray(ids));
  EXPECT_EQ(sent[1].declare().set(0).properties().at("port"), "1");
  EXPECT_THAT(SetOf(sent[3]), ElementsAre("a"));
  EXPECT_THAT(SetOf(sent[5]), ElementsAre("b"));
  EXPECT_EQ(server.instances[Named("b")].properties["port"], "2");
  EXPECT_EQ(Epochs(), epochs);
  EXPECT_EQ(State("a"), State::kRegistered);
}

TEST_F(SessionRestartTest, WhenNothingCanBeLeftOutTheRejectionIsToldAndTriedAgainSlowly) {
  server.Break(absl::UnavailableError("cut"));
  for (int i = 0; i < 2; ++i) {
    while (!streams.is_open()) ASSERT_TRUE(loop.AdvanceToNext());
    server.Step();
    server.Step();
    ASSERT_EQ(streams.newest().sent().size(), 3u);
    EXPECT_THAT(SetOf(streams.newest().sent()[1]), ::testing::ElementsAreArray(ids));
    Reject();
  }
  EXPECT_EQ(State("a"), State::kRefused);
  const int opened = streams.opened();
  RunFor(Backoff::kMax / 2);
  EXPECT_EQ(streams.opened(), opened);
  RunFor(Backoff::kMax / 2);
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(Epochs(), epochs);
}

TEST_F(SessionRestartTest, WhatWentMeanwhileIsToldAsRemoved) {
  Unregister("a");
  server.Break(absl::UnavailableError("cut"));
  RunFor(Backoff::kFirst);
  EXPECT_THAT(streams.newest().sent()[1].declare().remove(), IsEmpty());
  EXPECT_EQ(State("a"), State::kRemoved);
  EXPECT_FALSE(IsThere("a"));
}

}  // namespace
}  // namespace scoutlight::client
