#include "server/watch/interest_index.h"

#include <algorithm>
#include <utility>

namespace scoutlight::server {

Interest* InterestIndex::Acquire(const KeyRange& range, Previous previous) {
  std::unique_ptr<Interest>& interest = nodes_[range.key.path()][static_cast<int>(range.scope)][static_cast<int>(previous)];
  if (interest == nullptr) {
    interest = std::make_unique<Interest>();
    interest->id = ++last_id_;
    interest->range = range;
    interest->previous = previous;
    ++size_;
  }
  ++interest->watches;
  return interest.get();
}

void InterestIndex::Release(Interest* interest) {
  if (--interest->watches > 0) return;
  const auto node = nodes_.find(interest->range.key.path());
  node->second[static_cast<int>(interest->range.scope)][static_cast<int>(interest->previous)].reset();
  --size_;
  const bool empty = std::all_of(node->second.begin(), node->second.end(), [](const auto& forms) {
    return std::all_of(forms.begin(), forms.end(), [](const auto& form) { return form == nullptr; });
  });
  if (empty) nodes_.erase(node);
}

}  // namespace scoutlight::server
