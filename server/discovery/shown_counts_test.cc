// Who was shown an instance at work, counted once and kept.
#include "server/discovery/shown_counts.h"

#include <atomic>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "gtest/gtest.h"
#include "server/discovery/instance_hub_fixture.h"
#include "storage/testing/await.h"

namespace scoutlight::server {
namespace {

using storage::AwaitCondition;

TEST_F(InstanceHubTest, WhoWasShownAnInstanceIsCountedUntilTheFrameWithoutItIsOut) {
  Put("laser", "zone", "north");
  FakeStream* const quick = Watch("");
  FakeStream* const stalled = Watch("", false);
  FakeStream* const blind = Watch("zone == \"south\"");
  ASSERT_TRUE(Await(quick, 2));
  ASSERT_TRUE(Await(stalled, 1));
  ASSERT_TRUE(Await(blind, 1));
  const auto count = [this](const std::string& id) {
    std::atomic<int> counted = -1;
    hub_.CountShown({"default", "Printer", id}, 0, [&counted](int shown) { counted = shown; });
    EXPECT_TRUE(AwaitCondition([&] { return counted >= 0; }));
    return counted.load();
  };
  EXPECT_EQ(count("laser"), 2) << "one of them has not even its whole snapshot";
  EXPECT_EQ(count("inkjet"), 0);
  stalled->Read();
  ASSERT_TRUE(Await(stalled, 2));
  stalled->Read();
  ASSERT_TRUE(AwaitCondition([&] { return count("laser") == 2; }));
  Delete("laser", "zone");
  ASSERT_TRUE(Await(quick, 3));
  ASSERT_TRUE(Await(stalled, 3));
  ASSERT_TRUE(AwaitCondition([&] { return count("laser") == 1; })) << "it is on its way to the stalled one";
  stalled->Read();
  EXPECT_TRUE(AwaitCondition([&] { return count("laser") == 0; }));
}

// Counts that are kept.
class KeptCountTest : public InstanceHubTest {
 protected:
  int Count(const std::string& id, uint64_t number) {
    std::atomic<int> counted = -1;
    hub_.CountShown({"default", "Printer", id}, number, [&counted](int shown) { counted = shown; });
    EXPECT_TRUE(AwaitCondition([&] { return counted >= 0; }));
    return counted.load();
  }
};

TEST_F(KeptCountTest, LooksOnlyAtWatchesInItThatWereToldSomething) {
  constexpr int kQuick = 50;
  Put("laser", "zone", "north");
  std::vector<FakeStream*> quick;
  for (int i = 0; i < kQuick; ++i) quick.push_back(Watch(""));
  FakeStream* const stalled = Watch("", false);
  ASSERT_TRUE(Await(stalled, 1));
  Delete("laser", "zone");
  for (FakeStream* stream : quick) ASSERT_TRUE(Await(stream, 3));
  ASSERT_TRUE(AwaitCondition([this] { return Count("laser", 0) == 1; }));
  ASSERT_EQ(Count("laser", 7), 1);
  const int64_t looks = hub_.shown_looks();
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Count("laser", 7), 1);
  EXPECT_EQ(hub_.shown_looks(), looks) << "nothing has been told to anybody";
  Put("inkjet", "zone", "north");
  for (FakeStream* stream : quick) ASSERT_TRUE(Await(stream, 4));
  EXPECT_EQ(Count("laser", 7), 1);
  EXPECT_EQ(hub_.shown_looks(), looks) << "only those have been told something that did not show it";
  stalled->ReadFromNowOn();
  EXPECT_TRUE(AwaitCondition([this] { return Count("laser", 7) == 0; }));
  EXPECT_LE(hub_.shown_looks(), looks + 5);
  hub_.EndCount(7);
  EXPECT_EQ(Count("laser", 7), 0);
  EXPECT_GE(hub_.shown_looks(), looks + kQuick) << "it is counted anew";
}

TEST_F(KeptCountTest, WatchesThatEndAndThoseThatAreShownItAgainAreCounted) {
  Put("laser", "zone", "north");
  FakeStream* const first = Watch("", false);
  FakeStream* const second = Watch("", false);
  ASSERT_TRUE(Await(first, 1));
  ASSERT_TRUE(Await(second, 1));
  Delete("laser", "zone");
  EXPECT_EQ(Count("laser", 7), 2);
  hub_.OnCancelled(first);
  EXPECT_EQ(Count("laser", 7), 1);
  second->ReadFromNowOn();
  ASSERT_TRUE(AwaitCondition([this] { return Count("laser", 7) == 0; }));
  Put("laser", "zone", "north");
  Watch("zone == \"south\"");
  ASSERT_TRUE(AwaitCondition([this] { return Count("laser", 7) == 1; })) << "it is at work again";
  Watch("");
  EXPECT_TRUE(AwaitCondition([this] { return Count("laser", 7) == 2; }));
  Delete("laser", "zone");
  EXPECT_TRUE(AwaitCondition([this] { return Count("laser", 7) == 0; }));
}

// Whatever happens, it is what counting anew gives.
TEST_F(KeptCountTest, IsWhatACountAnewIs) {
  std::mt19937 random(19);
  std::vector<FakeStream*> watches;
  std::vector<bool> reads;
  std::set<int> kept;
  for (int step = 0; step < 400; ++step) {
    const std::string id = absl::StrCat("p", random() % 4);
    switch (random() % 6) {
      case 0:
        if (watches.size() == 20) break;
        reads.push_back(random() % 2 == 0);
        watches.push_back(Watch(random() % 3 == 0 ? "zone == \"north\"" : "", reads.back()));
        break;
      case 1:
        Delete(id, "zone");
        break;
      case 2:
        Put(id, "zone", random() % 2 == 0 ? "north" : "south");
        break;
      case 3: {
        if (watches.empty()) break;
        // What a stalled one was sent last has gone out.
        const size_t which = random() % watches.size();
        if (!reads[which] && watches[which]->writing()) watches[which]->Read();
        break;
      }
      case 4: {
        const int number = static_cast<int>(random() % 4);
        if (kept.erase(number) == 1) hub_.EndCount(1 + number);
        break;
      }
      default: {
        const int number = static_cast<int>(random() % 4);
        kept.insert(number);
        Count(absl::StrCat("p", number), 1 + number);
        break;
      }
    }
    if (step % 10 != 9) continue;
    for (const int number : kept) {
      const std::string of = absl::StrCat("p", number);
      // The hub may have been told something in between.
      ASSERT_TRUE(AwaitCondition([&] { return Count(of, 0) == Count(of, 1 + number); })) << step;
    }
  }
}

TEST(ShownCounts, SoManyAreKeptAndNoMore) {
  ShownCounts counts;
  for (int i = 1; i <= limits::kDrainsMax; ++i) ASSERT_TRUE(counts.Begin(i, {"default", "Printer", "laser"}, nullptr));
  EXPECT_FALSE(counts.Begin(limits::kDrainsMax + 1, {"default", "Printer", "laser"}, nullptr));
  EXPECT_FALSE(counts.At(limits::kDrainsMax + 1).has_value());
  ShownCounts::Marks marks;
  counts.Enter(3, &marks);
  EXPECT_EQ(counts.At(3), 1);
  EXPECT_EQ(counts.End(3)->place, 2u);
  EXPECT_FALSE(counts.End(3).has_value());
  ASSERT_TRUE(counts.Begin(limits::kDrainsMax + 1, {"default", "Printer", "inkjet"}, nullptr));
  EXPECT_EQ(counts.At(limits::kDrainsMax + 1), 0);
}

}  // namespace
}  // namespace scoutlight::server
