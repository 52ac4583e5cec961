// Objects of each public class of the client library come and go, a thousand times, under load: descriptors, threads and memory stay as
// they are after a warm-up, and nothing hangs, whether the server answers or not. SCOUTLIGHT_TORTURE makes it ten thousand times.
#include <gtest/gtest.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/discovery.h"
#include "client/lease_keeper.h"
#include "client/locator.h"
#include "client/registrations.h"
#include "client/registry.h"
#include "client/session.h"
#include "client/testing/server.h"
#include "client/watch.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/faulty_proxy.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

// How much more there may be after all cycles than after the warm-up: gRPC's pools of threads grow and shrink, and the load goes on.
constexpr int kDescriptorsMore = 8;
constexpr int kThreadsMore = 8;
constexpr int64_t kHeapBytesMore = 512 << 10;
constexpr int kWarmUp = 100;
// Of any destructor, and call with a timeout, of a server that hangs: what the headers say is at most a second and a half; a busy machine
// adds.
constexpr absl::Duration kHangMax = absl::Seconds(10);

int Cycles() { return IsTorture() ? 10'000 : kJudgeMemory ? 1'000 : 200; }

// What this process uses.
struct Footprint {
  int descriptors = 0;
  int threads = 0;
  int64_t heap_bytes = 0;

  static Footprint Now() {
    const auto count = [](const char* folder) {
      return static_cast<int>(std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator()));
    };
    const struct mallinfo2 heap = mallinfo2();
    return {count("/proc/self/fd"), count("/proc/self/task"), static_cast<int64_t>(heap.uordblks + heap.hblkhd)};
  }
  bool IsNotMuchMoreThan(const Footprint& before) const {
    return descriptors <= before.descriptors + kDescriptorsMore && threads <= before.threads + kThreadsMore &&
           (!kJudgeMemory || heap_bytes <= before.heap_bytes + kHeapBytesMore);
  }
};
std::ostream& operator<<(std::ostream& out, const Footprint& footprint) {
  return out << footprint.descriptors << " descriptors, " << footprint.threads << " threads, " << footprint.heap_bytes / 1024 << " KiB";
}

Connection Connect(const std::string& address, absl::Duration timeout = kSoon) {
  return *Connection::Open({.endpoints = {address}, .timeout = timeout});
}

Registration Printer(const std::string& id) {
  return {.service = "Printer", .id = id, .properties = {{"hostname", "127.0.0.1"}, {"port", "8001"}}};
}

// Keys and instances that change all the time.
class Load {
 public:
  explicit Load(const Connection& connection) : registry_(connection), registrations_(connection) {
    EXPECT_TRUE(registrations_.Register(Printer("stays"), Permanent()).ok());
    Turn();
    thread_ = std::thread([this] {
      while (!over_) Turn();
    });
  }
  ~Load() {
    over_ = true;
    thread_.join();
  }

 private:
  void Turn() {
    const auto put = registry_.Put("/load/key", absl::StrCat("value ", turns_));
    EXPECT_TRUE(put.ok()) << put.status();
    Registration printer = Printer("changes");
    printer.properties["weight"] = absl::StrCat(1 + ++turns_ % 10);
    const auto registered = registrations_.Register(std::move(printer), Permanent());
    EXPECT_TRUE(registered.ok()) << registered.status();
  }

  Registry registry_;
  Registrations registrations_;
  int turns_ = 0;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

// An object comes, is used in half of the cycles, and goes.
struct Cycle {
  const char* name;
  void (*run)(const Connection& connection, const std::string& address, bool use);
};

constexpr Cycle kCycles[] = {
    {"Connection",
     [](const Connection&, const std::string& address, bool use) {
       const Connection own = Connect(address);
       EXPECT_TRUE(!use || Registry(own).Get("/load/key").ok());
     }},
    {"Registry", [](const Connection& connection, const std::string&, bool) { EXPECT_TRUE(Registry(connection).Get("/load/key").ok()); }},
    {"WatchReader",
     [](const Connection& connection, const std::string&, bool use) {
       WatchReader watch(connection, "/load", {.scope = Scope::kSubtree, .snapshot = true});
       EXPECT_TRUE(!use || watch.Next(kSoon).has_value()) << watch.status() << watch.trouble();
     }},
    {"Watch",
     [](const Connection& connection, const std::string&, bool use) {
       std::atomic<bool> came{false};
       const Watch watch(connection, "/load", {.scope = Scope::kSubtree, .snapshot = true}, [&came](const WatchEvent&) { came = true; });
       EXPECT_TRUE(!use || WaitUntil([&came] { return came.load(); }));
     }},
    {"Session",
     [](const Connection& connection, const std::string&, bool use) {
       Session session = *Session::Open(connection, {.on_change = [](const RegistrationReport&) {}});
       EXPECT_TRUE(session.Register("Scanner", discovery::Properties()).ok());
       EXPECT_TRUE(!use || session.WaitUntilRegistered(kSoon).ok());
     }},
    {"Locator",
     [](const Connection& connection, const std::string&, bool use) {
       Locator locator = *Locator::Open(connection, {.first_answer_timeout = kSoon});
       const auto watch = locator.OnChange("Printer", [](const ServiceChange&) {});
       const auto handle = locator.Service("Printer");
       if (!use) return;
       const absl::StatusOr<Pick> pick = locator.Resolve("Printer");
       EXPECT_TRUE(pick.ok()) << pick.status();
       EXPECT_TRUE(handle->Resolve().ok());
       if (pick.ok()) pick->Begin().Succeeded();
     }},
    {"Discovery",
     [](const Connection& connection, const std::string&, bool) {
       EXPECT_TRUE(Discovery(connection).ListInstances({"default", "Printer"}).ok());
     }},
    {"Registrations",
     [](const Connection& connection, const std::string&, bool) {
       const Registrations registrations(connection);
       EXPECT_TRUE(registrations.Register(Printer("comes"), absl::Seconds(30)).ok());
       EXPECT_TRUE(registrations.Deregister({"default", "Printer", "comes"}).ok());
     }},
    {"LeaseKeeper",
     [](const Connection& connection, const std::string&, bool use) {
       const Registry registry(connection);
       const auto granted = registry.GrantLease(absl::Seconds(30));
       ASSERT_TRUE(granted.ok()) << granted.status();
       {
         const LeaseKeeper keeper(connection, granted->lease.id, absl::Seconds(30));
         EXPECT_TRUE(!use || WaitUntil([&keeper] { return keeper.since_renewed() < absl::InfiniteDuration(); }));
       }
       EXPECT_TRUE(registry.RevokeLease(granted->lease.id).ok());
     }},
};

class ClientLifetimes : public ServedTest, public ::testing::WithParamInterface<Cycle> {
 protected:
  ClientLifetimes() : ServedTest({"--store=memory"}) {}
};

TEST_P(ClientLifetimes, NothingIsLeftOfAThousand) {
  const std::string address = server().address();
  {
    const Connection connection = Connect(address);
    const Load load(Connect(address));
    const absl::Duration began = SteadyNow();
    Footprint before;
    for (int i = 0; i < kWarmUp + Cycles() && !HasFailure(); ++i) {
      if (i == kWarmUp) before = Footprint::Now();
      GetParam().run(connection, address, i % 2 == 0);
    }
    // What gRPC has still to end ends by itself.
    WaitUntil([&] { return Footprint::Now().IsNotMuchMoreThan(before); });
    const Footprint after = Footprint::Now();
    std::cout << Cycles() << " cycles in " << SteadyNow() - began << ", from " << before << " to " << after << std::endl;
    EXPECT_TRUE(after.IsNotMuchMoreThan(before));
  }
}

INSTANTIATE_TEST_SUITE_P(Each, ClientLifetimes, ::testing::ValuesIn(kCycles),
                         [](const ::testing::TestParamInfo<Cycle>& info) { return std::string(info.param.name); });

// The server inside a program, which goes before its clients or after them.
TEST(InProcessServer, NothingIsLeftOfMany) {
  constexpr int kServersWarmUp = 10;
  const int cycles = IsTorture() ? 200 : 30;
  Footprint before;
  for (int i = 0; i < kServersWarmUp + cycles && !::testing::Test::HasFailure(); ++i) {
    if (i == kServersWarmUp) before = Footprint::Now();
    std::optional<Server> server(std::in_place);
    const Connection connection = server->Connect();
    Session session = *Session::Open(connection, {});
    EXPECT_TRUE(session.Register("Printer", discovery::Properties()).ok());
    EXPECT_TRUE(session.WaitUntilRegistered(kSoon).ok());
    Locator locator = *Locator::Open(connection, {.first_answer_timeout = kSoon});
    EXPECT_TRUE(locator.Service("Printer").ok());
    if (i % 2 == 0) server.reset();
  }
  WaitUntil([&] { return Footprint::Now().IsNotMuchMoreThan(before); });
  const Footprint after = Footprint::Now();
  std::cout << cycles << " servers, from " << before << " to " << after << std::endl;
  EXPECT_TRUE(after.IsNotMuchMoreThan(before));
}

// A server that hangs: from the first byte on, or once everything runs.
class ClientOfHangingServer : public ServedTest, public ::testing::WithParamInterface<bool> {
 protected:
  ClientOfHangingServer() : ServedTest({"--store=memory"}), proxy_(server().address()) {}

  // Runs it, and says how long that took, which is not to be long.
  void Time(const std::string& what, const std::function<void()>& run) {
    const absl::Duration began = SteadyNow();
    run();
    const absl::Duration took = SteadyNow() - began;
    EXPECT_LT(took, kHangMax) << what;
    absl::Duration& slowest = slowest_[what];
    slowest = std::max(slowest, took);
  }

  // One of everything comes, and goes while nobody answers.
  void RunCycle() {
    const bool hangs_later = GetParam();
    proxy_.Set(hangs_later ? FaultyProxy::Mode::kForward : FaultyProxy::Mode::kStall);
    std::optional<Connection> connection = Connect(proxy_.address(), absl::Milliseconds(200));
    std::optional<Session> session = *Session::Open(*connection, {});
    EXPECT_TRUE(session->Register("Scanner", discovery::Properties()).ok());
    std::optional<Locator> locator = *Locator::Open(*connection, {.first_answer_timeout = absl::Milliseconds(50)});
    std::optional<ChangeWatch> change_watch = *locator->OnChange("Printer", [](const ServiceChange&) {});
    std::optional<WatchReader> reader(std::in_place, *connection, "/load");
    std::optional<Watch> watch(std::in_place, *connection, "/load", WatchOptions(), [](const WatchEvent&) {});
    std::optional<LeaseKeeper> keeper(std::in_place, *connection, 1, absl::Seconds(30));
    if (hangs_later) {
      EXPECT_TRUE(session->WaitUntilRegistered(kSoon).ok());
      EXPECT_TRUE(WaitUntil([&] { return locator->SnapshotOf("Printer") != nullptr; }));
      proxy_.Set(FaultyProxy::Mode::kStall);
    }
    Time("Get", [&] { EXPECT_FALSE(Registry(*connection).Get("/load/key").ok()); });
    Time("Deregister", [&] { EXPECT_FALSE(Registrations(*connection).Deregister({"default", "Printer", "x"}).ok()); });
    Time("ListInstances", [&] { EXPECT_FALSE(Discovery(*connection).ListInstances({"default", "Printer"}).ok()); });
    Time("Resolve", [&] { EXPECT_FALSE(locator->Resolve("Printer").ok()) << "none is registered"; });
    std::optional<WatchEvent> next;  // Whether one came before the stall is not judged.
    Time("Next", [&] { next = reader->Next(absl::Milliseconds(10)); });
    Time("~LeaseKeeper", [&] { keeper.reset(); });
    Time("~Watch", [&] { watch.reset(); });
    Time("~WatchReader", [&] { reader.reset(); });
    Time("~ChangeWatch", [&] { change_watch.reset(); });
    Time("~Locator", [&] { locator.reset(); });
    Time("~Session", [&] { session.reset(); });
    Time("~Connection", [&] { connection.reset(); });
  }

  FaultyProxy proxy_;
  std::map<std::string, absl::Duration> slowest_;
};

TEST_P(ClientOfHangingServer, NothingHangsAndNothingIsLeft) {
  const int cycles = IsTorture() ? 100 : 6;
  RunCycle();
  RunCycle();
  const Footprint before = Footprint::Now();
  for (int i = 0; i < cycles && !HasFailure(); ++i) RunCycle();
  // What hangs is ended once the server answers.
  proxy_.Set(FaultyProxy::Mode::kReset);
  WaitUntil([&] { return Footprint::Now().IsNotMuchMoreThan(before); });
  const Footprint after = Footprint::Now();
  std::cout << cycles << " cycles, from " << before << " to " << after << "; the slowest:" << std::endl;
  for (const auto& [what, took] : slowest_) std::cout << what << " " << took << std::endl;
  EXPECT_TRUE(after.IsNotMuchMoreThan(before));
}

INSTANTIATE_TEST_SUITE_P(Hangs, ClientOfHangingServer, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& info) { return std::string(info.param ? "Later" : "AtOnce"); });

}  // namespace
}  // namespace scoutlight::testing
