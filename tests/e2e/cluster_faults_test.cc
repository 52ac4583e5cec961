// Programs of the client library over two servers and three members of an etcd, of which each dies, stops and comes back: no lease is lost
// whose owner lives, a locator answers at once all the while and is current soon after, and the servers say when they are behind.
// SCOUTLIGHT_TORTURE makes it long; SCOUTLIGHT_SEED repeats a run.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "client/connection.h"
#include "client/discovery.h"
#include "client/locator.h"
#include "client/registrations.h"
#include "client/registry.h"
#include "scoutlight/admin/v1/admin.grpc.pb.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "tests/e2e/live_program.h"
#include "tests/e2e/resolve_loop.h"
#include "tests/e2e/served_cluster.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

namespace disco = discovery::v1;
using ::testing::IsEmpty;
using Health = grpc::health::v1::HealthCheckResponse;
using Role = ServedCluster::Role;

constexpr int kServers = ServedCluster::kServers;
constexpr absl::string_view kProbe = "probe-";
constexpr int kPrograms = 4;
constexpr int kInstances = 2;  // Of each.
// What a sanitizer slows down has longer.
constexpr absl::Duration kTtl = kJudgeMemory ? absl::Seconds(5) : absl::Seconds(15);
constexpr absl::Duration kCurrentWithin = kJudgeMemory ? absl::Seconds(5) : absl::Seconds(20);
// Of a Resolve: nothing of it waits, but the machine may be busy. Far below first_answer_timeout, which one that waits would take.
constexpr absl::Duration kResolveMax = absl::Seconds(10);
constexpr absl::Duration kFirstAnswerTimeout = absl::Minutes(10);
constexpr absl::Duration kHeartbeat = absl::Milliseconds(500);
// How long a member stands still: longer than it may be silent until the servers leave it, and mostly than an election takes. Well below
// what leases have left then, 0.6 of kTtl: etcd before 3.4.31 and 3.5.13 lets a leader that goes on after longer end those that the new one
// has renewed.
constexpr absl::Duration kPause = absl::Milliseconds(2'200);

class ClusterFaults : public ::testing::Test {
 protected:
  ClusterFaults() : random_(Seed()) {}

  void SetUp() override {
    ASSERT_TRUE(cluster_.runs());
    ASSERT_TRUE(cluster_.AwaitServing());
    for (int i = 0; i < kServers; ++i) {
      discovery_.push_back(disco::DiscoveryService::NewStub(cluster_.client(i).channel()));
      admin_.push_back(admin::v1::AdminService::NewStub(cluster_.client(i).channel()));
    }
    for (int i = 0; i < kPrograms; ++i) {
      programs_.push_back(std::make_unique<LiveProgram>(LiveProgram::Options{
          .endpoints = EndpointsFrom(i),
          .session_id = absl::StrCat("session-", i),
          .ids = {absl::StrCat("i", i, "-0"), absl::StrCat("i", i, "-1")},
          .ttl = kTtl,
      }));
    }
    operator_ = Connection::Open({.endpoints = EndpointsFrom(0), .timeout = kSoon}).value();
    const Connection connection = Connection::Open({.endpoints = EndpointsFrom(Between(0, 1, &random_))}).value();
    locator_ =
        *Locator::Open(connection, {.subscriber_id = "locator", .first_answer_timeout = kFirstAnswerTimeout, .heartbeat = kHeartbeat});
    watch_ = *locator_->OnChange("Printer", [this](const ServiceChange& change) { OnChange(change); });
    ASSERT_TRUE(AwaitWell("start"));
    resolving_.emplace(&*locator_);
  }

  void TearDown() override {
    resolving_.reset();
    watch_ = {};
    locator_.reset();
    programs_.clear();
    operator_.reset();
    if (cluster_.runs()) cluster_.StopServers();
  }

  // Each program has another one first.
  std::vector<std::string> EndpointsFrom(int first) const {
    std::vector<std::string> endpoints = cluster_.addresses();
    std::rotate(endpoints.begin(), endpoints.begin() + first % kServers, endpoints.end());
    return endpoints;
  }

  std::map<std::string, Revision> Epochs() const {
    std::map<std::string, Revision> epochs;
    for (const auto& program : programs_) epochs.merge(program->Epochs());
    return epochs;
  }

  // Everybody is registered, and with the epoch that it knows the locator picks it.
  bool IsWell() const {
    const std::map<std::string, Revision> epochs = Epochs();
    const discovery::SnapshotPtr located = locator_->SnapshotOf("Printer");
    if (epochs.size() != kPrograms * kInstances || located == nullptr) return false;
    return std::all_of(epochs.begin(), epochs.end(), [&](const auto& one) {
      const discovery::InstancePtr found = located->Find(one.first);
      return found != nullptr && found->epoch == one.second && found->resolvable();
    });
  }
  bool AwaitWell(const std::string& after) {
    const bool is_well = WaitUntil([this] { return IsWell(); }, kTtl + kSoon);
    EXPECT_TRUE(is_well) << "not all is well after " << after;
    if (!is_well) ShowWhatIs();
    return is_well;
  }
  void ShowWhatIs() const {
    for (const auto& program : programs_) {
      for (const std::string& id : program->options().ids) {
        const auto report = program->session().StateOf(program->NameOf(id));
        std::cout << id << ": " << (report.has_value() ? RegistrationStateText(report->state) : "not wanted") << " "
                  << (report.has_value() ? report->epoch : 0) << " " << (report.has_value() ? report->status.ToString() : "") << std::endl;
      }
    }
  }

  void OnChange(const ServiceChange& change) {
    const MutexLock lock(&mu_);
    for (const discovery::InstancePtr& instance : change.removed) {
      // A server that has not yet been shown the newest probe may take it from a locator that comes from the other one, for a moment.
      if (!absl::StartsWith(instance->name.id, kProbe)) gone_.push_back(instance->name.id);
    }
    for (const discovery::InstancePtr& instance : change.changed) {
      if (!instance->resolvable()) gone_.push_back(absl::StrCat(instance->name.id, " (", discovery::StatusText(instance->status), ")"));
    }
  }
  // Of what the locator was shown: who went, or was no longer to be picked.
  std::vector<std::string> Gone() {
    const MutexLock lock(&mu_);
    return gone_;
  }

  // After a fault that has ended at `ended`: who registers now is shown to the locator soon, and all that was before is still there.
  void ExpectCurrent(const std::string& fault, const std::map<std::string, Revision>& before, absl::Duration ended) {
    const std::string id = absl::StrCat(kProbe, probes_++);
    const auto registered =
        Registrations(*operator_).Register({.service = "Printer", .id = id, .properties = {{"port", "1"}}}, Permanent());
    ASSERT_TRUE(registered.ok()) << registered.status();
    const auto is_found = [&] { return locator_->SnapshotOf("Printer")->Find(id) != nullptr; };
    EXPECT_TRUE(WaitUntil(is_found)) << id << " is not found";
    const absl::Duration took = SteadyNow() - ended;
    if (!AwaitWell(fault)) return;
    std::cout << fault << ": the locator is current after " << took << ", all is well after " << SteadyNow() - ended << std::endl;
    EXPECT_LE(took, kCurrentWithin);
    EXPECT_EQ(Epochs(), before) << "a lease is lost whose owner lives";
    EXPECT_THAT(Gone(), IsEmpty());
  }

  // What the servers say.

  // For how long it may lack something, as its answer to Resolve says; nullopt: it does not answer.
  std::optional<absl::Duration> BehindOf(int server) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    disco::ResolveRequest request;
    request.set_service("Printer");
    disco::ResolveResponse response;
    if (!discovery_[server]->Resolve(&context, request, &response).ok()) return std::nullopt;
    return DurationOf(response.behind());
  }
  admin::v1::ServingState StateOf(int server) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    admin::v1::StatusResponse response;
    return admin_[server]->Status(&context, {}, &response).ok() ? response.state() : admin::v1::SERVING_STATE_UNSPECIFIED;
  }
  bool AllSay(const std::function<bool(int server)>& is) {
    return WaitUntil([&] {
      for (int i = 0; i < kServers; ++i) {
        if (!is(i)) return false;
      }
      return true;
    });
  }
  void ExpectUnavailable() {
    EXPECT_TRUE(AllSay([this](int i) { return BehindOf(i).value_or(absl::ZeroDuration()) > absl::ZeroDuration(); }));
    EXPECT_TRUE(AllSay([this](int i) { return cluster_.client(i).Health() == Health::NOT_SERVING; }));
    EXPECT_TRUE(AllSay([this](int i) { return StateOf(i) == admin::v1::SERVING_STATE_UNAVAILABLE; }));
    // The library too says so: to who asks, and to who locates.
    const auto listed = Discovery(*operator_).ListClusters();
    ASSERT_TRUE(listed.ok()) << listed.status();
    EXPECT_GT(listed->state.behind, absl::ZeroDuration());
    EXPECT_TRUE(WaitUntil([this] { return locator_->AgeOf("Printer") > 4 * kHeartbeat; }));
    // Still.
    EXPECT_TRUE(AllSay([this](int i) { return BehindOf(i).value_or(absl::ZeroDuration()) > absl::ZeroDuration(); }));
  }
  void ExpectServing() {
    EXPECT_TRUE(AllSay([this](int i) { return BehindOf(i) == absl::ZeroDuration(); }));
    EXPECT_TRUE(AllSay([this](int i) { return cluster_.client(i).Health() == Health::SERVING; }));
    EXPECT_TRUE(AllSay([this](int i) { return StateOf(i) == admin::v1::SERVING_STATE_SERVING; }));
  }

  // The faults, each to its end.

  void KillMember(Role role) {
    const int dead = cluster_.Pick(role, &random_);
    cluster_.member(dead).Kill();
    cluster_.AwaitLeader(dead);
    ASSERT_TRUE(cluster_.member(dead).Restart());
  }
  void PauseMember(Role role) {
    const auto has_time = [](const Lease& lease) { return lease.remaining >= 0.6 * lease.ttl; };
    EXPECT_TRUE(WaitUntil([&] {
      const absl::StatusOr<ListLeasesResult> listed = Registry(*operator_).ListLeases();
      return listed.ok() && std::all_of(listed->leases.begin(), listed->leases.end(), has_time);
    })) << "a lease is not renewed in time";
    const int stopped = cluster_.Pick(role, &random_);
    cluster_.member(stopped).Pause();
    Run(kPause);
    cluster_.member(stopped).Resume();
  }
  void LoseQuorum() {
    const int left = Between(0, ServedCluster::kMembers - 1, &random_);
    for (int i = 0; i < ServedCluster::kMembers; ++i) {
      if (i != left) cluster_.member(i).Kill();
    }
    ExpectUnavailable();
    // Leases do not run out meanwhile: nobody is there to end them.
    if (IsTorture()) Run(kTtl);
    for (int i = 0; i < ServedCluster::kMembers; ++i) {
      if (i == left) continue;
      ASSERT_TRUE(cluster_.member(i).Restart());
    }
  }
  void KillServer(int index) {
    cluster_.KillServer(index);
    Run(absl::Milliseconds(Between(0, 3'000, &random_)));
    cluster_.StartServer(index);
  }

  // Lets time pass in which picks are made.
  void Run(absl::Duration time) {
    WaitUntil([] { return false; }, time);
  }

  Random random_;
  ServedCluster cluster_;
  std::vector<std::unique_ptr<disco::DiscoveryService::Stub>> discovery_;
  std::vector<std::unique_ptr<admin::v1::AdminService::Stub>> admin_;
  Mutex mu_;
  std::vector<std::string> gone_ ABSL_GUARDED_BY(mu_);
  std::optional<Connection> operator_;
  std::vector<std::unique_ptr<LiveProgram>> programs_;
  std::optional<Locator> locator_;
  ChangeWatch watch_;
  std::optional<ResolveLoop> resolving_;
  int probes_ = 0;
};

TEST_F(ClusterFaults, NoLeaseIsLostAndNobodyWaits) {
  const struct {
    const char* what;
    std::function<void()> make;
  } faults[] = {
      {"a member dies", [this] { KillMember(Role::kFollower); }},
      {"the leader dies", [this] { KillMember(Role::kLeader); }},
      {"a member stops", [this] { PauseMember(Role::kFollower); }},
      {"the leader stops", [this] { PauseMember(Role::kLeader); }},
      {"two members die", [this] { LoseQuorum(); }},
      {"the first server dies", [this] { KillServer(0); }},
      {"the second server dies", [this] { KillServer(1); }},
  };
  const int rounds = IsTorture() ? 10 : 1;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    std::vector<size_t> order;
    for (size_t i = 0; i < std::size(faults); ++i) order.push_back(i);
    std::shuffle(order.begin(), order.end(), random_);
    for (const size_t fault : order) {
      SCOPED_TRACE(absl::StrCat("round ", round, ": ", faults[fault].what));
      const std::map<std::string, Revision> before = Epochs();
      faults[fault].make();
      if (HasFailure()) break;
      ExpectCurrent(faults[fault].what, before, SteadyNow());
      if (HasFailure()) break;
      ExpectServing();
    }
  }
  std::cout << resolving_->picks() << " picks, the slowest took " << resolving_->slowest() << std::endl;
  EXPECT_GT(resolving_->picks(), 0);
  EXPECT_LT(resolving_->slowest(), kResolveMax);
  EXPECT_THAT(resolving_->failures(), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::testing
