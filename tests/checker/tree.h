#ifndef SCOUTLIGHT_TESTS_CHECKER_TREE_H_
#define SCOUTLIGHT_TESTS_CHECKER_TREE_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/entry.h"
#include "base/error.h"
#include "base/key.h"
#include "storage/store.h"
#include "storage/transaction.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// What a write must do and answer.
struct Effect {
  absl::StatusCode code = absl::StatusCode::kOk;
  Reason reason = Reason::kUnspecified;
  bool succeeded = false;
  std::vector<storage::OperationResult> results;
  std::map<Key, Event> events;  // What changes; without cause.
};

// One state of the store, moved on batch by batch: the reference that histories are replayed on. Written for speed, apart from
// storage/testing/reference_model.h, which makes the histories that it is tested with. Every step costs what it touches. Not thread-safe.
class Tree {
 public:
  // Whether the leases that puts name are taken to be there.
  enum class Leases { kThere, kMissing };

  // Null when nothing is stored at `key`. Valid until the next change.
  const Entry* Find(const Key& key) const;

  // A page as Store::Read gives it; not cut by bytes, but `entries_max` entries at most.
  std::vector<Entry> List(const storage::Query& query, bool* more) const;

  // What `write` would do on this state at `revision`. The state stays as it is.
  Effect Evaluate(const Write& write, Revision revision, Leases leases);

  // Makes the changes of `batch`.
  void Apply(const Batch& batch);

  // In key order.
  const std::set<Key>& KeysOf(LeaseId id) const;

  // The leases that have keys.
  std::vector<LeaseId> UsedLeases() const;

 private:
  // Orders what lies behind a key's subtree.
  struct SubtreeOf {
    const Key& key;
  };
  struct Order {
    using is_transparent = void;
    bool operator()(const Key& a, const Key& b) const { return a < b; }
    bool operator()(const Key& a, const SubtreeOf& b) const { return a < b.key || a.IsWithin(b.key); }
  };
  using Entries = std::map<Key, Entry, Order>;

  class Evaluation;

  bool HasChildren(const Key& key) const;
  // Shows the nodes of a range in key order, from behind `after`, until `show` says false.
  void Walk(const KeyRange& range, const std::optional<Key>& after, const std::function<bool(Entry)>& show) const;
  void Set(const Key& key, std::optional<Entry> entry);

  Entries entries_;
  absl::flat_hash_map<LeaseId, std::set<Key>> lease_keys_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_TREE_H_
