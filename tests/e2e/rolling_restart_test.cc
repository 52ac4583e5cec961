// Five servers of one service are restarted one after the other, again and again, under calls that never cease: who leaves by
// Session::Leave loses no call; who deregisters and stops does. SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/locator.h"
#include "client/session.h"
#include "tests/e2e/printer_server.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

constexpr int kServers = 5;
constexpr int kCallers = 2;  // Programs that call, each with a locator of its own.
constexpr int kThreads = 2;  // Of each.
constexpr absl::Duration kTtl = absl::Seconds(30);
// For how long a drain waits for a pick (client/pick.h). One that the machine kept from its call for longer may fail; such are counted
// apart.
constexpr absl::Duration kPickHeldMax = absl::Milliseconds(100);

enum class Farewell {
  kLeave,       // Session::Leave.
  kUnregister,  // Session::Unregister, which waits for nobody.
};

// A printer that registers itself. Its end is that of its server alone: it says its farewell before.
class Printer {
 public:
  Printer(const Connection& connection, const std::string& id) : session_(*Session::Open(connection, {.ttl = kTtl})), server_(id) {
    // The one before may be on its way still.
    const auto name = session_.Register(
        {.service = "Printer", .id = id, .properties = {{"hostname", "127.0.0.1"}, {"port", absl::StrCat(server_.port())}}},
        IfOwned::kTakeOver);
    EXPECT_TRUE(name.ok()) << name.status();
    if (name.ok()) name_ = *name;
    const absl::Status registered = session_.WaitUntilRegistered(kSoon);
    EXPECT_TRUE(registered.ok()) << registered;
  }

  void Say(Farewell farewell) {
    if (farewell == Farewell::kUnregister) {
      const absl::Status unregistered = session_.Unregister(name_);
      EXPECT_TRUE(unregistered.ok()) << unregistered;
      return;
    }
    const absl::StatusOr<LeaveReport> left = session_.Leave({.drain = DrainOptions{.timeout = kSoon}, .deregister_timeout = kSoon});
    ASSERT_TRUE(left.ok()) << left.status();
    EXPECT_TRUE(left->status.ok()) << left->status;
    ASSERT_EQ(left->drained.size(), 1u);
    EXPECT_TRUE(left->drained[0].status.ok()) << left->drained[0].status;
    EXPECT_TRUE(left->drained[0].drain.complete);
  }

 private:
  Session session_;
  discovery::InstanceName name_;
  PrinterServer server_;  // Stops first: nothing is waited for in between.
};

// A program whose threads call printers all the time.
class Caller {
 public:
  explicit Caller(const std::string& registry)
      : locator_(*Locator::Open(*Connection::Open({.endpoints = {registry}}), {.first_answer_timeout = kSoon, .ejection = std::nullopt})) {
    for (int i = 0; i < kThreads; ++i) threads_.emplace_back([this] { Run(); });
  }
  ~Caller() { End(); }

  void End() {
    over_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  int64_t calls() const { return calls_; }
  int64_t failed() const { return failed_; }
  int64_t held() const { return held_; }

 private:
  void Run() {
    while (!over_) {
      const absl::StatusOr<Pick> pick = locator_.Resolve("Printer");
      const absl::Duration picked = SteadyNow();
      if (!pick.ok()) {
        if (failed_++ == 0) std::cout << "the first call that failed: " << pick.status() << std::endl;
        continue;
      }
      Call call = pick->Begin();
      ++calls_;
      if (CallPrinter(static_cast<uint16_t>(pick->endpoint()->url.port), pick->instance().name.id)) {
        call.Succeeded();
        continue;
      }
      call.Failed();
      ++(SteadyNow() - picked > kPickHeldMax ? held_ : failed_);
    }
  }

  Locator locator_;
  std::atomic<bool> over_{false};
  std::atomic<int64_t> calls_{0};
  std::atomic<int64_t> failed_{0};
  std::atomic<int64_t> held_{0};  // Failed too, of picks that were held for too long.
  std::vector<std::thread> threads_;
};

class RollingRestart : public ServedTest {
 protected:
  // Restarts all, so many times, and gives how many calls failed.
  int64_t FailedCallsOf(Farewell farewell, int rounds) {
    const Connection connection = *Connection::Open({.endpoints = {server().address()}});
    std::vector<std::unique_ptr<Printer>> printers;
    for (int i = 0; i < kServers; ++i) printers.push_back(std::make_unique<Printer>(connection, absl::StrCat("printer-", i)));
    std::vector<std::unique_ptr<Caller>> callers;
    for (int i = 0; i < kCallers; ++i) callers.push_back(std::make_unique<Caller>(server().address()));
    const auto all_call = [&] {
      for (const auto& caller : callers) {
        if (caller->calls() == 0) return false;
      }
      return true;
    };
    EXPECT_TRUE(WaitUntil(all_call));
    const absl::Duration began = SteadyNow();
    for (int round = 0; round < rounds && !HasFailure(); ++round) {
      for (int i = 0; i < kServers; ++i) {
        printers[i]->Say(farewell);
        printers[i].reset();
        printers[i] = std::make_unique<Printer>(connection, absl::StrCat("printer-", i));
      }
    }
    const absl::Duration took = SteadyNow() - began;
    int64_t calls = 0;
    int64_t failed = 0;
    int64_t held = 0;
    for (const auto& caller : callers) {
      caller->End();
      calls += caller->calls();
      failed += caller->failed();
      held += caller->held();
    }
    std::cout << rounds << " rounds in " << took << ": " << calls << " calls, " << failed << " failed, and " << held
              << " more whose pick was held for over " << kPickHeldMax << std::endl;
    return failed;
  }
};

TEST_F(RollingRestart, WhoLeavesLosesNoCall) { EXPECT_EQ(FailedCallsOf(Farewell::kLeave, IsTorture() ? 100 : 10), 0); }

// That the other one could fail.
TEST_F(RollingRestart, WhoDeregistersAndStopsLosesSome) { EXPECT_GT(FailedCallsOf(Farewell::kUnregister, IsTorture() ? 100 : 10), 0); }

}  // namespace
}  // namespace scoutlight::testing
