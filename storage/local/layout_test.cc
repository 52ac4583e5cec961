#include "storage/local/layout.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::storage::layout {
namespace {

constexpr int64_t kNumberMax = std::numeric_limits<int64_t>::max();

class Random {
 public:
  uint64_t Below(uint64_t bound) { return engine_() % bound; }
  int64_t Number() { return static_cast<int64_t>((engine_() >> 1) >> Below(63)); }
  std::string Bytes() {
    std::string bytes(Below(20), '\0');
    for (char& c : bytes) c = static_cast<char>(Below(256));
    return bytes;
  }
  // Few letters, so that paths often share parts; bytes next to the slash and to the separator among them.
  Key MakeKey() {
    static const std::vector<std::string> kSegments = {"a", "b", "ab", " ", "!", "a.", "\xc3\xa4", "~", ".scoutlight", "a0"};
    std::string path;
    for (uint64_t i = Below(4); i-- > 0;) absl::StrAppend(&path, "/", kSegments[Below(kSegments.size())]);
    return path.empty() ? Key() : Key::Parse(path).value();
  }
  Entry MakeEntry(const Key& key) {
    Entry entry;
    entry.key = key;
    entry.value = {Below(2) == 0 ? Value::Form::kText : Value::Form::kData, Bytes()};
    entry.create_revision = Number();
    entry.mod_revision = Number();
    entry.version = Number();
    entry.lease_id = Number();
    entry.has_value = true;
    return entry;
  }
  EventRecord MakeEvent() {
    EventRecord record;
    record.event.key = MakeKey();
    record.event.kind = Below(2) == 0 ? EventKind::kPut : EventKind::kDelete;
    record.event.cause = static_cast<EventCause>(1 + Below(3));
    if (record.event.kind == EventKind::kPut) {
      record.event.entry = MakeEntry(record.event.key);
    } else {
      record.event.entry.key = record.event.key;
      record.event.entry.mod_revision = Number();
    }
    record.committed = absl::FromUnixNanos(Number());
    record.last = Below(2) == 0;
    if (Below(2) == 0) record.request = RequestRecord{Bytes(), Bytes(), engine_()};
    return record;
  }

 private:
  std::mt19937_64 engine_{7};
};

void ExpectDamaged(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ReasonOf(status), Reason::kDataCorrupted) << status;
}

TEST(Layout, PathsReadBackAndOrderLikeKeys) {
  Random random;
  for (int i = 0; i < 5'000; ++i) {
    const Key a = random.MakeKey();
    const Key b = random.MakeKey();
    const std::string path = EncodePath(a);
    ASSERT_EQ(DecodePath(path).value(), a);
    ASSERT_EQ(path < EncodePath(b), a < b) << a.path() << " " << b.path();
    ASSERT_EQ(IsSystemPath(path), a.IsSystem()) << a.path();
  }
}

TEST(Layout, SubtreeIsOneRange) {
  Random random;
  for (int i = 0; i < 5'000; ++i) {
    const Key parent = random.MakeKey();
    const Key key = random.MakeKey();
    const std::string start = EncodePath(parent);
    const std::string path = EncodePath(key);
    const std::string end = SubtreeEnd(start);
    ASSERT_EQ(start <= path && path < end, key.IsWithin(parent)) << parent.path() << " " << key.path();
    const bool below = key.IsWithin(parent) && !(key == parent);
    ASSERT_EQ(BelowStart(start) <= path && path < end, below) << parent.path() << " " << key.path();
    const std::string past = PastKey(path, random.Number());
    ASSERT_EQ(BelowStart(start) <= past && past < end, key.IsWithin(parent)) << parent.path() << " " << key.path();
    if (!below) continue;
    Key child = key;
    while (!(child.Parent() == parent)) child = child.Parent();
    ASSERT_EQ(ChildPath(start, path), EncodePath(child));
  }
}

TEST(Layout, PathsThatNoKeyMakesAreDamaged) {
  const std::vector<std::string> paths = {"",
                                          std::string("\0", 1),
                                          "\x02",
                                          "\x02"
                                          "a",
                                          std::string("\x01\0", 2),
                                          std::string("\x01\0a", 3),
                                          std::string("\x01"
                                                      "a\0",
                                                      3),
                                          std::string("\x01"
                                                      "a\0\0b",
                                                      5),
                                          "\x01"
                                          "a/b",
                                          "\x01..",
                                          "\x01\xff",
                                          "\x01\x1f",
                                          "\x01" + std::string(2'000, 'a')};
  for (const std::string& path : paths) ExpectDamaged(DecodePath(path).status());
}

TEST(Layout, NumbersAndKeysReadBackInNumberOrder) {
  Random random;
  for (int i = 0; i < 1'000; ++i) {
    const int64_t a = random.Number();
    const int64_t b = random.Number();
    ASSERT_EQ(EncodeU64(a) < EncodeU64(b), a < b);
    ASSERT_EQ(static_cast<int64_t>(DecodeU64(EncodeU64(a)).value()), a);
    const uint32_t ordinal = static_cast<uint32_t>(b);
    ASSERT_EQ(DecodeU32(EncodeU32(ordinal)).value(), ordinal);
    const LogPosition log = DecodeLogKey(LogKey(a, ordinal)).value();
    ASSERT_EQ(log.revision, a);
    ASSERT_EQ(log.ordinal, ordinal);
    const std::string path = EncodePath(random.MakeKey());
    const std::string past_key = PastKey(path, a);
    const PastPosition past = DecodePastKey(past_key).value();
    ASSERT_EQ(past.path, path);
    ASSERT_EQ(past.revision, a);
    const std::string lease_keys_key = LeaseKeysKey(a, path);
    const LeaseKeysPosition position = DecodeLeaseKeysKey(lease_keys_key).value();
    ASSERT_EQ(position.id, a);
    ASSERT_EQ(position.path, path);
    ASSERT_EQ(DecodeLeaseKey(LeaseKey(a)).value(), a);
  }
}

TEST(Layout, DamagedKeysAreRefused) {
  for (size_t bytes = 0; bytes < 20; ++bytes) {
    const std::string zeros(bytes, '\0');
    if (bytes != 4) ExpectDamaged(DecodeU32(zeros).status());
    if (bytes != 8) ExpectDamaged(DecodeU64(zeros).status());
    if (bytes != 12) ExpectDamaged(DecodeLogKey(zeros).status());
    if (bytes <= 10) ExpectDamaged(DecodePastKey(zeros).status());
    if (bytes < 8) ExpectDamaged(DecodeLeaseKeysKey(zeros).status());
  }
  // Numbers that are negative when signed.
  const std::string ones(8, '\xff');
  ExpectDamaged(DecodeLogKey(ones + "\xff\xff\xff\xff").status());
  ExpectDamaged(DecodePastKey(absl::StrCat(absl::string_view("\x01k\0\0", 4), ones)).status());
  ExpectDamaged(DecodePastKey(absl::StrCat(absl::string_view("\x01k\0k", 4), LeaseKey(1))).status());
  ExpectDamaged(DecodeLeaseKey(ones).status());
}

TEST(Layout, EntriesReadBack) {
  Random random;
  for (int i = 0; i < 2'000; ++i) {
    const Key key = random.MakeKey();
    const Entry entry = random.MakeEntry(key);
    const std::string record = EncodeEntry(entry);
    ASSERT_EQ(DecodeEntry(key, record).value(), entry);
    const EntryHeader header = DecodeEntryHeader(record).value();
    ASSERT_EQ(header.create_revision, entry.create_revision);
    ASSERT_EQ(header.value, entry.value.bytes);
    ASSERT_EQ(DecodeBefore(EncodeBefore(record)).value(), record);
    // What stands before the value may not be cut.
    for (size_t bytes = 0; bytes < record.size() - entry.value.bytes.size(); ++bytes) {
      ExpectDamaged(DecodeEntryHeader(absl::string_view(record).substr(0, bytes)).status());
    }
  }
  EXPECT_FALSE(DecodeBefore(EncodeBefore(std::nullopt)).value().has_value());
}

TEST(Layout, RecordsThatNoEncoderMakesAreDamaged) {
  ExpectDamaged(DecodeBefore("").status());
  ExpectDamaged(DecodeBefore("\x02").status());
  ExpectDamaged(DecodeBefore("\x01").status());
  ExpectDamaged(DecodeBefore(std::string("\0x", 2)).status());
  ExpectDamaged(DecodeEntryHeader("\x01\x01\x01\x01\x02").status());                            // A form that is none.
  ExpectDamaged(DecodeEntryHeader(absl::string_view("\x81\x00\x01\x01\x01\x00", 6)).status());  // A number longer than needed.
  const std::string too_large = std::string(9, '\xff') + "\x01";
  ExpectDamaged(DecodeEntryHeader(too_large + std::string("\x01\x01\x01\0", 4)).status());
  ExpectDamaged(DecodeLease(std::string(10, '\xff') + "\x01\x01").status());
}

TEST(Layout, EventsReadBack) {
  Random random;
  for (int i = 0; i < 2'000; ++i) {
    const EventRecord record = random.MakeEvent();
    const std::string bytes = EncodeEvent(record);
    const EventRecord read = DecodeEvent(record.event.entry.mod_revision, bytes).value();
    ASSERT_EQ(read.event, record.event);
    ASSERT_EQ(read.committed, record.committed);
    ASSERT_EQ(read.last, record.last);
    ASSERT_EQ(read.request.has_value(), record.request.has_value());
    if (read.request.has_value()) {
      ASSERT_EQ(read.request->caller, record.request->caller);
      ASSERT_EQ(read.request->request_id, record.request->request_id);
      ASSERT_EQ(read.request->request_hash, record.request->request_hash);
    }
    const size_t fixed = bytes.size() - record.event.entry.value.bytes.size();
    for (size_t cut = 0; cut < fixed; ++cut) {
      ExpectDamaged(DecodeEvent(record.event.entry.mod_revision, absl::string_view(bytes).substr(0, cut)).status());
    }
    if (record.event.kind == EventKind::kDelete) ExpectDamaged(DecodeEvent(1, bytes + "x").status());
    if (record.event.kind == EventKind::kPut) ExpectDamaged(DecodeEvent(record.event.entry.mod_revision ^ 1, bytes).status());
  }
}

TEST(Layout, ClockBefore1970IsKeptAs1970) {
  EventRecord record;
  record.event.kind = EventKind::kDelete;
  record.committed = absl::UnixEpoch() - absl::Hours(1);
  EXPECT_EQ(DecodeEvent(1, EncodeEvent(record)).value().committed, absl::UnixEpoch());
}

TEST(Layout, LeasesReadBackRoundedUp) {
  const LeaseRecord lease = {.ttl = absl::Seconds(30), .life = 7, .remaining = absl::Microseconds(1'500)};
  const std::string bytes = EncodeLease(lease);
  const LeaseRecord read = DecodeLease(bytes).value();
  EXPECT_EQ(read.ttl, lease.ttl);
  EXPECT_EQ(read.life, lease.life);
  EXPECT_EQ(read.remaining, absl::Milliseconds(2));
  for (size_t cut = 0; cut < bytes.size(); ++cut) ExpectDamaged(DecodeLease(absl::string_view(bytes).substr(0, cut)).status());
  ExpectDamaged(DecodeLease(bytes + "x").status());
  EXPECT_EQ(read.tag, 0u);
  EXPECT_EQ(DecodeLease(EncodeLease({.ttl = absl::ZeroDuration(), .life = 0, .remaining = -absl::Seconds(1)}))->remaining,
            absl::ZeroDuration());
}

TEST(Layout, LeasesReadBackWithTheirTag) {
  const LeaseRecord lease = {.ttl = absl::Seconds(30), .life = 7, .remaining = absl::Seconds(30), .tag = 0xfedcba9876543210};
  const std::string bytes = EncodeLease(lease);
  EXPECT_EQ(DecodeLease(bytes)->tag, lease.tag);
  EXPECT_EQ(DecodeLease(bytes)->remaining, lease.remaining);
  const std::string untagged = bytes.substr(0, bytes.size() - 8);
  EXPECT_EQ(DecodeLease(untagged)->tag, 0u) << "as leases were written before there were tags";
  for (size_t cut = untagged.size() + 1; cut < bytes.size(); ++cut) ExpectDamaged(DecodeLease(bytes.substr(0, cut)).status());
  ExpectDamaged(DecodeLease(bytes + "x").status());
  ExpectDamaged(DecodeLease(untagged + std::string(8, '\0')).status());
}

TEST(Layout, BytesOfALeasesKeyReadBackOrAreNotKnown) {
  for (const uint64_t bytes : {uint64_t{0}, uint64_t{127}, uint64_t{128}, uint64_t{1} << 40}) {
    EXPECT_EQ(DecodeLeaseKeyBytes(EncodeLeaseKeyBytes(bytes)).value(), bytes);
  }
  EXPECT_EQ(DecodeLeaseKeyBytes("").value(), std::nullopt) << "as they were written before they were counted";
  ExpectDamaged(DecodeLeaseKeyBytes("\x80").status());
  ExpectDamaged(DecodeLeaseKeyBytes("\x01\x01").status());
}

// Whatever stands on disk: an error or a value, never a crash. Under the sanitizers this says more.
TEST(Layout, FlippedBitsNeverCrash) {
  Random random;
  for (int i = 0; i < 20'000; ++i) {
    std::string bytes = EncodeEvent(random.MakeEvent());
    for (uint64_t flips = 1 + random.Below(3); flips-- > 0;) bytes[random.Below(bytes.size())] ^= static_cast<char>(1 << random.Below(8));
    const absl::StatusOr<EventRecord> event = DecodeEvent(random.Number(), bytes);
    if (!event.ok()) ExpectDamaged(event.status());
    for (const absl::Status& status : {DecodePath(bytes).status(), DecodeLease(bytes).status(), DecodeBefore(bytes).status(),
                                       DecodeEntryHeader(bytes).status(), DecodePastKey(bytes).status()}) {
      if (!status.ok()) ExpectDamaged(status);
    }
  }
  EXPECT_EQ(DecodeLogKey(LogKey(kNumberMax, 0))->revision, kNumberMax);
}

}  // namespace
}  // namespace scoutlight::storage::layout
