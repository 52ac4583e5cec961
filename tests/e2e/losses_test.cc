// Owners that are lost many at a time: what is held, what Resolve and watches say of it, and how it ends.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_recorder.h"
#include "tests/e2e/discovery_fixture.h"
#include "tests/e2e/service_observer.h"
#include "tests/e2e/session_client.h"
#include "tests/support/stream_loop.h"

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
  disco::ListServicesResponse::Service ServiceOf(const std::string& service) {
    const auto listed = Call(&disco::DiscoveryService::Stub::ListServices, disco::ListServicesRequest());
    for (const auto& known : listed->services()) {
      if (known.name() == service) return known;
    }
    return {};
  }
  int64_t HeldOf(const std::string& service) { return ServiceOf(service).held(); }
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

// A thousand instances, each on a lease of its own, of which the first 600 end together; beside them a service that loses one of ten.
class ManyLosses : public Losses {
 protected:
  static constexpr int kAll = 1'000, kLost = 600;

  static std::string IdOf(int i) { return absl::StrCat("i", 10'000 + i); }
  // Every third is critical, every third warns.
  static disco::InstanceHealth HealthOf(int i) {
    constexpr disco::InstanceHealth kHealths[] = {disco::INSTANCE_HEALTH_PASSING, disco::INSTANCE_HEALTH_WARNING,
                                                  disco::INSTANCE_HEALTH_CRITICAL};
    return kHealths[i % 3];
  }
  static disco::RegisterRequest OwnedFor(int seconds, const std::string& service, int i) {
    constexpr const char* kTexts[] = {"passing", "warning", "critical"};
    Properties properties = kLaser;
    properties["health"] = kTexts[i % 3];
    disco::RegisterRequest request = RegisterOf(service, IdOf(i), properties);
    request.mutable_ttl()->set_seconds(seconds);
    return request;
  }

  // Returns when the 600 are held and the one is gone.
  void RegisterAndLose() {
    InstanceReader reader(*discovery_, WatchedService("Printer"));
    disco::RegisterAllRequest request, book;
    for (int i = 0; i < kAll; ++i) *request.add_registrations() = OwnedFor(i < kLost ? 4 : 3'600, "Printer", i);
    for (int i = 0; i < 10; ++i) *book.add_registrations() = OwnedFor(i < 1 ? 4 : 3'600, "Book", i);
    for (const disco::RegisterAllRequest& all : {request, book}) {
      const auto registered = Call(&disco::RegistrationService::Stub::RegisterAll, all);
      ASSERT_TRUE(registered.ok()) << registered.status.error_message();
      for (const auto& result : registered->results()) ASSERT_EQ(result.code(), 0) << result.message();
    }
    // What goes before so many have gone that all are held, comes back.
    std::set<std::string> held;
    while (held.size() < kLost) {
      const std::optional<disco::WatchResponse> frame = reader.NextEvent();
      ASSERT_TRUE(frame.has_value()) << held.size() << " are held";
      for (const disco::Instance& instance : frame->changed()) {
        if (instance.status() == disco::INSTANCE_STATUS_OWNER_LOST) held.insert(instance.id());
      }
      for (const std::string& id : frame->removed()) EXPECT_LT(id, IdOf(kLost));
    }
    EXPECT_LT(*held.rbegin(), IdOf(kLost));
    ASSERT_TRUE(WaitUntil([this] { return Ids("Book").size() == 9; }));
  }
  disco::ListInstancesResponse List(const std::string& service) {
    disco::ListInstancesRequest request;
    request.set_service(service);
    request.set_page_size(kAll);
    return Call(&disco::DiscoveryService::Stub::ListInstances, request).message;
  }
};

TEST_F(ManyLosses, AreHeldShownAsTheyAreAndNotPicked) {
  RegisterAndLose();
  if (HasFatalFailure()) return;
  const disco::ListInstancesResponse listed = List("Printer");
  EXPECT_TRUE(listed.guarded());
  ASSERT_EQ(listed.instances_size(), kAll);
  int resolvable = 0;
  for (int i = 0; i < kAll; ++i) {
    const disco::Instance& instance = listed.instances(i);
    EXPECT_EQ(instance.health(), HealthOf(i)) << "what it said of itself";
    EXPECT_EQ(instance.status(), i < kLost ? disco::INSTANCE_STATUS_OWNER_LOST : disco::INSTANCE_STATUS_UP);
    EXPECT_EQ(instance.has_held_until(), i < kLost);
    EXPECT_LE(instance.held_until().seconds(), absl::ToUnixSeconds(absl::Now()) + 60);
    EXPECT_EQ(instance.resolvable(), i >= kLost && HealthOf(i) != disco::INSTANCE_HEALTH_CRITICAL);
    resolvable += instance.resolvable() ? 1 : 0;
  }
  const auto printers = ServiceOf("Printer");
  EXPECT_EQ(printers.instances(), kAll);
  EXPECT_EQ(printers.held(), kLost);
  EXPECT_EQ(printers.resolvable(), resolvable);
  std::set<std::string> picked;
  for (int i = 0; i < kAll; ++i) picked.insert(Picked(ResolveOf("Printer")));
  EXPECT_GE(*picked.begin(), IdOf(kLost));
  EXPECT_EQ(picked.size(), static_cast<size_t>(resolvable)) << "each of those that take work, in turn";
  EXPECT_TRUE(Resolve(ResolveOf("Printer"))->guarded());
  // A service beside it that has lost one.
  EXPECT_FALSE(List("Book").guarded());
  EXPECT_EQ(HeldOf("Book"), 0);
  EXPECT_FALSE(Resolve(ResolveOf("Book"))->guarded());
}

TEST_F(ManyLosses, HalfIsConfirmedAndARestartEndsTheRest) {
  RegisterAndLose();
  if (HasFatalFailure()) return;
  std::vector<std::string> half;
  for (int i = 0; i < kLost / 2; ++i) half.push_back(IdOf(i));
  EXPECT_EQ(Confirm(half)->confirmed(), kLost / 2);
  disco::ListInstancesResponse listed = List("Printer");
  EXPECT_TRUE(listed.guarded());
  ASSERT_EQ(listed.instances_size(), kAll - kLost / 2);
  EXPECT_EQ(listed.instances(0).id(), IdOf(kLost / 2));
  EXPECT_EQ(HeldOf("Printer"), kLost / 2);
  KillAndRestart();
  Connect();
  listed = List("Printer");
  EXPECT_FALSE(listed.guarded());
  ASSERT_EQ(listed.instances_size(), kAll - kLost);
  EXPECT_EQ(listed.instances(0).id(), IdOf(kLost));
  EXPECT_EQ(HeldOf("Printer"), 0);
}

// Of sessions, one that is lost comes back.
TEST_F(Losses, AnOwnerThatComesBackHasItsInstancesAgain) {
  constexpr int kSessions = 10, kOfEach = 10, kDead = 6;
  constexpr absl::Duration kTtl = kJudgeMemory ? absl::Seconds(3) : absl::Seconds(10);
  checker::RegistrationRecorder recorder;
  StreamLoop loop;
  WatchObserver watcher(&loop, "watcher", "Printer", &recorder);
  watcher.Connect(discovery_.get());
  std::vector<std::unique_ptr<SessionClient>> sessions;
  for (int i = 0; i < kSessions; ++i) {
    sessions.push_back(std::make_unique<SessionClient>(
        &loop, SessionClient::Options{.session_id = absl::StrCat("s", i), .ttl = kTtl, .recorder = &recorder}));
    std::vector<SessionClient::Name> names;
    for (int of = 0; of < kOfEach; ++of) names.emplace_back("Printer", IdOf(i * kOfEach + of));
    sessions.back()->Declare(names, 1);
    sessions.back()->Connect(registration_.get());
  }
  // Lets all go on until it holds.
  const auto await = [&](const std::function<bool()>& condition) {
    return loop.RunUntil(
        [&] {
          watcher.Tick();
          for (const auto& session : sessions) session->Tick();
          return condition();
        },
        kTtl + kSoon);
  };
  const auto all_well = [&] {
    return std::all_of(sessions.begin(), sessions.end(), [](const auto& session) { return !session->alive() || session->IsWell(); });
  };
  ASSERT_TRUE(await([&] { return all_well() && watcher.shown().size() == kSessions * kOfEach; }));
  const std::map<SessionClient::Name, SessionClient::Member> before = sessions[0]->members();
  for (int i = 0; i < kDead; ++i) sessions[i]->Die();
  std::set<ServiceObserver::Name> held;
  ASSERT_TRUE(await([&] {
    held.merge(watcher.TakeHeld());
    return held.size() == kDead * kOfEach;
  })) << held.size()
      << " are held";
  EXPECT_EQ(watcher.shown().size(), kSessions * kOfEach);
  sessions.push_back(
      std::make_unique<SessionClient>(&loop, SessionClient::Options{.session_id = "s0", .ttl = kTtl, .recorder = &recorder}));
  for (const auto& [name, member] : before) sessions.back()->Declare({name}, 2);
  sessions.back()->Connect(registration_.get());
  ASSERT_TRUE(await(all_well));
  EXPECT_FALSE(sessions.back()->resumed());
  for (const auto& [name, member] : sessions.back()->members()) EXPECT_GT(member.epoch, before.at(name).epoch);
  EXPECT_EQ(HeldOf("Printer"), (kDead - 1) * kOfEach);
  EXPECT_EQ(Get("Printer", IdOf(0))->instance().status(), disco::INSTANCE_STATUS_UP);
  for (const auto& session : sessions) EXPECT_EQ(session->told(SessionClient::State::STATE_LOST), 0);
  for (const auto& session : sessions) session->Die();
  watcher.Stop();
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
