#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_MAPPING_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_MAPPING_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "compat/etcd/rpc.pb.h"

// How the hierarchy lies in etcd: every etcd key and value is made and read here and nowhere else. Version 1.
//
//   key        = prefix space                      prefix: chosen when the store is opened; keys of others may stand beside it
//   space      = 'n' *( 0x00 segment )             a node; the root is 'n' alone and never stored; no segment has a byte below 0x20
//              | 'i'                               the store id, 32 hexadecimal digits
//   value      = form *byte
//   form       = 0x00 (text) | 0x01 (data)
//
// Numbers of an entry (revisions, version, lease) are etcd's own. Byte order of nodes is that of Key: depth-first, so a node n and its
// subtree are the one range [n, n 0x01), what is below it starts at n 0x00, and its next sibling is one seek away.
//
// Not chosen: a byte for the depth in front of the segments, which makes direct children one range. It would split every subtree into
// up to 32 ranges (a subtree's delete, its conditions and its reads are then 32 operations of the 128 that a transaction may have, and
// a page in key order a merge of 32 lists), and children would still need the deeper levels, since a child without a value shows only
// by what lies below it. Here children cost a walk over keys, without values, that skips the rest of a child's subtree after each
// response: at most one response for each child, and one for each 1,000 descendants. Hence Traits::ChildrenCost::kPerDescendant.
namespace scoutlight::storage {

// [begin, end) of etcd keys; `end` empty: the one key.
struct EtcdRange {
  std::string begin;
  std::string end;
};

// Gives the range to a message that has `key` and `range_end`.
template <typename Message>
void SetRange(const EtcdRange& range, Message* message) {
  message->set_key(range.begin);
  message->set_range_end(range.end);
}

class EtcdMapping {
 public:
  explicit EtcdMapping(absl::string_view prefix);

  const std::string& store_id_key() const { return store_id_key_; }
  // All nodes.
  EtcdRange Nodes() const { return {root_, SubtreeEnd(root_)}; }

  std::string Encode(const Key& key) const;
  // kDataLoss: not a key that Encode makes.
  absl::StatusOr<Key> Decode(absl::string_view etcd_key) const;

  // The smallest range that holds `range`: for kChildren everything below, and the caller picks.
  EtcdRange RangeOf(const KeyRange& range) const;
  // As RangeOf, in pieces without the system tree if `range` begins above it.
  std::vector<EtcdRange> RangesWithoutSystem(const KeyRange& range) const;

  static std::string SubtreeEnd(absl::string_view node) { return Append(node, '\x01'); }
  static std::string BelowStart(absl::string_view node) { return Append(node, '\x00'); }
  // The etcd key right behind `etcd_key`.
  static std::string Successor(absl::string_view etcd_key) { return Append(etcd_key, '\x00'); }

  // The node directly below `parent` that `node` is or lies under. Requires that it lies below.
  static absl::string_view ChildOf(absl::string_view parent, absl::string_view node);

  static std::string EncodeValue(const Value& value);
  // The two etcd values that stand for `bytes`, whatever the form.
  static std::vector<std::string> EncodeBothForms(absl::string_view bytes);

  // The entry, with has_value; without a value if the pair has none (keys only). kDataLoss: not made here.
  absl::StatusOr<Entry> ToEntry(const mvccpb::KeyValue& pair) const;
  absl::StatusOr<std::vector<Entry>> ToEntries(const google::protobuf::RepeatedPtrField<mvccpb::KeyValue>& pairs) const;

  // The batches in a watch response, each with its events in key order. etcd keeps neither the time of a commit nor why a key went:
  // `committed` is `seen`, when this server got to know, and every cause is kWrite.
  absl::StatusOr<std::vector<std::shared_ptr<Batch>>> ToBatches(const etcdserverpb::WatchResponse& response, absl::Time seen) const;

 private:
  static std::string Append(absl::string_view bytes, char last);

  const std::string root_;
  const std::string store_id_key_;
  const std::string system_;
};

// Gathers the entries of a range from the pairs of its etcd range, which come in order and may stop anywhere: branches, has_children and
// what is hidden are worked out here. Not thread-safe.
class EntryCollector {
 public:
  enum class System { kShown, kHidden };

  // `mapping` outlives it.
  EntryCollector(const EtcdMapping& mapping, KeyRange range, System system);

  // The next pair of the range. kDataLoss: see ToEntry.
  absl::Status Add(const mvccpb::KeyValue& pair);

  // Where to go on: the first etcd key that can say something new.
  const std::string& resume() const { return resume_; }
  // Whether the last entry may have children that were not seen yet.
  bool last_is_open() const { return !entries_.empty() && !entries_.back().has_children; }
  std::vector<Entry>& entries() { return entries_; }

 private:
  absl::Status AddChild(const mvccpb::KeyValue& pair);

  const EtcdMapping& mapping_;
  const KeyRange range_;
  const std::string node_;    // Of the range's key.
  const std::string hidden_;  // The system tree's node; empty: nothing is hidden.
  std::string last_;          // Node of the last entry.
  std::string resume_;
  std::vector<Entry> entries_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_MAPPING_H_
