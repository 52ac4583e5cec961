#include "discovery/service_snapshot.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using Change = std::pair<std::string, InstancePtr>;
using Model = std::map<std::string, InstancePtr>;

InstancePtr Make(const std::string& id, int version = 0, bool valid = true) {
  Instance instance;
  instance.name = {"c", "s", id};
  instance.mod_revision = version;
  instance.valid = valid;
  return std::make_shared<const Instance>(std::move(instance));
}

std::string IdOf(int number) { return absl::StrCat("i", absl::Dec(number, absl::kZeroPad6)); }

SnapshotPtr Fill(int instances) {
  std::vector<Change> changes;
  for (int i = 0; i < instances; ++i) changes.emplace_back(IdOf(i), Make(IdOf(i)));
  return ServiceSnapshot().With(changes, 1);
}

Model Listed(const ServiceSnapshot& snapshot) {
  Model listed;
  std::string last;
  snapshot.ForEachAfter("", [&](const InstancePtr& instance) {
    EXPECT_LT(last, instance->name.id);
    last = instance->name.id;
    listed[last] = instance;
    return true;
  });
  return listed;
}

// What may be said of every snapshot, beside what is in it.
void ExpectSound(const ServiceSnapshot& snapshot) {
  size_t size = 0;
  size_t resolvable = 0;
  for (const ServiceSnapshot::ChunkPtr& chunk : snapshot.chunks()) {
    EXPECT_GE(chunk->size(), 1u);
    EXPECT_LE(chunk->size(), ServiceSnapshot::kChunkInstancesMax);
    size += chunk->size();
    for (const InstancePtr& instance : *chunk) resolvable += instance->resolvable() ? 1 : 0;
  }
  EXPECT_EQ(snapshot.size(), size);
  EXPECT_EQ(snapshot.resolvable(), resolvable);
}

std::set<const ServiceSnapshot::Chunk*> ChunksOf(const ServiceSnapshot& snapshot) {
  std::set<const ServiceSnapshot::Chunk*> chunks;
  for (const ServiceSnapshot::ChunkPtr& chunk : snapshot.chunks()) chunks.insert(chunk.get());
  return chunks;
}

int NewChunks(const ServiceSnapshot& before, const ServiceSnapshot& after) {
  const std::set<const ServiceSnapshot::Chunk*> old = ChunksOf(before);
  return static_cast<int>(std::count_if(after.chunks().begin(), after.chunks().end(),
                                        [&](const ServiceSnapshot::ChunkPtr& chunk) { return !old.contains(chunk.get()); }));
}

TEST(ServiceSnapshot, NoInstancesIsASnapshotToo) {
  const ServiceSnapshot none;
  EXPECT_EQ(none.size(), 0u);
  EXPECT_EQ(none.Find("i"), nullptr);
  EXPECT_TRUE(Listed(none).empty());
  const SnapshotPtr still = none.With({{"gone", nullptr}}, 7);
  EXPECT_EQ(still->size(), 0u);
  EXPECT_TRUE(still->chunks().empty());
  EXPECT_EQ(still->revision(), 7);
}

TEST(ServiceSnapshot, ChunkIsFullAtItsBoundAndCutAboveIt) {
  constexpr int kMax = static_cast<int>(ServiceSnapshot::kChunkInstancesMax);
  const SnapshotPtr full = Fill(kMax);
  EXPECT_EQ(full->chunks().size(), 1u);
  const SnapshotPtr over = full->With({{"z", Make("z")}}, 2);
  ASSERT_EQ(over->chunks().size(), 2u);
  EXPECT_EQ(over->chunks()[0]->size(), static_cast<size_t>(kMax / 2));
  ExpectSound(*over);
}

TEST(ServiceSnapshot, OneChangeInTenThousandMakesOneNewChunk) {
  const SnapshotPtr before = Fill(10'000);
  EXPECT_EQ(before->chunks().size(), 157u);
  const SnapshotPtr changed = before->With({{IdOf(4'711), Make(IdOf(4'711), 2)}}, 2);
  EXPECT_EQ(NewChunks(*before, *changed), 1);
  EXPECT_EQ(changed->chunks().size(), before->chunks().size());
  EXPECT_EQ(changed->Find(IdOf(4'711))->mod_revision, 2);
  EXPECT_EQ(before->Find(IdOf(4'711))->mod_revision, 0);
  EXPECT_EQ(NewChunks(*before, *before->With({{IdOf(4'711), nullptr}}, 2)), 1);
}

TEST(ServiceSnapshot, WhatDoesNotDifferKeepsItsChunk) {
  const SnapshotPtr before = Fill(1'000);
  const SnapshotPtr after = before->With({{IdOf(5), before->Find(IdOf(5))}, {"i000500x", nullptr}}, 2);
  EXPECT_EQ(NewChunks(*before, *after), 0);
  EXPECT_EQ(after->size(), 1'000u);
  EXPECT_EQ(after->revision(), 2);
}

TEST(ServiceSnapshot, GoneChunksLeaveNoneEmpty) {
  std::vector<Change> gone;
  for (int i = 0; i < 10'000; ++i) {
    if (i != 7'000) gone.emplace_back(IdOf(i), nullptr);
  }
  const SnapshotPtr after = Fill(10'000)->With(gone, 2);
  ExpectSound(*after);
  EXPECT_EQ(after->chunks().size(), 1u);
  EXPECT_EQ(after->Find(IdOf(7'000))->name.id, IdOf(7'000));
}

TEST(ServiceSnapshot, ForEachAfterBeginsBehindAnyIdAndStopsWhenTold) {
  const SnapshotPtr snapshot = Fill(200);
  std::vector<std::string> shown;
  const auto two = [&shown](const InstancePtr& instance) {
    shown.push_back(instance->name.id);
    return shown.size() % 2 != 0;
  };
  snapshot->ForEachAfter(IdOf(63), two);  // The last of a chunk.
  snapshot->ForEachAfter("i000100x", two);
  snapshot->ForEachAfter("a", two);
  snapshot->ForEachAfter("z", two);
  EXPECT_THAT(shown, ElementsAre(IdOf(64), IdOf(65), IdOf(101), IdOf(102), IdOf(0), IdOf(1)));
}

TEST(ServiceSnapshot, DifferenceToNothingIsEverything) {
  const SnapshotPtr some = Fill(100);
  int came = 0;
  int went = 0;
  ForEachDifference(nullptr, some.get(), [&](const InstancePtr& was, const InstancePtr& is) { came += !was && is ? 1 : 0; });
  ForEachDifference(some.get(), nullptr, [&](const InstancePtr& was, const InstancePtr& is) { went += was && !is ? 1 : 0; });
  ForEachDifference(nullptr, nullptr, [](const InstancePtr&, const InstancePtr&) { ADD_FAILURE(); });
  ForEachDifference(some.get(), some.get(), [](const InstancePtr&, const InstancePtr&) { ADD_FAILURE(); });
  EXPECT_EQ(came, 100);
  EXPECT_EQ(went, 100);
}

TEST(ServiceSnapshot, EqualInstancesInOtherChunksAreNoDifference) {
  const SnapshotPtr some = Fill(100);
  ForEachDifference(some.get(), Fill(100).get(), [](const InstancePtr&, const InstancePtr&) { ADD_FAILURE(); });
}

void ExpectDifference(const ServiceSnapshot& before, const Model& was_model, const ServiceSnapshot& after, const Model& is_model) {
  std::map<std::string, std::pair<InstancePtr, InstancePtr>> wanted;
  for (const auto& [id, was] : was_model) {
    const auto is = is_model.find(id);
    if (is == is_model.end() || !(*is->second == *was)) wanted[id] = {was, is == is_model.end() ? nullptr : is->second};
  }
  for (const auto& [id, is] : is_model) {
    if (!was_model.contains(id)) wanted[id] = {nullptr, is};
  }
  std::map<std::string, std::pair<InstancePtr, InstancePtr>> shown;
  std::string last;
  ForEachDifference(&before, &after, [&](const InstancePtr& was, const InstancePtr& is) {
    const std::string& id = (was ? was : is)->name.id;
    EXPECT_LT(last, id);
    last = id;
    shown[id] = {was, is};
  });
  EXPECT_EQ(shown, wanted);
}

// Random changes, held against a map; differences between any two of the last few snapshots.
TEST(ServiceSnapshot, AgreesWithAMap) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  const auto below = [&random](int bound) { return static_cast<int>(random() % static_cast<uint64_t>(bound)); };
  std::vector<std::pair<SnapshotPtr, Model>> past = {{std::make_shared<const ServiceSnapshot>(), Model()}};
  int ids = 2'000;
  for (int round = 1; round <= 500; ++round) {
    if (round % 100 == 0) ids = ids == 2'000 ? 50 : 2'000;
    auto [snapshot, model] = past.back();
    Model drawn;
    const int goes = below(100);  // How many of a hundred changes are deletions.
    for (int i = below(round % 10 == 0 ? 600 : 6); i >= 0; --i) {
      const std::string id = IdOf(below(ids));
      drawn[id] = below(100) < goes ? nullptr : Make(id, below(3), below(4) != 0);
    }
    const SnapshotPtr next = snapshot->With(std::vector<Change>(drawn.begin(), drawn.end()), round);
    for (const auto& [id, instance] : drawn) {
      if (instance == nullptr) {
        model.erase(id);
      } else {
        model[id] = instance;
      }
    }
    SCOPED_TRACE(absl::StrCat("round ", round, ", SCOUTLIGHT_SEED=", seed));
    ASSERT_EQ(Listed(*next), model);
    ASSERT_NO_FATAL_FAILURE(ExpectSound(*next));
    ASSERT_EQ(next->revision(), round);
    ASSERT_LE(NewChunks(*snapshot, *next), static_cast<int>(2 * drawn.size()));
    for (int i = 0; i < 5; ++i) {
      const std::string id = IdOf(below(ids));
      const auto found = model.find(id);
      ASSERT_EQ(next->Find(id), found == model.end() ? nullptr : found->second) << id;
    }
    const auto& [older, older_model] = past[static_cast<size_t>(below(static_cast<int>(past.size())))];
    ExpectDifference(*older, older_model, *next, model);
    ExpectDifference(*next, model, *older, older_model);
    ASSERT_FALSE(HasFailure());
    past.emplace_back(next, std::move(model));
    if (past.size() > 5) past.erase(past.begin());
  }
}

}  // namespace
}  // namespace scoutlight::discovery
