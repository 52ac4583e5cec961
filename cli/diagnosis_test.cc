#include "cli/diagnosis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

using discovery::Instance;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);

// Of a server that has nothing to complain of.
ServerStatus Healthy() {
  ServerStatus status;
  status.serving = ServingState::kServing;
  status.started_at = kNow - absl::Hours(1);
  status.uptime = absl::Hours(1);
  status.store = {.kind = "rocksdb", .oldest_revision = 1, .leases = 10, .leases_max = 1'000};
  status.streams = {.open = 1, .open_max = 100};
  status.limits = {{"watches_max", 100}, {"drains_max", 10}, {"resolver_states_max", 10}};
  return status;
}

// "SEVERITY KIND SUBJECT: COMMAND".
std::vector<std::string> Lines(const std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  for (const Finding& one : findings) {
    lines.push_back(absl::StrCat(SeverityText(one.severity), " ", one.kind, " ", one.subject, ": ", one.command));
  }
  return lines;
}

std::vector<std::string> OfServer(const ServerStatus& status) {
  Diagnosis diagnosis;
  diagnosis.LookAtServer(status, kNow);
  return Lines(diagnosis.Findings());
}

Instance Registered(const std::string& service, const std::string& id, discovery::Properties properties) {
  return {.name = {"default", service, id}, .properties = std::move(properties), .epoch = 7};
}

std::vector<Finding> OfInstances(const std::vector<Instance>& instances) {
  Diagnosis diagnosis;
  for (const Instance& instance : instances) diagnosis.LookAtInstance(instance);
  return diagnosis.Findings();
}

TEST(Diagnosis, NothingIsFoundWhereNothingIsWrong) {
  EXPECT_THAT(OfServer(Healthy()), IsEmpty());
  EXPECT_THAT(
      OfInstances({Registered("P", "a", {{"hostname", "h"}, {"port", "80"}}), Registered("P", "b", {{"hostname", "h"}, {"port", "81"}})}),
      IsEmpty());
}

TEST(Diagnosis, StatesAndProblemsOfTheServer) {
  ServerStatus status = Healthy();
  status.problems = {"a test says so"};
  EXPECT_THAT(OfServer(status), ElementsAre("error server_problem server: scoutctl status"));
  status.problems = {"the disk is nearly full"};
  EXPECT_THAT(OfServer(status), ElementsAre("error server_problem server: df -h"));
  for (const ServingState state : {ServingState::kReadOnly, ServingState::kUnavailable, ServingState::kDraining}) {
    status.serving = state;
    Diagnosis diagnosis;
    diagnosis.LookAtServer(status, kNow);
    EXPECT_THAT(Lines(diagnosis.Findings()), ElementsAre("error server_state server: df -h"));
    EXPECT_EQ(diagnosis.Findings()[0].meaning, absl::StrCat("it is ", ServingStateText(state), ": the disk is nearly full"));
  }
  // Of a fault of the disk, whatever it says.
  status.problems = {"a test says so"};
  status.serving = ServingState::kReadOnly;
  EXPECT_THAT(OfServer(status), ElementsAre("error server_state server: df -h"));
}

TEST(Diagnosis, LimitsThatAreNear) {
  ServerStatus status = Healthy();
  status.store.leases = 799;
  EXPECT_THAT(OfServer(status), IsEmpty());
  status.store.leases = 800;
  EXPECT_THAT(OfServer(status), ElementsAre("warning limit server: scoutctl lease list"));
  status.store.leases = 950;
  EXPECT_THAT(OfServer(status), ElementsAre("error limit server: scoutctl lease list"));
  status = Healthy();
  status.streams.open = 95;
  status.streams.watches = 80;
  status.discovery.drains = 8;
  status.discovery.resolver_states = 8;
  EXPECT_THAT(OfServer(status), ElementsAre("error limit server: scoutctl status", "warning limit server: scoutctl status",
                                            "warning limit server: scoutctl status", "warning limit server: scoutctl status -o json"));
}

TEST(Diagnosis, ClocksThatDiffer) {
  ServerStatus status = Healthy();
  status.uptime += absl::Seconds(30);
  EXPECT_THAT(OfServer(status), IsEmpty());
  status.uptime += absl::Seconds(1);
  EXPECT_THAT(OfServer(status), ElementsAre("warning clock server: timedatectl"));
  status.uptime -= absl::Minutes(2);
  EXPECT_THAT(OfServer(status), ElementsAre("warning clock server: timedatectl"));
}

TEST(Diagnosis, WatchesThatAreBehindAndGuardedServices) {
  ServerStatus status = Healthy();
  status.streams.watches_behind = 2;
  status.discovery.guarded = {{{"other", "Printer"}, 3, kNow}};
  EXPECT_THAT(OfServer(status), ElementsAre("warning guarded_service other:Printer: scoutctl service get --cluster other Printer",
                                            "info watches_behind server: scoutctl status"));
}

TEST(Diagnosis, AServiceThatNobodyWorksFor) {
  Diagnosis diagnosis;
  diagnosis.LookAtService("default", {.name = "Empty"});
  diagnosis.LookAtService("default", {.name = "Fine", .instances = 2, .resolvable = 1});
  diagnosis.LookAtService("default", {.name = "Lost", .instances = 2});
  EXPECT_THAT(Lines(diagnosis.Findings()), ElementsAre("error nobody_takes_work Lost: scoutctl service get Lost"));
}

TEST(Diagnosis, InstancesWithoutOwnerRejectedOrCritical) {
  Instance by_hand = Registered("Odd one", "it's", {{"hostname", "h"}});
  by_hand.epoch = 0;
  Instance rejected = Registered("P", "rejected", {{"port", "x"}});
  rejected.valid = false;
  rejected.problems = {{"port", "is no port"}, {"hostname", "is missing"}};
  Instance complained = Registered("P", "complained", {});
  complained.problems = {{"", "has too much"}};
  Instance critical = Registered("P", "critical", {});
  critical.health = discovery::Health::kCritical;
  const std::vector<Finding> findings = OfInstances({by_hand, rejected, complained, critical});
  EXPECT_THAT(Lines(findings), ElementsAre("error rejected_instance P/rejected: scoutctl service update P rejected port=VALUE",
                                           "warning without_owner Odd one/it's: scoutctl service deregister 'Odd one' 'it'\\''s'",
                                           "warning rejected_instance P/complained: scoutctl service get P complained",
                                           "warning critical_health P/critical: scoutctl service get P critical"));
  EXPECT_THAT(findings[0].meaning, HasSubstr("port is no port; hostname is missing"));
}

TEST(Diagnosis, AddressesThatTwoHave) {
  const discovery::Properties address = {{"hostname", "10.0.0.1"}, {"port", "80"}};
  Instance lost = Registered("P", "lost", address);
  lost.status = discovery::Status::kOwnerLost;
  Instance old = Registered("P", "old", {{"endpoint.web", "http://10.0.0.1:80/x"}, {"endpoint.again", "http://10.0.0.1:80/y"}});
  old.epoch = 3;
  Instance newest = Registered("Q", "newest", address);
  newest.epoch = 9;
  const std::vector<Finding> findings =
      OfInstances({Registered("P", "a", address), old, newest, lost, Registered("P", "d", {{"hostname", "10.0.0.1"}})});
  EXPECT_THAT(Lines(findings), ElementsAre("error duplicate_address P/old: scoutctl service deregister P old",
                                           "info duplicate_address P/a: scoutctl service get P a"));
  EXPECT_THAT(findings[0].meaning, HasSubstr("is at 10.0.0.1:80, as P/a is, which has come later"));
  EXPECT_THAT(findings[1].meaning, HasSubstr("as Q/newest is"));
}

TEST(Diagnosis, SubscribersThatDoNotConfirm) {
  const std::vector<Subscriber> first = {{.id = "slow", .peer = "ipv4:10.0.0.1:5", .sent = 4, .confirmed = 2},
                                         {.id = "busy", .peer = "p", .sent = 4, .confirmed = 3},
                                         {.id = "gone", .peer = "p", .sent = 4, .confirmed = 0},
                                         {.id = "anew", .peer = "p", .sent = 9, .confirmed = 0},
                                         {.id = "left", .peer = "p", .sent = 9, .confirmed = 0}};
  const std::vector<Subscriber> later = {{.id = "slow", .peer = "ipv4:10.0.0.1:5", .sent = 6, .confirmed = 3},
                                         {.id = "busy", .peer = "p", .sent = 9, .confirmed = 4},
                                         {.id = "gone", .peer = "p", .sent = 4, .confirmed = 0, .gone = true},
                                         {.id = "anew", .peer = "p", .sent = 1, .confirmed = 0},
                                         {.id = "new", .peer = "p", .sent = 4, .confirmed = 0}};
  Diagnosis diagnosis;
  diagnosis.LookAtSubscribers(first, later, absl::Seconds(1));
  EXPECT_THAT(Lines(diagnosis.Findings()), ElementsAre("warning lagging_subscriber subscriber slow: ss -tnp src 10.0.0.1:5"));
  EXPECT_THAT(diagnosis.Findings()[0].meaning, HasSubstr("has confirmed 3 of 4 messages"));
}

TEST(Diagnosis, BeyondItsBoundsItKeepsErrorsAndCounts) {
  Diagnosis diagnosis;
  Instance by_hand = Registered("P", "", {});
  by_hand.epoch = 0;
  for (int i = 0; i < Diagnosis::kFindingsMax; ++i) {
    by_hand.name.id = absl::StrCat(i);
    diagnosis.LookAtInstance(by_hand);
  }
  EXPECT_EQ(diagnosis.findings_left_out(), 0);
  diagnosis.LookAtInstance(by_hand);
  diagnosis.LookAtService("default", {.name = "Lost", .instances = 2});
  EXPECT_EQ(diagnosis.findings_left_out(), 2);
  EXPECT_EQ(diagnosis.Findings().size(), static_cast<size_t>(Diagnosis::kFindingsMax));
  EXPECT_EQ(diagnosis.Findings()[0].subject, "Lost");
  EXPECT_EQ(diagnosis.count(Severity::kWarning), Diagnosis::kFindingsMax + 1);
  EXPECT_EQ(diagnosis.count(Severity::kError), 1);
}

TEST(Diagnosis, AddressesBeyondItsBoundAreCounted) {
  Diagnosis diagnosis;
  for (int i = 0; i <= Diagnosis::kAddressesMax; ++i) {
    diagnosis.LookAtInstance(Registered("P", absl::StrCat(i), {{"hostname", absl::StrCat("h", i)}, {"port", "1"}}));
  }
  EXPECT_EQ(diagnosis.addresses_left_out(), 1);
  EXPECT_THAT(diagnosis.Findings(), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::cli
