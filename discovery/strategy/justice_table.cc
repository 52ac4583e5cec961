#include "discovery/strategy/justice_table.h"

#include <algorithm>
#include <numeric>

namespace scoutlight::discovery {

JusticeTable::JusticeTable(const std::vector<uint64_t>& counts) : places_(counts.size()) {
  std::iota(places_.begin(), places_.end(), 0);
  std::stable_sort(places_.begin(), places_.end(), [&counts](int a, int b) { return counts[a] > counts[b]; });
  counts_.reserve(counts.size());
  for (const int place : places_) counts_.push_back(counts[place]);
  for (size_t begin = places_.size(); begin > 0;) {
    const uint64_t count = counts_[begin - 1];
    uint64_t start = 0;
    if (!steps_.empty()) start = steps_.back().start + (count - steps_.back().count) * (places_.size() - begin);
    while (begin > 0 && counts_[begin - 1] == count) --begin;
    steps_.push_back({start, count, begin});
  }
}

int JusticeTable::Take() {
  const uint64_t pick = picks_.fetch_add(1, std::memory_order_relaxed);
  const Step& step = StepAt(pick);
  return places_[step.begin + (pick - step.start) % (places_.size() - step.begin)];
}

std::vector<uint64_t> JusticeTable::Counts() const {
  const uint64_t picks = picks_.load(std::memory_order_relaxed);
  const Step& step = StepAt(picks);
  const size_t size = places_.size() - step.begin;
  const uint64_t level = step.count + (picks - step.start) / size;
  const size_t above = (picks - step.start) % size;
  std::vector<uint64_t> counts(places_.size());
  for (size_t i = 0; i < places_.size(); ++i) {
    counts[places_[i]] = i < step.begin ? counts_[i] : level + (i - step.begin < above ? 1 : 0);
  }
  return counts;
}

const JusticeTable::Step& JusticeTable::StepAt(uint64_t pick) const {
  // Mostly all stand level.
  if (pick >= steps_.back().start) return steps_.back();
  const auto after = std::upper_bound(steps_.begin(), steps_.end(), pick, [](uint64_t p, const Step& step) { return p < step.start; });
  return *(after - 1);
}

}  // namespace scoutlight::discovery
