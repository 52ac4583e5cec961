// Programs of the client library, as they are, over what becomes of servers, networks and data: each is found again soon after, no instance
// has two epochs at a time, and a locator answers at once, all the while, and with nobody who has said goodbye. What sessions and locators
// sent and were told is recorded and checked at the end. SCOUTLIGHT_TORTURE makes it long; SCOUTLIGHT_SEED repeats a run.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/connection.h"
#include "client/discovery.h"
#include "client/locator.h"
#include "client/registrations.h"
#include "client/registry.h"
#include "tests/checker/recorder.h"
#include "tests/checker/registration_check.h"
#include "tests/checker/registration_history.h"
#include "tests/checker/registration_recorder.h"
#include "tests/e2e/library_recording.h"
#include "tests/e2e/live_program.h"
#include "tests/e2e/resolve_loop.h"
#include "tests/e2e/served_test.h"
#include "tests/e2e/service_observer.h"
#include "tests/support/deadline.h"
#include "tests/support/faulty_proxy.h"
#include "tests/support/random.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;
using ::testing::IsEmpty;
using Mode = FaultyProxy::Mode;
using State = RegistrationState;

constexpr int kPrograms = 4;
constexpr int kInstances = 2;  // Of each.
// What a sanitizer slows down has longer.
constexpr absl::Duration kTtl = kJudgeMemory ? absl::Seconds(3) : absl::Seconds(10);
// Of a Resolve: nothing of it waits, but the machine may be busy. Far below first_answer_timeout, which one that waits would take.
constexpr absl::Duration kResolveMax = absl::Seconds(10);
// For so long after a start a drain waits for subscribers that have still to come back.
constexpr absl::Duration kDrainGrace = absl::Seconds(15);
constexpr absl::Duration kFirstAnswerTimeout = absl::Minutes(10);

// How long a fault lasts that is to outlast leases.
absl::Duration LongFault() { return IsTorture() ? absl::Seconds(20) : kTtl + absl::Seconds(1); }

// Begins before the server does.
struct Recorded {
  Recorded() { recorder_->Spawned(); }

  const std::shared_ptr<checker::RegistrationRecorder> recorder_ = std::make_shared<checker::RegistrationRecorder>();
};

class ClientFaults : private Recorded, public ServedTest {
 protected:
  ClientFaults()
      : random_(Seed()),
        recording_(recorder_),
        to_sessions_(server().address()),
        to_locator_(server().address()),
        observer_(&loop_, "observer", {"Printer"}, recorder_.get()) {
    recorder_->Serving();
    serving_ = SteadyNow();
  }

  void SetUp() override {
    ConnectDirectly();
    for (int i = 0; i < kPrograms; ++i) programs_.push_back(NewProgram(absl::StrCat("session-", i), i));
    const Connection connection = Connection::Open({.endpoints = {to_locator_.address()}}).value();
    locator_ = *Locator::Open(
        connection, {.subscriber_id = "locator", .first_answer_timeout = kFirstAnswerTimeout, .heartbeat = absl::Milliseconds(500)});
    watch_ = *locator_->OnChange("Printer", [this](const ServiceChange& change) { OnChange(change); });
    AwaitWell("start");
    resolving_.emplace(&*locator_);
    Forget();
  }

  void TearDown() override {
    CloseClients();
    if (!ended_) ServedTest::TearDown();
  }
  void CloseClients() {
    resolving_.reset();
    watch_ = {};
    locator_.reset();
    programs_.clear();
    operator_.reset();
    observer_.Stop();
    loop_.RunUntil([this] { return !observer_.open(); });
    observer_stub_.reset();
  }

  std::unique_ptr<LiveProgram> NewProgram(const std::string& session_id, int number, IfOwned if_owned = IfOwned::kRefuse) {
    std::vector<std::string> ids;
    for (int i = 0; i < kInstances; ++i) ids.push_back(absl::StrCat("i", number, "-", i));
    return std::make_unique<LiveProgram>(LiveProgram::Options{
        .endpoints = {to_sessions_.address()}, .session_id = session_id, .ids = ids, .ttl = kTtl, .if_owned = if_owned});
  }

  // What sees past the proxies.
  void ConnectDirectly() {
    operator_ = Connection::Open({.endpoints = {server().address()}}).value();
    observer_stub_ = disco::DiscoveryService::NewStub(client().channel());
    observer_.Connect(observer_stub_.get());
    to_sessions_.SetTarget(server().address());
    to_locator_.SetTarget(server().address());
  }

  bool Await(const std::string& what, const std::function<bool()>& condition, absl::Duration bound = kTtl + kSoon) {
    const auto ticked = [&] {
      observer_.Tick();
      return condition();
    };
    const bool held = loop_.RunUntil(ticked, bound);
    EXPECT_TRUE(held) << what;
    return held;
  }
  void Run(absl::Duration time) {
    loop_.RunUntil(
        [this] {
          observer_.Tick();
          return false;
        },
        time);
  }
  // Runs what blocks beside the observer, who must go on.
  template <typename Result>
  Result Beside(std::function<Result()> call) {
    std::future<Result> result = std::async(std::launch::async, std::move(call));
    Await(
        "a call returns", [&] { return result.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }, absl::Minutes(2));
    return result.get();
  }

  // Everybody who lives is registered, and all of them, with the epochs that they know, is what the observer and the locator are shown.
  bool IsWell() {
    std::map<std::string, Revision> epochs;
    for (const auto& program : programs_) epochs.merge(program->Epochs());
    if (epochs.size() != kPrograms * kInstances || !observer_.whole() || observer_.shown().size() != epochs.size()) return false;
    const discovery::SnapshotPtr located = locator_->SnapshotOf("Printer");
    if (located == nullptr || located->resolvable() != epochs.size()) return false;
    return std::all_of(epochs.begin(), epochs.end(), [&](const auto& one) {
      const auto shown = observer_.shown().find({"Printer", one.first});
      const discovery::InstancePtr found = located->Find(one.first);
      return shown != observer_.shown().end() && shown->second.epoch() == one.second && shown->second.resolvable() && found != nullptr &&
             found->epoch == one.second && found->resolvable();
    });
  }
  // Returns when all is well, and prints how long that took since the fault ended.
  bool AwaitWell(const std::string& after, absl::Duration began = SteadyNow()) {
    if (!Await(absl::StrCat("all is well after ", after), [this] { return IsWell(); })) {
      ShowWhatIs();
      return false;
    }
    const absl::Duration took = SteadyNow() - began;
    std::cout << after << ": all is well after " << took << (took > kTtl + absl::Seconds(1) ? ", which is over ttl + 1 s" : "")
              << std::endl;
    return true;
  }
  void ShowWhatIs() {
    for (const auto& program : programs_) {
      for (const std::string& id : program->options().ids) {
        const auto report = program->session().StateOf(program->NameOf(id));
        std::cout << id << ": " << (report.has_value() ? RegistrationStateText(report->state) : "not wanted") << " "
                  << (report.has_value() ? report->epoch : 0) << " " << (report.has_value() ? report->status.ToString() : "") << std::endl;
      }
    }
    for (const auto& [name, instance] : observer_.shown()) std::cout << "observed " << instance.ShortDebugString() << std::endl;
    const discovery::SnapshotPtr located = locator_->SnapshotOf("Printer");
    if (located == nullptr) return;
    located->ForEachAfter("", [](const discovery::InstancePtr& instance) {
      std::cout << "located " << instance->name.id << " " << instance->epoch << " " << discovery::StatusText(instance->status) << std::endl;
      return true;
    });
  }

  // No view shows an epoch below one of before.
  void OnChange(const ServiceChange& change) {
    for (const discovery::InstancePtr& instance : change.changed) {
      Revision& highest = located_[instance->name.id];
      if (!store_is_replaced_) {
        EXPECT_GE(instance->epoch, highest) << "the locator's " << instance->name.id;
      }
      highest = instance->epoch;
    }
  }
  void SetStoreIsReplaced(bool is_replaced) {
    store_is_replaced_ = is_replaced;
    for (const auto& program : programs_) program->SetStoreIsReplaced(is_replaced);
  }

  std::map<std::string, Revision> Epochs() const {
    std::map<std::string, Revision> epochs;
    for (const auto& program : programs_) epochs.merge(program->Epochs());
    return epochs;
  }
  void Forget() {
    observer_.TakeRemoved();
    observer_.TakeHeld();
  }
  // Nothing was lost since, nor seen to go.
  void ExpectNothingLost() {
    EXPECT_THAT(observer_.TakeRemoved(), IsEmpty());
    EXPECT_THAT(observer_.TakeHeld(), IsEmpty());
  }

  // One comes and leaves, and is not picked any more.
  void Leave() {
    const std::string id = ResolveLoop::LeaverId(leavers_++);
    LiveProgram leaver({.endpoints = {to_sessions_.address()}, .session_id = absl::StrCat("session-of-", id), .ids = {id}, .ttl = kTtl});
    const auto is_found = [&] {
      const discovery::InstancePtr found = locator_->SnapshotOf("Printer")->Find(id);
      return found != nullptr && found->resolvable();
    };
    if (!Await(absl::StrCat(id, " is found"), is_found)) return;
    const auto left =
        Beside<absl::StatusOr<LeaveReport>>([&] { return leaver.session().Leave({.drain = DrainOptions{.timeout = absl::Seconds(60)}}); });
    ASSERT_TRUE(left.ok()) << left.status();
    EXPECT_TRUE(left->status.ok()) << left->status;
    ASSERT_EQ(left->drained.size(), 1u);
    EXPECT_TRUE(left->drained[0].status.ok()) << left->drained[0].status;
    EXPECT_TRUE(left->drained[0].drain.complete);
    resolving_->Left();
  }

  void StopRecorded() {
    recorder_->Stopping();
    server().Kill();
    recorder_->Ended();
    operator_.reset();
    observer_.Connect(nullptr);
    loop_.RunUntil([this] { return !observer_.open(); });
  }
  void StartRecorded() {
    recorder_->Spawned();
    Start();
    recorder_->Serving();
    serving_ = SteadyNow();
    ConnectDirectly();
  }

  // Until every lease has more than half of its ttl left: one that has less when the server goes, since a fault of before has only just
  // ended, may end before its owner is back with the server that comes again, by no fault of anybody.
  bool AwaitLeases() {
    const auto lives = [](const Lease& lease) { return lease.remaining > 0.6 * kTtl; };
    return Await("all leases have time", [&] {
      const absl::StatusOr<ListLeasesResult> listed = Registry(*operator_).ListLeases();
      return listed.ok() && std::all_of(listed->leases.begin(), listed->leases.end(), lives);
    });
  }

  // The faults.

  void Kill() {
    if (!AwaitLeases()) return;
    const std::map<std::string, Revision> before = Epochs();
    StopRecorded();
    Run(absl::Milliseconds(Between(0, IsTorture() ? 8'000 : 1'000, &random_)));
    StartRecorded();
    if (!AwaitWell("kill -9")) return;
    EXPECT_EQ(Epochs(), before);
    ExpectNothingLost();
  }

  void Wipe() {
    SetStoreIsReplaced(true);
    const std::string store = observer_.stores().back();
    StopRecorded();
    recorder_->AddLogOfFolder(store, data_dir());
    std::filesystem::remove_all(data_dir());
    StartRecorded();
    if (!AwaitWell("wiped data")) return;
    EXPECT_NE(observer_.stores().back(), store);
    SetStoreIsReplaced(false);
  }

  void StopServer() {
    if (!AwaitLeases()) return;
    const std::map<std::string, Revision> before = Epochs();
    recorder_->Pausing();
    ASSERT_TRUE(server().Stop());
    recorder_->Paused();
    Run(LongFault());
    recorder_->Resuming();
    server().Signal(SIGCONT);
    const absl::Duration resumed = SteadyNow();
    const auto listed = Beside<absl::Status>([this] {
      return Discovery(*operator_).ListInstances({"default", "Printer"}, {.timeout = kTtl + kSoon}).status();
    });
    EXPECT_TRUE(listed.ok()) << listed;
    recorder_->Resumed();
    std::cout << "SIGSTOP of the server: it answers after " << SteadyNow() - resumed << std::endl;
    if (!AwaitWell("that")) return;
    EXPECT_EQ(Epochs(), before) << "the time in which the server stands still does not count";
    ExpectNothingLost();
  }

  // The network fails for sessions, for the locator, or for both.
  void FailNetwork(Mode mode, const std::string& what, absl::Duration time) {
    const int who = Between(0, 2, &random_);
    if (who != 0) to_sessions_.Set(mode);
    if (who != 1) to_locator_.Set(mode);
    Run(time);
    to_sessions_.Set(Mode::kForward);
    to_locator_.Set(Mode::kForward);
    AwaitWell(absl::StrCat(what, who == 0 ? " of the locator" : who == 1 ? " of sessions" : " of all"));
  }

  void Deregister() {
    LiveProgram& program = *programs_[Between(0, kPrograms - 1, &random_)];
    const std::string id = program.options().ids.front();
    const Revision epoch = program.Epochs().at(id);
    const auto removed = Beside<absl::StatusOr<DeregisterResult>>([&] { return Registrations(*operator_).Deregister(program.NameOf(id)); });
    const absl::Duration began = SteadyNow();
    ASSERT_TRUE(removed.ok()) << removed.status();
    EXPECT_TRUE(removed->found);
    const auto is_back = [&] {
      const std::map<std::string, Revision> epochs = program.Epochs();
      return epochs.count(id) > 0 && epochs.at(id) > epoch;
    };
    if (Await("it comes back", is_back)) AwaitWell("deregistration by an operator", began);
  }

  // Somebody who knows nothing of registrations deletes the keys of an instance. It is its owner's still, whose session puts them back.
  void DeleteKeys() {
    LiveProgram& program = *programs_[Between(0, kPrograms - 1, &random_)];
    const std::string& id = program.options().ids.front();
    checker::RegistrationCall call{.kind = checker::CallKind::kHandDelete, .called = checker::MonotonicNow(), .name = program.NameOf(id)};
    const auto deleted = Beside<absl::StatusOr<DeleteResult>>(
        [&] { return Registry(*operator_).Delete(absl::StrCat("/default/services/Printer/", id), {.scope = Scope::kSubtree}); });
    ASSERT_TRUE(deleted.ok()) << deleted.status();
    EXPECT_EQ(deleted->deleted, 2);
    call.returned = checker::MonotonicNow();
    call.outcome = checker::Outcome::kOk;
    call.store = deleted->state.store_id;
    call.revision = deleted->state.revision;
    recorder_->Add(std::move(call));
    const absl::Duration began = SteadyNow();
    const auto has_properties_again = [&] {
      const auto shown = observer_.shown().find({"Printer", id});
      return shown != observer_.shown().end() && shown->second.mod_revision() > deleted->state.revision &&
             shown->second.properties().count("hostname") > 0;
    };
    if (Await("it has its properties again", has_properties_again)) AwaitWell("deletion of an instance's keys", began);
  }

  // Two processes, one session: one of them goes on, the other is told and stays away.
  void DoubleSession() {
    auto& program = programs_[Between(0, kPrograms - 1, &random_)];
    const int number = static_cast<int>(&program - programs_.data());
    const absl::Duration began = SteadyNow();
    std::unique_ptr<LiveProgram> rival = NewProgram(program->options().session_id, number);
    const auto is_decided = [&] {
      return (program->Is(State::kFenced) && rival->IsWell()) || (rival->Is(State::kFenced) && program->IsWell());
    };
    if (!Await("one of two with one session is fenced", is_decided)) return;
    if (program->Is(State::kFenced)) std::swap(program, rival);
    const std::map<std::string, Revision> epochs = program->Epochs();
    AwaitWell("two with one session", began);
    Forget();
    // Its end is nothing to the one that goes on.
    rival.reset();
    AwaitWell("the end of the one that was fenced");
    EXPECT_EQ(program->Epochs(), epochs);
    ExpectNothingLost();
  }

  // Two processes, two sessions, one instance: the second is told that it is the first's until it takes over; then the first is fenced, and
  // stays away.
  void DoubleInstance() {
    auto& program = programs_[Between(0, kPrograms - 1, &random_)];
    const int number = static_cast<int>(&program - programs_.data());
    const std::map<std::string, Revision> before = program->Epochs();
    const std::string session_id = absl::StrCat(program->options().session_id, "+");
    std::unique_ptr<LiveProgram> rival = NewProgram(session_id, number);
    if (!Await("the second is refused", [&] { return rival->Is(State::kFenced); })) return;
    EXPECT_EQ(program->Epochs(), before);
    rival.reset();
    const absl::Duration began = SteadyNow();
    rival = NewProgram(session_id, number, IfOwned::kTakeOver);
    if (!Await("the first is fenced", [&] { return program->Is(State::kFenced) && rival->IsWell(); })) return;
    const std::map<std::string, Revision> after = rival->Epochs();
    for (const auto& [id, epoch] : before) EXPECT_GT(after.at(id), epoch);
    std::swap(program, rival);
    if (!AwaitWell("a take-over", began)) return;
    Run(absl::Seconds(1));
    EXPECT_TRUE(rival->Is(State::kFenced));
    rival.reset();
    AwaitWell("the end of the one that was taken over");
    EXPECT_EQ(program->Epochs(), after);
  }

  // Judges what was seen all the while.
  void Check() {
    std::cout << resolving_->picks() << " picks, the slowest took " << resolving_->slowest() << "; " << leavers_ << " left" << std::endl;
    EXPECT_EQ(resolving_->wrong(), 0) << "picks of those that had left";
    EXPECT_LT(resolving_->slowest(), kResolveMax);
    EXPECT_THAT(resolving_->failures(), IsEmpty());
    const std::string store = observer_.stores().back();
    CloseClients();
    recorder_->Stopping();
    Stop();
    recorder_->Ended();
    ended_ = true;
    recorder_->AddLogOfFolder(store, data_dir());
    const checker::RegistrationHistory history = recorder_->Take();
    std::cout << "checked: " << history.sessions.size() << " streams of sessions, " << history.observers.size() << " of observers, "
              << history.calls.size() << " calls, " << history.reads.size() << " reads, " << history.stores.size() << " stores, "
              << history.lives.size() << " lives of the server" << std::endl;
    EXPECT_EQ(checker::ReportRegistrations(checker::CheckRegistrations(history)), "");
  }

  Random random_;
  LibraryRecording recording_;
  FaultyProxy to_sessions_;
  FaultyProxy to_locator_;
  StreamLoop loop_;
  std::unique_ptr<disco::DiscoveryService::Stub> observer_stub_;
  SubscribeObserver observer_;
  std::optional<Connection> operator_;
  std::atomic<bool> store_is_replaced_{false};
  std::map<std::string, Revision> located_;  // The highest epoch that the locator showed of each; the callback's own.
  std::vector<std::unique_ptr<LiveProgram>> programs_;
  std::optional<Locator> locator_;
  ChangeWatch watch_;
  std::optional<ResolveLoop> resolving_;
  absl::Duration serving_;  // When the server began to.
  int leavers_ = 0;
  bool ended_ = false;
};

TEST_F(ClientFaults, WhoLivesIsFoundAgainAndNobodyIsTwoThings) {
  const struct {
    const char* what;
    std::function<void()> make;
  } faults[] = {
      {"kill", [this] { Kill(); }},
      {"wipe", [this] { Wipe(); }},
      {"stopped server", [this] { StopServer(); }},
      {"stall", [this] { FailNetwork(Mode::kStall, "a stall", LongFault()); }},
      {"reset", [this] { FailNetwork(Mode::kReset, "resets", absl::Milliseconds(Between(0, 2'000, &random_))); }},
      {"black hole", [this] { FailNetwork(Mode::kBlackHole, "a black hole", LongFault()); }},
      {"deregister", [this] { Deregister(); }},
      {"delete keys", [this] { DeleteKeys(); }},
      {"double session", [this] { DoubleSession(); }},
      {"double instance", [this] { DoubleInstance(); }},
  };
  const int rounds = IsTorture() ? 10 : 1;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    std::vector<size_t> order;
    for (size_t i = 0; i < std::size(faults); ++i) order.push_back(i);
    std::shuffle(order.begin(), order.end(), random_);
    for (const size_t fault : order) {
      SCOPED_TRACE(absl::StrCat("round ", round, ": ", faults[fault].what));
      faults[fault].make();
      if (HasFailure()) break;
      // Short runs do not wait for drains that take long.
      if (IsTorture() || SteadyNow() - serving_ > kDrainGrace) Leave();
      if (HasFailure() || !AwaitWell("one that left")) break;
      Forget();
    }
  }
  if (!HasFailure()) Leave();
  Check();
}

}  // namespace
}  // namespace scoutlight::testing
