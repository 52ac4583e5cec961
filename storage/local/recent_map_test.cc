#include "storage/local/recent_map.h"

#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

using Map = RecentMap<std::string>;
constexpr size_t kValueBytes = 100;
constexpr size_t kFit = 8;

// Of one letter a key, and values that count `kValueBytes`.
class RecentMapTest : public testing::Test {
 protected:
  void Set(absl::string_view key, std::string value) { map_.Set(key, std::move(value), kValueBytes, &dropped_); }
  std::string Kept() const {
    std::string keys;
    for (char key = 'a'; key <= 'z'; ++key) {
      if (map_.Find(std::string(1, key)) != nullptr) keys.push_back(key);
    }
    return keys;
  }
  std::string Dropped() const {
    std::string keys;
    for (const Map::Kept& kept : dropped_) keys += kept.key;
    return keys;
  }

  Map map_{kFit * (1 + kValueBytes + Map::kPlaceBytes)};
  Map::Uses dropped_;
};

TEST_F(RecentMapTest, WhatWasUsedLeastLatelyGoes) {
  for (char key = 'a'; key <= 'h'; ++key) Set(std::string(1, key), "v");
  EXPECT_EQ(Kept(), "abcdefgh");
  EXPECT_EQ(Dropped(), "");
  ASSERT_NE(map_.Use("a"), nullptr);
  // No use.
  ASSERT_NE(map_.Find("b"), nullptr);
  Set("c", "set again");
  Set("x", "v");
  Set("y", "v");
  EXPECT_EQ(Kept(), "acefghxy");
  EXPECT_EQ(*map_.Find("c"), "set again");
}

TEST_F(RecentMapTest, WhatIsErasedMakesRoom) {
  for (char key = 'a'; key <= 'h'; ++key) Set(std::string(1, key), "v");
  map_.Erase("c", &dropped_);
  map_.Erase("nothing", &dropped_);
  EXPECT_EQ(Dropped(), "c");
  Set("x", "v");
  EXPECT_EQ(Kept(), "abdefghx");
  map_.Clear(&dropped_);
  EXPECT_EQ(Kept(), "");
  EXPECT_EQ(dropped_.size(), kFit + 1);
  for (char key = 'a'; key <= 'h'; ++key) Set(std::string(1, key), "v");
  EXPECT_EQ(Kept(), "abcdefgh");
}

TEST_F(RecentMapTest, WhatIsLargerThanAllIsNotKept) {
  Set("a", "v");
  map_.Set("b", "large", kFit * 1'000, &dropped_);
  EXPECT_EQ(map_.Use("b"), nullptr);
  EXPECT_EQ(map_.Use("a"), nullptr);
  Set("a", "v");
  EXPECT_EQ(Kept(), "a");
}

}  // namespace
}  // namespace scoutlight::storage
