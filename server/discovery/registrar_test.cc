// Registering, and what all changes of an instance have in common.
#include "server/discovery/registrar.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registrar_fixture.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using discovery::Properties;
using storage::K;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Registering over what is there.
struct Meeting {
  const char* there;  // The session that owns it; null: nobody has registered it.
  const char* comes;
  bool take_over;
  Reason refused;  // kUnspecified: it is registered.
  bool keeps_epoch;
};

class RegistrarMeetingTest : public RegistrarTest, public ::testing::WithParamInterface<Meeting> {};

TEST_P(RegistrarMeetingTest, SessionsDecideWhoseItIs) {
  const Meeting& meeting = GetParam();
  ChangedInstance before;
  if (meeting.there != nullptr) {
    before = Register(Of(meeting.there));
    ASSERT_TRUE(before.status.ok()) << before.status;
    ASSERT_EQ(before.instance->epoch, before.revision);
  }
  const std::vector<std::string> everything = Everything();
  Registration registration = Of(meeting.comes, {{"port", "81"}});
  registration.take_over = meeting.take_over;
  const ChangedInstance after = Register(std::move(registration));
  EXPECT_EQ(ReasonOf(after.status), meeting.refused) << after.status;
  if (!after.status.ok()) {
    EXPECT_EQ(Everything(), everything);
    EXPECT_EQ(after.instance, nullptr);
    return;
  }
  EXPECT_EQ(Shown(), "81");
  EXPECT_EQ(after.instance->epoch, meeting.keeps_epoch ? before.instance->epoch : after.revision);
  EXPECT_TRUE(LeasesCome(1)) << "the lease of the one before is gone, or goes on";
}

INSTANTIATE_TEST_SUITE_P(
    All, RegistrarMeetingTest,
    ::testing::Values(Meeting{nullptr, "a", false, Reason::kUnspecified, false}, Meeting{nullptr, "a", true, Reason::kUnspecified, false},
                      Meeting{"a", "a", false, Reason::kUnspecified, true}, Meeting{"a", "a", true, Reason::kUnspecified, true},
                      Meeting{"a", "b", false, Reason::kInstanceOwned, false}, Meeting{"a", "b", true, Reason::kUnspecified, false},
                      Meeting{"", "", false, Reason::kUnspecified, true}, Meeting{"", "b", false, Reason::kInstanceOwned, false}));

TEST_F(RegistrarTest, SameRegistrationAgainChangesNothing) {
  const ChangedInstance first = Register(Of("a"));
  const Revision latest = sync_.Latest();
  const ChangedInstance again = Register(Of("a"));
  EXPECT_TRUE(again.status.ok());
  EXPECT_TRUE(again.unchanged);
  EXPECT_FALSE(first.unchanged);
  EXPECT_EQ(again.instance->epoch, first.instance->epoch);
  EXPECT_EQ(sync_.Latest(), latest);
}

TEST_F(RegistrarTest, AnotherTtlIsAnotherLease) {
  const ChangedInstance first = Register(Of("a"));
  Registration longer = Of("a");
  longer.ttl = 2 * kTtl;
  const ChangedInstance second = Register(longer);
  EXPECT_NE(second.instance->lease_id, first.instance->lease_id);
  EXPECT_EQ(second.instance->epoch, first.instance->epoch);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RegistrarTest, WhoWasTakenOverIsFenced) {
  const Revision old_epoch = Register(Of("a")).instance->epoch;
  Registration taking = Of("b");
  taking.take_over = true;
  const Revision new_epoch = Register(std::move(taking)).instance->epoch;
  ASSERT_TRUE(LeasesCome(1));
  const std::vector<std::string> everything = Everything();
  const ChangedInstance changed = Change({.name = kName, .set = {{"port", "1"}}, .epoch = old_epoch});
  EXPECT_EQ(changed.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(changed.status), Reason::kFenced);
  EXPECT_EQ(ReasonOf(Deregister(old_epoch).status), Reason::kFenced);
  EXPECT_EQ(Everything(), everything);
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "2"}}, .epoch = new_epoch}).status.ok());
  EXPECT_EQ(Shown(), "2");
  EXPECT_TRUE(Deregister(new_epoch).status.ok());
  EXPECT_EQ(Shown(), "none");
  EXPECT_TRUE(LeasesCome(0));
}

// What is refused, and changes nothing. Each answer says which state it speaks of.
TEST_F(RegistrarTest, RefusedChangesLeaveEverythingAsItWas) {
  ASSERT_TRUE(Register(Of("a", {{"port", "80"}, {"zone", "x"}})).status.ok());
  sync_.Put(K("/c/services/s/hand/port"), "80");
  sync_.Put(K("/c/services/json/members/i"), "{");
  Bind("json", "members");
  Bind("off", "none");
  const std::vector<std::string> everything = Everything();
  const Revision before = sync_.Latest();
  const auto registration = [](InstanceName name, Properties properties) {
    return Registration{.name = std::move(name), .properties = std::move(properties), .ttl = kTtl, .session = "a"};
  };
  Registration no_lease = Of("a", {{"port", "81"}});
  no_lease.ttl.reset();
  no_lease.lease_id = 99;
  struct {
    const char* what;
    ChangedInstance got;
    absl::StatusCode code;
    Reason reason;
    const char* field;
  } const cases[] = {
      {"a property that its schema refuses", Register(registration(kName, {{"port", "x"}})), absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "instance.properties.port"},
      {"a service without discovery", Register(registration({"c", "off", "i"}, kPort)), absl::StatusCode::kFailedPrecondition,
       Reason::kDiscoveryOff, ""},
      {"a lease that is none", Register(no_lease), absl::StatusCode::kFailedPrecondition, Reason::kLeaseNotFound, "lease_id"},
      {"an update of nothing", Change({.name = {"c", "s", "x"}, .set = {{"port", "1"}}}), absl::StatusCode::kNotFound,
       Reason::kInstanceNotFound, ""},
      {"an update that its schema refuses", Change({.name = kName, .set = {{"port", "x"}}}), absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "set_properties.port"},
      {"an update of what nobody owns, by an owner", Change({.name = {"c", "s", "hand"}, .set = {{"port", "1"}}, .epoch = 7}),
       absl::StatusCode::kAborted, Reason::kFenced, ""},
      {"an update that leaves nothing without a record", Change({.name = {"c", "s", "hand"}, .remove = {"port"}}),
       absl::StatusCode::kInvalidArgument, Reason::kInvalidField, "remove_properties"},
      {"a part of what cannot be read", Change({.name = {"c", "json", "i"}, .set = {{"port", "1"}}}), absl::StatusCode::kInvalidArgument,
       Reason::kInvalidField, "replace"},
      {"the end of another owner's", Deregister(7), absl::StatusCode::kAborted, Reason::kFenced, ""},
      {"the end of one of a service without discovery", Ask(&Registrar::Deregister, Deregistration{.name = {"c", "off", "i"}}),
       absl::StatusCode::kFailedPrecondition, Reason::kDiscoveryOff, ""},
  };
  for (const auto& one : cases) {
    EXPECT_GE(one.got.revision, before) << one.what;
    EXPECT_LE(one.got.revision, sync_.Latest()) << one.what;
    EXPECT_EQ(one.got.status.code(), one.code) << one.what << ": " << one.got.status;
    EXPECT_EQ(ReasonOf(one.got.status), one.reason) << one.what;
    const std::vector<FieldViolation> violations = DetailsOf(one.got.status).value_or(ErrorDetails()).violations;
    EXPECT_EQ(violations.empty() ? "" : violations.front().field, one.field) << one.what;
  }
  EXPECT_EQ(Everything(), everything);
}

TEST_F(RegistrarTest, InstanceThatEndsBeforeItIsRegisteredAgainIsANewOne) {
  const ChangedInstance first = Register(Of("a"));
  raced_.BeforeCommits(1, [&] { sync_.Revoke(first.instance->lease_id); });
  const ChangedInstance second = Register(Of("a", {{"port", "81"}}));
  ASSERT_TRUE(second.status.ok()) << second.status;
  EXPECT_NE(second.instance->lease_id, first.instance->lease_id);
  EXPECT_EQ(second.instance->epoch, second.revision);
  EXPECT_GT(second.revision, first.revision);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RegistrarTest, LeaseThatEndsBeforeItIsUsedIsMadeAgain) {
  raced_.BeforeCommits(1, [&] { sync_.Revoke(sync_.ListLeases().leases.front().id); });
  const ChangedInstance registered = Register(Of("a"));
  ASSERT_TRUE(registered.status.ok()) << registered.status;
  EXPECT_TRUE(LeasesCome(1));
  EXPECT_EQ(sync_.ListLeases().leases.front().id, registered.instance->lease_id);
}

TEST_F(RegistrarTest, NamedLeaseThatEndsBeforeItIsUsedIsNotFound) {
  const LeaseId lease = sync_.Grant(kTtl).lease.id;
  raced_.BeforeCommits(1, [&] { sync_.Revoke(lease); });
  Registration registration = Of("a");
  registration.ttl.reset();
  registration.lease_id = lease;
  const ChangedInstance refused = Register(registration);
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused.status), Reason::kLeaseNotFound);
  EXPECT_THAT(Everything(), IsEmpty());
}

TEST_F(RegistrarTest, WhoIsSlowerThanAnotherOwnerIsRefused) {
  raced_.BeforeCommits(1, [&] {
    sync_.Put(discovery::InstanceRecordKey(kName), discovery::EncodeInstanceRecord({.session = "b", .registered_at = clock_.Now()}));
  });
  const ChangedInstance refused = Register(Of("a"));
  EXPECT_EQ(ReasonOf(refused.status), Reason::kInstanceOwned);
  EXPECT_TRUE(LeasesCome(0)) << "the lease that came to no use is gone";
}

// However often others are faster, up to a bound.
TEST_F(RegistrarTest, ChangesAreTriedSoOftenAndNoMore) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const struct {
    const char* what;
    std::function<ChangedInstance()> change;
  } changes[] = {{"Register",
                  [this] {
                    return Register(Of("a", {{"port", "81"}}));
                  }},
                 {"Update",
                  [this] {
                    return Change({.name = kName, .set = {{"port", "82"}}});
                  }},
                 {"Deregister", [this] { return Deregister(); }}};
  for (const auto& [what, change] : changes) {
    const std::string port = Shown();
    raced_.BeforeCommits(kTries, [this] { TouchRecord(); });
    int before = raced_.commits();
    const ChangedInstance contended = change();
    EXPECT_EQ(contended.status.code(), absl::StatusCode::kAborted) << what;
    EXPECT_EQ(ReasonOf(contended.status), Reason::kContended) << what;
    EXPECT_THAT(std::string(contended.status.message()), HasSubstr("8 times in a row")) << what;
    EXPECT_EQ(raced_.commits() - before, kTries) << what;
    EXPECT_EQ(Shown(), port) << what;
    EXPECT_TRUE(LeasesCome(1)) << what;
    raced_.BeforeCommits(kTries - 1, [this] { TouchRecord(); });
    before = raced_.commits();
    EXPECT_TRUE(change().status.ok()) << what;
    EXPECT_EQ(raced_.commits() - before, kTries) << what;
  }
  EXPECT_EQ(Shown(), "none");
}

TEST_F(RegistrarTest, ChangeThatIsNotShownInTimeIsOfUnknownOutcome) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  feed_->Stop();
  const ChangedInstance unknown = Change({.name = kName, .set = {{"port", "81"}}});
  EXPECT_EQ(unknown.status.code(), absl::StatusCode::kUnknown);
  EXPECT_EQ(ReasonOf(unknown.status), Reason::kOutcomeUnknown);
  EXPECT_EQ(sync_.Get(K("/c/services/s/i/port"))->value.bytes, "81");
  EXPECT_EQ(Deregister().status.code(), absl::StatusCode::kUnavailable) << "it does not come to see what was changed, and changes nothing";
}

TEST(RegistrarBeforeTheCatalog, NothingIsTaken) {
  storage::FakeClock clock;
  const std::unique_ptr<storage::Store> store = storage::OpenMemoryStore(clock);
  CatalogFeed feed(store.get(), {.clock = &clock}, [](const std::vector<discovery::ServiceName>&) {});
  Registrar registrar({.store = store.get(), .feed = &feed, .clock = &clock, .random = [] { return uint64_t{1}; }});
  const Revision latest = storage::SyncStore(store.get()).Latest();
  std::vector<absl::Status> answers;
  const auto note = [&answers](const ChangedInstance& changed) { answers.push_back(changed.status); };
  registrar.Register({.name = kName, .properties = kPort, .ttl = kTtl}, note);
  registrar.Change({.name = kName, .set = kPort}, note);
  registrar.Deregister({.name = kName}, note);
  ASSERT_EQ(answers.size(), 3u);
  for (const absl::Status& answer : answers) EXPECT_EQ(ReasonOf(answer), Reason::kCatalogLoading);
  EXPECT_EQ(storage::SyncStore(store.get()).Latest(), latest);
}

}  // namespace
}  // namespace scoutlight::server
