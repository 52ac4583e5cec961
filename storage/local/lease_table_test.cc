#include "storage/local/lease_table.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr absl::Duration kTtl = absl::Seconds(10);

// Lease `id` as granted at `now`.
Lease GrantedAt(LeaseId id, absl::Duration now) { return {.id = id, .ttl = kTtl, .ends = now + kTtl}; }

std::vector<LeaseId> Ids(const std::vector<Lease>& leases) {
  std::vector<LeaseId> ids;
  for (const Lease& lease : leases) ids.push_back(lease.id);
  return ids;
}

TEST(LeaseTable, ALeaseEndsOneTtlAfterItsLastRenewal) {
  LeaseTable table;
  table.Add(GrantedAt(1, absl::ZeroDuration()));
  EXPECT_THAT(table.Ended(kTtl - absl::Nanoseconds(1), 10).ids, IsEmpty());
  EXPECT_THAT(table.Ended(kTtl, 10).ids, ElementsAre(1));
  EXPECT_EQ(table.Renew(1, kTtl)->ends, 2 * kTtl) << "a renewal wins until the lease is taken";
  EXPECT_THAT(table.Ended(2 * kTtl - absl::Nanoseconds(1), 10).ids, IsEmpty());
  EXPECT_FALSE(table.TakeIfEnded(1, 2 * kTtl - absl::Nanoseconds(1)));
  EXPECT_THAT(table.Ended(2 * kTtl, 10).ids, ElementsAre(1));
  EXPECT_TRUE(table.TakeIfEnded(1, 2 * kTtl));
  EXPECT_TRUE(table.Renew(1, 2 * kTtl)->taken);
  EXPECT_EQ(table.Renew(1, 2 * kTtl)->ends, 2 * kTtl) << "it is not renewed";
  EXPECT_EQ(table.Renew(2, 2 * kTtl), std::nullopt);
}

TEST(LeaseTable, EndsComeEarliestFirstThoughRenewalsMoveThem) {
  LeaseTable table;
  for (LeaseId id = 1; id <= 5; ++id) table.Add(GrantedAt(id, absl::Seconds(id)));
  ASSERT_TRUE(table.Renew(1, absl::Seconds(6)).has_value());
  ASSERT_TRUE(table.Renew(3, absl::Seconds(7)).has_value());
  EXPECT_THAT(table.Ended(absl::Seconds(15), 2).ids, ElementsAre(2, 4));
  EXPECT_THAT(table.Ended(absl::Seconds(15), 10).ids, ElementsAre(2, 4, 5));
  EXPECT_THAT(table.Ended(absl::Seconds(17), 10).ids, ElementsAre(2, 4, 5, 1, 3));
}

TEST(LeaseTable, ATakenLeaseIsShownButNotRenewedUntilItIsGivenBackOrRemoved) {
  LeaseTable table;
  table.Add(GrantedAt(1, absl::ZeroDuration()));
  ASSERT_TRUE(table.Renew(1, absl::Seconds(5)).has_value());
  ASSERT_TRUE(table.Take(1));
  EXPECT_FALSE(table.Take(1));
  EXPECT_FALSE(table.Has(1));
  EXPECT_TRUE(table.Knows(1));
  EXPECT_TRUE(table.Find(1)->taken);
  EXPECT_THAT(Ids(table.List(0, 10)), ElementsAre(1));
  EXPECT_THAT(table.Ended(absl::Hours(1), 10).ids, IsEmpty());
  table.Untake(1);
  EXPECT_TRUE(table.Has(1));
  EXPECT_THAT(table.Ended(absl::Seconds(15), 10).ids, ElementsAre(1));
  ASSERT_TRUE(table.Take(1));
  table.Remove(1);
  EXPECT_FALSE(table.Knows(1));
  EXPECT_EQ(table.Find(1), std::nullopt);
  EXPECT_THAT(table.List(0, 10), IsEmpty());
  EXPECT_THAT(table.Ended(absl::Hours(1), 10).ids, IsEmpty());
}

TEST(LeaseTable, OneLookMovesSoManyRenewedLeases) {
  LeaseTable table;
  const LeaseId last = 2 * LeaseTable::kMovedMax + 1;
  for (LeaseId id = 1; id <= last; ++id) table.Add(GrantedAt(id, absl::Nanoseconds(id)));
  for (LeaseId id = 1; id < last; ++id) ASSERT_TRUE(table.Renew(id, kTtl).has_value());
  const absl::Duration now = kTtl + absl::Seconds(1);
  const LeaseTable::Due first = table.Ended(now, 10);
  EXPECT_THAT(first.ids, IsEmpty());
  EXPECT_TRUE(first.more);
  const LeaseTable::Due second = table.Ended(now, 10);
  EXPECT_THAT(second.ids, ElementsAre(last));
  EXPECT_FALSE(second.more);
}

TEST(LeaseTable, PagesAreInOrderOfId) {
  LeaseTable table;
  for (const LeaseId id : {7, 2, 9, 4}) table.Add(GrantedAt(id, absl::ZeroDuration()));
  EXPECT_THAT(Ids(table.List(0, 2)), ElementsAre(2, 4));
  EXPECT_THAT(Ids(table.List(4, 2)), ElementsAre(7, 9));
  EXPECT_THAT(Ids(table.List(9, 2)), IsEmpty());
}

TEST(LeaseTable, CountsLeasesThatWereNotRenewedInThisLife) {
  LeaseTable table;
  table.BeginLife(4);
  table.Add({.id = 1, .ttl = kTtl, .ends = kTtl, .life = 3});
  table.Add({.id = 2, .ttl = kTtl, .ends = kTtl, .life = 2});
  table.Add({.id = 3, .ttl = kTtl, .ends = kTtl, .life = 4});
  EXPECT_EQ(table.older(), 2);
  table.NoteRenewed(1);
  table.NoteRenewed(1);
  table.NoteRenewed(99);
  EXPECT_EQ(table.older(), 1);
  EXPECT_EQ(table.Find(1)->life, 4u);
  table.Remove(3);
  EXPECT_EQ(table.older(), 1);
  table.Remove(2);
  EXPECT_EQ(table.older(), 0);
}

TEST(LeaseTable, CountsWhatHangsOnALease) {
  LeaseTable table;
  table.Add(GrantedAt(1, absl::ZeroDuration()));
  table.AddLoad(1, {.keys = 2, .bytes = 300});
  table.AddLoad(1, {.keys = -1, .bytes = -100});
  table.AddLoad(2, {.keys = 1, .bytes = 1});
  EXPECT_EQ(table.load(1).keys, 1);
  EXPECT_EQ(table.load(1).bytes, 200);
  EXPECT_EQ(table.load(2).keys, 0);
}

}  // namespace
}  // namespace scoutlight::storage
