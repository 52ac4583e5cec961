// A program of the library that knows two servers goes on when the one that it uses is killed: its session lives, what it follows is
// current. So it does when that one is cut off from etcd for good, and goes on answering.
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/connection.h"
#include "client/locator.h"
#include "client/session.h"
#include "tests/e2e/server_pair.h"
#include "tests/support/faulty_proxy.h"

namespace scoutlight::testing {
namespace {

// "Within 5 s" of the kill.
constexpr absl::Duration kCurrentWithin = absl::Seconds(5);
// Of a server that answers and does not reach etcd: that it says so, and the 15 s for which a locator bears it.
constexpr absl::Duration kLeftWithin = absl::Seconds(60);
// Until all programs are registered, which is not what is measured.
constexpr absl::Duration kRegisteredWithin = absl::Minutes(5);
constexpr int kConnections = 10;

int ProgramsPerConnection() { return getenv("SCOUTLIGHT_TORTURE") != nullptr ? 100 : 10; }

class ServerFailover : public ServerPair {
 protected:
  // One instance, on a session of its own, and a locator that follows a service with a few: what is told all is not told of all.
  struct Program {
    Program(const Connection& connection, const std::string& id)
        : name{"default", "Printer", id},
          session(Session::Open(connection, {.session_id = id, .ttl = absl::Seconds(10)}).value()),
          locator(Locator::Open(connection).value()) {
      EXPECT_TRUE(locator.Follow({"News"}).ok());
      Register("a");
    }

    // Or changes what is registered.
    void Register(const std::string& zone) {
      const auto registered = session.RegisterAll(
          {{.service = "Printer", .id = name.id, .properties = {{"hostname", "127.0.0.1"}, {"port", "8001"}, {"zone", zone}}}});
      EXPECT_TRUE(registered.ok()) << registered.status();
    }

    // 0: it is not registered.
    Revision epoch() {
      const std::optional<RegistrationReport> report = session.StateOf(name);
      return report.has_value() && report->state == RegistrationState::kRegistered ? report->epoch : 0;
    }
    // Why it is not.
    absl::Status why() {
      const std::optional<RegistrationReport> report = session.StateOf(name);
      return report.has_value() ? report->status : absl::NotFoundError("it is not wanted");
    }
    bool Knows(const std::string& id) const {
      const discovery::SnapshotPtr snapshot = locator.SnapshotOf("News");
      return snapshot != nullptr && snapshot->Find(id) != nullptr;
    }

    const discovery::InstanceName name;
    Session session;
    Locator locator;
  };

  // All of which use B first.
  void StartPrograms() {
    for (int i = 0; i < kConnections; ++i) {
      const Connection connection = Connection::Open({.endpoints = {b().address(), a().address()}}).value();
      for (int k = 0; k < ProgramsPerConnection(); ++k) {
        programs_.push_back(std::make_unique<Program>(connection, absl::StrCat("program", i, "-", k)));
      }
    }
  }
  bool AllKnow(const std::string& id) const {
    for (const auto& program : programs_) {
      if (!program->Knows(id)) return false;
    }
    return true;
  }
  void RegisterNews(const std::string& id) {
    disco::RegisterRequest request;
    request.mutable_instance()->set_service("News");
    request.mutable_instance()->set_id(id);
    (*request.mutable_instance()->mutable_properties())["hostname"] = "10.0.0.1";
    (*request.mutable_instance()->mutable_properties())["port"] = "8001";
    request.set_permanent(true);
    const auto registered = a().Call(&disco::RegistrationService::Stub::Register, request);
    ASSERT_TRUE(registered.ok()) << registered.status.error_message();
  }
  int CountInZone(const std::string& zone) {
    disco::ListInstancesRequest request;
    request.set_service("Printer");
    request.set_page_size(10'000);
    request.set_filter(absl::StrCat("zone == \"", zone, "\""));
    const auto listed = a().Call(&disco::DiscoveryService::Stub::ListInstances, request);
    EXPECT_TRUE(listed.ok()) << listed.status.error_message();
    return listed->instances_size();
  }
  // Programs that `server` has as subscribers.
  static int SubscribersOf(PairedServer& server) {
    disco::ListSubscribersRequest request;
    request.set_page_size(10'000);
    int subscribers = 0;
    const auto listed = server.Call(&disco::DiscoveryService::Stub::ListSubscribers, request);
    for (const auto& one : listed->subscribers()) subscribers += one.gone() ? 0 : 1;
    return subscribers;
  }

  std::vector<std::unique_ptr<Program>> programs_;
};

TEST_F(ServerFailover, SessionsLiveAndSubscribersAreCurrentWithinFiveSeconds) {
  StartPrograms();
  const int programs = static_cast<int>(programs_.size());
  RegisterNews("before");
  ASSERT_TRUE(WaitUntil([this] { return AllKnow("before"); }, kRegisteredWithin));
  std::vector<Revision> epochs;
  for (const auto& program : programs_) {
    ASSERT_TRUE(WaitUntil([&] { return program->epoch() != 0; }, kRegisteredWithin)) << program->name.id << " " << program->why();
    epochs.push_back(program->epoch());
  }
  ASSERT_EQ(SubscribersOf(b()), programs);

  const absl::Duration killed = SteadyNow();
  b().process().Kill();
  RegisterNews("after");
  ASSERT_TRUE(WaitUntil([this] { return AllKnow("after"); }));
  EXPECT_LE(SteadyNow() - killed, kCurrentWithin);
  EXPECT_EQ(SubscribersOf(a()), programs);
  // Each session answers on the other server: with the registration that it had.
  for (const auto& program : programs_) program->Register("b");
  ASSERT_TRUE(WaitUntil([&] { return CountInZone("b") == programs; }, kRegisteredWithin));
  for (size_t i = 0; i < programs_.size(); ++i) {
    // The server shows what it registered before the program has its answer.
    ASSERT_TRUE(WaitUntil([&] { return programs_[i]->epoch() != 0; }, kRegisteredWithin))
        << programs_[i]->name.id << " " << programs_[i]->why();
    EXPECT_EQ(programs_[i]->epoch(), epochs[i]) << programs_[i]->name.id;
  }
}

TEST_F(ServerFailover, AServerThatIsCutOffFromEtcdIsLeft) {
  FaultyProxy link(etcd_->target());
  const std::unique_ptr<PairedServer> c = NewServerOver(link.address());
  const Connection connection = Connection::Open({.endpoints = {c->address(), a().address()}}).value();
  Locator locator = Locator::Open(connection, {.heartbeat = absl::Seconds(1)}).value();
  ASSERT_TRUE(locator.Follow({"News"}).ok());
  const auto knows = [&](const std::string& id) {
    const discovery::SnapshotPtr snapshot = locator.SnapshotOf("News");
    return snapshot != nullptr && snapshot->Find(id) != nullptr;
  };
  RegisterNews("before");
  ASSERT_TRUE(WaitUntil([&] { return knows("before"); }));
  ASSERT_EQ(SubscribersOf(*c), 1);

  link.Set(FaultyProxy::Mode::kBlackHole);
  RegisterNews("after");
  // Until then it knows how old that is.
  ASSERT_TRUE(WaitUntil([&] { return locator.AgeOf("News") > absl::Seconds(5); }));
  EXPECT_TRUE(knows("before"));
  EXPECT_TRUE(WaitUntil([&] { return knows("after"); }, kLeftWithin));
  EXPECT_LE(locator.AgeOf("News"), absl::Seconds(5));
  EXPECT_EQ(SubscribersOf(a()), 1);
}

}  // namespace
}  // namespace scoutlight::testing
