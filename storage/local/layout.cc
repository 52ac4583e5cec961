#include "storage/local/layout.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage::layout {
namespace {

constexpr char kSpace = '\x01';
constexpr char kSeparator = '\0';
constexpr size_t kU32Bytes = 4;
constexpr size_t kU64Bytes = 8;
constexpr int kVarintBytesMax = 10;

constexpr uint8_t kFormText = 0;
constexpr uint8_t kFormData = 1;
constexpr uint8_t kBeforeNothing = 0;
constexpr uint8_t kBeforeEntry = 1;
constexpr uint8_t kFlagLast = 1 << 0;
constexpr uint8_t kFlagRequest = 1 << 1;
constexpr uint8_t kFlagsKnown = kFlagLast | kFlagRequest;

absl::Status Damaged(absl::string_view what, absl::string_view fault) {
  ErrorDetails details;
  details.reason = Reason::kDataCorrupted;
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("damaged ", what, " in the store: ", fault), details);
}

// Puts the fields of records behind each other.
class Writer {
 public:
  void Byte(uint8_t byte) { out_.push_back(static_cast<char>(byte)); }
  void U32(uint32_t number) { BigEndian(number, kU32Bytes); }
  void U64(uint64_t number) { BigEndian(number, kU64Bytes); }
  void Varint(uint64_t number) {
    for (; number >= 0x80; number >>= 7) Byte(static_cast<uint8_t>(number | 0x80));
    Byte(static_cast<uint8_t>(number));
  }
  void Raw(absl::string_view bytes) { out_.append(bytes.data(), bytes.size()); }
  void Bytes(absl::string_view bytes) {
    Varint(bytes.size());
    Raw(bytes);
  }
  void Reserve(size_t bytes) { out_.reserve(bytes); }
  std::string Take() { return std::move(out_); }

 private:
  void BigEndian(uint64_t number, size_t bytes) {
    for (size_t i = bytes; i > 0; --i) Byte(static_cast<uint8_t>(number >> (8 * (i - 1))));
  }

  std::string out_;
};

// Takes fields off the front of a record. After the first that is missing or wrong, ok() is false and all further ones are zero or
// empty, so that a decoder checks once, at its end.
class Reader {
 public:
  explicit Reader(absl::string_view record) : rest_(record) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

  uint8_t Byte() {
    const absl::string_view byte = Raw(1);
    return byte.empty() ? 0 : static_cast<uint8_t>(byte.front());
  }
  uint32_t U32() { return static_cast<uint32_t>(BigEndian(kU32Bytes)); }
  uint64_t U64() { return BigEndian(kU64Bytes); }
  uint64_t Varint() {
    uint64_t number = 0;
    for (int i = 0; i < kVarintBytesMax; ++i) {
      const uint8_t byte = Byte();
      if (!ok_) return 0;
      // The tenth byte holds the last of 64 bits; a zero behind others says nothing, so no encoder writes it.
      if ((i == kVarintBytesMax - 1 && byte > 1) || (i > 0 && byte == 0)) break;
      number |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
      if (byte < 0x80) return number;
    }
    return Fail();
  }
  // A varint that fits into a signed number.
  int64_t Signed() {
    const uint64_t number = Varint();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return static_cast<int64_t>(Fail());
    return static_cast<int64_t>(number);
  }
  absl::string_view Bytes() {
    const uint64_t size = Varint();
    if (size > rest_.size()) Fail();
    return ok_ ? Raw(size) : absl::string_view();
  }
  absl::string_view Rest() { return Raw(rest_.size()); }

 private:
  uint64_t Fail() {
    ok_ = false;
    rest_ = absl::string_view();
    return 0;
  }
  absl::string_view Raw(size_t bytes) {
    if (bytes > rest_.size()) {
      Fail();
      return absl::string_view();
    }
    const absl::string_view taken = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return taken;
  }
  uint64_t BigEndian(size_t bytes) {
    uint64_t number = 0;
    for (const char c : Raw(bytes)) number = (number << 8) | static_cast<uint8_t>(c);
    return number;
  }

  absl::string_view rest_;
  bool ok_ = true;
};

// `number` as a revision or an id; kDataLoss: too large for one.
absl::StatusOr<int64_t> ToSigned(uint64_t number, absl::string_view what) {
  if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return Damaged(what, "a number is out of range");
  return static_cast<int64_t>(number);
}

void WriteEntry(const Entry& entry, Writer& writer) {
  writer.Varint(static_cast<uint64_t>(entry.create_revision));
  writer.Varint(static_cast<uint64_t>(entry.mod_revision));
  writer.Varint(static_cast<uint64_t>(entry.version));
  writer.Varint(static_cast<uint64_t>(entry.lease_id));
  writer.Byte(entry.value.form == Value::Form::kText ? kFormText : kFormData);
  writer.Raw(entry.value.bytes);
}

// Room for an entry's numbers and small fields.
constexpr size_t kNumbersBytes = 48;

uint64_t Milliseconds(absl::Duration duration) {
  // Up, so that no lease that is read back ends before it would have.
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Milliseconds(absl::Ceil(duration, kLeaseTimeUnit))));
}

}  // namespace

std::string EncodePath(const Key& key) {
  std::string path = key.path();
  std::replace(path.begin(), path.end(), '/', kSeparator);
  path.front() = kSpace;
  return path;
}

absl::StatusOr<Key> DecodePath(absl::string_view path) {
  if (path.empty() || path.front() != kSpace) return Damaged("key", "it is of no known key space");
  // Both would read as the same key as another path.
  if (absl::StrContains(path, '/')) return Damaged("key", "a slash inside a segment");
  std::string text(path);
  std::replace(text.begin(), text.end(), kSeparator, '/');
  text.front() = '/';
  absl::StatusOr<Key> key = Key::FromNormal(text);
  if (!key.ok()) return Damaged("key", key.status().message());
  return key;
}

std::string SubtreeEnd(absl::string_view path) {
  // The root's children follow it without a separator.
  if (path.size() == 1) return std::string(1, kSpace + 1);
  return absl::StrCat(path, absl::string_view("\x01", 1));
}

std::string BelowStart(absl::string_view path) { return absl::StrCat(path, absl::string_view("\0", 1)); }

absl::string_view ChildPath(absl::string_view parent, absl::string_view path) {
  const size_t start = parent.size() == 1 ? 1 : parent.size() + 1;
  return path.substr(0, path.find(kSeparator, start));
}

bool IsSystemPath(absl::string_view path) {
  static const std::string& root = *new std::string(absl::StrCat(absl::string_view(&kSpace, 1), kSystemTree.substr(1)));
  return absl::StartsWith(path, root) && (path.size() == root.size() || path[root.size()] == kSeparator);
}

std::string EncodeU32(uint32_t number) {
  Writer writer;
  writer.U32(number);
  return writer.Take();
}

absl::StatusOr<uint32_t> DecodeU32(absl::string_view bytes) {
  if (bytes.size() != kU32Bytes) return Damaged("number", absl::StrCat(bytes.size(), " bytes instead of ", kU32Bytes));
  return Reader(bytes).U32();
}

std::string EncodeU64(uint64_t number) {
  Writer writer;
  writer.U64(number);
  return writer.Take();
}

absl::StatusOr<uint64_t> DecodeU64(absl::string_view bytes) {
  if (bytes.size() != kU64Bytes) return Damaged("number", absl::StrCat(bytes.size(), " bytes instead of ", kU64Bytes));
  return Reader(bytes).U64();
}

std::string LogKey(Revision revision, uint32_t ordinal) {
  Writer writer;
  writer.U64(static_cast<uint64_t>(revision));
  writer.U32(ordinal);
  return writer.Take();
}

absl::StatusOr<LogPosition> DecodeLogKey(absl::string_view key) {
  if (key.size() != kU64Bytes + kU32Bytes) return Damaged("key of the log", absl::StrCat("it has ", key.size(), " bytes"));
  Reader reader(key);
  LogPosition position;
  const absl::StatusOr<Revision> revision = ToSigned(reader.U64(), "key of the log");
  if (!revision.ok()) return revision.status();
  position.revision = *revision;
  position.ordinal = reader.U32();
  return position;
}

std::string PastKey(absl::string_view path, Revision revision) {
  Writer writer;
  writer.Reserve(path.size() + 2 + kU64Bytes);
  writer.Raw(path);
  writer.Raw(absl::string_view("\0\0", 2));
  writer.U64(static_cast<uint64_t>(revision));
  return writer.Take();
}

absl::StatusOr<PastPosition> DecodePastKey(absl::string_view key) {
  constexpr size_t kTailBytes = 2 + kU64Bytes;
  if (key.size() <= kTailBytes) return Damaged("key of the past", absl::StrCat("it has ", key.size(), " bytes"));
  PastPosition position;
  position.path = key.substr(0, key.size() - kTailBytes);
  if (key.substr(position.path.size(), 2) != absl::string_view("\0\0", 2)) return Damaged("key of the past", "the path has no end");
  const absl::StatusOr<Revision> revision = ToSigned(Reader(key.substr(key.size() - kU64Bytes)).U64(), "key of the past");
  if (!revision.ok()) return revision.status();
  position.revision = *revision;
  return position;
}

std::string LeaseKey(LeaseId id) { return EncodeU64(static_cast<uint64_t>(id)); }

absl::StatusOr<LeaseId> DecodeLeaseKey(absl::string_view key) {
  const absl::StatusOr<uint64_t> id = DecodeU64(key);
  if (!id.ok()) return id.status();
  return ToSigned(*id, "key of a lease");
}

std::string LeaseKeysKey(LeaseId id, absl::string_view path) { return absl::StrCat(LeaseKey(id), path); }

absl::StatusOr<LeaseKeysPosition> DecodeLeaseKeysKey(absl::string_view key) {
  const absl::StatusOr<LeaseId> id = DecodeLeaseKey(key.substr(0, kU64Bytes));
  if (!id.ok()) return id.status();
  return LeaseKeysPosition{.id = *id, .path = key.substr(kU64Bytes)};
}

std::string EncodeLeaseKeyBytes(uint64_t bytes) {
  Writer writer;
  writer.Varint(bytes);
  return writer.Take();
}

absl::StatusOr<std::optional<uint64_t>> DecodeLeaseKeyBytes(absl::string_view record) {
  if (record.empty()) return std::optional<uint64_t>();
  Reader reader(record);
  const int64_t bytes = reader.Signed();
  if (!reader.ok()) return Damaged("key of a lease", "its number of bytes is cut or wrong");
  if (!reader.at_end()) return Damaged("key of a lease", "bytes behind its end");
  return std::optional<uint64_t>(bytes);
}

std::string EncodeEntry(const Entry& entry) {
  Writer writer;
  writer.Reserve(entry.value.bytes.size() + kNumbersBytes);
  WriteEntry(entry, writer);
  return writer.Take();
}

absl::StatusOr<EntryHeader> DecodeEntryHeader(absl::string_view record) {
  Reader reader(record);
  EntryHeader header;
  header.create_revision = reader.Signed();
  header.mod_revision = reader.Signed();
  header.version = reader.Signed();
  header.lease_id = reader.Signed();
  const uint8_t form = reader.Byte();
  header.value = reader.Rest();
  if (!reader.ok()) return Damaged("entry", "it is cut or a number is wrong");
  if (form > kFormData) return Damaged("entry", absl::StrCat("unknown form ", form));
  header.form = form == kFormText ? Value::Form::kText : Value::Form::kData;
  return header;
}

absl::StatusOr<Entry> DecodeEntry(const Key& key, absl::string_view record) {
  const absl::StatusOr<EntryHeader> header = DecodeEntryHeader(record);
  if (!header.ok()) return header.status();
  Entry entry;
  entry.key = key;
  entry.value.form = header->form;
  entry.value.bytes.assign(header->value.data(), header->value.size());
  entry.create_revision = header->create_revision;
  entry.mod_revision = header->mod_revision;
  entry.version = header->version;
  entry.lease_id = header->lease_id;
  entry.has_value = true;
  return entry;
}

std::string EncodeBefore(const std::optional<absl::string_view>& entry_record) {
  Writer writer;
  writer.Byte(entry_record.has_value() ? kBeforeEntry : kBeforeNothing);
  if (entry_record.has_value()) writer.Raw(*entry_record);
  return writer.Take();
}

absl::StatusOr<std::optional<absl::string_view>> DecodeBefore(absl::string_view record) {
  Reader reader(record);
  const uint8_t presence = reader.Byte();
  const absl::string_view entry_record = reader.Rest();
  if (!reader.ok()) return Damaged("record of the past", "it is empty");
  if (presence == kBeforeEntry && !entry_record.empty()) return std::optional<absl::string_view>(entry_record);
  if (presence == kBeforeNothing && entry_record.empty()) return std::optional<absl::string_view>();
  return Damaged("record of the past", "it is neither an entry nor nothing");
}

std::string EncodeEvent(const EventRecord& record) {
  const Event& event = record.event;
  Writer writer;
  writer.Reserve(event.key.path().size() + event.entry.value.bytes.size() + 2 * kNumbersBytes);
  writer.Byte(static_cast<uint8_t>(event.kind));
  writer.Byte(static_cast<uint8_t>(event.cause));
  writer.Byte((record.last ? kFlagLast : 0) | (record.request.has_value() ? kFlagRequest : 0));
  // A clock before 1970 is set wrong; the log says the first moment it can.
  writer.Varint(static_cast<uint64_t>(std::max<int64_t>(0, absl::ToUnixNanos(record.committed))));
  if (record.request.has_value()) {
    writer.Bytes(record.request->caller);
    writer.Bytes(record.request->request_id);
    writer.U64(record.request->request_hash);
  }
  writer.Bytes(EncodePath(event.key));
  if (event.kind == EventKind::kPut) WriteEntry(event.entry, writer);
  return writer.Take();
}

absl::StatusOr<EventRecord> DecodeEvent(Revision revision, absl::string_view record) {
  Reader reader(record);
  EventRecord decoded;
  const uint8_t kind = reader.Byte();
  const uint8_t cause = reader.Byte();
  const uint8_t flags = reader.Byte();
  decoded.committed = absl::FromUnixNanos(reader.Signed());
  if ((flags & kFlagRequest) != 0) {
    RequestRecord& request = decoded.request.emplace();
    request.caller = std::string(reader.Bytes());
    request.request_id = std::string(reader.Bytes());
    request.request_hash = reader.U64();
  }
  const absl::string_view path = reader.Bytes();
  const absl::string_view entry_record = reader.Rest();
  if (!reader.ok()) return Damaged("event", "it is cut or a number is wrong");
  if (kind != static_cast<uint8_t>(EventKind::kPut) && kind != static_cast<uint8_t>(EventKind::kDelete)) {
    return Damaged("event", absl::StrCat("unknown kind ", kind));
  }
  if (cause < static_cast<uint8_t>(EventCause::kWrite) || cause > static_cast<uint8_t>(EventCause::kLeaseExpired)) {
    return Damaged("event", absl::StrCat("unknown cause ", cause));
  }
  if ((flags & ~kFlagsKnown) != 0) return Damaged("event", absl::StrCat("unknown flags ", flags));
  decoded.last = (flags & kFlagLast) != 0;
  absl::StatusOr<Key> key = DecodePath(path);
  if (!key.ok()) return key.status();

  Event& event = decoded.event;
  event.key = *std::move(key);
  event.kind = static_cast<EventKind>(kind);
  event.cause = static_cast<EventCause>(cause);
  if (event.kind == EventKind::kDelete) {
    if (!entry_record.empty()) return Damaged("event", "bytes behind its end");
    event.entry.key = event.key;
    event.entry.mod_revision = revision;
    return decoded;
  }
  absl::StatusOr<Entry> entry = DecodeEntry(event.key, entry_record);
  if (!entry.ok()) return entry.status();
  if (entry->mod_revision != revision) return Damaged("event", "its entry is of another revision");
  event.entry = *std::move(entry);
  return decoded;
}

std::string EncodeLease(const LeaseRecord& lease) {
  Writer writer;
  writer.Varint(Milliseconds(lease.ttl));
  writer.Varint(lease.life);
  writer.Varint(Milliseconds(lease.remaining));
  if (lease.tag != 0) writer.U64(lease.tag);
  return writer.Take();
}

absl::StatusOr<LeaseRecord> DecodeLease(absl::string_view record) {
  Reader reader(record);
  LeaseRecord lease;
  lease.ttl = absl::Milliseconds(reader.Signed());
  lease.life = reader.Varint();
  lease.remaining = absl::Milliseconds(reader.Signed());
  if (reader.ok() && !reader.at_end()) {
    lease.tag = reader.U64();
    if (reader.ok() && lease.tag == 0) return Damaged("lease", "a tag of 0");
  }
  if (!reader.ok()) return Damaged("lease", "it is cut or a number is wrong");
  if (!reader.at_end()) return Damaged("lease", "bytes behind its end");
  return lease;
}

}  // namespace scoutlight::storage::layout
