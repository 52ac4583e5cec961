#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_FIXTURE_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_FIXTURE_H_

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/strategy/picker.h"
#include "gtest/gtest.h"

// What the tests of strategies share.
namespace scoutlight::discovery {

inline const absl::Time kTestNow = absl::FromUnixSeconds(1'800'000'000);

// `count` candidates with the ids "i0", "i1", ...
inline CandidateList MakeCandidates(int count) {
  CandidateList candidates(count);
  for (int i = 0; i < count; ++i) candidates[i].id = HashName(absl::StrCat("i", i));
  return candidates;
}

inline SharedCandidates Share(CandidateList candidates) { return std::make_shared<const CandidateList>(std::move(candidates)); }

// The picks of `picker`, one after the other.
inline std::vector<int> PickMany(Picker& picker, int count, Random& random, absl::Span<const int> avoid = {}) {
  std::vector<int> picks;
  for (int i = 0; i < count; ++i) picks.push_back(picker.Pick({.now = kTestNow, .random = &random, .avoid = avoid}));
  return picks;
}

// How often each place is among `picks`.
inline std::vector<int> CountPicks(const std::vector<int>& picks, int size) {
  std::vector<int> counts(size);
  for (const int place : picks) {
    EXPECT_GE(place, 0);
    EXPECT_LT(place, size);
    if (place >= 0 && place < size) ++counts[place];
  }
  return counts;
}

// Pearson's chi-square of `counts` against `shares`, which sum to 1.
inline double ChiSquare(const std::vector<int>& counts, const std::vector<double>& shares) {
  double sum = 0;
  for (const int count : counts) sum += count;
  double chi_square = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double expected = shares[i] * sum;
    chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
  }
  return chi_square;
}

// What chi-square of `degrees` of freedom exceeds once in 10,000 times (Wilson and Hilferty 1931).
inline double ChiSquareBound(int degrees) {
  const double a = 2.0 / (9 * degrees);
  return degrees * std::pow(1 - a + 3.719 * std::sqrt(a), 3);
}

// With these seeds every statistical test is run; they are fixed, so a run is like every other.
inline constexpr uint64_t kSeeds[] = {1, 2, 3, 5, 8, 13, 21, 34};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_STRATEGY_FIXTURE_H_
