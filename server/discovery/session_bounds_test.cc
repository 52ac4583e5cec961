// The bounds of one session, from both sides.
#include <cstddef>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session.h"
#include "server/discovery/session_fixture.h"

namespace scoutlight::server {
namespace {

using ::testing::IsEmpty;

using SessionBoundsTest = SessionTest;

TEST_F(SessionBoundsTest, SoManyInstancesAreWantedAndNoMore) {
  Register(limits::kSessionInstancesMax);
  EXPECT_EQ(store_.instances.size(), static_cast<size_t>(limits::kSessionInstancesMax));
  const absl::Status refused = stream_.Declare(Declared(limits::kSessionInstancesMax, limits::kSessionInstancesMax + 1));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(refused)->violations.front().field, "declare.set");
  EXPECT_EQ(stream_.under_way(), 0u);
  Declaration exchange = Declared(limits::kSessionInstancesMax, limits::kSessionInstancesMax + 1);
  exchange.remove = {NameOf(0)};
  EXPECT_TRUE(stream_.Declare(std::move(exchange)).ok());
}

TEST_F(SessionBoundsTest, SoManyBytesOfPropertiesAreWantedAndNoMore) {
  const std::string value(limits::kPropertyValueBytesMax, 'x');
  // As many instances with one such property as fit, but for one.
  const int fit = static_cast<int>(limits::kBytesPerLeaseMax / (value.size() + 1));
  const auto large = [&value](int from, int to) {
    Declaration declared = Declared(from, to);
    for (Declaration::Wanted& one : declared.set) one.properties = {{"p", value}};
    return declared;
  };
  ASSERT_TRUE(stream_.Declare(large(0, fit)).ok());
  stream_.LetAll();
  const absl::Status refused = stream_.Declare(large(fit, fit + 1));
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(refused)->violations.front().field, "declare.set");
  EXPECT_EQ(stream_.under_way(), 0u);
  // In the place of another, and of itself.
  Declaration exchange = large(fit, fit + 1);
  exchange.remove = {NameOf(0)};
  EXPECT_TRUE(stream_.Declare(std::move(exchange)).ok());
  EXPECT_TRUE(stream_.Declare(large(1, 2)).ok());
}

TEST_F(SessionBoundsTest, AClientThatWaitsForRemovalsIsReadFromWhenTheLeaseHasEnded) {
  Register(limits::kSessionInstancesMax);
  for (int i = 1; i <= 2; ++i) {
    Declaration others = Declared(i * limits::kSessionInstancesMax, (i + 1) * limits::kSessionInstancesMax);
    others.replace = true;
    ASSERT_TRUE(stream_.Declare(std::move(others)).ok());
  }
  EXPECT_FALSE(stream_.may_send()) << "too many are being removed";
  store_.Expire(stream_.lease_id());
  stream_.LetAll();
  Heartbeat();
  EXPECT_EQ(stream_.session().registered().size(), static_cast<size_t>(limits::kSessionInstancesMax));
}

TEST_F(SessionBoundsTest, WhatTheStreamBeforeHasRegisteredIsRemovedSomeAtATime) {
  // Some by calls with the session's id and lease, which its bound does not count.
  const int instances = 2 * limits::kSessionInstancesMax + 500;
  const LeaseId lease = stream_.lease_id();
  for (int i = 0; i < instances; ++i) store_.instances[NameOf(i)] = {.session = i % 7 == 0 ? "b" : "a", .epoch = 1, .lease_id = lease};
  stream_.Lose();
  ModelStream again(&store_, "a");
  again.LetAll();
  ASSERT_TRUE(again.Declare(Declared(0, 2)).ok());
  EXPECT_TRUE(again.may_send());
  again.LetAll();
  EXPECT_EQ(again.changes_max(), limits::kSessionChangesMax);
  EXPECT_LE(again.followed_max(), static_cast<size_t>(limits::kSessionInstancesMax) + 2);
  EXPECT_EQ(again.session().registered().size(), 1u);
  for (const auto& [name, instance] : store_.instances) EXPECT_TRUE(instance.session == "b" || name == NameOf(1)) << name.id;
  again.Leave();
  again.LetAll();
  EXPECT_EQ(again.left(), 0);
}

TEST_F(SessionBoundsTest, LeavingAtOnceRemovesThemAllToo) {
  const LeaseId lease = stream_.lease_id();
  for (int i = 0; i < 2 * limits::kSessionInstancesMax + 1; ++i)
    store_.instances[NameOf(i)] = {.session = "a", .epoch = 1, .lease_id = lease};
  stream_.Lose();
  ModelStream again(&store_, "a");
  again.LetAll();
  again.Leave();
  again.LetAll();
  EXPECT_EQ(again.left(), 0);
  EXPECT_THAT(store_.instances, IsEmpty());
  EXPECT_LE(again.followed_max(), static_cast<size_t>(limits::kSessionInstancesMax));
}

TEST_F(SessionBoundsTest, FewChangesAreUnderWayAtATime) {
  Register(50);
  EXPECT_EQ(stream_.changes_max(), limits::kSessionChangesMax);
}

TEST_F(SessionBoundsTest, TheNextMessageWaitsWhileMoreAreToGoThanASessionMayHave) {
  Register(limits::kSessionInstancesMax);
  Declaration other = Declared(2'000, 2'000 + limits::kSessionInstancesMax);
  other.replace = true;
  ASSERT_TRUE(stream_.Declare(std::move(other)).ok());
  EXPECT_TRUE(stream_.may_send());
  Declaration third = Declared(4'000, 4'001);
  third.replace = true;
  ASSERT_TRUE(stream_.Declare(std::move(third)).ok());
  EXPECT_FALSE(stream_.may_send());
  stream_.LetAll();
  EXPECT_TRUE(stream_.may_send());
  EXPECT_EQ(store_.instances.size(), 1u);
}

TEST_F(SessionBoundsTest, OpeningIsTriedAFewTimesWhileOthersOpenToo) {
  ModelStream late(&store_, "a");
  const auto let = [&late] {
    late.Let();
    if (late.under_way() > 0) late.Let();  // The answer.
  };
  let();  // It has read the record.
  for (int i = 0; i < limits::kContendedTriesMax; ++i) {
    EXPECT_FALSE(late.ended()) << i;
    let();                           // It has renewed the lease.
    ++store_.records["a"].revision;  // Another has put the record.
    let();                           // So this one has not.
    if (!late.ended()) let();        // It has read it again.
  }
  ASSERT_TRUE(late.ended());
  EXPECT_EQ(ReasonOf(late.end()), Reason::kContended);
}

}  // namespace
}  // namespace scoutlight::server
