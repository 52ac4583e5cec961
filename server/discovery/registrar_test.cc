#include "server/discovery/registrar.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "base/reader_pool.h"
#include "discovery/bindings.h"
#include "discovery/catalog.h"
#include "discovery/claims.h"
#include "discovery/layout.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/raced_store.h"
#include "server/discovery/schema_editor.h"
#include "storage/testing/await.h"
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

constexpr int kTries = 8;  // So often a change is tried.
constexpr absl::Duration kTtl = absl::Seconds(30);
const InstanceName kName{"c", "s", "i"};
const Properties kPort = {{"port", "80"}};

class RegistrarTest : public ::testing::Test {
 protected:
  RegistrarTest()
      : store_(storage::OpenMemoryStore(clock_)),
        raced_(store_.get()),
        feed_store_(store_.get()),
        sync_(store_.get()),
        feed_(std::make_shared<CatalogFeed>(&feed_store_, CatalogFeedOptions{.clock = &clock_},
                                            [](const std::vector<discovery::ServiceName>&) {})),
        registrar_({.store = &raced_, .feed = feed_.get(), .clock = &clock_, .random = [this] { return ++drawn_; }}) {
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
  }
  ~RegistrarTest() override {
    feed_store_.LetReads();
    feed_->Stop();
  }

  // The registrar may answer inside the call, which a store may not: through a thread of its own.
  template <typename Request>
  ChangedInstance Ask(void (Registrar::*method)(Request, Registrar::Done), Request request) {
    Mutex mu;
    CondVar changed;
    std::optional<ChangedInstance> answer;
    (registrar_.*method)(std::move(request), [&](ChangedInstance instance) {
      MutexLock lock(&mu);
      EXPECT_FALSE(answer.has_value());
      answer = std::move(instance);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    return *std::move(answer);
  }
  ChangedInstance Register(Registration registration) { return Ask(&Registrar::Register, std::move(registration)); }
  ChangedInstance Change(Update update) { return Ask(&Registrar::Change, std::move(update)); }
  ChangedInstance Deregister(Revision epoch = 0) {
    return Ask(&Registrar::Deregister, Deregistration{.name = kName, .epoch = epoch, .origin = {.connection = 1}});
  }
  static Registration Of(const std::string& session, const Properties& properties = kPort) {
    return {.name = kName, .properties = properties, .ttl = kTtl, .session = session};
  }

  Revision Bind(absl::string_view service, absl::string_view schema) {
    const Revision revision = sync_.Put(discovery::BindingKey("c", service), schema).revision;
    ClaimsCome(revision);
    return revision;
  }
  // Schemas and bindings of `revision` are in force.
  void ClaimsCome(Revision revision) {
    std::atomic<bool> in_force = false;
    feed_->WhenClaimsAt(revision, [&in_force](const absl::Status& status) { in_force = status.ok(); });
    EXPECT_TRUE(storage::AwaitCondition([&] { return in_force.load(); }));
  }
  // Schemas beside those that are there from the start: each of the kinds of keys.
  void PutSchemas() const {
    const auto put = [this](const std::string& name, const std::string& pattern, const std::string& serializer) {
      sync_.Put(discovery::SchemaKey(name), absl::StrCat(R"({"name": ")", name, R"(", "pattern": ")", pattern, R"(", "serializer": ")",
                                                         serializer, R"(", "properties": {"port": {"type": "port"}}})"));
    };
    put("devices", "/{cluster}/devices/{service}/{instance}/{property}", "text");
    put("instruments", "/{cluster}/devices/{service}/{instance}/{property}", "text");  // As devices.
    put("boxes", "/{cluster}/boxes/{service}/{instance}", "json");
  }
  // The keys and values of no system tree.
  std::vector<std::string> Entries() const {
    std::vector<std::string> entries;
    for (const Entry& entry : sync_.List(Key(), Scope::kSubtree)) {
      if (entry.has_value) entries.push_back(absl::StrCat(entry.key.path(), "=", entry.value.bytes));
    }
    return entries;
  }
  // What is stored, and on which leases.
  std::vector<std::string> Everything() const {
    std::vector<std::string> all;
    for (const Key& root : {Key(), K(kSystemTree)}) {
      for (const Entry& entry : sync_.List(root, Scope::kSubtree)) {
        if (entry.has_value)
          all.push_back(absl::StrCat(entry.key.path(), "@", entry.mod_revision, "#", entry.lease_id, "=", entry.value.bytes));
      }
    }
    for (const auto& lease : sync_.ListLeases().leases) all.push_back(absl::StrCat("lease ", lease.id));
    return all;
  }
  // Leases that leave an instance are revoked behind its answer.
  bool LeasesCome(size_t to) const {
    return storage::AwaitCondition([&] { return sync_.ListLeases().leases.size() == to; });
  }
  std::string Shown(absl::string_view property = "port") const {
    const discovery::InstancePtr instance = feed_->catalog()->FindInstance(kName);
    if (instance == nullptr) return "none";
    const std::string* const value = discovery::FindProperty(instance->properties, property);
    return value == nullptr ? "" : *value;
  }
  // Somebody else changes the record, and nothing about the instance.
  void TouchRecord() const {
    const Key key = discovery::InstanceRecordKey(kName);
    const std::optional<Entry> record = sync_.Get(key);
    if (record.has_value()) {
      sync_.Put(key, record->value.bytes, record->lease_id);
    } else {
      sync_.Put(K("/c/services/s/i/touched"), "x");
      sync_.Put(key, "{}");
      sync_.Delete(key);
    }
  }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  RacedStore raced_;       // The registrar's.
  RacedStore feed_store_;  // The catalog's.
  const storage::SyncStore sync_;
  std::atomic<uint64_t> drawn_ = 0;
  std::shared_ptr<CatalogFeed> feed_;  // Goes before the store.
  Registrar registrar_;
};

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

TEST_F(RegistrarTest, UpdateTouchesWhatItNames) {
  const ChangedInstance registered = Register(Of("a", {{"port", "80"}, {"zone", "x"}, {"version", "1"}}));
  const ChangedInstance updated = Change({.name = kName, .set = {{"port", "81"}}, .remove = {"zone", "not there"}});
  ASSERT_TRUE(updated.status.ok()) << updated.status;
  EXPECT_EQ(updated.instance->properties, (Properties{{"port", "81"}, {"version", "1"}}));
  EXPECT_EQ(updated.instance->epoch, registered.instance->epoch);
  const Revision latest = sync_.Latest();
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "81"}}}).unchanged);
  EXPECT_EQ(sync_.Latest(), latest);
  EXPECT_EQ(Change({.name = kName, .set = {{"zone", "y"}}, .replace = true}).instance->properties, (Properties{{"zone", "y"}}));
}

TEST_F(RegistrarTest, DeregisteringWhatIsNotThereIsFine) {
  const Revision latest = sync_.Latest();
  const ChangedInstance gone = Deregister();
  EXPECT_TRUE(gone.status.ok());
  EXPECT_TRUE(gone.unchanged);
  EXPECT_EQ(sync_.Latest(), latest);
  sync_.Put(K("/c/services/s/i/port"), "80");
  EXPECT_FALSE(Deregister().unchanged) << "written by hand";
  EXPECT_EQ(Shown(), "none");
}

TEST_F(RegistrarTest, OfTwoThatDeregisterOneHasFoundIt) {
  for (const bool registered : {true, false}) {
    SCOPED_TRACE(registered ? "registered" : "written by hand");
    if (registered) {
      ASSERT_TRUE(Register(Of("a")).status.ok());
    } else {
      sync_.Put(K("/c/services/s/i/port"), "80");
    }
    ChangedInstance faster;
    raced_.BeforeCommits(1, [&] { faster = Deregister(); });
    const ChangedInstance slower = Deregister();
    for (const ChangedInstance& gone : {faster, slower}) EXPECT_TRUE(gone.status.ok()) << gone.status;
    EXPECT_FALSE(faster.unchanged);
    EXPECT_TRUE(slower.unchanged);
    EXPECT_EQ(Shown(), "none");
    EXPECT_TRUE(LeasesCome(0));
  }
}

// What was deregistered meanwhile has come back: the slower one takes that away, unless it names the epoch of before.
TEST_F(RegistrarTest, WhoIsSlowerToDeregisterFindsWhatHasComeSince) {
  for (const bool names_epoch : {false, true}) {
    SCOPED_TRACE(names_epoch);
    const ChangedInstance first = Register(Of("a"));
    ASSERT_TRUE(first.status.ok()) << first.status;
    raced_.BeforeCommits(1, [&] {
      EXPECT_FALSE(Deregister().unchanged);
      EXPECT_TRUE(Register(Of("b")).status.ok());
    });
    const ChangedInstance slower = Deregister(names_epoch ? first.instance->epoch : 0);
    EXPECT_EQ(slower.unchanged, names_epoch);
    EXPECT_EQ(ReasonOf(slower.status), names_epoch ? Reason::kFenced : Reason::kUnspecified) << slower.status;
    EXPECT_EQ(Shown(), names_epoch ? "80" : "none");
    EXPECT_TRUE(LeasesCome(names_epoch ? 1 : 0));
  }
}

TEST_F(RegistrarTest, LeaseOfTheCallersOwnStays) {
  const LeaseId lease = sync_.Grant(kTtl).lease.id;
  Registration registration = Of("a");
  registration.ttl.reset();
  registration.lease_id = lease;
  ASSERT_EQ(Register(registration).instance->lease_id, lease);
  ASSERT_TRUE(Deregister().status.ok());
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RegistrarTest, OverrideSurvivesItsInstanceAndEachNewOwner) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  sync_.Put(discovery::OverrideKey(kName), discovery::EncodeOverride({.reason = "jam"}));
  const auto is_out = [this] { return feed_->catalog()->FindInstance(kName)->override.has_value(); };
  ASSERT_TRUE(is_out());
  ASSERT_TRUE(Deregister().status.ok());
  ChangedInstance back = Register(Of("a"));
  EXPECT_EQ(back.instance->override->reason, "jam");
  EXPECT_FALSE(back.instance->resolvable());
  Registration taking = Of("b", {{"port", "81"}});
  taking.take_over = true;
  EXPECT_FALSE(Register(std::move(taking)).instance->resolvable());
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "82"}}}).status.ok());
  ASSERT_TRUE(sync_.Revoke(feed_->catalog()->FindInstance(kName)->lease_id).status.ok());
  EXPECT_EQ(Shown(), "none");
  EXPECT_FALSE(Register(Of("c")).instance->resolvable());
  EXPECT_TRUE(is_out());
}

TEST_F(RegistrarTest, InstanceThatEndsBeforeItsUpdateIsNotFound) {
  const LeaseId lease = Register(Of("a")).instance->lease_id;
  raced_.BeforeCommits(1, [&] { sync_.Revoke(lease); });
  EXPECT_EQ(ReasonOf(Change({.name = kName, .set = {{"port", "81"}}}).status), Reason::kInstanceNotFound);
  EXPECT_EQ(Shown(), "none");
  EXPECT_THAT(Everything(), IsEmpty());
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

TEST_F(RegistrarTest, RepeatedRequestAnswersAsBeforeAndAnotherWithItsIdIsRefused) {
  Registration registration = Of("a");
  registration.name.id.clear();
  registration.origin = {.caller = "me", .request_id = "r1", .request_hash = 1};
  const ChangedInstance first = Register(registration);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const std::vector<std::string> everything = Everything();
  const ChangedInstance again = Register(registration);
  EXPECT_TRUE(again.unchanged);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.instance->name, first.instance->name) << "the id that was drawn is drawn again";
  registration.origin.request_hash = 2;
  EXPECT_EQ(ReasonOf(Register(registration).status), Reason::kRequestIdReused);
  EXPECT_EQ(Everything(), everything);
  registration.origin = {};
  EXPECT_EQ(Register(registration).instance->name.id, "0000000000000001") << "drawn, when no request names one";
}

// Its transactions differ, and those that failed are not what came of it.
TEST_F(RegistrarTest, RequestThatIsTriedAnewIsKnownByTheTryThatWent) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  Registration registration = Of("a", {{"port", "81"}});
  registration.origin = {.caller = "me", .request_id = "r", .request_hash = 1};
  raced_.BeforeCommits(2, [this] { TouchRecord(); });
  const int before = raced_.commits();
  const ChangedInstance first = Register(registration);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  EXPECT_EQ(raced_.commits() - before, 3);
  const ChangedInstance again = Register(registration);
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, first.revision);
}

TEST_F(RegistrarTest, RepeatedDrainIsRefusedOnceTheInstanceIsAtWorkAgain) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const DrainChange request{.name = kName, .origin = {.caller = "me", .request_id = "d", .request_hash = 1}};
  const ChangedInstance first = Ask(&Registrar::Drain, request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const ChangedInstance again = Ask(&Registrar::Drain, request);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, first.revision);
  ASSERT_EQ(Register(Of("a")).instance->status, discovery::Status::kUp);
  EXPECT_EQ(ReasonOf(Ask(&Registrar::Drain, request).status), Reason::kFenced);
  const ChangedInstance other = Ask(&Registrar::Drain, DrainChange{.name = kName});
  ASSERT_TRUE(other.status.ok()) << other.status;
  EXPECT_EQ(Ask(&Registrar::Drain, request).revision, other.revision) << "it was at work since the first";
  Registration taking = Of("b");
  taking.take_over = true;
  ASSERT_TRUE(Register(taking).status.ok());
  EXPECT_EQ(ReasonOf(Ask(&Registrar::Drain, request).status), Reason::kFenced);
}

// The same request comes twice at a time: the one that is slower finds the instance as the faster one has made it.
TEST_F(RegistrarTest, RequestThatIsCarriedOutMeanwhileIsARepetition) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const storage::Origin origin{.caller = "me", .request_id = "u", .request_hash = 1};
  const Update update{.name = kName, .set = {{"port", "81"}}, .origin = origin};
  ChangedInstance faster;
  raced_.BeforeCommits(1, [&] { faster = Change(update); });
  const ChangedInstance slower = Change(update);
  ASSERT_TRUE(faster.status.ok()) << faster.status;
  ASSERT_TRUE(slower.status.ok()) << slower.status;
  EXPECT_FALSE(faster.replayed);
  EXPECT_TRUE(slower.replayed);
  EXPECT_EQ(slower.revision, faster.revision);
  const Deregistration end{.name = kName, .origin = {.caller = "me", .request_id = "g", .request_hash = 2}};
  raced_.BeforeCommits(1, [&] { faster = Ask(&Registrar::Deregister, end); });
  const ChangedInstance gone = Ask(&Registrar::Deregister, end);
  EXPECT_TRUE(gone.status.ok()) << gone.status;
  EXPECT_TRUE(gone.replayed);
  EXPECT_EQ(gone.revision, faster.revision);
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

// After its service was bound to another schema: from, and to. Their keys lie apart, within each other, one is the other's, or all are.
struct Rebinding {
  const char* from;
  const char* to;
};

class RegistrarRebindingTest : public RegistrarTest, public ::testing::WithParamInterface<Rebinding> {
 protected:
  // The entries of kName with `properties` under schema `to`, alone.
  std::vector<std::string> Laid(const Properties& properties) const {
    std::vector<std::string> entries;
    for (const discovery::KeyValue& entry : feed_->catalog()->claims()->FindSchema(GetParam().to)->layout.Encode(kName, properties)) {
      entries.push_back(absl::StrCat(entry.key.path(), "=", entry.value.bytes));
    }
    return entries;
  }
};

// Whatever is done to an instance takes its keys of before along.
TEST_P(RegistrarRebindingTest, NothingStaysWhereItWas) {
  PutSchemas();
  const Properties before = {{"port", "80"}, {"zone", "x"}};
  Registration taking = Of("b", {{"port", "81"}});
  taking.take_over = true;
  Registration for_good = Of("a", {{"port", "81"}});
  for_good.ttl.reset();
  const struct {
    const char* what;
    std::function<ChangedInstance()> change;
    Properties after;  // Empty: it is gone.
  } cases[] = {
      {"Deregister", [this] { return Deregister(); }, {}},
      {"Register",
       [this] {
         return Register(Of("a", {{"port", "81"}}));
       },
       {{"port", "81"}}},
      {"Register just so", [this, &before] { return Register(Of("a", before)); }, before},
      {"Register for good", [this, &for_good] { return Register(for_good); }, {{"port", "81"}}},
      {"Register by another", [this, &taking] { return Register(taking); }, {{"port", "81"}}},
      {"Update",
       [this] {
         return Change({.name = kName, .set = {{"zone", "y"}}});
       },
       {{"port", "80"}, {"zone", "y"}}},
      {"Update that says what is there", [this, &before] { return Change({.name = kName, .set = before}); }, before},
      {"Update that says nothing", [this] { return Change({.name = kName}); }, before},
      {"Update that removes", [this] { return Change({.name = kName, .remove = {"zone"}}); }, {{"port", "80"}}},
      {"Update that replaces",
       [this] {
         return Change({.name = kName, .set = {{"zone", "y"}}, .replace = true});
       },
       {{"zone", "y"}}},
  };
  for (const auto& [what, change, after] : cases) {
    SCOPED_TRACE(what);
    Bind("s", GetParam().from);
    ASSERT_TRUE(Register(Of("a", before)).status.ok());
    Bind("s", GetParam().to);
    const discovery::InstancePtr left_behind = feed_->catalog()->FindInstance(kName);
    ASSERT_NE(left_behind, nullptr);
    EXPECT_FALSE(left_behind->resolvable());
    const ChangedInstance changed = change();
    ASSERT_TRUE(changed.status.ok()) << changed.status;
    EXPECT_EQ(Entries(), after.empty() ? std::vector<std::string>() : Laid(after));
    if (!after.empty()) {
      EXPECT_EQ(changed.instance->properties, after);
      EXPECT_TRUE(changed.instance->resolvable());
      EXPECT_THAT(changed.instance->problems, IsEmpty());
      ASSERT_TRUE(Deregister().status.ok());
    }
    Bind("s", GetParam().from);
    EXPECT_EQ(feed_->catalog()->FindInstance(kName), nullptr) << "it does not come back";
    EXPECT_THAT(Entries(), IsEmpty());
    EXPECT_TRUE(LeasesCome(0));
  }
}

INSTANTIATE_TEST_SUITE_P(All, RegistrarRebindingTest,
                         ::testing::Values(Rebinding{"devices", "printers"}, Rebinding{"printers", "devices"},
                                           Rebinding{"devices", "boxes"}, Rebinding{"boxes", "devices"}, Rebinding{"members", "printers"},
                                           Rebinding{"printers", "members"}, Rebinding{"service", "members"},
                                           Rebinding{"devices", "instruments"}));

// `members` keeps instances where `printers` would keep the properties of one that is called members.
TEST_F(RegistrarTest, WhatAnotherInstanceHasByNowIsNotLeft) {
  const InstanceName members{"c", "s", "members"};
  Registration named_so = Of("a", {{"port", "80"}});
  named_so.name = members;
  ASSERT_TRUE(Register(named_so).status.ok());
  Bind("s", "members");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  ASSERT_TRUE(Ask(&Registrar::Deregister, Deregistration{.name = members}).status.ok());
  EXPECT_EQ(Shown(), "80") << "kName is at /c/services/s/members/i";
  // The other way round: a property that a registered instance has there is its own.
  Bind("s", "printers");
  named_so.properties = {{"i", "mine"}};
  ASSERT_TRUE(Register(named_so).status.ok());
  ASSERT_TRUE(Deregister().status.ok());
  EXPECT_EQ(sync_.Get(K("/c/services/s/members/i"))->value.bytes, "mine");
}

TEST_F(RegistrarTest, ChangesThatWouldLoseWhatIsLeftAreRefused) {
  PutSchemas();
  Bind("s", "devices");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  // By hand, beside what was registered.
  sync_.Commit(storage::TransactionOf({storage::PutOperation{.key = K("/c/devices/s/i/cert"), .value = {Value::Form::kData, "\xff"}}}));
  Bind("s", "printers");
  std::vector<std::string> everything = Everything();
  ChangedInstance refused = Change({.name = kName, .set = {{"port", "81"}}});
  EXPECT_EQ(ReasonOf(refused.status), Reason::kInvalidField);
  EXPECT_EQ(DetailsOf(refused.status)->violations.front().field, "replace");
  EXPECT_EQ(Everything(), everything);
  raced_.FailReads(absl::DataLossError("gone"));
  EXPECT_TRUE(absl::IsDataLoss(Register(Of("a")).status));
  EXPECT_TRUE(absl::IsDataLoss(Change({.name = kName, .set = kPort, .replace = true}).status));
  EXPECT_TRUE(absl::IsDataLoss(Deregister().status));
  EXPECT_EQ(Everything(), everything);
  raced_.FailReads(absl::OkStatus());
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "81"}}, .replace = true}).status.ok());
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=81"));
}

TEST_F(RegistrarTest, WhatIsLeftIsBoundedAndMayChangeMeanwhile) {
  PutSchemas();
  Bind("s", "devices");
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const auto extra = [](int i) { return K(absl::StrCat("/c/devices/s/i/extra", i)); };
  for (int i = 0; i < limits::kOperationsMax; ++i) sync_.Put(extra(i), "x");
  Bind("s", "printers");
  const std::vector<std::string> everything = Everything();
  const ChangedInstance refused = Deregister();
  EXPECT_EQ(refused.status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(refused.status), Reason::kTransactionTooLarge);
  EXPECT_EQ(Everything(), everything);
  // What remains, the record and the present schema's range fill a transaction.
  for (int i = 0; i < 3; ++i) sync_.Delete(extra(i));
  raced_.BeforeCommits(1, [&] { sync_.Put(extra(3), "y"); });
  EXPECT_TRUE(Deregister().status.ok());
  EXPECT_THAT(Entries(), IsEmpty());
}

TEST_F(RegistrarTest, WhatWasWrittenByHandStaysAsKeys) {
  PutSchemas();
  sync_.Put(K("/c/services/s/i/port"), "80");
  Bind("s", "devices");
  EXPECT_TRUE(Deregister().unchanged) << "it is no instance any more";
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
}

// While a change is on its way, its service is bound to another schema, and the one that it was made for is deleted.
struct ReboundMeanwhile {
  const char* what;
  discovery::Binding before;  // To devices.
  discovery::Binding after;   // Without schema: the one before goes.
};

class RegistrarReboundMeanwhileTest : public RegistrarTest, public ::testing::WithParamInterface<ReboundMeanwhile> {
 protected:
  SchemaChange Edit(const std::function<void(SchemaEditor*, SchemaEditor::Done)>& edit) {
    Mutex mu;
    CondVar changed;
    std::optional<SchemaChange> answer;
    edit(&editor_, [&](SchemaChange change) {
      MutexLock lock(&mu);
      answer = std::move(change);
      changed.NotifyAll();
    });
    MutexLock lock(&mu);
    while (!answer.has_value()) changed.Wait(&mu);
    EXPECT_TRUE(answer->status.ok()) << answer->status;
    return *std::move(answer);
  }
  void BindWith(const discovery::Binding& binding) {
    Edit([&binding](SchemaEditor* editor, SchemaEditor::Done done) { editor->Bind(binding, Operator(), std::move(done)); });
  }
  // As an operator does it, through the RPCs' editor, which lets a schema go that nobody uses.
  void BindAwayAndDelete() {
    BindWith(GetParam().after);
    Edit([](SchemaEditor* editor, SchemaEditor::Done done) { editor->Delete("devices", Operator(), std::move(done)); });
  }

  static storage::Origin Operator() { return {.connection = 1, .memory = storage::Memory::kChange}; }

  ReaderPool readers_{1, 1};
  SchemaEditor editor_{store_.get(), feed_.get(), &readers_};
};

TEST_P(RegistrarReboundMeanwhileTest, NoKeysStayUnderASchemaThatIsGone) {
  for (const bool updates : {false, true}) {
    SCOPED_TRACE(updates ? "Update" : "Register");
    PutSchemas();
    ClaimsCome(sync_.Latest());
    // An Update finds one that lies under the schema of after.
    if (updates) {
      ASSERT_TRUE(Register(Of("a")).status.ok());
    }
    BindWith(GetParam().before);
    const int before = raced_.commits();
    raced_.BeforeCommits(1, [this] { BindAwayAndDelete(); });
    const ChangedInstance changed = updates ? Change({.name = kName, .set = kPort}) : Register(Of("a"));
    ASSERT_TRUE(changed.status.ok()) << changed.status;
    // The Update then finds that all is as it says.
    EXPECT_EQ(raced_.commits() - before, updates ? 1 : 2);
    EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
    EXPECT_TRUE(feed_->catalog()->FindInstance(kName)->resolvable());
    ASSERT_TRUE(Deregister().status.ok());
    EXPECT_THAT(Entries(), IsEmpty());
    EXPECT_TRUE(LeasesCome(0));
  }
}

INSTANTIATE_TEST_SUITE_P(All, RegistrarReboundMeanwhileTest,
                         ::testing::Values(ReboundMeanwhile{"bound to another", {"c", "s", "devices"}, {"c", "s", "printers"}},
                                           ReboundMeanwhile{"bound to none in particular", {"c", "s", "devices"}, {"c", "s", ""}},
                                           ReboundMeanwhile{"all of its cluster", {"c", "*", "devices"}, {"c", "*", "printers"}},
                                           ReboundMeanwhile{"all of its name", {"*", "s", "devices"}, {"*", "s", ""}},
                                           ReboundMeanwhile{"all", {"*", "*", "devices"}, {"*", "*", "printers"}}),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param.what, {{" ", "_"}});
                         });

// The catalog that the registrar has read is still the one before, and stays so for a while.
TEST_F(RegistrarTest, ARegistrationWaitsForABindingThatIsNotInForceYet) {
  PutSchemas();
  Bind("s", "devices");
  feed_store_.HoldReads();
  sync_.Put(discovery::BindingKey("c", "s"), "printers");
  const int before = raced_.commits();
  ChangedInstance registered;
  std::thread registering([this, &registered] { registered = Register(Of("a")); });
  EXPECT_TRUE(storage::AwaitCondition([&] { return raced_.commits() - before == 1; }));
  EXPECT_EQ(Shown(), "none");
  feed_store_.LetReads();
  registering.join();
  ASSERT_TRUE(registered.status.ok()) << registered.status;
  EXPECT_EQ(raced_.commits() - before, 2);
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
}

// A more specific binding comes to decide, and an unrelated one does not matter.
TEST_F(RegistrarTest, OnlyBindingsThatDecideHoldARegistrationUp) {
  PutSchemas();
  Bind("*", "devices");
  raced_.BeforeCommits(1, [this] { Bind("s", "boxes"); });
  int before = raced_.commits();
  ASSERT_TRUE(Register(Of("a")).status.ok());
  EXPECT_EQ(raced_.commits() - before, 2);
  EXPECT_THAT(Entries(), ::testing::ElementsAre(HasSubstr("/c/boxes/s/i=")));
  raced_.BeforeCommits(1, [this] {
    Bind("*", "printers");
    Bind("other", "devices");
  });
  before = raced_.commits();
  ASSERT_TRUE(Register(Of("a", {{"port", "81"}})).status.ok());
  EXPECT_EQ(raced_.commits() - before, 1);
}

// Another server, whose catalog is newer, has moved the instance to a schema that this one does not know yet.
TEST_F(RegistrarTest, WhatIsLeftUnderASchemaThatIsNotKnownYetIsWaitedFor) {
  feed_store_.HoldReads();
  PutSchemas();
  sync_.Put(K("/c/devices/s/i/port"), "80");
  const Revision recorded =
      sync_.Put(discovery::InstanceRecordKey(kName), discovery::EncodeInstanceRecord({.schema = "devices", .registered_at = clock_.Now()}))
          .revision;
  EXPECT_TRUE(storage::AwaitCondition([&] { return feed_->catalog()->revision() >= recorded; }));
  const int before = raced_.commits();
  ChangedInstance gone;
  std::thread deregistering([this, &gone] { gone = Deregister(); });
  EXPECT_TRUE(storage::AwaitCondition([&] { return raced_.commits() - before == 1; }));
  feed_store_.LetReads();
  deregistering.join();
  EXPECT_TRUE(gone.status.ok()) << gone.status;
  EXPECT_FALSE(gone.unchanged);
  EXPECT_THAT(Entries(), IsEmpty());
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
