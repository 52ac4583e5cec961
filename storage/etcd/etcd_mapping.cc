#include "storage/etcd/etcd_mapping.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/error.h"

namespace scoutlight::storage {
namespace {

constexpr char kNodes = 'n';
constexpr char kIdentity = 'i';
constexpr char kMark = 'm';
constexpr char kRequest = 'r';
constexpr char kWriteMark = 'w';
constexpr char kFenceMark = 'f';
constexpr char kSuccess = 's';
constexpr char kFailure = 'f';
constexpr int kVersion = 1;
constexpr absl::string_view kRestoring = "restoring ";
constexpr size_t kStoreIdSize = 32;
constexpr size_t kLeaseDigits = 16;
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

}  // namespace

EtcdMapping::EtcdMapping(absl::string_view prefix)
    : prefix_(prefix), root_(Append(prefix, kNodes)), identity_key_(Append(prefix, kIdentity)), mark_key_(Append(prefix, kMark)) {}

std::string EtcdMapping::RevocationKey(LeaseId id) const { return absl::StrCat(mark_key_, absl::Hex(id, absl::kZeroPad16)); }

bool EtcdMapping::IsRevocation(absl::string_view etcd_key) const {
  if (!absl::StartsWith(etcd_key, mark_key_) || etcd_key.size() != mark_key_.size() + kLeaseDigits) return false;
  const absl::string_view digits = etcd_key.substr(mark_key_.size());
  return std::all_of(digits.begin(), digits.end(), [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
}

bool EtcdMapping::IsNode(absl::string_view etcd_key) const {
  return absl::StartsWith(etcd_key, root_) && (etcd_key.size() == root_.size() || etcd_key[root_.size()] == kSegmentJoint);
}

std::string EtcdMapping::RequestKey(absl::string_view caller, absl::string_view request_id) const {
  return absl::StrCat(Append(prefix_, kRequest), caller.size(), ":", caller, request_id);
}

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

std::string EtcdMapping::EncodeIdentity(const EtcdIdentity& identity) {
  return absl::StrCat(kVersion, " ", identity.restoring ? kRestoring : "", identity.id);
}

absl::StatusOr<EtcdIdentity> EtcdMapping::DecodeIdentity(const mvccpb::KeyValue& pair) {
  const std::pair<absl::string_view, absl::string_view> parts = absl::StrSplit(pair.value(), absl::MaxSplits(' ', 1));
  int version = 0;
  if (!absl::SimpleAtoi(parts.first, &version) || version < 1) return Foreign("an identity", pair.key());
  if (version > kVersion) {
    return absl::FailedPreconditionError(absl::StrCat("etcd holds a store of format ", version, " at the etcd key \"",
                                                      absl::CHexEscape(pair.key()), "\", this program reads format ", kVersion,
                                                      ": start a newer one"));
  }
  absl::string_view id = parts.second;
  EtcdIdentity identity;
  identity.restoring = absl::ConsumePrefix(&id, kRestoring);
  identity.id = std::string(id);
  if (id.size() != kStoreIdSize) return Foreign("an identity", pair.key());
  return identity;
}

std::string EtcdMapping::EncodeMark(const EtcdMark& mark) {
  return absl::StrCat(std::string(1, mark.kind == EtcdMark::Kind::kWrite ? kWriteMark : kFenceMark), absl::ToUnixMicros(mark.committed));
}

absl::StatusOr<EtcdMark> EtcdMapping::DecodeMark(const mvccpb::KeyValue& pair) {
  const absl::string_view value = pair.value();
  int64_t micros = 0;
  if (value.empty() || (value[0] != kWriteMark && value[0] != kFenceMark) || !absl::SimpleAtoi(value.substr(1), &micros)) {
    return Foreign("a mark", pair.key());
  }
  return EtcdMark{value[0] == kWriteMark ? EtcdMark::Kind::kWrite : EtcdMark::Kind::kFence, absl::FromUnixMicros(micros)};
}

std::string EtcdMapping::EncodeRequest(const EtcdRequestRecord& request) {
  return absl::StrCat(std::string(1, request.succeeded ? kSuccess : kFailure), absl::Hex(request.hash, absl::kZeroPad16),
                      absl::Hex(request.commit, absl::kZeroPad16));
}

absl::StatusOr<EtcdRequestRecord> EtcdMapping::DecodeRequest(const mvccpb::KeyValue& pair) {
  const absl::string_view value = pair.value();
  constexpr size_t kDigits = 16;
  EtcdRequestRecord request;
  if (value.size() != 1 + 2 * kDigits || (value[0] != kSuccess && value[0] != kFailure) ||
      !absl::SimpleHexAtoi(value.substr(1, kDigits), &request.hash) || !absl::SimpleHexAtoi(value.substr(1 + kDigits), &request.commit)) {
    return Foreign("a request", pair.key());
  }
  request.succeeded = value[0] == kSuccess;
  return request;
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
  if (pair.value().empty()) return entry;  // Read without it.
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

absl::StatusOr<Event> EtcdMapping::ToEvent(const mvccpb::Event& from) const {
  Event event;
  const bool is_delete = from.type() == mvccpb::Event::DELETE;
  event.kind = is_delete ? EventKind::kDelete : EventKind::kPut;
  if (is_delete) {
    absl::StatusOr<Key> key = Decode(from.kv().key());
    if (!key.ok()) return key.status();
    event.entry.key = *std::move(key);
    event.entry.mod_revision = from.kv().mod_revision();
  } else {
    if (from.kv().value().empty()) return Foreign("a value", from.kv().key());
    absl::StatusOr<Entry> entry = ToEntry(from.kv());
    if (!entry.ok()) return entry.status();
    event.entry = *std::move(entry);
  }
  event.key = event.entry.key;
  if (from.has_prev_kv()) {
    absl::StatusOr<Entry> previous = ToEntry(from.prev_kv());
    if (!previous.ok()) return previous.status();
    event.previous = *std::move(previous);
  }
  // A put that made the key had nothing before it. Else a missing one is compacted away.
  event.previous_known = event.previous.has_value() || (!is_delete && from.kv().version() == 1);
  return event;
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
