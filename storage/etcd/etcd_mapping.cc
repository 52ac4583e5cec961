#include "storage/etcd/etcd_mapping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

constexpr char kNodes = 'n';
constexpr char kStoreId = 'i';
constexpr char kSegmentJoint = '\x00';
constexpr char kText = '\x00';
constexpr char kData = '\x01';

absl::Status Foreign(absl::string_view what, absl::string_view etcd_key) {
  ErrorDetails details;
  details.reason = Reason::kDataCorrupted;
  return MakeError(absl::StatusCode::kDataLoss,
                   absl::StrCat("etcd holds ", what, " under this store's prefix that no ScoutLight wrote, at the etcd key \"",
                                absl::CHexEscape(etcd_key), "\""),
                   details);
}

absl::StatusOr<Event> ToEvent(const EtcdMapping& mapping, const mvccpb::Event& from) {
  Event event;
  const bool is_delete = from.type() == mvccpb::Event::DELETE;
  event.kind = is_delete ? EventKind::kDelete : EventKind::kPut;
  if (is_delete) {
    absl::StatusOr<Key> key = mapping.Decode(from.kv().key());
    if (!key.ok()) return key.status();
    event.entry.key = *std::move(key);
    event.entry.mod_revision = from.kv().mod_revision();
  } else {
    absl::StatusOr<Entry> entry = mapping.ToEntry(from.kv());
    if (!entry.ok()) return entry.status();
    event.entry = *std::move(entry);
  }
  event.key = event.entry.key;
  if (from.has_prev_kv()) {
    absl::StatusOr<Entry> previous = mapping.ToEntry(from.prev_kv());
    if (!previous.ok()) return previous.status();
    event.previous = *std::move(previous);
  }
  // A put that made the key had nothing before it. Else a missing one is compacted away.
  event.previous_known = event.previous.has_value() || (!is_delete && from.kv().version() == 1);
  return event;
}

}  // namespace

EtcdMapping::EtcdMapping(absl::string_view prefix)
    : root_(Append(prefix, kNodes)), store_id_key_(Append(prefix, kStoreId)), system_(Encode(*Key::Parse(kSystemTree))) {}

std::string EtcdMapping::Append(absl::string_view bytes, char last) {
  std::string appended(bytes);
  appended.push_back(last);
  return appended;
}

std::string EtcdMapping::Encode(const Key& key) const {
  std::string node = root_;
  if (key.is_root()) return node;
  const size_t start = node.size();
  node += key.path();
  std::replace(node.begin() + start, node.end(), '/', kSegmentJoint);
  return node;
}

absl::StatusOr<Key> EtcdMapping::Decode(absl::string_view etcd_key) const {
  if (!absl::StartsWith(etcd_key, root_) || absl::StrContains(etcd_key.substr(root_.size()), '/')) return Foreign("a key", etcd_key);
  std::string path(etcd_key.substr(root_.size()));
  std::replace(path.begin(), path.end(), kSegmentJoint, '/');
  absl::StatusOr<Key> key = Key::FromNormal(path);
  if (!key.ok() || key->is_root()) return Foreign("a key", etcd_key);
  return key;
}

EtcdRange EtcdMapping::RangeOf(const KeyRange& range) const {
  std::string node = Encode(range.key);
  std::string end = SubtreeEnd(node);
  switch (range.scope) {
    case Scope::kKey:
      return {std::move(node), ""};
    case Scope::kChildren:
      return {BelowStart(node), std::move(end)};
    case Scope::kSubtree:
      return {std::move(node), std::move(end)};
  }
  return {};
}

std::vector<EtcdRange> EtcdMapping::RangesWithoutSystem(const KeyRange& range) const {
  const EtcdRange whole = RangeOf(range);
  // Only the root lies above the system tree.
  if (!range.key.is_root() || range.scope == Scope::kKey) return {whole};
  return {{whole.begin, system_}, {SubtreeEnd(system_), whole.end}};
}

absl::string_view EtcdMapping::ChildOf(absl::string_view parent, absl::string_view node) {
  const size_t end = node.find(kSegmentJoint, parent.size() + 1);
  return node.substr(0, end);
}

std::string EtcdMapping::EncodeValue(const Value& value) {
  std::string encoded;
  encoded.reserve(value.bytes.size() + 1);
  encoded.push_back(value.form == Value::Form::kText ? kText : kData);
  encoded += value.bytes;
  return encoded;
}

std::vector<std::string> EtcdMapping::EncodeBothForms(absl::string_view bytes) {
  return {EncodeValue({Value::Form::kText, std::string(bytes)}), EncodeValue({Value::Form::kData, std::string(bytes)})};
}

absl::StatusOr<Entry> EtcdMapping::ToEntry(const mvccpb::KeyValue& pair) const {
  absl::StatusOr<Key> key = Decode(pair.key());
  if (!key.ok()) return key.status();
  Entry entry{.key = *std::move(key),
              .value = {},
              .create_revision = pair.create_revision(),
              .mod_revision = pair.mod_revision(),
              .version = pair.version(),
              .lease_id = pair.lease(),
              .has_value = true};
  if (pair.value().empty()) return entry;
  if (pair.value()[0] != kText && pair.value()[0] != kData) return Foreign("a value", pair.key());
  entry.value.form = pair.value()[0] == kText ? Value::Form::kText : Value::Form::kData;
  entry.value.bytes = pair.value().substr(1);
  return entry;
}

absl::StatusOr<std::vector<Entry>> EtcdMapping::ToEntries(const google::protobuf::RepeatedPtrField<mvccpb::KeyValue>& pairs) const {
  std::vector<Entry> entries;
  for (const mvccpb::KeyValue& pair : pairs) {
    absl::StatusOr<Entry> entry = ToEntry(pair);
    if (!entry.ok()) return entry.status();
    entries.push_back(*std::move(entry));
  }
  return entries;
}

absl::StatusOr<std::vector<std::shared_ptr<Batch>>> EtcdMapping::ToBatches(const etcdserverpb::WatchResponse& response,
                                                                           absl::Time seen) const {
  std::vector<std::shared_ptr<Batch>> batches;
  for (const mvccpb::Event& from : response.events()) {
    absl::StatusOr<Event> event = ToEvent(*this, from);
    if (!event.ok()) return event.status();
    if (batches.empty() || batches.back()->revision != from.kv().mod_revision()) {
      batches.push_back(std::make_shared<Batch>());
      batches.back()->revision = from.kv().mod_revision();
      batches.back()->committed = seen;
    }
    batches.back()->events.push_back(*std::move(event));
  }
  for (const std::shared_ptr<Batch>& batch : batches) {
    // etcd shows them in the order of the transaction's operations.
    std::sort(batch->events.begin(), batch->events.end(), [](const Event& a, const Event& b) { return a.key < b.key; });
  }
  return batches;
}

EntryCollector::EntryCollector(const EtcdMapping& mapping, KeyRange range, System system)
    : mapping_(mapping),
      range_(std::move(range)),
      node_(mapping.Encode(range_.key)),
      hidden_(system == System::kHidden && range_.key.is_root() ? mapping.Encode(*Key::Parse(kSystemTree)) : ""),
      resume_(mapping.RangeOf(range_).begin) {}

absl::Status EntryCollector::Add(const mvccpb::KeyValue& pair) {
  // The end of the range may have been passed in thought, by resume(), but not on the wire.
  if (pair.key() < resume_) {
    if (!last_.empty() && absl::StartsWith(pair.key(), EtcdMapping::BelowStart(last_))) entries_.back().has_children = true;
    return absl::OkStatus();
  }
  if (!hidden_.empty() && (pair.key() == hidden_ || absl::StartsWith(pair.key(), EtcdMapping::BelowStart(hidden_)))) {
    resume_ = EtcdMapping::SubtreeEnd(hidden_);
    return absl::OkStatus();
  }
  if (range_.scope == Scope::kChildren) return AddChild(pair);
  absl::StatusOr<Entry> entry = mapping_.ToEntry(pair);
  if (!entry.ok()) return entry.status();
  // In depth-first order what is below an entry comes right behind it.
  if (!last_.empty() && absl::StartsWith(pair.key(), EtcdMapping::BelowStart(last_))) entries_.back().has_children = true;
  entries_.push_back(*std::move(entry));
  last_ = pair.key();
  resume_ = EtcdMapping::Successor(last_);
  return absl::OkStatus();
}

absl::Status EntryCollector::AddChild(const mvccpb::KeyValue& pair) {
  const std::string child(EtcdMapping::ChildOf(node_, pair.key()));
  if (child == pair.key()) {
    absl::StatusOr<Entry> entry = mapping_.ToEntry(pair);
    if (!entry.ok()) return entry.status();
    entries_.push_back(*std::move(entry));
    last_ = child;
    resume_ = EtcdMapping::Successor(child);
    return absl::OkStatus();
  }
  if (child != last_) {
    absl::StatusOr<Key> key = mapping_.Decode(child);
    if (!key.ok()) return key.status();
    entries_.push_back({.key = *std::move(key), .value = {}});
    last_ = child;
  }
  entries_.back().has_children = true;
  // The rest of its subtree says nothing more.
  resume_ = EtcdMapping::SubtreeEnd(child);
  return absl::OkStatus();
}

}  // namespace scoutlight::storage
