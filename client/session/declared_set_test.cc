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

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = RegistrationState;
using Declare = DeclaredSet::Declare;

// A set alone, whose server a test is.
class DeclaredSetTest : public ::testing::Test {
 protected:
  void Want(const std::string& id, const std::string& port, IfOwned if_owned = IfOwned::kRefuse) {
    set.Want(Named(id), std::make_shared<const discovery::Properties>(discovery::Properties{{"port", port}}), if_owned);
  }
  // The next message, which is taken in.
  Declare Take() {
    const Declare declare = set.TakeDeclare().value();
    set.OnRoundTaken();
    return declare;
  }
  void Answer(const std::string& id, InstanceState::State answer, int64_t declaration, Revision epoch = 0) {
    InstanceState state;
    FillName(Named(id), state.mutable_name());
    state.set_state(answer);
    state.set_epoch(epoch);
    state.set_declaration(declaration);
    if (answer == InstanceState::STATE_REFUSED) state.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
    set.OnState(state);
  }
  std::vector<std::string> Set(const Declare& declare) {
    std::vector<std::string> ids;
    for (const auto& one : declare.set()) ids.push_back(one.id());
    return ids;
  }

  RegistrationReport told;  // The newest.
  DeclaredSet set{[this](const RegistrationReport& report) { told = report; }};
};

TEST_F(DeclaredSetTest, AnAnswerToAnEarlierDeclarationIsNotToldOfALaterOne) {
  Want("a", "1");
  set.BeginStream();
  const int64_t first = Take().number();
  Want("a", "2");
  Answer("a", InstanceState::STATE_REFUSED, first);
  EXPECT_EQ(told.state, State::kPending) << "not declared yet";
  const int64_t second = Take().number();
  EXPECT_GT(second, first);
  Answer("a", InstanceState::STATE_REFUSED, first);
  EXPECT_EQ(told.state, State::kPending);
  EXPECT_TRUE(told.status.ok());
  Answer("a", InstanceState::STATE_REGISTERED, first, 7);
  EXPECT_EQ(told, (RegistrationReport{.name = Named("a"), .state = State::kPending, .epoch = 7}));
  Answer("a", InstanceState::STATE_LOST, first);
  EXPECT_EQ(told, (RegistrationReport{.name = Named("a"), .state = State::kPending}));
  Answer("a", InstanceState::STATE_REGISTERED, second, 9);
  EXPECT_EQ(told, (RegistrationReport{.name = Named("a"), .state = State::kRegistered, .epoch = 9}));
}

TEST_F(DeclaredSetTest, ARemovalIsAnsweredByItsOwnDeclaration) {
  Want("a", "1");
  set.BeginStream();
  const int64_t first = Take().number();
  set.Unwant(Named("a"));
  Answer("a", InstanceState::STATE_FENCED, first);
  EXPECT_EQ(told.state, State::kPending);
  const Declare removal = Take();
  ASSERT_EQ(removal.remove_size(), 1);
  Want("a", "2");
  Answer("a", InstanceState::STATE_REMOVED, removal.number());
  EXPECT_EQ(told.state, State::kPending) << "it is wanted again";
  const int64_t last = Take().number();
  Answer("a", InstanceState::STATE_REGISTERED, last, 7);
  EXPECT_EQ(told.state, State::kRegistered);
}

TEST_F(DeclaredSetTest, WhoLeavesHearsOfWhatIsNotAnsweredAndNobodyIsToldOfMore) {
  set.BeginStream();
  Want("answered", "1");
  Want("unanswered", "1");
  const Declare declare = Take();
  ASSERT_THAT(Set(declare), ElementsAre("answered", "unanswered"));
  Answer("answered", InstanceState::STATE_REGISTERED, declare.number(), 5);
  Want("untold", "1");
  EXPECT_THAT(set.BeginLeaving(), ElementsAre(Named("unanswered")));
  EXPECT_EQ(told.name, Named("untold"));
  EXPECT_EQ(told.state, State::kRemoved);
  EXPECT_FALSE(set.TakeDeclare().has_value());
}

TEST_F(DeclaredSetTest, WhatIsToBeTakenOverIsDeclaredWithTheRestAndThenApart) {
  Want("a", "1");
  Want("b", "1", IfOwned::kTakeOver);
  set.BeginStream();
  const Declare all = Take();
  EXPECT_THAT(Set(all), ElementsAre("a", "b"));
  EXPECT_FALSE(all.take_over());
  EXPECT_TRUE(set.has_due());
  const Declare taken = Take();
  EXPECT_THAT(Set(taken), ElementsAre("b"));
  EXPECT_TRUE(taken.take_over());
  EXPECT_FALSE(taken.replace());
  EXPECT_FALSE(set.has_due());
  Answer("b", InstanceState::STATE_FENCED, all.number());
  EXPECT_EQ(told.state, State::kPending) << "that was before";
  Answer("b", InstanceState::STATE_REGISTERED, taken.number(), 7);
  EXPECT_EQ(told.state, State::kRegistered);
  Want("b", "2", IfOwned::kTakeOver);
  const Declare alone = Take();
  EXPECT_TRUE(alone.take_over());
  EXPECT_FALSE(set.has_due());
  Want("c", "1", IfOwned::kTakeOver);
  EXPECT_THAT(Set(Take()), ElementsAre("c")) << "the one before is on its way";
}

TEST_F(DeclaredSetTest, WhatSeemedLostIsNotToldAsRegisteredWhenItIsWantedOtherwiseSince) {
  Want("a", "1");
  set.BeginStream();
  Answer("a", InstanceState::STATE_REGISTERED, Take().number(), 7);
  set.OnLapse(absl::UnavailableError("asleep"));
  Want("a", "2");
  set.OnRoundTaken();
  EXPECT_EQ(told.state, State::kPending);
}

TEST_F(DeclaredSetTest, SoManyAreRemovedByOneDeclarationThoseThatTheServerWantsFirst) {
  const auto want_all = [this](const std::string& id) {
    for (int i = 0; i < limits::kSessionInstancesMax; ++i) Want(absl::StrCat(id, i), "1");
  };
  want_all("a");
  set.BeginStream();
  Take();
  set.UnwantAll();
  want_all("b");
  set.BeginStream();  // The removals are not answered, and named again.
  const Declare first = Take();
  EXPECT_EQ(first.set_size(), limits::kSessionInstancesMax);
  EXPECT_EQ(first.remove_size(), limits::kSessionInstancesMax);
  EXPECT_FALSE(first.more());
  set.BeginStream();
  Take();
  set.BeginStream();
  for (int i = 0; i < limits::kSessionInstancesMax; ++i) set.Unwant(Named(absl::StrCat("b", i)));
  want_all("c");
  // What is to go of two streams is more than one declaration takes.
  EXPECT_EQ(Take().remove_size(), limits::kSessionInstancesMax);
  for (int i = 0; i < limits::kSessionInstancesMax; ++i) set.Unwant(Named(absl::StrCat("c", i)));
  const Declare second = Take();
  ASSERT_EQ(second.remove_size(), limits::kSessionInstancesMax);
  for (const auto& name : second.remove()) EXPECT_EQ(name.id()[0], 'c');
  EXPECT_EQ(Take().remove_size(), limits::kSessionInstancesMax);
  EXPECT_FALSE(set.has_due());
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

  std::vector<std::string> ids;
  std::vector<Revision> epochs;
};

TEST_F(SessionRestartTest, ARejectionDeregistersNothing) {
  RegisterAll({"m", "n"});
  server.Break(absl::InvalidArgumentError("no"));
  EXPECT_EQ(State("a"), State::kRefused);
  EXPECT_EQ(State("m"), State::kRefused);
  RunFor(Backoff::kMax);
  EXPECT_EQ(Epochs(), epochs);
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(State("n"), State::kRegistered);
}

TEST_F(SessionRestartTest, WhatIsTakenOverKeepsItsEpochIfItIsTheSessionsOwn) {
  Register("a", "2", IfOwned::kTakeOver);
  server.Break(absl::UnavailableError("cut"));
  RunFor(Backoff::kFirst);
  EXPECT_EQ(Epochs(), epochs);
  EXPECT_EQ(server.instances[Named("a")].properties["port"], "2");
}

TEST_F(SessionRestartTest, WhatWentMeanwhileIsNamedAndToldAsRemoved) {
  Unregister("a");
  server.Break(absl::UnavailableError("cut"));
  RunFor(Backoff::kFirst);
  EXPECT_EQ(streams.newest().sent()[1].declare().remove_size(), 1);
  EXPECT_EQ(State("a"), State::kRemoved);
  EXPECT_FALSE(IsThere("a"));
  EXPECT_THAT(server.violation, IsEmpty());
}

}  // namespace
}  // namespace scoutlight::client
