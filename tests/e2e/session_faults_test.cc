// A thousand sessions over crashes, wiped data, a stopped process, clients that die and clients that are taken over: whoever lives is
// registered and seen again, whoever does not is gone, and no instance has two owners at any time. What everybody was told is recorded and
// checked at the end. SCOUTLIGHT_TORTURE makes it long; SCOUTLIGHT_SEED repeats a run.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_check.h"
#include "tests/checker/registration_history.h"
#include "tests/checker/registration_recorder.h"
#include "tests/e2e/served_test.h"
#include "tests/e2e/session_fleet.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAreArray;
using Name = SessionClient::Name;
using State = SessionClient::State;

// What a sanitizer slows down is less, and has longer.
constexpr SessionFleet::Options kFleet = {
    .sessions = kJudgeMemory ? 1'000 : 150, .services = kJudgeMemory ? 50 : 10, .ttl = kJudgeMemory ? absl::Seconds(6) : absl::Seconds(20)};
constexpr int kStirred = kFleet.sessions / 10;
constexpr int kTaken = kFleet.sessions / 20;
constexpr int kDead = kFleet.sessions / 20;
constexpr int kBeside = kFleet.sessions / 50;
constexpr int kStaleVersion = 666;  // Nobody wants it.
constexpr double kStaleLoad = 0.625;

class SessionFaults : public ServedTest {
 protected:
  SessionFaults() : random_(Seed()), fleet_(kFleet, &random_, &recorder_) {
    recorder_.Spawned();
    recorder_.Serving();
  }
  void SetUp() override {
    fleet_.Connect(server().address());
    ASSERT_TRUE(fleet_.AwaitWell("start"));
    Forget();
  }
  void TearDown() override {
    fleet_.End();
    ServedTest::TearDown();
  }

  // One that is taken over: by whom, and what its owner had.
  struct Taken {
    Name name;
    SessionClient* owner = nullptr;
    SessionClient* taker = nullptr;
    int64_t epoch = 0;
    int fenced = 0;  // Told so often before.
  };

  // Nothing that a fault may not do has been told since the last look: nobody has lost an instance, none was seen to go.
  void ExpectNothingLost() {
    EXPECT_EQ(fleet_.Told(State::STATE_LOST), lost_);
    EXPECT_THAT(fleet_.subscriber().TakeRemoved(), IsEmpty());
    EXPECT_THAT(fleet_.watcher().TakeRemoved(), IsEmpty());
    EXPECT_THAT(fleet_.subscriber().TakeHeld(), IsEmpty());
    EXPECT_THAT(fleet_.watcher().TakeHeld(), IsEmpty());
  }
  void Forget() {
    lost_ = fleet_.Told(State::STATE_LOST);
    fenced_ = fleet_.Told(State::STATE_FENCED);
    fleet_.subscriber().TakeRemoved();
    fleet_.watcher().TakeRemoved();
    fleet_.subscriber().TakeHeld();
    fleet_.watcher().TakeHeld();
  }

  std::map<Name, int64_t> Epochs() const {
    std::map<Name, int64_t> epochs;
    for (const SessionClient* session : fleet_.Living()) {
      for (const auto& [name, member] : session->members()) epochs[name] = member.epoch;
    }
    return epochs;
  }

  // Some sessions declare another version of what they have.
  void BeginStirring() {
    for (SessionClient* session : fleet_.Some(kStirred)) {
      std::vector<Name> names;
      for (const auto& [name, member] : session->members()) names.push_back(name);
      session->Declare(names, ++version_);
    }
  }
  // Some sessions take an instance each from others, which take none.
  std::vector<Taken> BeginTakingOver() {
    std::vector<Taken> all;
    const std::vector<SessionClient*> some = fleet_.Some(2 * kTaken);
    for (size_t i = 0; i + 1 < some.size(); i += 2) {
      const auto& [name, member] = *some[i]->members().begin();
      all.push_back({.name = name, .owner = some[i], .taker = some[i + 1], .epoch = member.epoch, .fenced = some[i]->told_fenced(name)});
      some[i + 1]->Declare({name}, ++version_, SessionClient::TakeOver::kYes);
    }
    return all;
  }
  void ExpectTakenOver(const std::vector<Taken>& all) {
    const bool told = fleet_.Await(
        "owners of before are told",
        [&] {
          return std::all_of(all.begin(), all.end(),
                             [](const Taken& taken) { return taken.owner->told_fenced(taken.name) > taken.fenced; });
        },
        kSoon);
    if (!told || !fleet_.AwaitWell("taken over")) return;
    for (const Taken& taken : all) {
      EXPECT_EQ(taken.owner->members().count(taken.name), 0u);
      ASSERT_EQ(taken.taker->members().count(taken.name), 1u);
      EXPECT_GT(taken.taker->members().at(taken.name).epoch, taken.epoch);
    }
  }

  void StopRecorded() {
    recorder_.Stopping();
    server().Kill();
    recorder_.Ended();
    fleet_.Disconnect();
    fleet_.AwaitStreamsEnd();
  }
  void StartRecorded() {
    recorder_.Spawned();
    Start();
    recorder_.Serving();
    fleet_.Connect(server().address());
  }

  // kill -9 amid declarations and take-overs, and a start on the same data.
  void Kill() {
    const std::map<Name, int64_t> before = Epochs();
    const std::string store = *fleet_.Stores().begin();
    BeginStirring();
    const std::vector<Taken> taken = BeginTakingOver();
    fleet_.Run(absl::Milliseconds(Between(0, 80, &random_)));
    StopRecorded();
    StartRecorded();
    if (!fleet_.AwaitWell("kill -9")) return;
    ExpectTakenOver(taken);
    EXPECT_THAT(fleet_.Stores(), ElementsAre(store));
    const auto resumed = [](const SessionClient* session) { return session->resumed(); };
    const std::vector<SessionClient*> living = fleet_.Living();
    EXPECT_TRUE(std::all_of(living.begin(), living.end(), resumed));
    std::set<Name> moved;
    for (const Taken& one : taken) moved.insert(one.name);
    for (const auto& [name, epoch] : Epochs()) {
      if (moved.count(name) > 0) continue;
      EXPECT_EQ(epoch, before.at(name)) << name.first << "/" << name.second;
    }
    ExpectNothingLost();
  }

  // kill -9, and a start on no data at all.
  void Wipe() {
    const std::string store = *fleet_.Stores().begin();
    BeginStirring();
    fleet_.Run(absl::Milliseconds(Between(0, 80, &random_)));
    StopRecorded();
    recorder_.AddLogOfFolder(store, data_dir());
    std::filesystem::remove_all(data_dir());
    StartRecorded();
    if (!fleet_.AwaitWell("wiped data")) return;
    const std::set<std::string> stores = fleet_.Stores();
    EXPECT_EQ(stores.size(), 1u);
    EXPECT_EQ(stores.count(store), 0u);
    const std::vector<SessionClient*> living = fleet_.Living();
    EXPECT_TRUE(std::none_of(living.begin(), living.end(), [](const SessionClient* session) { return session->resumed(); }));
    EXPECT_EQ(fleet_.Told(State::STATE_LOST), lost_);
    EXPECT_EQ(fleet_.Told(State::STATE_FENCED), fenced_);
  }

  // The process stands still for longer than the ttl, and goes on.
  void Pause() {
    const std::map<Name, int64_t> before = Epochs();
    std::map<const SessionClient*, int> answered;
    recorder_.Pausing();
    ASSERT_TRUE(server().Stop());
    recorder_.Paused();
    fleet_.Run(kFleet.ttl + absl::Seconds(1));
    for (const SessionClient* session : fleet_.Living()) answered[session] = session->heartbeats();
    recorder_.Resuming();
    server().Signal(SIGCONT);
    const auto all_are = [&] {
      const auto is = [](const auto& one) { return one.first->heartbeats() > one.second; };
      return std::all_of(answered.begin(), answered.end(), is);
    };
    if (!fleet_.Await("a heartbeat of each is answered", all_are, kFleet.ttl + kSoon)) return;
    recorder_.Resumed();
    if (!fleet_.AwaitWell("stopped process")) return;
    EXPECT_EQ(Epochs(), before);
    EXPECT_EQ(fleet_.Told(State::STATE_FENCED), fenced_);
    ExpectNothingLost();
  }

  // Some clients go for good, few of each service; others come for their instances when they are gone.
  void Die() {
    std::map<std::string, std::pair<int, int>> services;  // Dead, all.
    for (const auto& [name, instance] : fleet_.subscriber().shown()) ++services[name.first].second;
    const std::map<Name, int64_t> before = Epochs();
    std::set<Name> dead;
    int left = kDead;
    for (SessionClient* session : fleet_.Some(kFleet.sessions)) {
      const auto takes_few = [&](const auto& member) {
        const auto& [of_service, all] = services[member.first.first];
        return (of_service + 2) * 100 < all * 20;  // Far from what the loss breaker holds.
      };
      if (!std::all_of(session->members().begin(), session->members().end(), takes_few)) continue;
      for (const auto& [name, member] : session->members()) {
        dead.insert(name);
        ++services[name.first].first;
      }
      session->Die();
      if (--left == 0) break;
    }
    ASSERT_EQ(left, 0);
    const absl::Duration died = SteadyNow();
    if (!fleet_.AwaitWell("the dead are gone")) return;
    std::cout << dead.size() << " instances of the dead were gone " << SteadyNow() - died << " after" << std::endl;
    EXPECT_THAT(fleet_.subscriber().TakeRemoved(), UnorderedElementsAreArray(dead)) << "and nobody else";
    fleet_.watcher().TakeRemoved();
    ExpectNothingLost();
    for (const Name& name : dead) fleet_.Add({name});
    if (!fleet_.AwaitWell("others have come")) return;
    const std::map<Name, int64_t> after = Epochs();
    for (const Name& name : dead) EXPECT_GT(after.at(name), before.at(name));
    ExpectNothingLost();
  }

  // Who was taken over, or whose session was opened elsewhere, changes nothing more.
  void TakeOver() {
    const std::vector<Taken> taken = BeginTakingOver();
    ExpectTakenOver(taken);
    if (HasFatalFailure()) return;
    for (const Taken& one : taken) one.owner->DeclareStale(one.name, kStaleVersion, kStaleLoad);
    const auto told_again = [&] {
      const auto is = [](const Taken& one) { return one.owner->told_fenced(one.name) > one.fenced + 1; };
      return std::all_of(taken.begin(), taken.end(), is);
    };
    if (!fleet_.Await("they are told again", told_again, kSoon)) return;
    const std::vector<SessionClient*> doubled = fleet_.Some(kBeside);
    std::map<SessionClient*, size_t> before;
    for (SessionClient* session : doubled) {
      before[session] = session->beside().size();
      session->OpenBeside(kStaleVersion);
    }
    const auto ended = [&] {
      return std::all_of(before.begin(), before.end(), [](const auto& one) { return one.first->beside().size() > one.second; });
    };
    if (!fleet_.Await("older streams end", ended, kSoon) || !fleet_.AwaitWell("stale owners")) return;
    for (const SessionClient* session : doubled) ExpectFailure(session->beside().back(), grpc::StatusCode::ABORTED, "FENCED");
    for (const Taken& one : taken) ExpectNoStaleLoad(one);
    ExpectNothingLost();
  }
  void ExpectNoStaleLoad(const Taken& taken) {
    const auto stub = disco::DiscoveryService::NewStub(client().channel());
    grpc::ClientContext context;
    disco::GetInstanceRequest request;
    request.mutable_name()->set_service(taken.name.first);
    request.mutable_name()->set_id(taken.name.second);
    disco::GetInstanceResponse response;
    const grpc::Status status = stub->GetInstance(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_FALSE(response.instance().soft().has_load());
  }

  // Everybody leaves, and nothing stays.
  void Leave() {
    for (SessionClient* session : fleet_.Living()) session->Leave();
    const auto all_left = [this] {
      const std::vector<SessionClient*> living = fleet_.Living();
      return std::all_of(living.begin(), living.end(), [](const SessionClient* session) { return session->left(); }) &&
             fleet_.subscriber().shown().empty() && fleet_.watcher().shown().empty();
    };
    EXPECT_TRUE(fleet_.Await("everybody has left", all_left, kSoon));
  }

  // Ends the server, and judges what was recorded.
  void Check() {
    const std::string store = fleet_.subscriber().stores().back();
    fleet_.End();
    recorder_.Stopping();
    Stop();
    recorder_.Ended();
    recorder_.AddLogOfFolder(store, data_dir());
    const checker::RegistrationHistory history = recorder_.Take();
    std::cout << "checked: " << history.sessions.size() << " streams of sessions, " << history.observers.size() << " of observers, "
              << history.stores.size() << " stores, " << history.lives.size() << " lives of the server" << std::endl;
    EXPECT_EQ(checker::ReportRegistrations(checker::CheckRegistrations(history)), "");
  }

  Random random_;
  checker::RegistrationRecorder recorder_;
  SessionFleet fleet_;
  int version_ = 1;
  int lost_ = 0;
  int fenced_ = 0;
};

TEST_F(SessionFaults, WhoLivesIsRegisteredWhoDiesIsGoneAndNobodyIsTwoThings) {
  const struct {
    const char* what;
    std::function<void()> make;
  } faults[] = {{"kill", [this] { Kill(); }},
                {"wipe", [this] { Wipe(); }},
                {"pause", [this] { Pause(); }},
                {"die", [this] { Die(); }},
                {"take over", [this] { TakeOver(); }}};
  const int rounds = IsTorture() ? 10 : 1;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    std::vector<size_t> order = {0, 1, 2, 3, 4};
    std::shuffle(order.begin(), order.end(), random_);
    for (const size_t fault : order) {
      SCOPED_TRACE(absl::StrCat("round ", round, ": ", faults[fault].what));
      faults[fault].make();
      if (HasFailure()) break;
      Forget();
    }
  }
  if (!HasFailure()) Leave();
  Check();
}

}  // namespace
}  // namespace scoutlight::testing
