#include "client/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "client/discovery.h"
#include "client/registrations.h"
#include "client/registry.h"
#include "client/testing/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using State = RegistrationState;
using discovery::InstanceName;
using discovery::Properties;

// After so long a test that waits for something has failed.
constexpr absl::Duration kPatience = absl::Seconds(60);

Properties PrinterAt(const std::string& host) { return {{"hostname", host}, {"port", "8001"}, {"protocol", "http"}}; }

// What a session told, for one thread to wait for.
class Told {
 public:
  std::function<void(const RegistrationReport&)> callback() {
    return [this](const RegistrationReport& report) {
      MutexLock lock(&mu_);
      reports_.push_back(report);
      changed_.NotifyAll();
    };
  }
  // Whether, now or later, an instance is told as `state`, after what was waited for before.
  bool Await(State state) {
    const absl::Time end = absl::Now() + kPatience;
    MutexLock lock(&mu_);
    for (;;) {
      for (; next_ < reports_.size(); ++next_) {
        if (reports_[next_].state == state) return ++next_, true;
      }
      if (absl::Now() > end) return false;
      changed_.WaitFor(&mu_, end - absl::Now());
    }
  }

 private:
  Mutex mu_;
  CondVar changed_;
  std::vector<RegistrationReport> reports_ ABSL_GUARDED_BY(mu_);
  size_t next_ ABSL_GUARDED_BY(mu_) = 0;
};

// Asks again and again: each time is a call of the server.
bool Eventually(const std::function<bool()>& condition) {
  const absl::Time end = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > end) return false;
  }
  return true;
}

class SessionServerTest : public ::testing::Test {
 protected:
  Session Open(SessionOptions options = {}) { return Session::Open(connection, std::move(options)).value(); }
  absl::StatusOr<discovery::Instance> Find(const InstanceName& name) {
    absl::StatusOr<GetInstanceResult> found = discovery.GetInstance(name);
    if (!found.ok()) return found.status();
    return std::move(found->instance);
  }
  bool IsThere(const InstanceName& name) { return Find(name).ok(); }

  ::scoutlight::testing::Server server;
  Connection connection = server.Connect();
  Discovery discovery{server.Connect()};
  Registrations registrations{server.Connect()};
  Told told;
};

TEST_F(SessionServerTest, AProgramRegistersItselfInThreeLines) {
  const absl::StatusOr<Connection> own = Connection::Open({.endpoints = {server.address()}});
  absl::StatusOr<Session> session = Session::Open(*own);
  const absl::StatusOr<InstanceName> name = session->Register("Printer", {{"hostname", "10.0.0.5"}, {"port", "8001"}});

  ASSERT_TRUE(name.ok()) << name.status();
  ASSERT_TRUE(session->WaitUntilRegistered(kPatience).ok());
  const absl::StatusOr<discovery::Instance> there = Find(*name);
  ASSERT_TRUE(there.ok()) << there.status();
  EXPECT_EQ(there->properties.at("hostname"), "10.0.0.5");
  const std::optional<RegistrationReport> report = session->StateOf(*name);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->state, State::kRegistered);
  EXPECT_EQ(report->epoch, there->epoch);
}

TEST_F(SessionServerTest, WithoutIdTheSameCallAgainChangesTheRegistration) {
  Session session = Open();
  const InstanceName first = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  const InstanceName again = session.Register("Printer", PrinterAt("10.0.0.2")).value();
  EXPECT_EQ(again, first);
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  EXPECT_TRUE(Eventually([&] { return Find(first)->properties.at("hostname") == "10.0.0.2"; }));
  EXPECT_NE(session.Register("Scanner", PrinterAt("10.0.0.1")).value(), first);
}

TEST_F(SessionServerTest, RegistrationsOutliveRestartsOfTheServer) {
  Session session = Open({.on_change = told.callback()});
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(told.Await(State::kRegistered));
  const Revision epoch = Find(name)->epoch;
  for (int i = 1; i <= 3; ++i) {
    server.Restart();
    // What was kept in memory comes with the session's next stream.
    ASSERT_TRUE(session.SetSoftValues(name, {.load = i}).ok());
    EXPECT_TRUE(Eventually([&] {
      const absl::StatusOr<discovery::Instance> there = Find(name);
      return there.ok() && there->soft.load == i;
    }));
    EXPECT_EQ(Find(name)->epoch, epoch);
  }
}

TEST_F(SessionServerTest, WipedDataAreFilledAgain) {
  Session session = Open();
  const std::vector<InstanceName> names =
      session.RegisterAll({{.service = "Printer", .id = "a", .properties = PrinterAt("10.0.0.1")}, {.service = "Scanner", .id = "b"}})
          .value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  server.Wipe();
  EXPECT_TRUE(Eventually([&] { return IsThere(names[0]) && IsThere(names[1]); }));
}

TEST_F(SessionServerTest, WhatAnOperatorDeletesComesBack) {
  Session session = Open({.on_change = told.callback()});
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(told.Await(State::kRegistered));
  const Revision epoch = Find(name)->epoch;
  ASSERT_TRUE(registrations.Deregister(name)->found);
  // That it was lost meanwhile is told only to who reads fast enough.
  EXPECT_TRUE(told.Await(State::kRegistered));
  EXPECT_GT(Find(name)->epoch, epoch);
}

TEST_F(SessionServerTest, KeysThatAnOperatorDeletesComeBack) {
  Session session = Open({.on_change = told.callback()});
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(told.Await(State::kRegistered));
  const absl::StatusOr<discovery::Instance> registered = Find(name);
  const auto deleted = Registry(connection).Delete(absl::StrCat("/default/services/Printer/", name.id), {.scope = Scope::kSubtree});
  ASSERT_TRUE(deleted.ok()) << deleted.status();
  EXPECT_EQ(deleted->deleted, static_cast<int>(registered->properties.size()));
  EXPECT_TRUE(Eventually([&] {
    const absl::StatusOr<discovery::Instance> found = Find(name);
    return found.ok() && found->mod_revision > deleted->state.revision && found->properties == registered->properties;
  }));
  EXPECT_EQ(Find(name)->epoch, registered->epoch);
}

TEST_F(SessionServerTest, WhatAnotherSessionTakesStaysAwayUntilItIsTakenBack) {
  Session session = Open({.on_change = told.callback()});
  const Registration printer{.service = "Printer", .id = "laser", .properties = PrinterAt("10.0.0.1")};
  const InstanceName name = session.Register(printer).value();
  ASSERT_TRUE(told.Await(State::kRegistered));
  Session other = Open();
  ASSERT_TRUE(other.Register(printer).ok());
  EXPECT_EQ(ReasonOf(other.WaitUntilRegistered(kPatience)), Reason::kInstanceOwned);
  ASSERT_TRUE(other.Register(printer, IfOwned::kTakeOver).ok());
  ASSERT_TRUE(other.WaitUntilRegistered(kPatience).ok());
  EXPECT_TRUE(told.Await(State::kFenced));
  EXPECT_EQ(session.StateOf(name)->state, State::kFenced);
  EXPECT_TRUE(absl::IsAborted(session.WaitUntilRegistered(kPatience)));

  ASSERT_TRUE(session.Register(printer, IfOwned::kTakeOver).ok());
  EXPECT_TRUE(told.Await(State::kRegistered));
  EXPECT_GT(Find(name)->epoch, other.StateOf(name)->epoch);
}

TEST_F(SessionServerTest, WhatTheSchemaForbidsIsToldByFieldAndHoldsUpNoOther) {
  Session session = Open();
  ASSERT_TRUE(session.Register({.service = "Printer", .id = "good", .properties = PrinterAt("10.0.0.1")}).ok());
  const InstanceName bad =
      session.Register({.service = "Printer", .id = "bad", .properties = {{"hostname", "10.0.0.1"}, {"port", "70000"}}}).value();
  const absl::Status refused = session.WaitUntilRegistered(kPatience);
  EXPECT_EQ(refused.code(), absl::StatusCode::kInvalidArgument);
  ASSERT_EQ(DetailsOf(refused)->violations.size(), 1);
  EXPECT_EQ(DetailsOf(refused)->violations[0].field, "properties.port");
  EXPECT_EQ(session.StateOf(bad)->state, State::kRefused);
  EXPECT_TRUE(Eventually([&] { return IsThere({"default", "Printer", "good"}); }));
  ASSERT_TRUE(session.Register({.service = "Printer", .id = "bad", .properties = PrinterAt("10.0.0.1")}).ok());
  EXPECT_TRUE(session.WaitUntilRegistered(kPatience).ok());
}

TEST_F(SessionServerTest, EveryFieldThatTheSchemaForbidsIsToldAtOnceAndWhatWasThereStays) {
  Session session = Open();
  const InstanceName name = session.Register({.service = "Printer", .id = "a", .properties = PrinterAt("10.0.0.1")}).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  const Revision epoch = session.StateOf(name)->epoch;
  ASSERT_TRUE(session.Register({.service = "Printer", .id = "a", .properties = {{"port", "70000"}, {"weight", "-1"}}}).ok());
  const absl::Status refused = session.WaitUntilRegistered(kPatience);
  std::vector<std::string> fields;
  const ErrorDetails details = DetailsOf(refused).value_or(ErrorDetails());
  for (const FieldViolation& violation : details.violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::ElementsAre("properties.port", "properties.weight"));
  EXPECT_EQ(Find(name)->properties.at("hostname"), "10.0.0.1");
  EXPECT_EQ(Find(name)->epoch, epoch);
}

TEST_F(SessionServerTest, AnAnswerIsToWhatWasAskedLast) {
  Session session = Open();
  for (int i = 0; i < 50; ++i) {
    const std::string host = absl::StrCat("10.0.0.", i);
    // What is asked before is on its way, or not even that.
    ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.1.1")).ok());
    const InstanceName name = session.Register("Printer", PrinterAt(host)).value();
    ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
    EXPECT_EQ(Find(name)->properties.at("hostname"), host);
  }
}

TEST_F(SessionServerTest, PropertiesOfSeveralMegabytesAreOneDeclaration) {
  Session session = Open();
  Properties large = PrinterAt("10.0.0.1");
  for (const char* name : {"a", "b", "c"}) large[name] = std::string(limits::kPropertyValueBytesMax, 'x');
  std::vector<Registration> all;
  for (int i = 0; i < 32; ++i) all.push_back({.service = "Printer", .id = absl::StrCat("i", i), .properties = large});
  ASSERT_TRUE(session.RegisterAll(all).ok());
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  EXPECT_EQ(Find({"default", "Printer", "i31"})->properties, large);
}

TEST_F(SessionServerTest, BadInputIsNamedAndChangesNothing) {
  Session session = Open();
  const absl::Status wrong =
      session.RegisterAll({{.service = "Printer", .id = "a"}, {.service = "*", .id = "/"}, {.service = "Printer", .id = "a"}}).status();
  std::vector<std::string> fields;
  const ErrorDetails details = DetailsOf(wrong).value();
  for (const FieldViolation& violation : details.violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ::testing::UnorderedElementsAre("[1].service", "[1].id", "[2].id"));
  EXPECT_EQ(DetailsOf(session.Register("*", Properties()).status())->violations[0].field, "service");
  EXPECT_EQ(session.StateOf({"default", "Printer", "a"}), std::nullopt);
  EXPECT_TRUE(absl::IsNotFound(session.Unregister({"default", "Printer", "a"})));
  EXPECT_TRUE(absl::IsNotFound(session.SetSoftValues({"default", "Printer", "a"}, {})));
  EXPECT_TRUE(absl::IsInvalidArgument(session.SetSoftValues({"default", "Printer", "a"}, {.load = -1})));
  EXPECT_TRUE(absl::IsInvalidArgument(Session::Open(connection, {.session_id = std::string(65, 's'), .ttl = absl::Seconds(0.5)}).status()));
  EXPECT_TRUE(absl::IsInvalidArgument(session.Leave({.deregister_timeout = -absl::Seconds(1)}).status()));
  EXPECT_TRUE(session.Register("Printer", PrinterAt("10.0.0.1")).ok());
}

TEST_F(SessionServerTest, AThousandInstancesAreWantedAndNoneMore) {
  Session session = Open();
  std::vector<Registration> all;
  for (int i = 0; i < limits::kSessionInstancesMax; ++i) all.push_back({.service = "Printer", .id = absl::StrCat("i", i)});
  const std::vector<InstanceName> names = session.RegisterAll(all).value();
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register({.service = "Printer", .id = "one more"}).status()));
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  EXPECT_EQ(discovery.ListInstances({"default", "Printer"})->instances.size(), names.size());
  ASSERT_TRUE(session.Unregister(names[0]).ok());
  EXPECT_TRUE(session.Register({.service = "Printer", .id = "one more"}).ok());
  EXPECT_TRUE(session.WaitUntilRegistered(kPatience).ok());
}

TEST_F(SessionServerTest, UnregisteringRemovesOne) {
  Session session = Open({.on_change = told.callback()});
  const InstanceName a = session.Register({.service = "Printer", .id = "a"}).value();
  const InstanceName b = session.Register({.service = "Printer", .id = "b"}).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  ASSERT_TRUE(session.Unregister(a).ok());
  EXPECT_TRUE(told.Await(State::kRemoved));
  EXPECT_EQ(session.StateOf(a), std::nullopt);
  EXPECT_FALSE(IsThere(a));
  EXPECT_TRUE(IsThere(b));
}

TEST_F(SessionServerTest, LeavingDrainsDeregistersAndEnds) {
  Session session = Open({.on_change = told.callback()});
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  const absl::StatusOr<LeaveReport> left = session.Leave({.drain = DrainOptions{.timeout = absl::ZeroDuration()}});
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_TRUE(left->status.ok()) << left->status;
  ASSERT_EQ(left->drained.size(), 1);
  EXPECT_EQ(left->drained[0].name, name);
  EXPECT_TRUE(left->drained[0].status.ok()) << left->drained[0].status;
  EXPECT_THAT(left->drained[0].drain.laggards, IsEmpty());
  EXPECT_FALSE(IsThere(name));
  EXPECT_TRUE(told.Await(State::kRemoved));
  EXPECT_TRUE(absl::IsFailedPrecondition(session.Register("Printer", Properties()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(session.Leave().status()));
}

TEST_F(SessionServerTest, WhoLeavesBeforeTheAnswerToAChangeIsDrainedAllTheSame) {
  Session session = Open();
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.0.2")).ok());
  const absl::StatusOr<LeaveReport> left = session.Leave({.drain = DrainOptions{.timeout = kPatience}});
  ASSERT_TRUE(left.ok()) << left.status();
  EXPECT_TRUE(left->status.ok()) << left->status;
  ASSERT_EQ(left->drained.size(), 1);
  EXPECT_EQ(left->drained[0].name, name);
  EXPECT_TRUE(left->drained[0].status.ok()) << left->drained[0].status;
  EXPECT_FALSE(IsThere(name));
}

TEST_F(SessionServerTest, LeavingWithoutAServerTellsWhatMayBeRegistered) {
  Session session = Open();
  const InstanceName name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  server.Stop();
  ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.0.2")).ok());
  const DrainOptions at_once{.timeout = absl::Milliseconds(10)};
  const absl::StatusOr<LeaveReport> left = session.Leave({.drain = at_once, .deregister_timeout = absl::ZeroDuration()});
  ASSERT_TRUE(left.ok()) << left.status();
  ASSERT_EQ(left->drained.size(), 1);
  EXPECT_EQ(left->drained[0].name, name);
  EXPECT_TRUE(absl::IsDeadlineExceeded(left->drained[0].status)) << left->drained[0].status;
}

TEST_F(SessionServerTest, LeavingWithoutAServerSaysSo) {
  Session session = Open();
  ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.0.1")).ok());
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  server.Stop();
  const absl::StatusOr<LeaveReport> left = session.Leave({.drain = std::nullopt, .deregister_timeout = absl::ZeroDuration()});
  ASSERT_TRUE(left.ok());
  EXPECT_TRUE(absl::IsDeadlineExceeded(left->status));
  EXPECT_THAT(left->drained, IsEmpty());
}

TEST_F(SessionServerTest, TheDestructorDeregisters) {
  InstanceName name;
  {
    Session session = Open();
    name = session.Register("Printer", PrinterAt("10.0.0.1")).value();
    ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  }
  EXPECT_FALSE(IsThere(name));
}

TEST_F(SessionServerTest, ASuccessorGoesOnWithTheSessionThatWasAbandoned) {
  const Registration printer{.service = "Printer", .id = "laser", .properties = PrinterAt("10.0.0.1")};
  const SessionOptions options{.session_id = "mine", .on_destroy = OnDestroy::kAbandon};
  std::optional<Session> session = Open(options);
  const InstanceName name = session->Register(printer).value();
  ASSERT_TRUE(session->WaitUntilRegistered(kPatience).ok());
  const Revision epoch = session->StateOf(name)->epoch;
  session.reset();
  EXPECT_TRUE(IsThere(name));
  Session successor = Open(options);
  ASSERT_TRUE(successor.Register(printer).ok());
  ASSERT_TRUE(successor.WaitUntilRegistered(kPatience).ok());
  EXPECT_EQ(successor.StateOf(name)->epoch, epoch);
}

TEST_F(SessionServerTest, OfTwoProcessesWithOneSessionTheNewerStays) {
  const Registration printer{.service = "Printer", .id = "laser", .properties = PrinterAt("10.0.0.1")};
  Session older = Open({.session_id = "mine", .on_change = told.callback()});
  const InstanceName name = older.Register(printer).value();
  ASSERT_TRUE(older.WaitUntilRegistered(kPatience).ok());
  Told of_newer;
  Session newer = Open({.session_id = "mine", .on_change = of_newer.callback()});
  ASSERT_TRUE(newer.Register(printer).ok());
  EXPECT_TRUE(Eventually([&] { return older.StateOf(name)->state == State::kFenced || newer.StateOf(name)->state == State::kFenced; }));
  EXPECT_TRUE(Eventually([&] { return IsThere(name); }));
}

TEST_F(SessionServerTest, AnObjectOfTheProgramIsTheInstance) {
  struct Printer {
    std::string hostname;
    uint16_t port = 0;
    bool color = false;
    static auto Fields() {
      return std::tuple(Field("hostname", &Printer::hostname), Field("port", &Printer::port), Field("color", &Printer::color).OrDefault());
    }
  };
  Session session = Open();
  const InstanceName name = session.Register("Printer", Printer{"10.0.0.1", 8001, true}).value();
  ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
  const absl::StatusOr<Printer> printer = As<Printer>(*Find(name));
  ASSERT_TRUE(printer.ok()) << printer.status();
  EXPECT_EQ(printer->port, 8001);
  EXPECT_TRUE(printer->color);
}

TEST_F(SessionServerTest, ACallbackMayDestroyTheSession) {
  Mutex mu;
  CondVar changed;
  bool gone = false;
  std::unique_ptr<Session> session;
  {
    MutexLock lock(&mu);
    session = std::make_unique<Session>(Open({.on_change = [&](const RegistrationReport&) {
      MutexLock held(&mu);
      session.reset();
      gone = true;
      changed.NotifyAll();
    }}));
    ASSERT_TRUE(session->RegisterAll({{.service = "Printer", .id = "a"}, {.service = "Printer", .id = "b"}}).ok());
  }
  MutexLock lock(&mu);
  while (!gone) changed.Wait(&mu);
}

TEST_F(SessionServerTest, NoCallbackComesAfterTheDestructor) {
  for (int i = 0; i < 50; ++i) {
    auto alive = std::make_unique<int>(i);
    Session session = Open({.on_change = [&alive](const RegistrationReport&) { EXPECT_GE(*alive, 0); }});
    ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.0.1")).ok());
    if (i % 2 == 0) {
      ASSERT_TRUE(session.WaitUntilRegistered(kPatience).ok());
    }
    Session moved = std::move(session);
  }
}

TEST_F(SessionServerTest, SessionsComeAndGoWhileTheServerIsBusyOrAway) {
  for (int i = 0; i < 200; ++i) {
    Session session = Open({.on_destroy = i % 2 == 0 ? OnDestroy::kDeregister : OnDestroy::kAbandon});
    ASSERT_TRUE(session.Register({.service = "Printer", .id = absl::StrCat("i", i)}).ok());
    if (i % 50 == 49) server.Restart();
  }
  Session last = Open();
  ASSERT_TRUE(last.Register({.service = "Printer", .id = "last"}).ok());
  EXPECT_TRUE(last.WaitUntilRegistered(kPatience).ok());
}

TEST_F(SessionServerTest, AServerThatHangsHoldsUpNoDestructor) {
  // Takes connections, and says nothing.
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(listen(listener, 16), 0);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), 0);
  const Connection hung = Connection::Open({.endpoints = {absl::StrCat("127.0.0.1:", ntohs(address.sin_port))}}).value();
  {
    Session session = Session::Open(hung).value();
    ASSERT_TRUE(session.Register("Printer", PrinterAt("10.0.0.1")).ok());
    EXPECT_TRUE(absl::IsDeadlineExceeded(session.WaitUntilRegistered(absl::Milliseconds(1))));
  }
  close(listener);
}

}  // namespace
}  // namespace scoutlight
