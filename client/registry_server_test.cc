#include "client/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "client/lease_keeper.h"
#include "client/registrations.h"
#include "client/testing/server.h"
#include "client/testing/silent_server.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// What a destructor may take, on a busy machine: far more than its bound, far less than what gRPC would wait by itself.
constexpr absl::Duration kDestructionMax = absl::Seconds(5);

class RegistryTest : public ::testing::Test {
 protected:
  static std::vector<std::string> PathsOf(const std::vector<Entry>& entries) {
    std::vector<std::string> paths;
    for (const Entry& entry : entries) paths.push_back(entry.key.path());
    return paths;
  }

  testing::Server server_;
  Connection connection_ = server_.Connect({.timeout = absl::Seconds(60)});
  Registry registry_{connection_};
};

TEST_F(RegistryTest, PutsAndGets) {
  const absl::StatusOr<PutResult> put = registry_.Put("/a/b", "one");
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->version, 1);
  EXPECT_FALSE(put->replayed);
  EXPECT_EQ(connection_.revision(), put->state.revision);
  EXPECT_EQ(connection_.store_id(), put->state.store_id);
  const absl::StatusOr<PutResult> again = registry_.Put("/a/b", DataValue("\xff"), {.return_previous = true});
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->version, 2);
  EXPECT_EQ(again->previous->value, TextValue("one"));
  const absl::StatusOr<GetResult> got = registry_.Get("a/b/");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->entry.value, DataValue("\xff"));
  EXPECT_EQ(got->entry.mod_revision, again->state.revision);
  EXPECT_EQ(registry_.Get("/a/b", {.revision = put->state.revision})->entry.value, TextValue("one"));
}

TEST_F(RegistryTest, ErrorsTellReasonFieldAndState) {
  const absl::Status missing = registry_.Get("/none").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(missing), Reason::kKeyNotFound);
  const absl::Status bad = registry_.Put("/a//b", "x").status();
  EXPECT_EQ(bad.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(DetailsOf(bad)->violations[0].field, "key");
  EXPECT_EQ(ReasonOf(registry_.Put("/.scoutlight/x", "x").status()), Reason::kReservedKey);
  EXPECT_EQ(DetailsOf(registry_.Get("/a", {.timeout = absl::ZeroDuration()}).status())->violations[0].field, "timeout");
  EXPECT_EQ(DetailsOf(registry_.Get("/a", {.timeout = absl::Minutes(31)}).status())->violations[0].field, "timeout");
}

TEST_F(RegistryTest, ConditionsOfPutsAndDeletes) {
  ASSERT_TRUE(registry_.PutIfAbsent("/a", TextValue("x")).ok());
  EXPECT_EQ(ReasonOf(registry_.PutIfAbsent("/a", TextValue("y")).status()), Reason::kKeyExists);
  EXPECT_EQ(ReasonOf(registry_.Put("/a", TextValue("y"), {.expected_mod_revision = 0}).status()), Reason::kConditionFailed);
  EXPECT_EQ(ReasonOf(registry_.Delete("/a", {.expected_mod_revision = 1}).status()), Reason::kConditionFailed);
  const Revision revision = registry_.Get("/a")->entry.mod_revision;
  const absl::StatusOr<DeleteResult> tried = registry_.Delete("/a", {.return_previous = true, .validate_only = true});
  EXPECT_EQ(tried->deleted, 1);
  EXPECT_THAT(PathsOf(tried->previous), ElementsAre("/a"));
  EXPECT_EQ(registry_.Delete("/a", {.expected_mod_revision = revision})->deleted, 1);
  EXPECT_EQ(registry_.Delete("/a")->deleted, 0);
}

TEST_F(RegistryTest, ListsNamesAndFetchesValues) {
  ASSERT_TRUE(registry_.PutAll({{"/s/b/x", TextValue("1")}, {"/s/a", TextValue("2")}}).ok());
  ASSERT_TRUE(registry_.Put("/s/0", "3").ok());
  const absl::StatusOr<ListResult> names = registry_.List("/s");
  ASSERT_TRUE(names.ok()) << names.status();
  EXPECT_THAT(PathsOf(names->entries), ElementsAre("/s/0", "/s/a", "/s/b"));
  EXPECT_EQ(names->entries[1].value, Value());
  EXPECT_FALSE(names->entries[2].has_value);
  EXPECT_TRUE(names->entries[2].has_children);
  const absl::StatusOr<ListResult> values = registry_.Fetch("/s", {.scope = Scope::kSubtree, .order = ListOrder::kCreation});
  ASSERT_TRUE(values.ok()) << values.status();
  EXPECT_THAT(PathsOf(values->entries), ElementsAre("/s/a", "/s/b/x", "/s/0"));
  EXPECT_EQ(values->entries[0].value, TextValue("2"));
  EXPECT_THAT(registry_.List("/nowhere")->entries, IsEmpty());
}

TEST_F(RegistryTest, AListOfManyPagesIsOneState) {
  constexpr int kEntries = 25'000;
  for (int first = 0; first < kEntries; first += 1'000) {
    std::vector<std::pair<std::string, Value>> entries;
    for (int i = first; i < first + 1'000; ++i) entries.emplace_back(absl::StrCat("/many/", i), TextValue("x"));
    ASSERT_TRUE(registry_.PutAll(entries).ok());
  }
  const absl::StatusOr<ListResult> all = registry_.List("/many");
  ASSERT_TRUE(all.ok()) << all.status();
  EXPECT_EQ(all->entries.size(), kEntries);
  EXPECT_TRUE(registry_.List("/many", {.entries_max = kEntries}).ok());
  const absl::Status too_many = registry_.List("/many", {.entries_max = kEntries - 1}).status();
  EXPECT_EQ(ReasonOf(too_many), Reason::kListTooLarge);
  int seen = 0;
  Revision of_writes = 0;
  const absl::StatusOr<StoreState> state = registry_.ForEach("/many", [&](Entry entry) {
    EXPECT_TRUE(entry.has_value);
    // What is written meanwhile is not shown.
    if (++seen == 1) of_writes = registry_.Put("/many/zzz", "late")->state.revision;
    return true;
  });
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(seen, kEntries);
  EXPECT_LT(state->revision, of_writes);
  seen = 0;
  EXPECT_TRUE(registry_.ForEach("/many", [&](Entry) { return ++seen < 10; }).ok());
  EXPECT_EQ(seen, 10);
}

TEST_F(RegistryTest, Transacts) {
  const Transaction lock = Transaction()
                               .If(Condition::Absent("/lock"))
                               .Then(Operation::Put{.key = "/lock", .value = TextValue("me")})
                               .Then(Operation::List{.parent = "/", .scope = Scope::kSubtree})
                               .Else(Operation::Get{"/lock"});
  const absl::StatusOr<TransactResult> first = registry_.Transact(lock);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_TRUE(first->succeeded);
  EXPECT_EQ(std::get<OperationResult::Put>(first->results[0].what).version, 1);
  EXPECT_THAT(PathsOf(std::get<OperationResult::List>(first->results[1].what).entries), ElementsAre("/lock"));
  const absl::StatusOr<TransactResult> second = registry_.Transact(lock);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_FALSE(second->succeeded);
  EXPECT_EQ(std::get<OperationResult::Get>(second->results[0].what).entry->value, TextValue("me"));
  const absl::StatusOr<TransactResult> unlock =
      registry_.Transact(Transaction()
                             .If(Condition::ValueEquals("/lock", "me"))
                             .If(Condition::ModRevision("/lock", first->state.revision))
                             .If(Condition::NumberOf("/lock", {Condition::Number::kVersion, Condition::Comparison::kLess, 2}))
                             .If(Condition::Empty("/lock", Scope::kChildren))
                             .Then(Operation::Delete{.key = "/lock", .return_previous = true})
                             .Then(Operation::Get{"/lock"}));
  ASSERT_TRUE(unlock.ok()) << unlock.status();
  EXPECT_TRUE(unlock->succeeded);
  EXPECT_EQ(std::get<OperationResult::Delete>(unlock->results[0].what).deleted, 1);
  EXPECT_FALSE(std::get<OperationResult::Get>(unlock->results[1].what).entry.has_value());
  const absl::Status bad = registry_.Transact(Transaction().Then(Operation::Get{"/a"}).Then(Operation::Put{.key = ""})).status();
  EXPECT_EQ(DetailsOf(bad)->violations[0].field, "on_success[1].put.key");
}

TEST_F(RegistryTest, Leases) {
  const absl::StatusOr<GrantResult> granted = registry_.GrantLease(absl::Seconds(60));
  ASSERT_TRUE(granted.ok()) << granted.status();
  EXPECT_EQ(granted->lease.ttl, absl::Seconds(60));
  const LeaseId lease = granted->lease.id;
  ASSERT_TRUE(registry_.Put("/leased", TextValue("x"), {.lease_id = lease}).ok());
  EXPECT_EQ(registry_.RenewLease(lease)->ttl, absl::Seconds(60));
  const absl::StatusOr<GetLeaseResult> got = registry_.GetLease(lease, Registry::LeaseKeys::kShown);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_THAT(got->keys, ElementsAre("/leased"));
  EXPECT_EQ(got->key_count, 1);
  EXPECT_EQ(registry_.RevokeLease(lease)->deleted, 1);
  EXPECT_EQ(ReasonOf(registry_.RenewLease(lease).status()), Reason::kLeaseNotFound);
  EXPECT_EQ(ReasonOf(registry_.RevokeLease(lease).status()), Reason::kLeaseNotFound);
  EXPECT_EQ(ReasonOf(registry_.GetLease(lease).status()), Reason::kLeaseNotFound);
  EXPECT_EQ(ReasonOf(registry_.Put("/x", TextValue("x"), {.lease_id = lease}).status()), Reason::kLeaseNotFound);
  EXPECT_EQ(DetailsOf(registry_.GrantLease(absl::InfiniteDuration()).status())->violations[0].field, "ttl");
}

TEST_F(RegistryTest, ListsLeasesUpToTheBoundAskedFor) {
  EXPECT_THAT(registry_.ListLeases()->leases, IsEmpty());
  for (const LeaseId id : {9, 7}) ASSERT_TRUE(registry_.GrantLease(absl::Seconds(60), id).ok());
  const absl::StatusOr<ListLeasesResult> listed = registry_.ListLeases();
  ASSERT_TRUE(listed.ok()) << listed.status();
  ASSERT_EQ(listed->leases.size(), 2u);
  EXPECT_EQ(listed->leases[0].id, 7);
  EXPECT_EQ(listed->leases[1].id, 9);
  EXPECT_EQ(listed->leases[1].ttl, absl::Seconds(60));
  EXPECT_LE(listed->leases[1].remaining, absl::Seconds(60));
  EXPECT_EQ(listed->state.store_id, connection_.store_id());
  EXPECT_EQ(ReasonOf(registry_.ListLeases(1).status()), Reason::kListTooLarge);
}

TEST_F(RegistryTest, CallsWaitForAServerThatIsRestarted) {
  ASSERT_TRUE(registry_.Put("/a", "before").ok());
  server_.Stop();
  std::promise<absl::StatusOr<PutResult>> put;
  std::promise<absl::StatusOr<GetResult>> got;
  std::thread writer([&] { put.set_value(registry_.Put("/b", "during")); });
  std::thread reader([&] { got.set_value(registry_.Get("/a")); });
  server_.Start();
  const absl::StatusOr<PutResult> written = put.get_future().get();
  EXPECT_TRUE(written.ok()) << written.status();
  const absl::StatusOr<GetResult> read = got.get_future().get();
  EXPECT_TRUE(read.ok()) << read.status();
  writer.join();
  reader.join();
}

TEST_F(RegistryTest, CallsEndWithWhatFailedWhenNobodyAnswers) {
  server_.Stop();
  const absl::Status status = registry_.Get("/a", {.timeout = absl::Milliseconds(200)}).status();
  EXPECT_TRUE(status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded) << status;
}

// Restarts cut off calls at every point: a counter that each write raises by a condition shows whether one was done twice.
TEST_F(RegistryTest, WritesThatAreRepeatedAreDoneOnce) {
  ASSERT_TRUE(registry_.Put("/counter", "0").ok());
  std::atomic<bool> stop = false;
  std::thread restarts([&] {
    while (!stop) server_.Restart();
  });
  int64_t version = 1;
  for (int i = 0; i < 300; ++i) {
    const absl::StatusOr<PutResult> put = registry_.Put("/counter", absl::StrCat(i));
    EXPECT_TRUE(put.ok()) << put.status();
    if (!put.ok()) break;
    EXPECT_EQ(put->version, ++version);
  }
  stop = true;
  restarts.join();
  EXPECT_EQ(registry_.Get("/counter")->entry.version, version);
}

TEST_F(RegistryTest, AnotherStoreBeginsItsRevisionsAnew) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(registry_.Put("/a", "x").ok());
  const StoreId before = connection_.store_id();
  server_.Wipe();
  EXPECT_EQ(ReasonOf(registry_.Get("/a").status()), Reason::kKeyNotFound);
  EXPECT_NE(connection_.store_id(), before);
  EXPECT_EQ(connection_.revision(), 1);
}

// Without a look at the store the revision that the read asks for would never come.
TEST_F(RegistryTest, ReadsOfDiscoveryGoOnAfterTheStoreWasReplaced) {
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(registry_.Put("/a", "x").ok());
  server_.Wipe();
  const auto answer = connection_.wire()->Call(&discovery::v1::DiscoveryService::Stub::ListClusters, discovery::v1::ListClustersRequest(),
                                               {.timeout = absl::Seconds(60), .try_timeout = absl::Milliseconds(100)});
  EXPECT_TRUE(answer.ok()) << answer.status();
  EXPECT_LT(connection_.revision(), 10);
}

TEST_F(RegistryTest, SecondServerTakesOver) {
  testing::Server other;
  ConnectionOptions options{.endpoints = {server_.address(), other.address()}, .timeout = absl::Seconds(60)};
  const absl::StatusOr<Connection> both = Connection::Open(options);
  ASSERT_TRUE(both.ok()) << both.status();
  Registry registry(*both);
  const StoreId first = registry.Put("/a", "x")->state.store_id;
  server_.Stop();
  const absl::StatusOr<PutResult> second = registry.Put("/a", "x");
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_NE(second->state.store_id, first);
}

TEST_F(RegistryTest, KeepsALeaseAliveOverRestarts) {
  constexpr absl::Duration kTtl = absl::Seconds(5);
  const LeaseId lease = registry_.GrantLease(kTtl)->lease.id;
  ASSERT_TRUE(registry_.Put("/leased", TextValue("x"), {.lease_id = lease}).ok());
  std::promise<absl::Status> lost;
  {
    LeaseKeeper keeper(connection_, lease, kTtl, [&](const absl::Status& status) { lost.set_value(status); });
    // Two lives of the lease, a restart in each.
    const absl::Duration renewed_before = keeper.since_renewed();
    EXPECT_TRUE(renewed_before > absl::ZeroDuration());
    for (int i = 0; i < 2; ++i) {
      const absl::Time until = absl::Now() + kTtl;
      server_.Restart();
      while (absl::Now() < until) ASSERT_TRUE(registry_.Get("/leased").ok());
    }
    EXPECT_EQ(registry_.RevokeLease(lease)->deleted, 1);
    EXPECT_EQ(ReasonOf(lost.get_future().get()), Reason::kLeaseNotFound);
    EXPECT_EQ(ReasonOf(keeper.state()), Reason::kLeaseNotFound);
  }
}

TEST_F(RegistryTest, ALeaseWithoutItsKeeperEnds) {
  const LeaseId lease = registry_.GrantLease(absl::Seconds(1))->lease.id;
  { LeaseKeeper keeper(connection_, lease, absl::Seconds(1)); }
  const absl::Time deadline = absl::Now() + absl::Seconds(60);
  while (registry_.GetLease(lease).ok()) ASSERT_LT(absl::Now(), deadline);
}

TEST_F(RegistryTest, ALeaseKeeperSaysWhatIsWrongWithItsLease) {
  std::promise<absl::Status> lost;
  LeaseKeeper keeper(connection_, -1, absl::Seconds(1), [&](const absl::Status& status) { lost.set_value(status); });
  EXPECT_EQ(DetailsOf(lost.get_future().get())->violations[0].field, "lease_id");
}

TEST_F(RegistryTest, ALeaseKeeperMayBeDestroyedInItsCallback) {
  std::unique_ptr<LeaseKeeper> keeper;
  const auto gone = std::make_shared<std::promise<void>>();
  std::promise<void> made;
  keeper = std::make_unique<LeaseKeeper>(connection_, 12'345, absl::Seconds(1),
                                         [&, ready = made.get_future().share(), gone](const absl::Status&) {
                                           ready.wait();
                                           keeper.reset();
                                           gone->set_value();
                                         });
  made.set_value();
  gone->get_future().get();
}

TEST(ConnectionTest, NamesEveryWrongOption) {
  const absl::Status wrong =
      Connection::Open({.endpoints = {"nowhere", "::1:7400", "host:0", "[::1]:7400", "host:7400"}, .timeout = absl::ZeroDuration()})
          .status();
  std::vector<std::string> fields;
  const ErrorDetails details = DetailsOf(wrong).value();
  for (const FieldViolation& violation : details.violations) fields.push_back(violation.field);
  EXPECT_THAT(fields, ElementsAre("endpoints[0]", "endpoints[1]", "endpoints[2]", "timeout"));
  EXPECT_FALSE(Connection::Open({.endpoints = {}}).ok());
  EXPECT_FALSE(Connection::Open({.endpoints = std::vector<std::string>(17, "host:1")}).ok());
  EXPECT_TRUE(Connection::Open({.endpoints = std::vector<std::string>(16, "host:1")}).ok());
}

TEST(ConnectionTest, IsMadeAndDestroyedUnderLoad) {
  testing::Server server;
  for (int i = 0; i < 1'000; ++i) {
    const Connection connection = server.Connect();
    const Registry registry(connection);
    // Some are destroyed connected, some connecting.
    if (i % 2 == 0) {
      ASSERT_TRUE(registry.Put("/a", absl::StrCat(i)).ok());
    }
    const LeaseKeeper keeper(connection, 1, absl::Seconds(1), [](const absl::Status&) {});
  }
}

TEST(ConnectionTest, IsDestroyedInTimeWhenTheServerHangs) {
  const testing::SilentServer silent;
  const absl::Time start = absl::Now();
  {
    const absl::StatusOr<Connection> connection = Connection::Open({.endpoints = {silent.address()}});
    const LeaseKeeper keeper(*connection, 1, absl::Seconds(1));
    const absl::Status status = Registry(*connection).Get("/a", {.timeout = absl::Milliseconds(100)}).status();
    EXPECT_TRUE(status.code() == absl::StatusCode::kUnavailable || status.code() == absl::StatusCode::kDeadlineExceeded) << status;
  }
  EXPECT_LT(absl::Now() - start, kDestructionMax);
}

TEST(ConnectionTest, AServerThatIsAwayIsToldFromOneThatHangs) {
  const auto code_at = [](std::vector<std::string> endpoints, absl::Duration timeout) {
    return Registry(*Connection::Open({.endpoints = std::move(endpoints), .timeout = timeout})).Get("/a").status().code();
  };
  const testing::SilentServer silent;
  // Nobody listens there any more.
  const std::string nobody = testing::Server().address();
  EXPECT_EQ(code_at({nobody}, absl::Milliseconds(700)), absl::StatusCode::kUnavailable);
  EXPECT_EQ(code_at({silent.address()}, absl::Milliseconds(700)), absl::StatusCode::kDeadlineExceeded);
  // gRPC gives up the connection before the call ends.
  EXPECT_EQ(code_at({silent.address()}, absl::Milliseconds(2'500)), absl::StatusCode::kDeadlineExceeded);
  // The last try has what the first has left, and is not answered.
  EXPECT_EQ(code_at({nobody, silent.address()}, absl::Milliseconds(700)), absl::StatusCode::kUnavailable);
}

TEST(ConnectionTest, HowLongAnAnswerWasWaitedForIsTold) {
  const testing::SilentServer silent;
  const absl::StatusOr<Connection> connection = Connection::Open({.endpoints = {silent.address()}, .timeout = absl::Minutes(10)});
  EXPECT_EQ(Registry(*connection).Get("/a", {.timeout = absl::Milliseconds(300)}).status().message(), "no answer within 300ms");
  // One that is not repeated ends with its connection, which gRPC gives up.
  const absl::Status given_up = Registrations(*connection).ConfirmLoss({"default", "Printer"}, {}).status();
  EXPECT_EQ(given_up.code(), absl::StatusCode::kDeadlineExceeded) << given_up;
  absl::string_view told = given_up.message();
  absl::Duration waited;
  EXPECT_TRUE(absl::ConsumePrefix(&told, "no answer within ") && absl::ParseDuration(told, &waited)) << given_up;
  EXPECT_LT(waited, absl::Minutes(1)) << given_up;
}

TEST(ConnectionTest, MayEndInItsOwnCallback) {
  testing::Server server;
  for (int i = 0; i < 100; ++i) {
    auto connection = std::make_unique<Connection>(server.Connect());
    const auto gone = std::make_shared<std::promise<void>>();
    std::promise<void> made;
    std::unique_ptr<LeaseKeeper> keeper;
    keeper = std::make_unique<LeaseKeeper>(*connection, 12'345, absl::Seconds(1),
                                           [&, ready = made.get_future().share(), gone](const absl::Status&) {
                                             ready.wait();
                                             connection.reset();
                                             keeper.reset();
                                             gone->set_value();
                                           });
    made.set_value();
    gone->get_future().get();
  }
}

}  // namespace
}  // namespace scoutlight
