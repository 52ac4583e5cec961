// Sessions under everything that may happen to them, drawn at random; in the end what is wanted is registered, and told so.
#include <map>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "client/session/session_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using State = RegistrationState;

constexpr int kNames = 4;
constexpr int kSteps = 150;
constexpr int kRuns = 1'500;

class Trial : public SessionFixture {
 public:
  explicit Trial(int seed) : random_(seed), server_(&streams) {}

  void Disturb() {
    for (int i = 0; i < kSteps; ++i) {
      random = std::uniform_real_distribution<double>(0, 1)(random_);
      DoOne();
    }
  }

  void BecomeQuiet() {
    const absl::Duration end = loop.Now() + absl::Minutes(6);
    server_.Run();
    while (loop.Now() < end && loop.AdvanceToNext()) server_.Run();
  }

  void Check() {
    EXPECT_EQ(server_.violation, "");
    for (const auto& [name, instance] : server_.instances) {
      EXPECT_TRUE(instance.session != ModelServer::kSession || wanted_.contains(name.id)) << name.id << " is registered and not wanted";
    }
    for (const auto& [id, port] : wanted_) CheckOne(id, port);
  }

 private:
  int Draw(int bound) { return std::uniform_int_distribution<int>(0, bound - 1)(random_); }

  void DoOne() {
    const std::string id = absl::StrCat("i", Draw(kNames));
    switch (Draw(20)) {
      case 0:
      case 1:
        return Want(id);
      case 2:
        wanted_.erase(id);
        counts_.erase(id);
        return Unregister(id);
      case 3:
        if (!wanted_.contains(id)) return;
        return SetLoad(id, counts_[id] = Draw(100));
      case 4:
        return server_.Break(DrawEnd());
      case 5:
        return server_.ExpireLease();
      case 6:
        return server_.Delete(Named(id));
      case 7:
        return server_.Own(Named(id), "another");
      case 8:
        if (Draw(4) == 0) server_.Wipe();
        return;
      case 9:
        return loop.Advance(absl::Seconds(Draw(5)));
      case 10:
        loop.AdvanceToNext();
        return;
      default:
        server_.Step();
    }
  }

  void Want(const std::string& id) {
    static const std::string kPorts[] = {"1", "2", "3", kRefusedPort};
    wanted_[id] = kPorts[Draw(4)];
    if (!reports.contains(Named(id)) || State(id) == State::kRemoved) counts_.erase(id);
    Register(id, wanted_[id], Draw(4) == 0 ? IfOwned::kTakeOver : IfOwned::kRefuse);
  }

  absl::Status DrawEnd() {
    switch (Draw(4)) {
      case 0:
        return absl::OkStatus();
      case 1:
        return absl::PermissionDeniedError("no");
      default:
        return absl::UnavailableError("cut");
    }
  }

  void CheckOne(const std::string& id, const std::string& port) {
    const RegistrationReport report = reports[Named(id)];
    const auto there = server_.instances.find(Named(id));
    const bool ours = there != server_.instances.end() && there->second.session == ModelServer::kSession;
    if (report.state == State::kFenced) {
      EXPECT_FALSE(ours) << id << " is told as fenced";
    } else if (port == kRefusedPort) {
      EXPECT_EQ(report.state, State::kRefused) << id << RegistrationStateText(report.state);
    } else {
      EXPECT_EQ(report.state, State::kRegistered) << id << " is " << RegistrationStateText(report.state) << " " << report.status;
      ASSERT_TRUE(ours) << id;
      EXPECT_EQ(report.epoch, there->second.epoch) << id;
      EXPECT_EQ(there->second.properties["port"], port) << id;
      if (counts_.contains(id)) {
        EXPECT_EQ(there->second.counters["calls"], counts_[id]) << id;
      }
    }
  }

  std::mt19937 random_;
  ModelServer server_;
  std::map<std::string, std::string> wanted_;  // Its port, by id.
  std::map<std::string, int> counts_;
};

TEST(SessionModelTest, WhateverHappensWhatIsWantedIsRegisteredInTheEnd) {
  for (int seed = 0; seed < kRuns && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Trial trial(seed);
    trial.Disturb();
    trial.BecomeQuiet();
    trial.Check();
  }
}

TEST(SessionModelTest, WhateverHappensLeavingLeavesNothing) {
  for (int seed = 0; seed < kRuns && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Trial trial(seed);
    trial.Disturb();
    trial.Leave();
    trial.BecomeQuiet();
    ASSERT_TRUE(trial.left.has_value());
    EXPECT_EQ(trial.streams.open_count(), 0);
  }
}

}  // namespace
}  // namespace scoutlight::client
