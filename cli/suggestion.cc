#include "cli/suggestion.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/match.h"

namespace scoutlight::cli {
namespace {

// Longer ones are no slip of the finger.
constexpr size_t kTypedBytesMax = 64;

size_t Distance(absl::string_view a, absl::string_view b) {
  // Of the first i letters of `a` from the first j of `b`.
  std::vector<std::vector<size_t>> steps(a.size() + 1, std::vector<size_t>(b.size() + 1));
  for (size_t i = 0; i <= a.size(); ++i) steps[i][0] = i;
  for (size_t j = 0; j <= b.size(); ++j) steps[0][j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = steps[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      steps[i][j] = std::min({changed, steps[i - 1][j] + 1, steps[i][j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) steps[i][j] = std::min(steps[i][j], steps[i - 2][j - 2] + 1);
    }
  }
  return steps[a.size()][b.size()];
}

// Empty: none, or several.
std::string OnlyOneBeginningWith(absl::string_view typed, const std::vector<std::string>& words) {
  std::string found;
  for (const std::string& word : words) {
    if (!absl::StartsWith(word, typed)) continue;
    if (!found.empty()) return "";
    found = word;
  }
  return found;
}

}  // namespace

std::string Suggestion(absl::string_view typed, const std::vector<std::string>& words) {
  if (typed.empty() || typed.size() > kTypedBytesMax) return "";
  std::string best;
  size_t best_distance = 0;
  for (const std::string& word : words) {
    const size_t distance = Distance(typed, word);
    if (3 * distance > std::max(word.size(), typed.size())) continue;
    if (best.empty() || distance < best_distance) {
      best = word;
      best_distance = distance;
    }
  }
  return best.empty() ? OnlyOneBeginningWith(typed, words) : best;
}

}  // namespace scoutlight::cli
