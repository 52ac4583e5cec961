// Sessions over a real store, registrar and catalog. What they do in which order: session_test.cc, session_interleavings_test.cc.
#include "server/discovery/session_hub.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session_hub_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SessionHubTest, DeclaredInstancesAreOnTheSessionsLease) {
  const auto stream = Open("a");
  const auto opened = stream->Opened();
  EXPECT_GT(opened.lease_id(), 0);
  EXPECT_EQ(opened.ttl().seconds(), 30);
  EXPECT_FALSE(opened.resumed());
  stream->Send(Of({"i", "j"}));
  const State state = stream->StateOf(kName);
  EXPECT_EQ(state.state(), State::STATE_REGISTERED);
  const auto instance = Shown();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(instance->epoch, state.epoch());
  EXPECT_EQ(instance->lease_id, opened.lease_id());
  for (const auto& response : stream->responses()) {
    EXPECT_EQ(response.store_id(), store_->store_id());
    EXPECT_GT(response.revision(), 0);
  }
  EXPECT_EQ(sync_.Get(discovery::SessionKey("a"))->lease_id, opened.lease_id());
}

TEST_F(SessionHubTest, ANewStreamEndsTheOneBeforeAndGoesOnWithItsInstances) {
  const auto first = Open("a");
  first->Send(Of({"i", "j"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  first->StateOf({"c", "s", "j"});
  const auto second = Open("a");
  EXPECT_EQ(ReasonOf(first->End()), Reason::kFenced);
  EXPECT_TRUE(second->Opened().resumed());
  EXPECT_EQ(second->Opened().lease_id(), first->Opened().lease_id());
  second->Send(Of({"i"}));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(second->StateOf({"c", "s", "j"}).state(), State::STATE_REMOVED);
  EXPECT_EQ(Shown({"c", "s", "j"}), nullptr);
}

TEST_F(SessionHubTest, WithAnotherTtlAnotherLeaseIsTakenAndEverythingMoves) {
  const auto first = Open("a");
  first->Send(Of({"i", "j"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  first->StateOf({"c", "s", "j"});
  hub_.OnClosed(first.get());
  const auto second = Open("a", 2 * kTtl);
  EXPECT_FALSE(second->Opened().resumed());
  EXPECT_NE(second->Opened().lease_id(), first->Opened().lease_id());
  second->Send(Of({"i"}));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(second->StateOf({"c", "s", "j"}).state(), State::STATE_REMOVED);
  EXPECT_EQ(Shown()->lease_id, second->Opened().lease_id());
}

TEST_F(SessionHubTest, ADeregisteredInstanceComesBack) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const int64_t epoch = stream->StateOf(kName).epoch();
  registrar_.Deregister({.name = kName, .origin = {}}, [](const ChangedInstance&) {});
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_LOST);
  const State again = stream->StateOf(kName, 3);
  EXPECT_EQ(again.state(), State::STATE_REGISTERED);
  EXPECT_GT(again.epoch(), epoch);
  EXPECT_EQ(Shown()->epoch, again.epoch());
}

TEST_F(SessionHubTest, AfterItsLeaseTheNextHeartbeatRegistersAnew) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  const LeaseId lease = stream->Opened().lease_id();
  ASSERT_TRUE(sync_.Revoke(lease).status.ok());
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_LOST);
  EXPECT_EQ(Shown(), nullptr);
  stream->Send(SessionHeartbeat());
  const auto alive = stream->Await([](const auto& response) { return response.has_alive(); });
  ASSERT_TRUE(alive.has_value());
  EXPECT_NE(alive->alive().lease_id(), lease);
  EXPECT_EQ(stream->StateOf(kName, 3).state(), State::STATE_REGISTERED);
  EXPECT_EQ(Shown()->lease_id, alive->alive().lease_id());
}

TEST_F(SessionHubTest, TheSecondOfTwoOwnersIsFencedUnlessItTakesOver) {
  const auto first = Open("a");
  first->Send(Of({"i"}));
  first->StateOf(kName);
  const auto second = Open("b");
  second->Send(Of({"i"}));
  const State fenced = second->StateOf(kName);
  EXPECT_EQ(fenced.state(), State::STATE_FENCED);
  EXPECT_EQ(fenced.reason(), "INSTANCE_OWNED");
  Declaration take_over = Of({"i"});
  take_over.take_over = true;
  second->Send(std::move(take_over));
  EXPECT_EQ(second->StateOf(kName, 2).state(), State::STATE_REGISTERED);
  EXPECT_EQ(first->StateOf(kName, 2).state(), State::STATE_FENCED);
}

TEST_F(SessionHubTest, HeartbeatsBringSoftValuesOfWhatTheSessionOwns) {
  const auto owner = Open("a");
  owner->Send(Of({"i"}));
  owner->StateOf(kName);
  const auto other = Open("b");
  other->Send(Of({"j"}));
  other->StateOf({"c", "s", "j"});
  owner->Send(SessionHeartbeat{.updates = {{kName, {.load = 0.25}}, {{"c", "s", "j"}, {.load = 0.75}}}});
  owner->Await([](const auto& response) { return response.has_alive(); });
  EXPECT_EQ(Shown()->soft.load, 0.25);
  EXPECT_EQ(Shown({"c", "s", "j"})->soft.load, std::nullopt);
}

TEST_F(SessionHubTest, LeavingTakesEverythingAwayAndEndsWell) {
  const auto stream = Open("a");
  stream->Send(Of({"i", "j", "k"}));
  stream->StateOf(kName);
  stream->Send(SessionLeaving());
  EXPECT_TRUE(stream->End().ok()) << stream->End();
  EXPECT_TRUE(stream->responses().back().has_left());
  EXPECT_EQ(Shown(), nullptr);
  EXPECT_THAT(sync_.List(discovery::InstanceRecordsTree(), Scope::kChildren), IsEmpty());
  EXPECT_THAT(sync_.ListLeases().leases, IsEmpty());
  EXPECT_EQ(sync_.Get(discovery::SessionKey("a")), std::nullopt);
}

TEST_F(SessionHubTest, AStreamThatEndsOtherwiseLeavesItsInstances) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  hub_.OnReadsDone(stream.get());
  EXPECT_TRUE(stream->End().ok());
  hub_.OnClosed(stream.get());
  EXPECT_TRUE(AwaitCondition([this] { return places_->taken() == 0; }));
  EXPECT_NE(Shown(), nullptr);
}

TEST_F(SessionHubTest, AGuardThatDoesNotHoldChangesNothingAndSaysWhatIsThere) {
  const Key key = discovery::SessionKey("x");
  const auto register_with = [&](Revision guarded) {
    Registration registration{.name = kName, .properties = {{"port", absl::StrCat(8'000 + guarded)}}, .guard = Guard{key, guarded}};
    return Ask([&](Registrar::Done done) { registrar_.Register(std::move(registration), std::move(done)); });
  };
  const auto deregister_with = [&](Revision guarded) {
    return Ask([&](Registrar::Done done) { registrar_.Deregister({.name = kName, .guard = Guard{key, guarded}}, std::move(done)); });
  };
  EXPECT_EQ(register_with(5).guard_found, 0);
  EXPECT_EQ(Shown(), nullptr);
  const Revision put = sync_.Put(key, "{}").revision;
  const ChangedInstance other = register_with(put - 1);
  EXPECT_EQ(other.guard_found, put);
  EXPECT_EQ(other.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(other.status), Reason::kFenced);
  const ChangedInstance held = register_with(put);
  EXPECT_TRUE(held.status.ok()) << held.status;
  EXPECT_EQ(held.guard_found, std::nullopt);
  EXPECT_EQ(deregister_with(put - 1).guard_found, put);
  EXPECT_NE(Shown(), nullptr);
  EXPECT_TRUE(deregister_with(put).status.ok());
  EXPECT_EQ(Shown(), nullptr);
}

TEST_F(SessionHubTest, MessagesOutOfOrderEndTheStream) {
  const auto unopened = Stream();
  unopened->Send(Of({"i"}));
  EXPECT_EQ(DetailsOf(unopened->End())->violations.front().field, "step");
  const auto twice = Open("a");
  twice->Send(SessionOpening{.id = "a", .ttl = kTtl});
  EXPECT_EQ(DetailsOf(twice->End())->violations.front().field, "open");
}

TEST_F(SessionHubTest, ThereIsAPlaceForSoManyStreams) {
  const std::vector<std::shared_ptr<FakeStream>> streams = {Stream(), Stream(), Stream()};
  const absl::Status full = hub_.Open(std::make_shared<FakeStream>(&hub_), 1);
  EXPECT_EQ(ReasonOf(full), Reason::kStreamsFull);
  hub_.OnClosed(streams[0].get());
  EXPECT_TRUE(AwaitCondition([this] { return places_->taken() == 2; }));
}

TEST_F(SessionHubTest, ASlowClientIsToldTheNewestStates) {
  const auto stream = Open("a");
  stream->Opened();
  stream->StopReading();
  stream->Send(Of({"i"}));
  stream->StateOf(kName);  // Being written; nothing more is.
  for (const char* port : {"81", "82", "83"}) {
    stream->Send(Of({"i"}, port));
    ASSERT_TRUE(AwaitCondition([&] {
      const auto instance = Shown();
      return instance != nullptr && *discovery::FindProperty(instance->properties, "port") == port;
    }));
  }
  registrar_.Deregister({.name = kName, .origin = {}}, [](const ChangedInstance&) {});
  ASSERT_TRUE(AwaitCondition([&] {
    const auto instance = Shown();
    return instance != nullptr && instance->epoch > stream->StatesOf(kName).front().epoch();
  }));
  EXPECT_EQ(stream->StatesOf(kName).size(), 1u);
  stream->Send(SessionHeartbeat());
  // As it reads on it is told of the newest state, without those between.
  ASSERT_TRUE(AwaitCondition([&] {
    const size_t before = stream->responses().size();
    stream->Read();
    if (!AwaitCondition([&] { return stream->responses().size() > before; })) return true;
    return stream->StatesOf(kName).back().epoch() == Shown()->epoch;
  }));
  EXPECT_EQ(stream->StatesOf(kName).back().epoch(), Shown()->epoch);
  EXPECT_LE(stream->StatesOf(kName).size(), 3u);
}

TEST_F(SessionHubTest, WhatIsBoundAnewIsRegisteredUnderTheNewSchema) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const int64_t epoch = stream->StateOf(kName).epoch();
  ASSERT_TRUE(sync_.Put(storage::K("/.scoutlight/bindings/c/s"), "members").status.ok());
  ASSERT_TRUE(AwaitCondition([&] {
    const auto instance = Shown();
    return instance != nullptr && feed_->catalog()->claims()->SchemaOf("c", "s")->name == "members" && instance->valid;
  }));
  EXPECT_EQ(Shown()->epoch, epoch);
  EXPECT_EQ(discovery::ReadOwnership(*feed_->catalog()->FindStored(kName)).schema, "members");
}

TEST_F(SessionHubTest, WhoIsDrainingStaysSoOverStreams) {
  const auto first = Open("a");
  first->Send(Of({"i"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  ASSERT_TRUE(
      Ask([&](Registrar::Done done) { registrar_.Drain({.name = kName, .epoch = epoch, .origin = {}}, std::move(done)); }).status.ok());
  const auto second = Open("a");
  second->Send(Of({"i"}, "81"));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(Shown()->status, discovery::Status::kDraining);
  EXPECT_EQ(*discovery::FindProperty(Shown()->properties, "port"), "81");
}

TEST_F(SessionHubTest, DrainEndsStreamsAlsoLaterOnes) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  hub_.Drain(absl::UnavailableError("stopping"));
  EXPECT_TRUE(absl::IsUnavailable(stream->End()));
  EXPECT_TRUE(absl::IsUnavailable(Stream()->End()));
  EXPECT_NE(Shown(), nullptr);
}

}  // namespace
}  // namespace scoutlight::server
