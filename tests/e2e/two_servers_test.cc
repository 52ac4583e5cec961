// Several servers over one etcd are one registry: a drain waits for the subscribers of all of them, and what one server is told holds on
// the others.
#include <gmock/gmock.h>
#include <signal.h>

#include <future>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/server_pair.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Drained = Answered<disco::DrainResponse>;

// How long a drain may wait at most, where it is to be complete: longer than a server that was killed is missed.
constexpr absl::Duration kLong = absl::Seconds(120);

std::vector<std::string> Laggards(const Drained& drained) {
  std::vector<std::string> named;
  for (const auto& laggard : drained->laggards()) {
    named.push_back(laggard.subscriber_id().empty() ? laggard.peer() : laggard.subscriber_id());
  }
  return named;
}

bool IsReady(const std::future<Drained>& drained) { return drained.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }

class TwoServers : public ServerPair {
 protected:
  void Register(const std::string& service, const std::string& id) {
    disco::RegisterRequest request;
    request.mutable_instance()->set_service(service);
    request.mutable_instance()->set_id(id);
    (*request.mutable_instance()->mutable_properties())["hostname"] = "10.0.0.1";
    (*request.mutable_instance()->mutable_properties())["port"] = "8001";
    (*request.mutable_instance()->mutable_properties())["protocol"] = "https";
    request.set_permanent(true);
    const auto registered = a().Call(&disco::RegistrationService::Stub::Register, request);
    ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  }
  // Until then no drain is complete: not even one that nobody could act on.
  void AwaitEndOfTheHolds() {
    Register("Quiet", "one");
    const Drained quiet = a().Drain("Quiet", "one", kLong);
    ASSERT_TRUE(quiet.ok()) << quiet.status.error_message();
    ASSERT_TRUE(quiet->complete()) << ::testing::PrintToString(Laggards(quiet));
  }
  std::future<Drained> BeginDrain(absl::Duration timeout = kLong) {
    return std::async(std::launch::async, [this, timeout] { return a().Drain("Printer", "laser", timeout); });
  }
  // The drains that go on over both, by their records.
  static int CountDrains(PairedServer& server) {
    const auto listed = server.client().List("/.scoutlight/drains");
    EXPECT_TRUE(listed.ok()) << listed.status.error_message();
    return listed->entries_size();
  }
  // Whether all that the servers told each other of drains is gone.
  static bool IsCleared(PairedServer& server) {
    const auto listed = server.client().List("/.scoutlight/drains", wire::SCOPE_SUBTREE);
    return listed.ok() && listed->entries().empty();
  }
  // One that has begun and needs nothing but the servers would have ended by the end of this.
  bool AwaitEndOfAnother() {
    if (!WaitUntil([this] { return CountDrains(a()) == 1; })) return false;
    AwaitEndOfTheHolds();
    return true;
  }
  static bool IsDrainingOn(PairedServer& server) {
    disco::GetInstanceRequest request;
    request.mutable_name()->set_service("Printer");
    request.mutable_name()->set_id("laser");
    const auto found = server.Call(&disco::DiscoveryService::Stub::GetInstance, request);
    return found.ok() && found->instance().status() == disco::INSTANCE_STATUS_DRAINING;
  }
  static std::vector<std::string> SubscribersOf(PairedServer& server) {
    disco::ListSubscribersRequest request;
    request.set_service("Printer");
    const auto listed = server.Call(&disco::DiscoveryService::Stub::ListSubscribers, request);
    EXPECT_TRUE(listed.ok()) << listed.status.error_message();
    std::vector<std::string> ids;
    for (const auto& one : listed->subscribers()) ids.push_back(one.subscriber_id());
    return ids;
  }
};

TEST_F(TwoServers, OfTwoHundredSubscribersTheStalledOneIsNamedThoughItIsOnTheOtherServer) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  const auto here = a().SubscribeAll("here", 100);
  const auto there = b().SubscribeAll("there", 100);

  std::future<Drained> first = BeginDrain(absl::Seconds(15));
  for (size_t i = 0; i < 100; ++i) {
    ASSERT_TRUE(here[i]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
    ASSERT_TRUE(here[i]->Confirm());
    if (i == 41) continue;
    ASSERT_TRUE(there[i]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
    ASSERT_TRUE(there[i]->Confirm());
  }
  const Drained named = first.get();
  ASSERT_TRUE(named.ok()) << named.status.error_message();
  EXPECT_FALSE(named->complete());
  EXPECT_THAT(Laggards(named), ElementsAre("there41"));
  EXPECT_NE(named->laggards(0).peer(), "");

  ASSERT_TRUE(WaitUntil([this] { return IsCleared(a()); }));
  std::future<Drained> second = BeginDrain();
  ASSERT_TRUE(AwaitEndOfAnother());
  EXPECT_FALSE(IsReady(second));
  ASSERT_TRUE(there[41]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  ASSERT_TRUE(there[41]->Confirm());
  const Drained complete = second.get();
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
  EXPECT_THAT(Laggards(complete), IsEmpty());
  EXPECT_EQ(complete->revision(), named->revision());
  EXPECT_TRUE(WaitUntil([this] { return IsCleared(a()); }));
}

TEST_F(TwoServers, WhoComesForTheFirstTimeIsNotWaitedFor) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  const auto there = b().SubscribeAll("s", 1);
  std::future<Drained> drained = BeginDrain();
  ASSERT_TRUE(there[0]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  // Whom this server showed it at work before would be waited for.
  ASSERT_TRUE(WaitUntil([this] { return IsDrainingOn(a()); }));
  // They have no names, so they come from no other server, and confirm nothing.
  const auto here = a().Subscribe("");
  const auto newcomer = b().Subscribe("");
  ASSERT_TRUE(here->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  ASSERT_TRUE(newcomer->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  ASSERT_TRUE(there[0]->Confirm());
  const Drained complete = drained.get();
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
  EXPECT_THAT(Laggards(complete), IsEmpty());
}

TEST_F(TwoServers, WhoCameWithoutANameIsWaitedForWhereItMovesTo) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  const auto there = b().Subscribe("");
  ASSERT_TRUE(there->TakeStatus(disco::INSTANCE_STATUS_UP));
  ASSERT_TRUE(there->Confirm());
  b().process().Signal(SIGTERM);
  std::future<Drained> drained = BeginDrain();
  b().process().WaitForExit();
  const auto here = a().Subscribe(there->id());
  ASSERT_TRUE(here->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  EXPECT_EQ(here->id(), there->id());
  // Nobody is waited for any more but who has come here.
  AwaitEndOfTheHolds();
  EXPECT_FALSE(IsReady(drained)) << "it was shown at work by the other server";
  ASSERT_TRUE(here->Confirm());
  const Drained complete = drained.get();
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
  EXPECT_THAT(Laggards(complete), IsEmpty());
}

TEST_F(TwoServers, AStoppedServerIsNamedByItsAddress) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  b().process().Signal(SIGSTOP);
  const Drained named = a().Drain("Printer", "laser", absl::Seconds(1));
  b().process().Signal(SIGCONT);
  ASSERT_TRUE(named.ok()) << named.status.error_message();
  EXPECT_FALSE(named->complete());
  EXPECT_THAT(Laggards(named), ElementsAre(b().address()));
  const Drained complete = a().Drain("Printer", "laser", kLong);
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
}

// How the other server ends.
class AServerThatEnds : public TwoServers, public ::testing::WithParamInterface<int> {};

TEST_P(AServerThatEnds, ThoseWhomItServedAreWaitedForWhereTheyCome) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  auto there = b().SubscribeAll("s", 2);
  std::future<Drained> drained = BeginDrain();
  for (const auto& stream : there) ASSERT_TRUE(stream->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  b().process().Signal(GetParam());
  b().process().WaitForExit();
  // They come back, and were never shown it at work here.
  const auto here = [this] {
    std::vector<std::unique_ptr<SubscriberStream>> streams;
    for (const char* id : {"s0", "s1"}) streams.push_back(a().Subscribe(id));
    return streams;
  }();
  for (const auto& stream : here) ASSERT_TRUE(stream->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  ASSERT_TRUE(here[0]->Confirm());
  // Nobody is waited for any more but who has come here.
  AwaitEndOfTheHolds();
  EXPECT_FALSE(IsReady(drained)) << "before the other one has confirmed";
  ASSERT_TRUE(here[1]->Confirm());
  const Drained complete = drained.get();
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
  EXPECT_THAT(Laggards(complete), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(ByAKillOrByATerm, AServerThatEnds, ::testing::Values(SIGKILL, SIGTERM),
                         [](const auto& tested) { return tested.param == SIGKILL ? "Killed" : "Terminated"; });

TEST_F(TwoServers, AServerThatStartsDuringADrainTakesPartInIt) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  auto there = b().SubscribeAll("s", 1);
  std::future<Drained> drained = BeginDrain();
  ASSERT_TRUE(there[0]->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  const std::unique_ptr<PairedServer> c = NewServer();
  there.clear();
  const auto moved = c->Subscribe("s0");
  ASSERT_TRUE(moved->TakeStatus(disco::INSTANCE_STATUS_DRAINING));
  // The server that it was on has given it up; the one that it is on has not.
  ASSERT_TRUE(WaitUntil([this] { return SubscribersOf(b()).empty(); }));
  // Neither does this one, for a service that it was not on, wait for anything but that server's first 15 s.
  AwaitEndOfTheHolds();
  EXPECT_FALSE(IsReady(drained)) << "before it has confirmed where it is now";
  ASSERT_TRUE(moved->Confirm());
  const Drained complete = drained.get();
  ASSERT_TRUE(complete.ok()) << complete.status.error_message();
  EXPECT_TRUE(complete->complete());
}

TEST_F(TwoServers, ADrainEndsWithTheServerThatWasCalled) {
  Register("Printer", "laser");
  AwaitEndOfTheHolds();
  const auto there = b().SubscribeAll("s", 1);
  std::future<Drained> drained = BeginDrain();
  ASSERT_TRUE(WaitUntil([this] { return IsDrainingOn(b()); }));
  ASSERT_TRUE(WaitUntil([this] { return CountDrains(b()) == 1; }));
  a().process().Kill();
  EXPECT_FALSE(drained.get().ok());
  EXPECT_TRUE(WaitUntil([this] { return IsCleared(b()); }));
  EXPECT_TRUE(WaitUntil([this] { return b().client().List("/.scoutlight/servers")->entries_size() == 1; }));
}

TEST_F(TwoServers, OverridesAndOwnershipHoldOnBoth) {
  Register("Printer", "laser");
  disco::PutOverrideRequest out;
  out.mutable_name()->set_service("Printer");
  out.mutable_name()->set_id("laser");
  out.set_reason("repair");
  ASSERT_TRUE(b().Call(&disco::RegistrationService::Stub::PutOverride, out).ok());
  disco::ResolveRequest resolve;
  resolve.set_service("Printer");
  EXPECT_TRUE(
      WaitUntil([&] { return FailureOf(a().Call(&disco::DiscoveryService::Stub::Resolve, resolve).status).reason == "NONE_RESOLVABLE"; }));

  disco::RegisterRequest mine;
  mine.mutable_instance()->set_service("Scanner");
  mine.mutable_instance()->set_id("flatbed");
  (*mine.mutable_instance()->mutable_properties())["hostname"] = "10.0.0.2";
  (*mine.mutable_instance()->mutable_properties())["port"] = "8002";
  (*mine.mutable_instance()->mutable_properties())["protocol"] = "https";
  mine.set_session_id("mine");
  mine.set_permanent(true);
  const auto registered = a().Call(&disco::RegistrationService::Stub::Register, mine);
  ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  disco::RegisterRequest theirs = mine;
  theirs.set_session_id("theirs");
  EXPECT_EQ(FailureOf(b().Call(&disco::RegistrationService::Stub::Register, theirs).status).reason, "INSTANCE_OWNED");
  theirs.set_take_over(true);
  const auto taken = b().Call(&disco::RegistrationService::Stub::Register, theirs);
  ASSERT_TRUE(taken.ok()) << taken.status.error_message();
  EXPECT_GT(taken->instance().epoch(), registered->instance().epoch());
  disco::UpdateRequest fenced;
  fenced.mutable_name()->set_service("Scanner");
  fenced.mutable_name()->set_id("flatbed");
  fenced.set_epoch(registered->instance().epoch());
  (*fenced.mutable_set_properties())["port"] = "8003";
  EXPECT_EQ(FailureOf(a().Call(&disco::RegistrationService::Stub::Update, fenced).status).reason, "FENCED");
}

}  // namespace
}  // namespace scoutlight::testing
