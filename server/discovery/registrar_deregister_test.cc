// Taking an instance away.
#include <utility>

#include "base/error.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "gtest/gtest.h"
#include "server/discovery/registrar_fixture.h"

namespace scoutlight::server {
namespace {

using storage::K;

TEST_F(RegistrarTest, DeregisteringWhatIsNotThereIsFine) {
  const Revision latest = sync_.Latest();
  const ChangedInstance gone = Deregister();
  EXPECT_TRUE(gone.status.ok());
  EXPECT_TRUE(gone.unchanged);
  EXPECT_EQ(sync_.Latest(), latest);
  sync_.Put(K("/c/services/s/i/port"), "80");
  EXPECT_FALSE(Deregister().unchanged) << "written by hand";
  EXPECT_EQ(Shown(), "none");
}

TEST_F(RegistrarTest, OfTwoThatDeregisterOneHasFoundIt) {
  for (const bool registered : {true, false}) {
    SCOPED_TRACE(registered ? "registered" : "written by hand");
    if (registered) {
      ASSERT_TRUE(Register(Of("a")).status.ok());
    } else {
      sync_.Put(K("/c/services/s/i/port"), "80");
    }
    ChangedInstance faster;
    raced_.BeforeCommits(1, [&] { faster = Deregister(); });
    const ChangedInstance slower = Deregister();
    for (const ChangedInstance& gone : {faster, slower}) EXPECT_TRUE(gone.status.ok()) << gone.status;
    EXPECT_FALSE(faster.unchanged);
    EXPECT_TRUE(slower.unchanged);
    EXPECT_EQ(Shown(), "none");
    EXPECT_TRUE(LeasesCome(0));
  }
}

// What was deregistered meanwhile has come back: the slower one takes that away, unless it names the epoch of before.
TEST_F(RegistrarTest, WhoIsSlowerToDeregisterFindsWhatHasComeSince) {
  for (const bool names_epoch : {false, true}) {
    SCOPED_TRACE(names_epoch);
    const ChangedInstance first = Register(Of("a"));
    ASSERT_TRUE(first.status.ok()) << first.status;
    raced_.BeforeCommits(1, [&] {
      EXPECT_FALSE(Deregister().unchanged);
      EXPECT_TRUE(Register(Of("b")).status.ok());
    });
    const ChangedInstance slower = Deregister(names_epoch ? first.instance->epoch : 0);
    EXPECT_EQ(slower.unchanged, names_epoch);
    EXPECT_EQ(ReasonOf(slower.status), names_epoch ? Reason::kFenced : Reason::kUnspecified) << slower.status;
    EXPECT_EQ(Shown(), names_epoch ? "80" : "none");
    EXPECT_TRUE(LeasesCome(names_epoch ? 1 : 0));
  }
}

TEST_F(RegistrarTest, LeaseOfTheCallersOwnStays) {
  const LeaseId lease = sync_.Grant(kTtl).lease.id;
  Registration registration = Of("a");
  registration.ttl.reset();
  registration.lease_id = lease;
  ASSERT_EQ(Register(registration).instance->lease_id, lease);
  ASSERT_TRUE(Deregister().status.ok());
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RegistrarTest, OverrideSurvivesItsInstanceAndEachNewOwner) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  sync_.Put(discovery::OverrideKey(kName), discovery::EncodeOverride({.reason = "jam"}));
  const auto is_out = [this] { return feed_->catalog()->FindInstance(kName)->override.has_value(); };
  ASSERT_TRUE(is_out());
  ASSERT_TRUE(Deregister().status.ok());
  ChangedInstance back = Register(Of("a"));
  EXPECT_EQ(back.instance->override->reason, "jam");
  EXPECT_FALSE(back.instance->resolvable());
  Registration taking = Of("b", {{"port", "81"}});
  taking.take_over = true;
  EXPECT_FALSE(Register(std::move(taking)).instance->resolvable());
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "82"}}}).status.ok());
  ASSERT_TRUE(sync_.Revoke(feed_->catalog()->FindInstance(kName)->lease_id).status.ok());
  EXPECT_EQ(Shown(), "none");
  EXPECT_FALSE(Register(Of("c")).instance->resolvable());
  EXPECT_TRUE(is_out());
}

}  // namespace
}  // namespace scoutlight::server
