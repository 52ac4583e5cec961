#include "client/locator.h"

#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "client/registrations.h"
#include "client/testing/server.h"
#include "client/wire/wire.h"
#include "discovery/names.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

constexpr absl::Duration kLong = absl::Seconds(60);

absl::Duration Now() { return Clock::System().SinceBoot(); }

// What a watch of one service was shown last.
class Seen {
 public:
  ChangeCallback callback() {
    return [this](const ServiceChange& change) {
      MutexLock lock(&mu_);
      snapshot_ = change.snapshot;
      changed_.NotifyAll();
    };
  }
  // False: it did not come so far within kLong.
  bool Await(const std::function<bool(const discovery::ServiceSnapshot&)>& is_there) {
    const absl::Duration end = Now() + kLong;
    MutexLock lock(&mu_);
    while (snapshot_ == nullptr || !is_there(*snapshot_)) {
      if (Now() >= end) return false;
      changed_.WaitFor(&mu_, end - Now());
    }
    return true;
  }
  bool AwaitResolvable(size_t instances) {
    return Await([instances](const discovery::ServiceSnapshot& snapshot) { return snapshot.resolvable() == instances; });
  }

 private:
  Mutex mu_;
  CondVar changed_;
  discovery::SnapshotPtr snapshot_ ABSL_GUARDED_BY(mu_);
};

class LocatorServerTest : public ::testing::Test {
 protected:
  void Register(const std::string& id) {
    const auto registered =
        registrations_.Register({.service = "Printer", .id = id, .properties = {{"hostname", "127.0.0.1"}, {"port", "80"}}}, Permanent());
    ASSERT_TRUE(registered.ok()) << registered.status();
  }
  void Deregister(const std::string& id) { ASSERT_TRUE(registrations_.Deregister({"default", "Printer", id}).ok()); }
  Locator Open(LocatorOptions options = {}) { return *Locator::Open(server_.Connect(), std::move(options)); }
  // Who subscribes, by the server's list.
  std::vector<discovery::v1::ListSubscribersResponse::Subscriber> Subscribers() {
    const auto answer =
        observer_.wire()->Call(&discovery::v1::DiscoveryService::Stub::ListSubscribers, discovery::v1::ListSubscribersRequest());
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return {};
    return {answer->subscribers().begin(), answer->subscribers().end()};
  }

  testing::Server server_;
  Connection observer_ = server_.Connect();
  Registrations registrations_{observer_};
};

TEST_F(LocatorServerTest, FirstResolveWaitsForWhatIsThere) {
  Register("a");
  Locator locator = Open();
  const absl::StatusOr<Pick> pick = locator.Resolve("Printer");
  ASSERT_TRUE(pick.ok()) << pick.status();
  EXPECT_EQ(pick->instance().name.id, "a");
  EXPECT_EQ(pick->endpoint()->url.port, 80);
  EXPECT_EQ(ReasonOf(locator.Resolve("Scanner").status()), Reason::kServiceNotFound);
  EXPECT_LT(locator.AgeOf("Printer"), kLong);
}

TEST_F(LocatorServerTest, ChangesReachPicks) {
  Locator locator = Open();
  Seen seen;
  const absl::StatusOr<ChangeWatch> watch = locator.OnChange("Printer", seen.callback());
  ASSERT_TRUE(watch.ok());
  Register("a");
  Register("b");
  ASSERT_TRUE(seen.AwaitResolvable(2));
  ASSERT_TRUE(registrations_.PutOverride({"default", "Printer", "a"}, "broken").ok());
  ASSERT_TRUE(seen.AwaitResolvable(1));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(locator.Resolve("Printer")->instance().name.id, "b");
  Deregister("b");
  ASSERT_TRUE(seen.AwaitResolvable(0));
  EXPECT_EQ(ReasonOf(locator.Resolve("Printer").status()), Reason::kNoneResolvable);
}

TEST_F(LocatorServerTest, RestartedServerIsFoundAgain) {
  Locator locator = Open();
  Seen seen;
  const absl::StatusOr<ChangeWatch> watch = locator.OnChange("Printer", seen.callback());
  Register("a");
  ASSERT_TRUE(seen.AwaitResolvable(1));
  server_.Stop();
  EXPECT_EQ(locator.Resolve("Printer")->instance().name.id, "a");
  server_.Start();
  Register("b");
  ASSERT_TRUE(seen.AwaitResolvable(2));
}

TEST_F(LocatorServerTest, WipedServerEmptiesNothingAtOnce) {
  Locator locator = Open({.replaced_store_grace = absl::Seconds(2)});
  Seen seen;
  const absl::StatusOr<ChangeWatch> watch = locator.OnChange("Printer", seen.callback());
  Register("a");
  Register("b");
  ASSERT_TRUE(seen.AwaitResolvable(2));
  server_.Wipe();
  Register("c");
  ASSERT_TRUE(seen.Await([](const discovery::ServiceSnapshot& snapshot) { return snapshot.Find("c") != nullptr; }));
  ASSERT_TRUE(seen.AwaitResolvable(1));
  EXPECT_EQ(locator.Resolve("Printer")->instance().name.id, "c");
}

TEST_F(LocatorServerTest, DrainedInstanceIsNotPickedAfterTheDrainIsComplete) {
  Register("a");
  Register("b");
  Locator locator = Open();
  ASSERT_TRUE(locator.Resolve("Printer").ok());
  std::atomic<bool> drained{false};
  std::atomic<bool> stop{false};
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        const bool after = drained.load();
        const absl::StatusOr<Pick> pick = locator.Resolve("Printer");
        if (!pick.ok() || (after && pick->instance().name.id == "a")) ++wrong;
        std::this_thread::yield();
      }
    });
  }
  const absl::StatusOr<DrainResult> drain =
      registrations_.Drain({"default", "Printer", "a"}, {.timeout = kLong, .linger = absl::ZeroDuration()});
  drained = true;
  ASSERT_TRUE(drain.ok()) << drain.status();
  EXPECT_TRUE(drain->report.complete);
  for (int i = 0; i < 10'000; ++i) {
    if (locator.Resolve("Printer")->instance().name.id != "b") ++wrong;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST_F(LocatorServerTest, GoodbyeIsSaid) {
  Register("a");
  {
    Locator locator = Open({.subscriber_id = "me"});
    ASSERT_TRUE(locator.Resolve("Printer").ok());
    const auto subscribers = Subscribers();
    ASSERT_EQ(subscribers.size(), 1);
    EXPECT_EQ(subscribers[0].subscriber_id(), "me");
  }
  EXPECT_EQ(Subscribers().size(), 0);
}

TEST_F(LocatorServerTest, TwoWithOneIdGoOnBoth) {
  Register("a");
  Locator first = Open({.subscriber_id = "me"});
  ASSERT_TRUE(first.Resolve("Printer").ok());
  Locator second = Open({.subscriber_id = "me"});
  ASSERT_TRUE(second.Resolve("Printer").ok());
  Seen seen;
  const absl::StatusOr<ChangeWatch> watch = first.OnChange("Printer", seen.callback());
  Register("b");
  EXPECT_TRUE(seen.AwaitResolvable(2));
}

TEST_F(LocatorServerTest, WithoutServerNothingHangs) {
  server_.Stop();
  const absl::Duration start = Now();
  {
    Locator locator = Open({.first_answer_timeout = absl::Milliseconds(50)});
    EXPECT_EQ(ReasonOf(locator.Resolve("Printer").status()), Reason::kCatalogLoading);
    EXPECT_EQ(ReasonOf(locator.TryResolve("Scanner").status()), Reason::kCatalogLoading);
    EXPECT_EQ(locator.AgeOf("Printer"), absl::InfiniteDuration());
  }
  // With room for a machine under load; nothing waits so long by itself.
  EXPECT_LT(Now() - start, absl::Seconds(20));
}

TEST_F(LocatorServerTest, FileServesWhileTheServerIsDown) {
  const std::string path = absl::StrCat(::testing::TempDir(), "/locator_file");
  std::remove(path.c_str());
  Register("a");
  {
    Locator locator = Open({.snapshot_file = path});
    ASSERT_TRUE(locator.Resolve("Printer").ok());
  }
  server_.Stop();
  Locator locator = Open({.first_answer_timeout = kLong, .snapshot_file = path});
  const absl::StatusOr<Pick> pick = locator.Resolve("Printer");
  ASSERT_TRUE(pick.ok()) << pick.status();
  EXPECT_EQ(pick->instance().name.id, "a");
}

TEST_F(LocatorServerTest, InvalidOptionsAreNamedTogether) {
  const absl::Status status =
      Locator::Open(observer_, {.cluster = "*", .heartbeat = absl::Milliseconds(99), .ejection = EjectionOptions{.calls_min = 0}}).status();
  const std::optional<ErrorDetails> details = DetailsOf(status);
  ASSERT_TRUE(details.has_value());
  ASSERT_EQ(details->violations.size(), 3);
  EXPECT_EQ(details->violations[0].field, "cluster");
  EXPECT_EQ(details->violations[1].field, "heartbeat");
  EXPECT_EQ(details->violations[2].field, "ejection.calls_min");
}

TEST_F(LocatorServerTest, ComesAndGoesUnderLoad) {
  for (const char* id : {"a", "b", "c"}) Register(id);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::thread> threads;
    std::optional<ServiceHandle> handle;
    {
      Locator locator = Open();
      handle = *locator.Service("Printer");
      for (int i = 0; i < 2; ++i) {
        threads.emplace_back([handle = *handle] {
          // Until the locator goes.
          while (!absl::IsFailedPrecondition(handle.Resolve().status())) std::this_thread::yield();
        });
      }
      const absl::StatusOr<Pick> pick = locator.Resolve("Printer");
      ASSERT_TRUE(pick.ok()) << pick.status();
      pick->Begin().Succeeded();
    }
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(Subscribers().size(), 0);
}

}  // namespace
}  // namespace scoutlight
