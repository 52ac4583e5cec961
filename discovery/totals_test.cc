// What Catalog::CountIfFew says of all services.
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using Totals = Catalog::Totals;

constexpr Catalog::TotalsBounds kAll{.unread_max = std::numeric_limits<size_t>::max(), .guarded_max = 10};
const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

class TotalsTest : public ::testing::Test {
 protected:
  static std::string PathOf(const ServiceName& service, int i) {
    return absl::StrCat("/", service.cluster, "/services/", service.service, "/i", 10'000 + i, "/port");
  }
  Instant Now() const { return {.since_boot = now_, .calendar = kStart + now_}; }
  // Instances [first, first + count) of a service.
  void Put(const ServiceName& service, int first, int count) {
    Batch batch{.revision = ++revision_};
    for (int i = first; i < first + count; ++i) {
      Event event{.key = Key::Parse(PathOf(service, i)).value(), .kind = EventKind::kPut};
      event.entry = {.key = event.key,
                     .value = {Value::Form::kText, "80"},
                     .create_revision = revision_,
                     .mod_revision = revision_,
                     .version = 1,
                     .lease_id = 7,
                     .has_value = true};
      batch.events.push_back(std::move(event));
    }
    catalog_.Apply(batch, Now());
  }
  void Delete(const ServiceName& service, int first, int count, EventCause cause) {
    Batch batch{.revision = ++revision_};
    for (int i = first; i < first + count; ++i) {
      const Key key = Key::Parse(PathOf(service, i)).value();
      batch.events.push_back({.key = key, .kind = EventKind::kDelete, .cause = cause, .entry = {.key = key, .mod_revision = revision_}});
    }
    catalog_.Apply(batch, Now());
  }
  Totals Count() { return *catalog_.CountIfFew(kAll); }

  Catalog catalog_{Claims::Create(ShippedSchemas(), Bindings()).value()};
  Revision revision_ = 1;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(TotalsTest, NothingIsZeros) {
  const Totals totals = Count();
  EXPECT_EQ(totals.clusters + totals.services + totals.instances + totals.resolvable + totals.unread, 0U);
}

TEST_F(TotalsTest, CountsAllClustersAndWhatListsShow) {
  Put({"a", "s"}, 0, 3);
  Put({"a", "t"}, 0, 1);
  Put({"b", "s"}, 0, 600);
  Put({"c", "s"}, 0, 1);
  Delete({"c", "s"}, 0, 1, EventCause::kWrite);
  const Totals totals = Count();
  EXPECT_EQ(totals.clusters, 2U);
  EXPECT_EQ(totals.services, 3U);
  EXPECT_EQ(totals.instances, 604U);
  EXPECT_EQ(totals.unread, 0U);
  EXPECT_EQ(totals.held, 0U);
  size_t resolvable = 0;
  for (const std::string& cluster : catalog_.Clusters()) {
    for (const Catalog::ServiceCount& count : catalog_.Services(cluster)) resolvable += count.resolvable;
  }
  EXPECT_EQ(totals.resolvable, resolvable);
}

TEST_F(TotalsTest, ReadsSoManyChangedInstancesAndTellsOfTheOthers) {
  Put({"a", "s"}, 0, 700);
  EXPECT_EQ(catalog_.CountIfFew({})->unread, 700U);
  EXPECT_EQ(catalog_.CountIfFew({})->instances, 700U);
  const Totals some = *catalog_.CountIfFew({.unread_max = 300});
  EXPECT_EQ(some.unread, 400U);
  EXPECT_EQ(some.instances, 700U);
  // What was read stays so.
  EXPECT_EQ(catalog_.CountIfFew({.unread_max = 300})->unread, 100U);
  EXPECT_EQ(catalog_.CountIfFew({.unread_max = 300})->unread, 0U);
  EXPECT_EQ(catalog_.Find("a", "s")->size(), 700U);
}

TEST_F(TotalsTest, OverSoManyServicesItIsNotFew) {
  for (int i = 0; i < 5; ++i) Put({"a", absl::StrCat("s", i)}, 0, 1);
  EXPECT_TRUE(catalog_.CountIfFew({.services_max = 5}).has_value());
  EXPECT_FALSE(catalog_.CountIfFew({.services_max = 4}).has_value());
}

TEST_F(TotalsTest, GuardedServicesAreNamedAndThoseOverTheBoundCounted) {
  for (const char* service : {"s", "t", "u"}) {
    Put({"a", service}, 0, 10);
    Delete({"a", service}, 0, 5, EventCause::kLeaseExpired);
    now_ += absl::Seconds(1);
  }
  Put({"a", "whole"}, 0, 10);
  Catalog::TotalsBounds bounds = kAll;
  bounds.guarded_max = 2;
  const Totals totals = *catalog_.CountIfFew(bounds);
  EXPECT_EQ(totals.instances, 40U);
  EXPECT_EQ(totals.held, 15U);
  EXPECT_EQ(totals.resolvable, 25U);
  ASSERT_EQ(totals.guarded.size(), 2U);
  EXPECT_EQ(totals.guarded_omitted, 1U);
  EXPECT_EQ(totals.guarded[1].service, (ServiceName{"a", "t"}));
  EXPECT_EQ(totals.guarded[1].held, 5U);
  EXPECT_EQ(totals.guarded[1].held_until, kStart + absl::Hours(1) + absl::Seconds(1) + limits::kLossHeldMax);

  now_ += limits::kLossHeldMax;
  catalog_.EndHolds(now_);
  const Totals after = Count();
  EXPECT_EQ(after.held, 0U);
  EXPECT_EQ(after.instances, 25U);
  EXPECT_TRUE(after.guarded.empty());
}

TEST_F(TotalsTest, AServiceOfHeldInstancesAloneCounts) {
  Put({"a", "s"}, 0, 4);
  Delete({"a", "s"}, 0, 4, EventCause::kLeaseExpired);
  const Totals totals = Count();
  EXPECT_EQ(totals.clusters, 1U);
  EXPECT_EQ(totals.services, 1U);
  EXPECT_EQ(totals.instances, 4U);
  EXPECT_EQ(totals.resolvable, 0U);
}

}  // namespace
}  // namespace scoutlight::discovery
