#ifndef SCOUTLIGHT_SERVER_WATCH_INTEREST_INDEX_H_
#define SCOUTLIGHT_SERVER_WATCH_INTEREST_INDEX_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/key.h"

namespace scoutlight::server {

struct Watch;

// Whether events tell what was there before.
enum class Previous : uint8_t { kLeftOut, kShown };

// What any number of watches want alike: their frames are the same bytes.
struct Interest {
  uint64_t id = 0;  // Later ones have higher ids.
  KeyRange range;
  Previous previous = Previous::kLeftOut;
  int watches = 0;
  std::vector<Watch*> current;  // Those that have been sent everything; the dispatcher's.
  std::vector<uint32_t> hits;   // The events of the batch at hand that belong to it; the dispatcher's.

  // Whether its watches are shown what happens at `key`: the system tree only if they name it.
  bool Wants(const Key& key) const { return range.Contains(key) && (!key.IsSystem() || range.key.IsSystem()); }
};

// Finds the interests that an event belongs to by looking up its key and the nodes above, never by a scan: an event on /a/b/c asks for
// KEY /a/b/c, CHILDREN /a/b, and SUBTREE /a/b/c, /a/b, /a and /. Not thread-safe.
class InterestIndex {
 public:
  // The interest in `range`; one more watch holds it until Release().
  Interest* Acquire(const KeyRange& range, Previous previous);
  void Release(Interest* interest);

  // Calls `on_match` with each interest that wants `key`.
  template <typename OnMatch>
  void ForEachMatch(const Key& key, OnMatch on_match);

  size_t size() const { return size_; }
  // Of the interest made last.
  uint64_t last_id() const { return last_id_; }

 private:
  static constexpr int kScopes = 3;
  static constexpr int kForms = 2;
  // The interests around one node, by scope and form.
  using Node = std::array<std::array<std::unique_ptr<Interest>, kForms>, kScopes>;

  template <typename OnMatch>
  static void Show(Node& node, Scope scope, OnMatch& on_match) {
    for (const std::unique_ptr<Interest>& interest : node[static_cast<int>(scope)]) {
      if (interest != nullptr) on_match(*interest);
    }
  }

  absl::flat_hash_map<std::string, Node> nodes_;  // By path.
  size_t size_ = 0;
  uint64_t last_id_ = 0;
};

template <typename OnMatch>
void InterestIndex::ForEachMatch(const Key& key, OnMatch on_match) {
  const bool system = key.IsSystem();
  absl::string_view path = key.path();
  for (int above = 0;; ++above) {
    if (system && path.size() < kSystemTree.size()) return;
    if (const auto node = nodes_.find(path); node != nodes_.end()) {
      if (above == 0) Show(node->second, Scope::kKey, on_match);
      if (above == 1) Show(node->second, Scope::kChildren, on_match);
      Show(node->second, Scope::kSubtree, on_match);
    }
    if (path.size() == 1) return;
    path = path.substr(0, std::max<size_t>(1, path.rfind('/')));
  }
}

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_INTEREST_INDEX_H_
