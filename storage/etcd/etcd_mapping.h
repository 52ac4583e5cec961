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

// How the hierarchy lies in etcd: every etcd key and value is made and read here and nowhere else.
//
//   key        = prefix space                      prefix: chosen when the store is opened; keys of others may stand beside it
//   space      = 'n' *( 0x00 segment )             a node; the root is 'n' alone and never stored; no segment has a byte below 0x20
//              | 'i'                               whose store it is
//              | 'm'                               the mark that each transaction of ours puts: kind, microseconds since 1970 in digits
//              | 'm' lease                         on this lease itself, put before it is revoked, so that it goes with it
//              | 'r' size ':' caller request_id    a request that was carried out; on a lease, whose end is the end of the window
//   identity   = version ' ' [ "restoring " ] id   version: of all that stands here, '1'; id: 32 hexadecimal digits, with "restoring " of
//                                                  a restoration that goes on, or did not end
//   value      = form *byte                        of a node
//   form       = 0x00 (text) | 0x01 (data)
//   kind       = 'w' (a write) | 'f' (a fence: nothing but the mark)
//   lease      = 16 hexadecimal digits
//   size       = of the caller, in digits
//   request    = branch hash commit                branch: 's' (on_success) | 'f'; hash, commit: 16 hexadecimal digits
//
// A revision with the mark of a write is a transaction of ours. One without it in which nodes on leases go is the end of a lease: a
// revocation if what stands for that went too, else an expiry. Identity, marks and nodes lie close together, so one watch shows all.
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

// What a mark says.
struct EtcdMark {
  enum class Kind { kWrite, kFence };

  Kind kind = Kind::kWrite;
  absl::Time committed;
};

// What is kept of a request that was carried out.
struct EtcdRequestRecord {
  uint64_t hash = 0;
  bool succeeded = false;  // Which branch was taken.
  uint64_t commit = 0;     // Which EtcdCommit left it: a number that each draws.
};

// Whose store lies in etcd.
struct EtcdIdentity {
  StoreId id;
  bool restoring = false;  // A backup is being restored, or that did not end; `id` is the restoration's.
};

class EtcdMapping {
 public:
  explicit EtcdMapping(absl::string_view prefix);

  const std::string& identity_key() const { return identity_key_; }
  const std::string& mark_key() const { return mark_key_; }
  EtcdRange Nodes() const { return {root_, SubtreeEnd(root_)}; }
  // All that a watch has to see: the identity, marks and nodes. Others' keys may lie between them.
  EtcdRange Watched() const { return {identity_key_, SubtreeEnd(root_)}; }
  std::string RevocationKey(LeaseId id) const;
  std::string RequestKey(absl::string_view caller, absl::string_view request_id) const;
  // Whose key it is; of none of them: others'.
  bool IsIdentity(absl::string_view etcd_key) const { return etcd_key == identity_key_; }
  bool IsNode(absl::string_view etcd_key) const;
  bool IsMark(absl::string_view etcd_key) const { return etcd_key == mark_key_; }
  bool IsRevocation(absl::string_view etcd_key) const;

  std::string Encode(const Key& key) const;
  // kDataLoss: not a key that Encode makes.
  absl::StatusOr<Key> Decode(absl::string_view etcd_key) const;

  // The smallest range that holds `range`: for kChildren everything below, and the caller picks.
  EtcdRange RangeOf(const KeyRange& range) const;

  static std::string SubtreeEnd(absl::string_view node) { return Append(node, '\x01'); }
  static std::string BelowStart(absl::string_view node) { return Append(node, '\x00'); }
  // The etcd key right behind `etcd_key`.
  static std::string Successor(absl::string_view etcd_key) { return Append(etcd_key, '\x00'); }

  // The node directly below `parent` that `node` is or lies under. Requires that it lies below.
  static absl::string_view ChildOf(absl::string_view parent, absl::string_view node);

  static std::string EncodeValue(const Value& value);

  static std::string EncodeIdentity(const EtcdIdentity& identity);
  // kDataLoss: not made here. kFailedPrecondition: made by a later version.
  static absl::StatusOr<EtcdIdentity> DecodeIdentity(const mvccpb::KeyValue& pair);
  static std::string EncodeMark(const EtcdMark& mark);
  // What a mark says of `time`.
  static absl::Time TimeOfMark(absl::Time time) { return absl::FromUnixMicros(absl::ToUnixMicros(time)); }
  // kDataLoss, here and below: not made here; the error names the key.
  static absl::StatusOr<EtcdMark> DecodeMark(const mvccpb::KeyValue& pair);
  static std::string EncodeRequest(const EtcdRequestRecord& request);
  static absl::StatusOr<EtcdRequestRecord> DecodeRequest(const mvccpb::KeyValue& pair);

  // The entry, with has_value; without a value if the pair has none (keys only). kDataLoss: not made here.
  absl::StatusOr<Entry> ToEntry(const mvccpb::KeyValue& pair) const;
  absl::StatusOr<std::vector<Entry>> ToEntries(const google::protobuf::RepeatedPtrField<mvccpb::KeyValue>& pairs) const;

  // The change of a node, as a write; kDataLoss: see ToEntry.
  absl::StatusOr<Event> ToEvent(const mvccpb::Event& from) const;

 private:
  static std::string Append(absl::string_view bytes, char last);

  const std::string prefix_;
  const std::string root_;
  const std::string identity_key_;
  const std::string mark_key_;
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
