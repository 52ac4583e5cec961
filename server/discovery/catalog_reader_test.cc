#include "server/discovery/catalog_reader.h"

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/bindings.h"
#include "discovery/claims.h"
#include "discovery/shipped_schemas.h"
#include "discovery/system_records.h"
#include "gtest/gtest.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::Catalog;
using storage::K;

constexpr int kFew = limits::kInlineEntriesMax;

class CatalogReaderTest : public ::testing::Test {
 protected:
  CatalogReaderTest()
      : store_(storage::OpenMemoryStore(clock_)),
        resolver_(1),
        reader_({.store = store_.get(), .resolver = &resolver_, .clock = &clock_}),
        catalog_(discovery::Claims::Create(discovery::ShippedSchemas(), discovery::Bindings()).value()) {}

  void Put(absl::string_view path, absl::string_view text = "80") {
    Entry entry;
    entry.key = K(path);
    entry.has_value = true;
    entry.value = storage::Text(text);
    entry.create_revision = entry.mod_revision = ++revision_;
    catalog_.Fill(entry);
  }
  void PutInstances(const std::string& service, int count) {
    for (int i = 0; i < count; ++i) Put(absl::StrCat("/c/services/", service, "/i", 1'000 + i, "/port"));
  }
  // As if somebody had asked before.
  void ReadAll() { catalog_.MakeSnapshots(); }

  // How many a read finds; -1: it takes more effort; -2: it fails.
  template <typename Response, typename Spec>
  int Read(const Spec& spec, Effort effort, int (Response::*size)() const) {
    Response response;
    const CatalogReader::Result result = reader_.Read(spec, effort, &catalog_, &response);
    if (!result.has_value()) return -1;
    return result->ok() ? (response.*size)() : -2;
  }
  int Instances(const InstancesSpec& spec, Effort effort) {
    return Read<wire::ListInstancesResponse>(spec, effort, &wire::ListInstancesResponse::instances_size);
  }
  int Services(Effort effort) {
    const NamesSpec spec{.cluster = "c", .names_max = limits::kPageEntriesMax};
    return Read<wire::ListServicesResponse>(spec, effort, &wire::ListServicesResponse::services_size);
  }
  int Clusters(Effort effort) {
    const NamesSpec spec{.names_max = limits::kPageEntriesMax};
    return Read<wire::ListClustersResponse>(spec, effort, &wire::ListClustersResponse::clusters_size);
  }
  int Overrides(const discovery::ServiceName& service, Effort effort) {
    const OverridesSpec spec{.service = service, .overrides_max = limits::kPageEntriesMax};
    return Read<wire::ListOverridesResponse>(spec, effort, &wire::ListOverridesResponse::overrides_size);
  }
  int Picks(discovery::StrategyKind strategy, Effort effort) {
    const ResolveSpec spec{.pick = {.service = {"c", "s"}, .strategy = strategy}};
    ResolveAnswer answer;
    const CatalogReader::Result result = reader_.Read(spec, effort, &catalog_, &answer);
    return result.has_value() && result->ok() ? static_cast<int>(answer.picks()) : -1;
  }

  storage::FakeClock clock_;
  const std::unique_ptr<storage::Store> store_;
  Resolver resolver_;
  const CatalogReader reader_;
  Catalog catalog_;
  Revision revision_ = 0;
};

TEST_F(CatalogReaderTest, ListsOfInstancesAreShortUpToWhatIsLookedAt) {
  PutInstances("s", kFew);
  PutInstances("t", 3 * kFew);
  ReadAll();
  const InstancesSpec all{.service = {"c", "s"}, .instances_max = 1'000};
  EXPECT_EQ(Instances(all, Effort::kShort), kFew);
  const InstancesSpec many{.service = {"c", "t"}, .instances_max = 1'000};
  EXPECT_EQ(Instances(many, Effort::kShort), -1);
  EXPECT_EQ(Instances(many, Effort::kAny), 3 * kFew);
  // A page looks one instance further, for its token.
  EXPECT_EQ(Instances({.service = {"c", "t"}, .instances_max = kFew - 1}, Effort::kShort), kFew - 1);
  EXPECT_EQ(Instances({.service = {"c", "t"}, .instances_max = kFew}, Effort::kShort), -1);
  // What a filter passes over counts too.
  const InstancesSpec none{.service = {"c", "t"}, .filter = discovery::Filter::Parse("port == 1", discovery::AgeTerms::kAllowed).value()};
  EXPECT_EQ(Instances(none, Effort::kShort), -1);
  EXPECT_EQ(Instances(none, Effort::kAny), 0);
  EXPECT_EQ(Instances({.service = {"c", "nowhere"}}, Effort::kShort), 0);
}

TEST_F(CatalogReaderTest, InstancesThatNobodyHasReadYetCount) {
  PutInstances("s", kFew + 1);
  PutInstances("t", kFew);
  EXPECT_EQ(Instances({.service = {"c", "s"}, .instances_max = 1}, Effort::kShort), -1);
  EXPECT_EQ(Picks(discovery::StrategyKind::kRoundRobin, Effort::kShort), -1);
  EXPECT_EQ(Services(Effort::kShort), -1);
  EXPECT_EQ(catalog_.FindIfRead("c", "s", kFew), std::nullopt) << "nothing was read";
  EXPECT_EQ(Instances({.service = {"c", "t"}, .instances_max = 1}, Effort::kShort), 1);
  EXPECT_EQ(Instances({.service = {"c", "s"}, .instances_max = 1}, Effort::kAny), 1);
  EXPECT_EQ(Services(Effort::kShort), 2);
}

TEST_F(CatalogReaderTest, OneInstanceIsShortHoweverManyAreNotRead) {
  PutInstances("s", 1'000);
  wire::GetInstanceResponse response;
  EXPECT_EQ(reader_.Read(InstanceSpec{.name = {"c", "s", "i1500"}}, Effort::kShort, &catalog_, &response), absl::OkStatus());
  EXPECT_EQ(response.instance().id(), "i1500");
  const CatalogReader::Result gone = reader_.Read(InstanceSpec{.name = {"c", "s", "x"}}, Effort::kShort, &catalog_, &response);
  EXPECT_EQ(ReasonOf(*gone), Reason::kInstanceNotFound);
}

TEST_F(CatalogReaderTest, OneInstanceOfManyEntriesIsNoShortWork) {
  const InstanceSpec spec{.name = {"c", "s", "i"}};
  wire::GetInstanceResponse response;
  for (int i = 0; i < limits::kInlineStoredMax; ++i) Put(absl::StrCat("/c/services/s/i/", i));
  EXPECT_EQ(reader_.Read(spec, Effort::kShort, &catalog_, &response), absl::OkStatus());
  Put("/c/services/s/i/port");
  EXPECT_FALSE(reader_.Read(spec, Effort::kShort, &catalog_, &response).has_value());
  EXPECT_EQ(reader_.Read(spec, Effort::kAny, &catalog_, &response), absl::OkStatus());
  EXPECT_EQ(response.instance().properties().at("port"), "80");
}

TEST_F(CatalogReaderTest, PicksAreShortUpToWhatTheyMustLookAt) {
  PutInstances("s", 10 * kFew);
  ReadAll();
  for (const discovery::StrategyKind strategy : {discovery::StrategyKind::kRoundRobin, discovery::StrategyKind::kLeastUsed}) {
    EXPECT_EQ(Picks(strategy, Effort::kShort), -1);
    EXPECT_EQ(Picks(strategy, Effort::kAny), 1);
    EXPECT_EQ(Picks(strategy, Effort::kShort), 1);
  }
  Put("/c/services/s/i1000/port", "81");
  EXPECT_EQ(Picks(discovery::StrategyKind::kRoundRobin, Effort::kShort), 1);
  EXPECT_EQ(Picks(discovery::StrategyKind::kLeastUsed, Effort::kShort), -1);
}

// Strategy and modifier of a service come from its schema, each unless the call names its own.
TEST(CatalogReader, AServiceIsPickedFromAsItsSchemaSaysUnlessTheCallDoes) {
  storage::FakeClock clock;
  const std::unique_ptr<storage::Store> store = storage::OpenMemoryStore(clock);
  Resolver resolver(1);
  const CatalogReader reader({.store = store.get(), .resolver = &resolver, .clock = &clock});
  std::vector<std::shared_ptr<const discovery::Schema>> schemas = discovery::ShippedSchemas();
  discovery::Schema slow = *schemas.front();
  slow.name = "slow";
  slow.strategy = "random";
  slow.slow_start = absl::Hours(1);
  schemas.push_back(std::make_shared<const discovery::Schema>(slow));
  Catalog catalog(discovery::Claims::Create(schemas, discovery::Bindings::Create({{"c", "s", "slow"}}).value()).value());
  Revision revision = 0;
  const auto put = [&](const Key& key, absl::string_view text) {
    Entry entry;
    entry.key = key;
    entry.has_value = true;
    entry.value = storage::Text(text);
    entry.create_revision = entry.mod_revision = ++revision;
    catalog.Fill(entry);
  };
  for (const char* id : {"old", "young"}) {
    put(K(absl::StrCat("/c/services/s/", id, "/port")), "80");
    discovery::InstanceRecord record{.schema = "slow", .registered_at = clock.Now()};
    if (id == absl::string_view("old")) record.registered_at -= absl::Hours(2);
    put(discovery::InstanceRecordKey({"c", "s", id}), discovery::EncodeInstanceRecord(record));
  }
  constexpr int kCalls = 2'000;
  const auto young_of = [&](const ResolveSpec& spec, wire::Strategy strategy) {
    int young = 0;
    for (int i = 0; i < kCalls; ++i) {
      ResolveAnswer answer;
      const CatalogReader::Result result = reader.Read(spec, Effort::kAny, &catalog, &answer);
      EXPECT_TRUE(result.has_value() && result->ok());
      wire::ResolveResponse response;
      EXPECT_TRUE(response.ParseFromString(answer.Encode()));
      EXPECT_EQ(response.strategy(), strategy);
      young += response.picks(0).instance().id() == "young" ? 1 : 0;
    }
    return young;
  };
  ResolveSpec spec{.pick = {.service = {"c", "s"}}, .default_strategy = true, .default_slow_start = true};
  // A tenth of every second pick, the other way round of each that is picked again. Four standard deviations.
  EXPECT_NEAR(young_of(spec, wire::STRATEGY_RANDOM), kCalls * 0.05, 40);
  spec.default_slow_start = false;
  EXPECT_NEAR(young_of(spec, wire::STRATEGY_RANDOM), kCalls * 0.5, 90);
  spec.default_strategy = false;
  EXPECT_EQ(young_of(spec, wire::STRATEGY_ROUND_ROBIN), kCalls / 2);
}

TEST_F(CatalogReaderTest, NamesAreShortUpToSixtyFour) {
  for (int i = 0; i < kFew; ++i) {
    Put(absl::StrCat("/c/services/s", i, "/i/port"));
    if (i > 0) Put(absl::StrCat("/c", i, "/services/s/i/port"));
  }
  EXPECT_EQ(Services(Effort::kShort), kFew);
  EXPECT_EQ(Clusters(Effort::kShort), kFew);
  Put("/c/services/more/i/port");
  Put("/more/services/s/i/port");
  EXPECT_EQ(Services(Effort::kShort), -1);
  EXPECT_EQ(Services(Effort::kAny), kFew + 1);
  EXPECT_EQ(Clusters(Effort::kShort), -1);
  EXPECT_EQ(Clusters(Effort::kAny), kFew + 1);
}

TEST_F(CatalogReaderTest, ServicesThatShowNoInstanceCountToo) {
  const std::string text = discovery::EncodeOverride({.reason = "jam"});
  for (int i = 0; i < kFew; ++i) Put(absl::StrCat("/.scoutlight/overrides/c/s", 100 + i, "/i"), text);
  EXPECT_EQ(Services(Effort::kShort), 0);
  EXPECT_EQ(Clusters(Effort::kShort), 0);
  PutInstances("t", 1'000);
  EXPECT_EQ(Services(Effort::kShort), -1);
  EXPECT_EQ(Clusters(Effort::kShort), -1);
  EXPECT_EQ(catalog_.FindIfRead("c", "t", 999), std::nullopt) << "nothing was read";
  EXPECT_EQ(Services(Effort::kAny), 1);
  EXPECT_EQ(Clusters(Effort::kAny), 1);
}

TEST_F(CatalogReaderTest, OverridesAreShortUpToSixtyFour) {
  const std::string text = discovery::EncodeOverride({.reason = "jam"});
  for (int i = 0; i < kFew; ++i) Put(absl::StrCat("/.scoutlight/overrides/c/s/i", i), text);
  EXPECT_EQ(Overrides({"c", "s"}, Effort::kShort), kFew);
  EXPECT_EQ(Overrides({"", "s"}, Effort::kShort), -1) << "all are looked at";
  EXPECT_EQ(Overrides({"", "s"}, Effort::kAny), kFew);
  Put("/.scoutlight/overrides/c/s/more", text);
  EXPECT_EQ(Overrides({"c", "s"}, Effort::kShort), -1);
  EXPECT_EQ(Overrides({"c", "s"}, Effort::kAny), kFew + 1);
}

}  // namespace
}  // namespace scoutlight::server
