#include "discovery/strategy/consistent_hash.h"

#include <algorithm>

#include "discovery/strategy/strategy_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

// As MakeCandidates, with other ids for each `draw`.
CandidateList DrawCandidates(int size, int draw) {
  CandidateList candidates(size);
  for (int i = 0; i < size; ++i) candidates[i].id = HashName(absl::StrCat("draw", draw, "-", i));
  return candidates;
}

// Where each of `keys` keys goes, as places of the original list; `places` maps those of `candidates`.
std::vector<int> Route(const CandidateList& candidates, const std::vector<int>& places, int keys) {
  ConsistentHashPicker picker(Share(candidates));
  Random random(1);
  std::vector<int> route;
  for (int key = 0; key < keys; ++key) {
    const int place = picker.Pick({.random = &random, .affinity = HashName(absl::StrCat("key", key))});
    route.push_back(places[place]);
  }
  return route;
}

std::vector<int> AllPlaces(int size) {
  std::vector<int> places;
  for (int i = 0; i < size; ++i) places.push_back(i);
  return places;
}

TEST(ConsistentHash, WhenOneGoesItsKeysMoveAndNoOthersAndTheyAreFew) {
  for (const int size : {2, 3, 10, 100}) {
    const int keys = 4000 * size;
    const CandidateList candidates = MakeCandidates(size);
    const std::vector<int> before = Route(candidates, AllPlaces(size), keys);
    // Every one of few candidates, and some of many.
    for (int gone = 0; gone < size; gone += std::max(1, size / 10)) {
      CandidateList rest = candidates;
      std::vector<int> places = AllPlaces(size);
      rest.erase(rest.begin() + gone);
      places.erase(places.begin() + gone);
      const std::vector<int> after = Route(rest, places, keys);
      int moved = 0;
      for (int key = 0; key < keys; ++key) {
        if (before[key] == after[key]) continue;
        ++moved;
        ASSERT_EQ(before[key], gone) << "a key of another one moved; size " << size;
      }
      EXPECT_GT(moved, 0);
      EXPECT_LE(moved, 1.2 * keys / size) << "size " << size << " gone " << gone;
    }
  }
}

TEST(ConsistentHash, NoCandidateHasMoreThanItsShareAndAFifth) {
  for (const int size : {2, 10, 100, 1000}) {
    const int keys = 4000 * size;
    const std::vector<int> counts = CountPicks(Route(MakeCandidates(size), AllPlaces(size), keys), size);
    EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 1.2 * keys / size) << "size " << size;
  }
}

// Few points on a ring may lie so that one of them has most of it.
TEST(ConsistentHash, WhateverTheirIdsNoneOfAFewHasMoreThanItsShareAndAFifth) {
  for (const int size : {2, 3, 5, 10}) {
    const int keys = 20'000 * size;
    for (int draw = 0; draw < 50; ++draw) {
      const std::vector<int> counts = CountPicks(Route(DrawCandidates(size, draw), AllPlaces(size), keys), size);
      EXPECT_LE(*std::max_element(counts.begin(), counts.end()), 1.2 * keys / size) << "size " << size << " draw " << draw;
    }
  }
}

TEST(ConsistentHash, OrderOfTheSnapshotDoesNotMatter) {
  CandidateList candidates = MakeCandidates(50);
  std::vector<int> places = AllPlaces(50);
  const std::vector<int> before = Route(candidates, places, 2000);
  std::reverse(candidates.begin(), candidates.end());
  std::reverse(places.begin(), places.end());
  EXPECT_EQ(Route(candidates, places, 2000), before);
}

TEST(ConsistentHash, AvoidingOneIsAsIfItWereNotThere) {
  const CandidateList candidates = MakeCandidates(20);
  CandidateList rest = candidates;
  std::vector<int> places = AllPlaces(20);
  for (const int gone : {11, 4}) {
    rest.erase(rest.begin() + gone);
    places.erase(places.begin() + gone);
  }
  const std::vector<int> expected = Route(rest, places, 2000);
  ConsistentHashPicker picker(Share(candidates));
  Random random(1);
  const int avoid[] = {4, 11};
  for (int key = 0; key < 2000; ++key) {
    ASSERT_EQ(picker.Pick({.random = &random, .affinity = HashName(absl::StrCat("key", key)), .avoid = avoid}), expected[key]);
  }
}

TEST(ConsistentHash, WithoutAKeyPicksSpread) {
  ConsistentHashPicker picker(Share(MakeCandidates(10)));
  Random random(1);
  const std::vector<int> counts = CountPicks(PickMany(picker, 10'000, random), 10);
  EXPECT_GT(*std::min_element(counts.begin(), counts.end()), 500);
  EXPECT_LT(*std::max_element(counts.begin(), counts.end()), 1200);
}

}  // namespace
}  // namespace scoutlight::discovery
