#include "storage/backup/backup_reader.h"

#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/key.h"
#include "gtest/gtest.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

const backup::Header kHeader = {.store_id = "store", .revision = 9, .taken = absl::FromUnixMillis(1'800'000'000'123)};

Entry EntryOf(const std::string& path, std::string value, LeaseId lease_id = 0) {
  return {.key = Key::Parse(path).value(),
          .value = {Value::Form::kData, std::move(value)},
          .create_revision = 3,
          .mod_revision = 5,
          .version = 2,
          .lease_id = lease_id,
          .has_value = true};
}

struct Contents {
  backup::Header header;
  std::vector<Entry> entries;
  std::vector<backup::Lease> leases;
};

absl::StatusOr<Contents> ReadAll(const std::string& bytes) {
  std::istringstream in(bytes);
  BackupReader reader(&in);
  Contents contents;
  absl::StatusOr<backup::Header> header = reader.ReadHeader();
  if (!header.ok()) return header.status();
  contents.header = *header;
  for (;;) {
    absl::StatusOr<std::optional<BackupReader::Part>> part = reader.Next();
    if (!part.ok()) return part.status();
    if (!part->has_value()) return contents;
    if (const auto* entry = std::get_if<Entry>(&**part)) contents.entries.push_back(*entry);
    if (const auto* lease = std::get_if<backup::Lease>(&**part)) contents.leases.push_back(*lease);
  }
}

std::string Small() {
  return absl::StrCat(backup::EncodeHeader(kHeader), backup::EncodeEntry(EntryOf("/a", std::string("\0\xff", 2))),
                      backup::EncodeEntry(EntryOf("/a/b", "", 7)), backup::EncodeLease({.id = 7, .ttl = absl::Seconds(30)}),
                      backup::EncodeEnd({.entries = 2, .leases = 1}));
}

absl::Status ErrorOf(const std::string& bytes) { return ReadAll(bytes).status(); }

TEST(BackupReader, ReadsWhatWasWritten) {
  const absl::StatusOr<Contents> read = ReadAll(Small());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->header.store_id, "store");
  EXPECT_EQ(read->header.revision, 9);
  EXPECT_EQ(read->header.taken, kHeader.taken);
  EXPECT_EQ(read->entries, (std::vector<Entry>{EntryOf("/a", std::string("\0\xff", 2)), EntryOf("/a/b", "", 7)}));
  ASSERT_EQ(read->leases.size(), 1u);
  EXPECT_EQ(read->leases[0].id, 7);
  EXPECT_EQ(read->leases[0].ttl, absl::Seconds(30));
}

// What other versions of the program must read, byte for byte.
TEST(BackupReader, VersionOneIsTheseBytes) {
  const std::string bytes = absl::StrCat(backup::EncodeHeader({.store_id = "s", .revision = 1, .taken = absl::UnixEpoch()}),
                                         backup::EncodeEnd({.entries = 0, .leases = 0}));
  const std::string header =
      absl::StrCat("H", layout::EncodeU32(21), layout::EncodeU32(1), "s", layout::EncodeU64(1), layout::EncodeU64(0));
  EXPECT_EQ(bytes.substr(0, 18 + 4 + header.size()), absl::StrCat("SCOUTLIGHT BACKUP\n", layout::EncodeU32(1), header));
  EXPECT_EQ(bytes.size(), 18u + 4u + header.size() + 4u + 1u + 4u + 16u + 4u);
  EXPECT_TRUE(ErrorOf(bytes).ok());
}

TEST(BackupReader, OneThatIsCutAnywhereIsNotComplete) {
  const std::string whole = Small();
  for (size_t size = 0; size < whole.size(); ++size) {
    const absl::Status status = ErrorOf(whole.substr(0, size));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << size;
    EXPECT_EQ(ReasonOf(status), Reason::kDataCorrupted) << size;
    EXPECT_TRUE(absl::StrContains(status.message(), "not complete")) << status;
  }
}

TEST(BackupReader, AnyBitThatIsWrongIsFound) {
  const std::string whole = Small();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      EXPECT_FALSE(ErrorOf(bytes).ok()) << "byte " << at << " bit " << bit;
    }
  }
}

TEST(BackupReader, OneOfANewerFormatIsRefused) {
  std::string bytes = Small();
  bytes.replace(kBackupMagic.size(), 4, layout::EncodeU32(kBackupVersion + 1));
  EXPECT_EQ(ErrorOf(bytes).code(), absl::StatusCode::kFailedPrecondition);
}

TEST(BackupReader, WhatCannotHaveBeenWrittenIsNamed) {
  const std::string header = backup::EncodeHeader(kHeader);
  const std::string end = backup::EncodeEnd({.entries = 1, .leases = 0});
  Entry newer = EntryOf("/a", "");
  newer.mod_revision = 10;
  const std::string a = backup::EncodeEntry(EntryOf("/a", ""));
  const std::string lease = backup::EncodeLease({.id = 1, .ttl = absl::Seconds(1)});
  const struct {
    std::string bytes;
    std::string message;
  } cases[] = {
      {absl::StrCat(header, a, end, "x"), "after its end"},
      {absl::StrCat(header, a, a, end), "out of order"},
      {absl::StrCat(header, backup::EncodeEntry(EntryOf("/b", "")), a, end), "out of order"},
      {absl::StrCat(header, lease, a, end), "out of order"},
      {absl::StrCat(header, lease, lease, end), "out of order"},
      {absl::StrCat(header, backup::EncodeEntry(newer), end), "newer than the backup"},
      {absl::StrCat(header, end), "it says that it has 1 entries"},
      {absl::StrCat(header, backup::EncodeLease({.id = 1, .ttl = absl::Hours(25)}), end), "impossible"},
      {absl::StrCat(header, header.substr(kBackupMagic.size() + 4)), "does not belong there"},
      {backup::EncodeHeader({.store_id = "s", .revision = 0, .taken = absl::UnixEpoch()}), "header cannot be read"},
      {absl::StrCat(header, "E", layout::EncodeU32(kBackupRecordBytesMax + 1)), "at most"},
  };
  for (const auto& one : cases) {
    const absl::Status status = ErrorOf(one.bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << one.message;
    EXPECT_TRUE(absl::StrContains(status.message(), one.message)) << status;
  }
}

// The checksum is right, but the id's length leaves no room for the id: the numbers behind it are there all the same.
TEST(BackupReader, AHeaderWithoutTheStoreIdThatItAnnouncesIsDamage) {
  for (const uint32_t length : {17u, 0x7fff'ffffu, 0xffff'ffffu}) {
    const std::string payload = absl::StrCat(layout::EncodeU32(length), layout::EncodeU64(9), layout::EncodeU64(0));
    const std::string record = absl::StrCat("H", layout::EncodeU32(static_cast<uint32_t>(payload.size())), payload);
    const absl::Status status =
        ErrorOf(absl::StrCat(kBackupMagic, layout::EncodeU32(kBackupVersion), record, layout::EncodeU32(Crc32c(record))));
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << length;
    EXPECT_TRUE(absl::StrContains(status.message(), "header cannot be read")) << status;
  }
}

}  // namespace
}  // namespace scoutlight::storage
