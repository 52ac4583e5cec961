#include "server/discovery/recent_resolvers.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/testing/fake_clock.h"

namespace scoutlight::server {
namespace {

const discovery::ServiceName kPrinter{"default", "Printer"};
const discovery::ServiceName kBook{"default", "Book"};

const auto kExists = [] { return true; };

Identity Host(const std::string& name) { return {.kind = Identity::Kind::kHost, .name = name}; }

TEST(RecentResolvers, CountsDifferentCallersOfAService) {
  storage::FakeClock clock;
  RecentResolvers recent(&clock);
  for (int i = 0; i < 3; ++i) recent.Note(kPrinter, Host("10.0.0.1"), kExists);
  recent.Note(kPrinter, Host("10.0.0.2"), kExists);
  recent.Note(kPrinter, {.kind = Identity::Kind::kCertificate, .name = "10.0.0.2"}, kExists);
  recent.Note(kBook, Host("10.0.0.3"), kExists);
  EXPECT_EQ(recent.Count(kPrinter), 3);
  EXPECT_EQ(recent.Count(kBook), 1);
  EXPECT_EQ(recent.Count({"default", "Chair"}), 0);
}

TEST(RecentResolvers, ACallerCountsUntilTheWindowIsOverSinceItAskedLast) {
  storage::FakeClock clock;
  RecentResolvers recent(&clock);
  recent.Note(kPrinter, Host("a"), kExists);
  recent.Note(kPrinter, Host("b"), kExists);
  clock.Advance(limits::kRecentResolverWindow - absl::Seconds(1));
  recent.Note(kPrinter, Host("b"), kExists);
  EXPECT_EQ(recent.Count(kPrinter), 2);
  clock.Advance(absl::Seconds(2));
  EXPECT_EQ(recent.Count(kPrinter), 1);
}

TEST(RecentResolvers, NamesThatNobodyHasAreNotNoted) {
  storage::FakeClock clock;
  RecentResolvers recent(&clock);
  recent.Note(kPrinter, Host("a"), [] { return false; });
  EXPECT_EQ(recent.Count(kPrinter), 0);
  recent.Note(kPrinter, Host("a"), kExists);
  EXPECT_EQ(recent.Count(kPrinter), 1);
}

TEST(RecentResolvers, OfTooManyThoseGoThatAskedLongestAgo) {
  storage::FakeClock clock;
  constexpr int kPairsMax = 640;
  RecentResolvers recent(&clock, kPairsMax);
  for (int i = 0; i < 10 * kPairsMax; ++i) recent.Note(kPrinter, Host(absl::StrCat("old", i)), kExists);
  EXPECT_LE(recent.Count(kPrinter), kPairsMax);
  clock.Advance(absl::Seconds(1));
  recent.Note(kBook, Host("new"), kExists);
  for (int i = 0; i < 8; ++i) recent.Note(kPrinter, Host(absl::StrCat("young", i)), kExists);
  EXPECT_EQ(recent.Count(kBook), 1);
  EXPECT_LE(recent.Count(kPrinter) + recent.Count(kBook), kPairsMax);
}

TEST(RecentResolvers, OneCallerOfManyServicesTakesThePlacesOfAll) {
  storage::FakeClock clock;
  constexpr int kPairsMax = 640;
  constexpr int kServices = 320;
  RecentResolvers recent(&clock, kPairsMax);
  int counted = 0;
  for (int i = 0; i < kServices; ++i) recent.Note({"default", absl::StrCat("s", i)}, Host("a"), kExists);
  for (int i = 0; i < kServices; ++i) counted += recent.Count({"default", absl::StrCat("s", i)});
  EXPECT_GT(counted, kServices / 2) << "more than one shard of them";
}

}  // namespace
}  // namespace scoutlight::server
