// When a session's stream is opened, given up and opened again, and how it ends.
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "client/session/session_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using State = RegistrationState;

absl::Status Fenced() {
  ErrorDetails details;
  details.reason = Reason::kFenced;
  return MakeError(absl::StatusCode::kAborted, "the session was opened on another stream", details);
}

using SessionStreamsTest = SessionTest;

TEST_F(SessionStreamsTest, AServerThatIsSilentIsGivenUpInLessThanHalfTheTtl) {
  Register("a");
  RunFor(absl::ZeroDuration());
  streams.newest().TakeSent();
  loop.Advance(kBeat);
  ASSERT_EQ(streams.newest().TakeSent().size(), 1);
  loop.Advance(kBeat - absl::Milliseconds(1));
  EXPECT_TRUE(streams.at(0).is_open());
  loop.Advance(absl::Milliseconds(1));
  EXPECT_TRUE(streams.at(0).is_cancelled());
  EXPECT_EQ(streams.given_up(), 1);
  loop.Advance(Backoff::kFirst);
  EXPECT_EQ(streams.opened(), 2);
}

// A server that answers again finds who has a short ttl before that has run out.
TEST_F(SessionStreamsTest, AStreamIsOpenedAgainWithinAnEighthOfTheTtl) {
  random = 0.99;
  Register("a");
  RunFor(absl::ZeroDuration());
  ErrorDetails soon;
  soon.retry_after = absl::Milliseconds(100);
  const absl::Duration within = kTtl / 8;
  for (int i = 0; i < 20; ++i) {
    const int opened = streams.opened();
    server.Break(i % 2 == 0 ? absl::UnavailableError("cut") : MakeError(absl::StatusCode::kUnavailable, "overloaded", soon));
    loop.Advance(within);
    ASSERT_GT(streams.opened(), opened) << i;
  }
  server.Break(absl::UnavailableError("cut"));
  const int opened = streams.opened();
  loop.Advance(0.9 * within);
  EXPECT_EQ(streams.opened(), opened) << "no more often than it must";
}

TEST_F(SessionStreamsTest, ASilentServerIsAskedMoreAndMoreRarely) {
  Register("a");
  loop.Advance(absl::Minutes(10));
  EXPECT_LE(streams.opened(), absl::Minutes(10) / kAnswerMax + 5);
  EXPECT_GE(streams.opened(), absl::Minutes(10) / (kAnswerMax + Backoff::kMax));
  EXPECT_EQ(streams.open_count(), 1);
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("a"), State::kRegistered);
}

TEST_F(SessionStreamsTest, AfterATtlWithoutAnswersRegistrationsCountAsLost) {
  Register("a");
  RunFor(absl::ZeroDuration());
  server.Break(absl::UnavailableError("cut"));
  loop.Advance(kTtl - absl::Milliseconds(1));
  EXPECT_EQ(State("a"), State::kRegistered);
  loop.Advance(absl::Milliseconds(1));
  EXPECT_EQ(State("a"), State::kLost);
  EXPECT_TRUE(absl::IsUnavailable(reports[Named("a")].status));
  RunFor(kAnswerMax);
  EXPECT_EQ(State("a"), State::kRegistered);
}

TEST(DeclaredSetLapseTest, WhatSeemedLostIsToldAsRegisteredWhenTheServerAnswersStill) {
  std::vector<RegistrationReport> told;
  DeclaredSet set([&](const RegistrationReport& report) { told.push_back(report); });
  set.Want(Named("a"), std::make_shared<const discovery::Properties>(), IfOwned::kRefuse);
  set.BeginStream();
  const std::optional<DeclaredSet::Declare> declare = set.TakeDeclare();
  ASSERT_TRUE(declare.has_value());
  InstanceState state;
  state.mutable_name()->set_service("Printer");
  state.mutable_name()->set_id("a");
  state.set_state(InstanceState::STATE_REGISTERED);
  state.set_epoch(7);
  state.set_declaration(declare->number());
  set.OnState(state);
  set.OnLapse(absl::UnavailableError("asleep"));
  EXPECT_EQ(told.back().state, State::kLost);
  set.OnRoundTaken();
  EXPECT_EQ(told.back(), (RegistrationReport{.name = Named("a"), .state = State::kRegistered, .epoch = 7}));
  // What the server itself tells as lost is lost.
  set.OnLapse(absl::UnavailableError("asleep"));
  state.set_state(InstanceState::STATE_LOST);
  set.OnState(state);
  set.OnRoundTaken();
  EXPECT_EQ(told.back().state, State::kLost);
}

// A loop whose time can jump: this process was stopped, or its machine slept.
class JumpingLoop final : public EventLoop {
 public:
  explicit JumpingLoop(ManualLoop* loop) : loop_(*loop) {}

  void Jump(absl::Duration by) { jumped_ += by; }

  void Post(Task task) override { loop_.Post(std::move(task)); }
  TimerId PostAfter(absl::Duration delay, Task task) override { return loop_.PostAfter(delay, std::move(task)); }
  void Cancel(TimerId timer) override { loop_.Cancel(timer); }
  absl::Duration Now() const override { return loop_.Now() + jumped_; }
  bool IsRunningTask() const override { return loop_.IsRunningTask(); }

 private:
  ManualLoop& loop_;
  absl::Duration jumped_;
};

TEST_F(SessionStreamsTest, AnAnswerThatCameWhileTheProcessSleptIsLookedAtBeforeTheStreamIsGivenUp) {
  JumpingLoop jumping(&loop);
  SessionLogic::Parts parts = PartsOf();
  parts.loop = &jumping;
  logic = std::make_unique<SessionLogic>(std::move(parts), SessionLogic::Settings{ModelServer::kSession, kTtl});
  Register("a");
  server.Step();
  server.Step();
  jumping.Jump(absl::Minutes(1));
  loop.Advance(kBeat);
  EXPECT_TRUE(streams.is_open());
  RunFor(kBeat);
  EXPECT_EQ(State("a"), State::kRegistered);
  EXPECT_EQ(streams.opened(), 1);
  // Without an answer it is given up all the same.
  loop.Advance(3 * kBeat);
  EXPECT_GT(streams.opened(), 1);
  logic.reset();
}

TEST_F(SessionStreamsTest, WhenTheServerIsAwayPendingInstancesSayWhy) {
  Register("a");
  server.Break(absl::UnavailableError("refused"));
  EXPECT_EQ(State("a"), State::kPending);
  EXPECT_TRUE(absl::IsUnavailable(reports[Named("a")].status));
}

TEST_F(SessionStreamsTest, WhatTheServerWillNotHearIsToldAndTriedAgainSlowly) {
  for (const absl::Status& status : {absl::PermissionDeniedError("no"), absl::UnauthenticatedError("no"), absl::UnimplementedError("no"),
                                     absl::InvalidArgumentError("ttl")}) {
    Register("a");
    RunFor(absl::Seconds(5));
    server.Break(status);
    EXPECT_EQ(State("a"), State::kRefused) << status;
    EXPECT_EQ(reports[Named("a")].status, status);
    const int opened = streams.opened();
    loop.Advance(Backoff::kMax / 2);
    EXPECT_EQ(streams.opened(), opened) << status;
    loop.Advance(Backoff::kMax / 2);
    EXPECT_EQ(streams.opened(), opened + 1) << status;
    RunFor(absl::Seconds(1));
    EXPECT_EQ(State("a"), State::kRegistered);
  }
}

TEST_F(SessionStreamsTest, RetryInfoIsTheLeastToWait) {
  Register("a");
  ErrorDetails details;
  details.reason = Reason::kStreamsFull;
  details.retry_after = absl::Seconds(7);
  server.Break(MakeError(absl::StatusCode::kResourceExhausted, "full", details));
  loop.Advance(absl::Seconds(7));
  EXPECT_EQ(streams.opened(), 1);
  loop.Advance(absl::Seconds(0.7));
  EXPECT_EQ(streams.opened(), 2);
}

TEST_F(SessionStreamsTest, AStreamThatIsReplacedIsOpenedAgainAFewTimes) {
  Register("a");
  for (int i = 1; i < kFencedStreamsMax; ++i) {
    RunFor(absl::Seconds(1));
    server.Break(Fenced());
  }
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("a"), State::kRegistered);
  server.Break(Fenced());
  EXPECT_EQ(State("a"), State::kFenced);
  const int opened = streams.opened();
  RunFor(absl::Minutes(10));
  EXPECT_EQ(streams.opened(), opened);
  EXPECT_EQ(State("a"), State::kFenced);
  Register("b");
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("b"), State::kRegistered);
  EXPECT_EQ(State("a"), State::kFenced);
}

TEST_F(SessionStreamsTest, ReplacedStreamsThatStayedDoNotCount) {
  Register("a");
  for (int i = 0; i < 10; ++i) {
    RunFor(Backoff::kGoodAfter + absl::Seconds(1));
    server.Break(Fenced());
  }
  RunFor(absl::Seconds(1));
  EXPECT_EQ(State("a"), State::kRegistered);
}

TEST_F(SessionStreamsTest, LeavingRemovesAllAndEnds) {
  RegisterAll({"a", "b"});
  RunFor(absl::ZeroDuration());
  Leave();
  server.Run();
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->value(), 0);
  EXPECT_TRUE(server.instances.empty());
  EXPECT_EQ(State("a"), State::kRemoved);
  RunFor(absl::Minutes(1));
  EXPECT_EQ(streams.opened(), 1);
  EXPECT_FALSE(streams.is_open());
}

TEST_F(SessionStreamsTest, LeavingIsTriedUntilItIsDone) {
  Register("a");
  RunFor(absl::ZeroDuration());
  Leave();
  server.Break(absl::UnavailableError("cut"));
  EXPECT_FALSE(left.has_value());
  RunFor(absl::Seconds(1));
  EXPECT_TRUE(left.has_value());
  EXPECT_TRUE(server.instances.empty());
}

TEST_F(SessionStreamsTest, LeavingInAnyPhaseEnds) {
  const std::vector<std::function<void()>> phases = {
      [] {},                                                                        // Idle.
      [this] { Register("a"); },                                                    // Opening.
      [this] { Register("a"), server.Step(), server.Step(); },                      // The first round is under way.
      [this] { Register("a"), server.Run(); },                                      // Open.
      [this] { Register("a"), server.Run(), server.Break(absl::OkStatus()); },      // Waiting.
      [this] { Register("a"), server.Run(), server.Break(Fenced()); },              // Replaced once.
      [this] { Register("a"), server.Run(), server.ExpireLease(), server.Run(); },  // Lapsed.
  };
  for (size_t i = 0; i < phases.size(); ++i) {
    logic = std::make_unique<SessionLogic>(PartsOf(), SessionLogic::Settings{ModelServer::kSession, kTtl});
    left.reset();
    phases[i]();
    Leave();
    RunFor(absl::Seconds(5));
    EXPECT_TRUE(left.has_value()) << "phase " << i;
    EXPECT_TRUE(server.instances.empty()) << "phase " << i;
    EXPECT_EQ(streams.open_count(), 0) << "phase " << i;
  }
}

TEST_F(SessionStreamsTest, LeavingDeregistersWhatAPredecessorHadThoughNoServerWasReached) {
  server.Own(Named("a"), ModelServer::kSession);
  Leave();
  EXPECT_FALSE(left.has_value());
  RunFor(absl::ZeroDuration());
  EXPECT_TRUE(left.has_value());
  EXPECT_FALSE(IsThere("a"));
  EXPECT_EQ(streams.open_count(), 0);
}

TEST_F(SessionStreamsTest, ASessionWhoseIdWasDrawnLeavesAtOnceIfNoServerWasReached) {
  logic = std::make_unique<SessionLogic>(PartsOf(), SessionLogic::Settings{ModelServer::kSession, kTtl, true});
  Register("a");
  Leave();
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->value(), 0);
  EXPECT_EQ(streams.open_count(), 0);
}

TEST_F(SessionStreamsTest, WhatAnotherProcessHasIsNotLeft) {
  Register("a");
  for (int i = 0; i < kFencedStreamsMax; ++i) {
    RunFor(absl::Seconds(1));
    server.Break(Fenced());
  }
  ASSERT_EQ(State("a"), State::kFenced);
  const int opened = streams.opened();
  Leave();
  RunFor(absl::Minutes(1));
  EXPECT_TRUE(left.has_value());
  EXPECT_TRUE(IsThere("a"));
  EXPECT_EQ(streams.opened(), opened);
}

TEST_F(SessionStreamsTest, WhatIsLostWhileLeavingDoesNotComeBack) {
  RegisterAll({"a", "b"});
  RunFor(absl::ZeroDuration());
  On([&] { logic->BeginLeaving(); });
  server.Delete(Named("a"));
  RunFor(absl::ZeroDuration());
  EXPECT_FALSE(IsThere("a"));
  EXPECT_TRUE(IsThere("b"));
  server.Wipe();
  RunFor(absl::Minutes(1));
  EXPECT_TRUE(server.instances.empty());
}

TEST_F(SessionStreamsTest, DestroyedInAnyPhaseItCancelsItsStreamAndTimers) {
  Register("a");
  logic.reset();
  EXPECT_EQ(streams.open_count(), 0);
  EXPECT_FALSE(loop.UntilNext().has_value());
}

}  // namespace
}  // namespace scoutlight::client
