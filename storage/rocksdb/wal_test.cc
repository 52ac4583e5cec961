// What a crash or a bad disk may leave of a WAL that is written over zeros, and what is made of it at the start.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "rocksdb/file_system.h"
#include "storage/rocksdb/store_folder.h"
#include "storage/rocksdb/wal_file_system.h"
#include "storage/testing/engine_rows.h"

namespace scoutlight::storage {
namespace {

constexpr size_t kSectorBytes = 512;
constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;

std::string Noise(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string noise(bytes, '\0');
  // No sector of zeros, as there is none in text.
  for (char& c : noise) c = static_cast<char>(1 + random() % 255);
  return noise;
}

size_t EndOf(const std::string& wal) { return wal.find_last_not_of('\0') + 1; }

// A store at revision kBefore, and the WAL before and after one write more. Both files are as a crash leaves them: with zeros at the end.
class Wal : public ::testing::Test {
 protected:
  static constexpr Revision kBefore = 20;

  // The write adds a row with `value`; the one before it, a row with `value_before`.
  void WriteOneMore(absl::string_view value, absl::string_view value_before = "value") {
    fs::remove_all(dir_);
    fs::remove_all(copy_);
    const std::unique_ptr<Engine> engine = OpenRocksdbEngine(Options(dir_)).value();
    for (Revision revision = 2; revision < kBefore; ++revision) ASSERT_TRUE(PutRevision(*engine, revision).ok());
    ASSERT_TRUE(PutRevision(*engine, kBefore, value_before).ok());
    wal_ = LargestFile(dir_, ".log").filename();
    before_ = ReadText(dir_ + "/db/" + wal_);
    CopyStore(dir_, kept_);
    ASSERT_TRUE(PutRevision(*engine, kBefore + 1, value).ok());
    after_ = ReadText(dir_ + "/db/" + wal_);
    begin_ = EndOf(before_);
    end_ = EndOf(after_);
    ASSERT_GT(end_, begin_);
  }

  // So that it begins at byte `place` of a sector.
  void WriteOneMoreAt(size_t place, absl::string_view value) {
    const size_t padding = 2 * kSectorBytes;  // However much is added, the record's lengths stay as long as they are.
    WriteOneMore(value, Noise(padding, 1));
    WriteOneMore(value, Noise(padding + (place + kSectorBytes - begin_ % kSectorBytes) % kSectorBytes, 1));
    ASSERT_EQ(begin_ % kSectorBytes, place);
  }

  static void CopyStore(const std::string& from, const std::string& to) {
    fs::remove_all(to);
    fs::copy(from, to, fs::copy_options::recursive);
  }

  // Opens the store as it was before the last write, with `wal` as its WAL.
  absl::StatusOr<Revision> RevisionWith(const std::string& wal) {
    CopyStore(kept_, copy_);
    WriteText(copy_ + "/db/" + wal_, wal);
    const absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksdbEngine(Options(copy_));
    if (!engine.ok()) return engine.status();
    const auto snapshot = (*engine)->TakeSnapshot();
    const auto revision = static_cast<Revision>(layout::DecodeU64(GetOr(*snapshot, Table::kMeta, layout::kMetaRevision, "")).value());
    EXPECT_EQ(ReadRows(*snapshot, Table::kLive).size(), static_cast<size_t>(revision - 1));
    return revision;
  }

  // What is on the disk before and after that write differs in the sectors [begin_, end_); `keep` says whether one was written.
  template <typename Keep>
  std::string Torn(Keep keep) const {
    std::string wal = before_;
    wal.resize(std::max(before_.size(), after_.size()), '\0');
    for (size_t at = begin_; at < end_;) {
      const size_t next = std::min(end_, (at / kSectorBytes + 1) * kSectorBytes);
      if (keep(at)) wal.replace(at, next - at, after_, at, next - at);
      at = next;
    }
    return wal;
  }

  void ExpectTornAway(const std::string& wal, absl::string_view what) {
    const absl::StatusOr<Revision> revision = RevisionWith(wal);
    ASSERT_TRUE(revision.ok()) << what << ": " << revision.status();
    EXPECT_EQ(*revision, wal == after_ ? kBefore + 1 : kBefore) << what;
  }

  void ExpectDamaged(const std::string& wal, absl::string_view what) {
    const absl::Status status = RevisionWith(wal).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << what << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), wal_)) << what << ": " << status;
    EXPECT_TRUE(absl::StrContains(status.message(), "backup")) << what << ": " << status;
  }

  const TemporaryFolder folder_;
  const std::string dir_ = folder_.path() + "/data";
  const std::string kept_ = folder_.path() + "/kept";
  const std::string copy_ = folder_.path() + "/copy";
  std::string wal_;
  std::string before_, after_;
  size_t begin_ = 0, end_ = 0;
};

TEST_F(Wal, GrowsInStepsOfZerosAndLosesThemWhenClosed) {
  WriteOneMore("small");
  EXPECT_EQ(before_.size(), after_.size());
  EXPECT_GT(after_.size(), WalFileSystem::kZerosAheadBytes);
  EXPECT_LT(end_, WalFileSystem::kZerosAheadBytes);
  EXPECT_EQ(fs::file_size(dir_ + "/db/" + wal_), end_);
}

TEST_F(Wal, IsWholeAfterACrash) {
  for (const size_t bytes : {10u, 40'000u, 600'000u}) {
    WriteOneMore(Noise(bytes, bytes));
    EXPECT_EQ(RevisionWith(before_).value(), kBefore);
    EXPECT_EQ(RevisionWith(after_).value(), kBefore + 1);
  }
}

TEST_F(Wal, WithoutZerosOpensAsOneOfAnEarlierVersion) {
  WriteOneMore(Noise(100'000, 1));
  EXPECT_EQ(RevisionWith(after_.substr(0, end_)).value(), kBefore + 1);
  for (size_t cut = begin_; cut < end_; cut += 1 + (end_ - begin_) / 50)
    ExpectTornAway(after_.substr(0, cut), absl::StrCat("cut at ", cut));
}

TEST_F(Wal, WritePutDownUpToSomePlaceIsTornAway) {
  WriteOneMore(Noise(3 * kBlockBytes, 1));
  std::vector<size_t> cuts;
  // A disk stops between sectors. A killed process may also stop at a block, or between a header and what it is of.
  for (size_t sector = begin_ / kSectorBytes + 1; sector * kSectorBytes < end_; sector += 3) cuts.push_back(sector * kSectorBytes);
  for (size_t fragment = begin_; fragment < end_; fragment = (fragment / kBlockBytes + 1) * kBlockBytes) {
    cuts.push_back(fragment);
    cuts.push_back(fragment + kHeaderBytes);
  }
  for (const size_t cut : cuts) {
    std::string wal = before_;
    wal.resize(after_.size(), '\0');
    wal.replace(begin_, cut - begin_, after_, begin_, cut - begin_);
    ExpectTornAway(wal, absl::StrCat("put down up to ", cut, " of ", begin_, " to ", end_));
  }
}

// The last fragment fits into one sector, so that no sector is missing when only its header is there.
TEST_F(Wal, HeaderWithoutItsPayloadIsTornAway) {
  WriteOneMore(Noise(kBlockBytes - 1'100, 1));
  ASSERT_LT(end_ % kBlockBytes, kSectorBytes);
  const size_t header = end_ / kBlockBytes * kBlockBytes;
  ASSERT_GT(header, begin_);
  std::string wal = after_;
  wal.replace(header + kHeaderBytes, end_ - header - kHeaderBytes, end_ - header - kHeaderBytes, '\0');
  ExpectTornAway(wal, "no payload");
  wal.replace(end_ + kSectorBytes, 1, "x");
  ExpectDamaged(wal, "no payload, and something behind");
}

TEST_F(Wal, WriteOfWhichAnySectorsAreMissingIsTornAway) {
  for (const size_t bytes : std::vector<size_t>{600, 3'000, 3 * kBlockBytes}) {
    WriteOneMore(Noise(bytes, bytes));
    for (uint64_t seed = 1; seed <= 25; ++seed) {
      std::mt19937_64 random(seed);
      const uint64_t odds = 2 + seed % 8;
      ExpectTornAway(Torn([&](size_t) { return random() % odds != 0; }), absl::StrCat(bytes, " bytes, most kept, seed ", seed));
      ExpectTornAway(Torn([&](size_t) { return random() % odds == 0; }), absl::StrCat(bytes, " bytes, few kept, seed ", seed));
    }
  }
}

std::string MostlyZeros(size_t bytes, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string value(bytes, '\0');
  for (size_t at = random() % 2'000; at < bytes; at += 1 + random() % 4'000) value[at] = 'x';
  return value;
}

// Here a header's sector may be all that is seen of a fragment though its write has more behind it.
TEST_F(Wal, WriteOfMostlyZerosOfWhichAnySectorsAreMissingIsTornAway) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    if (seed % 20 == 1) WriteOneMore(MostlyZeros(4 * kBlockBytes, seed));
    std::mt19937_64 random(seed);
    const uint64_t odds = 2 + seed % 8;
    const std::string wal = Torn([&](size_t) { return random() % odds == 0; });
    if (wal == before_) continue;
    ExpectTornAway(wal, absl::StrCat("seed ", seed));
  }
  for (size_t header = (begin_ / kBlockBytes + 1) * kBlockBytes; header + kBlockBytes < end_; header += kBlockBytes) {
    const std::string wal = Torn([&](size_t at) { return at < header + kSectorBytes || at >= header + kBlockBytes; });
    ExpectTornAway(wal, absl::StrCat("of the fragment at ", header, " one sector alone"));
  }
}

TEST_F(Wal, HeaderAtTheEndOfASectorMayBeAllThatIsThereOfItsFragment) {
  WriteOneMoreAt(kSectorBytes - kHeaderBytes, Noise(3 * kBlockBytes, 1));
  const size_t first = begin_ / kSectorBytes, next_block = (begin_ / kBlockBytes + 1) * kBlockBytes / kSectorBytes;
  for (const size_t kept : {first + 1, next_block, next_block + 1, 2 * next_block, (end_ - 1) / kSectorBytes}) {
    ExpectTornAway(Torn([&](size_t at) { return at / kSectorBytes == first || at / kSectorBytes == kept; }),
                   absl::StrCat("the header's sector and sector ", kept));
  }
}

// Of a write over many blocks, only one sector: at its start, in its midst, where a block begins, at its end.
TEST_F(Wal, WriteOfWhichOneSectorIsMissingIsTornAway) {
  WriteOneMore(Noise(3 * kBlockBytes, 1));
  const size_t first = begin_ / kSectorBytes, last = (end_ - 1) / kSectorBytes;
  for (const size_t missing : {first, first + 1, first + 10, kBlockBytes / kSectorBytes - 1, kBlockBytes / kSectorBytes,
                               2 * kBlockBytes / kSectorBytes, last - 1, last}) {
    ExpectTornAway(Torn([&](size_t at) { return at / kSectorBytes != missing; }), absl::StrCat("all but sector ", missing));
    ExpectTornAway(Torn([&](size_t at) { return at / kSectorBytes == missing; }), absl::StrCat("only sector ", missing));
  }
}

TEST_F(Wal, TornWriteThatWasAcknowledgedIsFoundByTheHighWaterMark) {
  WriteOneMore(Noise(3'000, 1));
  CopyStore(dir_, kept_);  // With the mark of the write.
  std::string wal = after_;
  wal.replace((begin_ / kSectorBytes + 2) * kSectorBytes, kSectorBytes, kSectorBytes, '\0');
  const absl::Status status = RevisionWith(wal).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "/high-water")) << status;
}

TEST_F(Wal, FlippedBitInTheLastRecordIsDamage) {
  for (const size_t bytes : std::vector<size_t>{600, 3 * kBlockBytes}) {
    WriteOneMore(Noise(bytes, bytes));
    std::vector<size_t> places = {begin_, begin_ + 3, begin_ + 4, begin_ + 5, begin_ + 6, begin_ + 7, end_ - 1};
    for (size_t at = begin_ + 8; at < end_; at += 1 + (end_ - begin_) / 40) places.push_back(at);
    for (const size_t at : places) {
      std::string wal = after_;
      wal[at] ^= 0x10;
      ExpectDamaged(wal, absl::StrCat("bit of byte ", at, " of ", begin_, " to ", end_));
    }
  }
}

TEST_F(Wal, FlippedBitInAnEarlierRecordIsDamage) {
  WriteOneMore("small");
  for (size_t at = 0; at < begin_; at += 13) {
    std::string wal = after_;
    wal[at] ^= 0x10;
    ExpectDamaged(wal, absl::StrCat("bit of byte ", at));
  }
}

// RocksDB takes zeros where a record should begin for padding, and leaves out what follows in the block without a word.
TEST_F(Wal, SectorLostBeforeWholeRecordsIsDamage) {
  WriteOneMore("small");
  for (size_t sector = 0; sector < begin_ / kSectorBytes; ++sector) {
    std::string wal = after_;
    wal.replace(sector * kSectorBytes, kSectorBytes, kSectorBytes, '\0');
    ExpectDamaged(wal, absl::StrCat("sector ", sector));
  }
}

TEST_F(Wal, TornWriteWithOtherThingsBehindItIsDamage) {
  WriteOneMore(Noise(3'000, 1));
  std::string wal = Torn([&](size_t at) { return at / kSectorBytes != begin_ / kSectorBytes + 2; });
  wal.replace(end_ + 2 * kSectorBytes, 1, "x");
  ExpectDamaged(wal, "a byte behind the end of the record");
}

// A client may store what looks like a WAL: a torn write of it is still a torn write.
TEST_F(Wal, RecordsInsideOfATornValueAreNotTakenForLaterOnes) {
  WriteOneMore("small");
  const std::string records = before_.substr(0, begin_);
  WriteOneMore(records + Noise(3'000, 1) + records);
  const size_t first = begin_ / kSectorBytes;
  ExpectTornAway(Torn([&](size_t at) { return at / kSectorBytes != first; }), "without its header");
  ExpectTornAway(Torn([&](size_t at) { return at / kSectorBytes != first + 1; }), "with its header");
}

TEST_F(Wal, TornWriteIsDamageWhenALaterFileHasRecords) {
  WriteOneMore(Noise(3'000, 1));
  const std::string torn = Torn([&](size_t at) { return at / kSectorBytes != begin_ / kSectorBytes + 2; });
  CopyStore(kept_, copy_);
  WriteText(kept_ + "/db/999999.log", std::string(WalFileSystem::kZerosAheadBytes, '\0'));
  ExpectTornAway(torn, "an empty file after it");
  WriteText(kept_ + "/db/999999.log", before_);
  ExpectDamaged(torn, "records in a file after it");
}

// As on a full disk: there is no room behind `bytes_max` of a WAL.
class ShortOfRoom final : public rocksdb::FileSystemWrapper {
 public:
  explicit ShortOfRoom(uint64_t bytes_max) : FileSystemWrapper(FileSystem::Default()), bytes_max_(bytes_max) {}

  const char* Name() const override { return "ShortOfRoom"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug) override {
    std::unique_ptr<rocksdb::FSWritableFile> real;
    if (rocksdb::IOStatus status = target()->NewWritableFile(path, options, &real, debug); !status.ok()) return status;
    *file = std::make_unique<File>(std::move(real), bytes_max_);
    return rocksdb::IOStatus::OK();
  }

 private:
  class File final : public rocksdb::FSWritableFileOwnerWrapper {
   public:
    File(std::unique_ptr<rocksdb::FSWritableFile> file, uint64_t bytes_max)
        : FSWritableFileOwnerWrapper(std::move(file)), bytes_max_(bytes_max) {}

    rocksdb::IOStatus PositionedAppend(const rocksdb::Slice& bytes, uint64_t offset, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override {
      if (offset + bytes.size() > bytes_max_) return rocksdb::IOStatus::NoSpace("a disk that a test makes small");
      return target()->PositionedAppend(bytes, offset, options, debug);
    }

   private:
    const uint64_t bytes_max_;
  };

  const uint64_t bytes_max_;
};

TEST_F(Wal, GrowsWithoutZerosWhereThereIsNoRoomForThem) {
  for (const uint64_t room : {100'000u, 400'000u}) {
    fs::remove_all(dir_);
    RocksdbEngineOptions options = Options(dir_);
    options.file_system = std::make_shared<ShortOfRoom>(room);
    const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
    Revision revision = 1;
    absl::Status status;
    while (status.ok()) {
      status = PutRevision(*engine, ++revision, Noise(1'000, 1));
      ASSERT_LT(revision, 1'000) << "room is never short";
    }
    // All that fits goes in, and the write that does not is refused as on any full disk.
    EXPECT_GT(revision, static_cast<Revision>(room / 1'200));
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
    EXPECT_EQ(ReasonOf(status), Reason::kDiskFull);
    EXPECT_EQ(ReadRows(*engine->TakeSnapshot(), Table::kLive).size(), static_cast<size_t>(revision - 2));
    CopyStore(dir_, copy_);
    EXPECT_EQ(ReadRows(*OpenRocksdbEngine(Options(copy_)).value()->TakeSnapshot(), Table::kLive).size(), static_cast<size_t>(revision - 2));
  }
}

}  // namespace
}  // namespace scoutlight::storage
