// Owners that are lost many at a time: what is held, what Resolve and watches say of it, and how it ends.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/discovery_fixture.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;

class Losses : public Discovery {
 protected:
  // A lease that nobody renews: time enough to register something.
  int64_t Grant() {
    wire::GrantRequest grant;
    grant.mutable_ttl()->set_seconds(4);
    const auto granted = CallOf(*leases_, &wire::LeaseService::Stub::Grant, grant);
    EXPECT_TRUE(granted.ok()) << granted.status.error_message();
    return granted->lease().lease_id();
  }
  std::string IdOf(int i) const { return absl::StrCat("i", 100 + i); }
  // `all` instances, of which `lost` end with one lease; returns when those are held.
  void RegisterAndLose(int all, int lost) {
    InstanceReader reader(*discovery_, WatchedService("Printer"));
    disco::RegisterAllRequest request;
    const int64_t lease = Grant();
    for (int i = 0; i < all; ++i) {
      disco::RegisterRequest one = RegisterOf("Printer", IdOf(i), kLaser);
      if (i < lost) one.set_lease_id(lease);
      *request.add_registrations() = one;
    }
    const auto registered = Call(&disco::RegistrationService::Stub::RegisterAll, request);
    ASSERT_TRUE(registered.ok()) << registered.status.error_message();
    for (const auto& result : registered->results()) ASSERT_EQ(result.code(), 0) << result.message();
    std::set<std::string> held;
    while (static_cast<int>(held.size()) < lost) {
      const std::optional<disco::WatchResponse> frame = reader.NextEvent();
      ASSERT_TRUE(frame.has_value()) << held.size() << " are held";
      for (const disco::Instance& instance : frame->changed()) {
        if (instance.status() == disco::INSTANCE_STATUS_OWNER_LOST) held.insert(instance.id());
      }
    }
  }
  int64_t HeldOf(const std::string& service) {
    const auto listed = Call(&disco::DiscoveryService::Stub::ListServices, disco::ListServicesRequest());
    for (const auto& known : listed->services()) {
      if (known.name() == service) return known.held();
    }
    return -1;
  }
  Answered<disco::ConfirmLossResponse> Confirm(const std::vector<std::string>& ids) {
    disco::ConfirmLossRequest request;
    request.set_service("Printer");
    for (const std::string& id : ids) request.add_ids(id);
    return Call(&disco::RegistrationService::Stub::ConfirmLoss, request);
  }
};

TEST_F(Losses, ManyAtATimeAreHeldAndTakenOnlyWhenNoOtherMatches) {
  RegisterAndLose(10, 6);
  EXPECT_EQ(HeldOf("Printer"), 6);
  const auto one = Get("Printer", IdOf(0));
  ASSERT_TRUE(one.ok()) << one.status.error_message();
  EXPECT_EQ(one->instance().status(), disco::INSTANCE_STATUS_OWNER_LOST);
  EXPECT_EQ(one->instance().health(), disco::INSTANCE_HEALTH_PASSING);
  EXPECT_FALSE(one->instance().resolvable());
  EXPECT_TRUE(one->instance().has_held_until());
  // Its keys have gone with the lease.
  EXPECT_THAT(Ids("Printer", "status == \"OWNER_LOST\""), ElementsAre(IdOf(0), IdOf(1), IdOf(2), IdOf(3), IdOf(4), IdOf(5)));
  const auto keys = client().List("/default/services/Printer");
  ASSERT_TRUE(keys.ok()) << keys.status.error_message();
  EXPECT_EQ(keys->entries_size(), 4);

  std::set<std::string> picked;
  for (int i = 0; i < 40; ++i) picked.insert(Picked(ResolveOf("Printer")));
  EXPECT_THAT(picked, ElementsAre(IdOf(6), IdOf(7), IdOf(8), IdOf(9)));
  EXPECT_TRUE(Resolve(ResolveOf("Printer"))->guarded());
  disco::ResolveRequest all = ResolveOf("Printer");
  all.set_count(16);
  EXPECT_EQ(Resolve(all)->picks_size(), 4);

  for (int i = 6; i < 10; ++i) ASSERT_TRUE(Deregister("Printer", IdOf(i)).ok());
  const auto held = Resolve(ResolveOf("Printer"));
  ASSERT_TRUE(held.ok()) << held.status.error_message();
  EXPECT_EQ(held->picks(0).instance().status(), disco::INSTANCE_STATUS_OWNER_LOST);
  EXPECT_TRUE(held->guarded());
  ExpectFailure(Resolve(ResolveOf("Printer", "zone == \"north\"")).status, grpc::StatusCode::UNAVAILABLE, "NONE_RESOLVABLE");
}

TEST_F(Losses, AHoldEndsByRegisteringAgainDeregisteringAndConfirming) {
  RegisterAndLose(6, 5);
  ASSERT_TRUE(Register("Printer", IdOf(0), kInkjet).ok());
  EXPECT_EQ(Get("Printer", IdOf(0))->instance().status(), disco::INSTANCE_STATUS_UP);
  const auto other = Deregister("Printer", IdOf(1), 1);
  EXPECT_TRUE(other.ok() && !other->found()) << "it is another epoch's";
  const auto gone = Deregister("Printer", IdOf(1));
  ASSERT_TRUE(gone.ok()) << gone.status.error_message();
  EXPECT_TRUE(gone->found());
  ExpectFailure(Get("Printer", IdOf(1)).status, grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND");

  EXPECT_FALSE(Deregister("Printer", IdOf(1))->found());

  EXPECT_EQ(Confirm({IdOf(2), IdOf(0), "unknown"})->confirmed(), 1);
  EXPECT_EQ(HeldOf("Printer"), 2);
  EXPECT_EQ(Confirm({})->confirmed(), 2);
  EXPECT_EQ(HeldOf("Printer"), 0);
  EXPECT_EQ(Confirm({})->confirmed(), 0);
  EXPECT_FALSE(Resolve(ResolveOf("Printer"))->guarded());
  EXPECT_THAT(Ids("Printer"), ElementsAre(IdOf(0), IdOf(5)));
}

TEST_F(Losses, ARestartEndsAllHolds) {
  RegisterAndLose(6, 5);
  KillAndRestart();
  Connect();
  EXPECT_EQ(HeldOf("Printer"), 0);
  EXPECT_THAT(Ids("Printer"), ElementsAre(IdOf(5)));
}

TEST_F(Losses, SingleOnesAreGoneAtOnce) {
  for (int i = 1; i < 6; ++i) ASSERT_TRUE(Register("Printer", IdOf(i), kLaser).ok());
  InstanceReader reader(*discovery_, WatchedService("Printer"));
  disco::RegisterRequest one = RegisterOf("Printer", IdOf(0), kLaser);
  one.set_lease_id(Grant());
  ASSERT_TRUE(Register(one).ok());
  std::vector<std::string> removed;
  while (removed.empty()) {
    const std::optional<disco::WatchResponse> frame = reader.NextEvent();
    ASSERT_TRUE(frame.has_value());
    for (const disco::Instance& instance : frame->changed()) EXPECT_EQ(instance.status(), disco::INSTANCE_STATUS_UP);
    removed.assign(frame->removed().begin(), frame->removed().end());
  }
  EXPECT_THAT(removed, ElementsAre(IdOf(0)));
  EXPECT_EQ(HeldOf("Printer"), 0);
}

TEST_F(Losses, BadInputOfConfirmLossIsNamed) {
  disco::ConfirmLossRequest request;
  request.set_cluster("a/b");
  request.add_ids("");
  ExpectFailure(Call(&disco::RegistrationService::Stub::ConfirmLoss, request).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD",
                {"cluster", "service", "ids[0]"});
  EXPECT_EQ(Confirm(std::vector<std::string>(1'000, "x"))->confirmed(), 0);
  ExpectFailure(Confirm(std::vector<std::string>(1'001, "x")).status, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"ids"});
}

}  // namespace
}  // namespace scoutlight::testing
