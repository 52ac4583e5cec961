// Damaged and foreign data directories: refused at the start, with the file that is at fault.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/e2e/served_test.h"

namespace scoutlight::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void FlipBit(const std::string& path, std::streamoff at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(at);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(at);
  file.put(flipped);
}

// How far the records of a WAL reach, behind which a killed server leaves zeros.
std::uintmax_t RecordBytes(const std::string& path) { return ReadFile(path).find_last_not_of('\0') + 1; }

// A data directory on which a server was killed with everything it was told still in the WAL.
class Damage : public ServedTest {
 protected:
  Damage() {
    for (int i = 0; i < 300; ++i) EXPECT_TRUE(client().Put(absl::StrCat("/a/", i), std::string(200, 'v')).ok());
    server().Kill();
  }
  void TearDown() override {}

  // The newest WAL.
  std::string WalPath() const {
    std::string newest;
    for (const auto& file : std::filesystem::directory_iterator(data_dir() + "/db")) {
      if (file.path().extension() == ".log") newest = std::max(newest, file.path().string());
    }
    EXPECT_NE(newest, "");
    return newest;
  }

  // Starts a server, which must not come up. Returns what it said.
  std::string Refusal() {
    ServerProcess refused({.data_dir = data_dir()});
    EXPECT_EQ(refused.WaitForExit(), Exit{.code = 1});
    EXPECT_EQ(refused.address(), "");
    EXPECT_THAT(refused.errors(), HasSubstr("cannot start: "));
    return refused.errors();
  }
};

TEST_F(Damage, FlippedBitInTheMiddleOfTheWalIsRefusedByName) {
  const std::string path = WalPath();
  const auto middle = static_cast<std::streamoff>(RecordBytes(path) / 2);
  ASSERT_GT(middle, 30'000);
  FlipBit(path, middle);
  EXPECT_THAT(Refusal(), HasSubstr(path));
}

TEST_F(Damage, DeletedWalOfAStoreThatNeverRestartedIsRefused) {
  std::filesystem::remove(WalPath());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(data_dir() + "/db is empty"), HasSubstr("acknowledged writes are missing")));
}

TEST_F(Damage, DeletedWalIsRefusedWithTheRevisionsOfBothSides) {
  Start();  // Moves what the WAL held into tables.
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client().Put("/b", "later").ok());
  server().Kill();
  std::filesystem::remove(WalPath());
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(data_dir() + "/high-water"), HasSubstr("revision 311"), HasSubstr(data_dir() + "/db"),
                               HasSubstr("ends at revision 301")));
}

TEST_F(Damage, CutTailOfTheWalIsRefusedWhenItHeldAcknowledgedWrites) {
  const std::string path = WalPath();
  std::filesystem::resize_file(path, RecordBytes(path) - 100);
  EXPECT_THAT(Refusal(), HasSubstr(data_dir() + "/high-water"));
}

TEST_F(Damage, TornWriteBehindTheLastAcknowledgedOneIsNoDamage) {
  std::ofstream(WalPath(), std::ios::binary | std::ios::app) << std::string("\x01\x02\x03", 3);
  Start();
  EXPECT_EQ(client().Revision(), 301);
  Stop();
}

// Of each table file in turn: some are read at the start, which is then refused; the others are found by the scrub.
TEST_F(Damage, FlippedBitInATableFileIsNamedAndHealthSaysSo) {
  Start();  // Moves what the WAL held into table files.
  Stop();
  std::vector<std::string> tables;
  for (const auto& file : std::filesystem::directory_iterator(data_dir() + "/db")) {
    if (file.path().extension() == ".sst") tables.push_back(file.path().filename().string());
  }
  ASSERT_GE(tables.size(), 3u);
  int scrubbed = 0;
  for (const std::string& table : tables) {
    const TempDir copy;
    std::filesystem::copy(data_dir(), copy.path() + "/data", std::filesystem::copy_options::recursive);
    FlipBit(copy.path() + "/data/db/" + table, 40);
    ServerProcess damaged({.data_dir = copy.path() + "/data"});
    const auto says = [&damaged](const std::string& text) { return damaged.errors().find(text) != std::string::npos; };
    EXPECT_TRUE(WaitUntil([&] { return says("cannot start") || says("stored data is damaged"); })) << table << ": " << damaged.errors();
    EXPECT_THAT(damaged.errors(), HasSubstr(table));
    if (says("cannot start")) continue;
    ++scrubbed;
    ASSERT_TRUE(damaged.WaitUntilListening());  // The scrub may be the faster one.
    Client watcher(damaged.address());
    EXPECT_TRUE(WaitUntil([&] { return watcher.Health() == grpc::health::v1::HealthCheckResponse::NOT_SERVING; })) << table;
  }
  EXPECT_GT(scrubbed, 0);
}

TEST_F(Damage, DamagedHighWaterIsRefusedByName) {
  WriteFile(data_dir() + "/high-water", std::string(1024, 'x'));
  EXPECT_THAT(Refusal(), HasSubstr(data_dir() + "/high-water"));
}

TEST_F(Damage, DamagedIdentityIsRefusedByName) {
  WriteFile(data_dir() + "/identity", "what?\n");
  EXPECT_THAT(Refusal(), HasSubstr(data_dir() + "/identity"));
}

TEST_F(Damage, MissingIdentityIsRefusedByName) {
  std::filesystem::remove(data_dir() + "/identity");
  EXPECT_THAT(Refusal(), HasSubstr(data_dir() + "/identity"));
}

TEST_F(Damage, NewerFormatIsRefusedWithBothVersions) {
  const std::string path = data_dir() + "/identity";
  WriteFile(path, absl::StrReplaceAll(ReadFile(path), {{"format 1", "format 7"}}));
  EXPECT_THAT(Refusal(), AllOf(HasSubstr(path), HasSubstr("version 7"), HasSubstr("version 1"), HasSubstr("newer server")));
}

TEST_F(Damage, UndamagedDirectoryServesAllOfIt) {
  Start();
  EXPECT_EQ(client().Revision(), 301);
  EXPECT_EQ(client().ListAll(ListOf("/a")).size(), 300u);
  Stop();
}

}  // namespace
}  // namespace scoutlight::testing
