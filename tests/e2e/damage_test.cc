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
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  ASSERT_GT(middle, 30'000);
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(middle);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(middle);
  file.put(flipped);
  file.close();
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
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 100);
  EXPECT_THAT(Refusal(), HasSubstr(data_dir() + "/high-water"));
}

TEST_F(Damage, TornWriteBehindTheLastAcknowledgedOneIsNoDamage) {
  std::ofstream(WalPath(), std::ios::binary | std::ios::app) << std::string("\x01\x02\x03", 3);
  Start();
  EXPECT_EQ(client().Revision(), 301);
  Stop();
}

TEST_F(Damage, FlippedBitInATableIsFoundByTheScrubAndShownByHealth) {
  Start();  // Moves what the WAL held into tables.
  Stop();
  std::string largest;
  for (const auto& file : std::filesystem::directory_iterator(data_dir() + "/db")) {
    if (file.path().extension() != ".sst") continue;
    if (largest.empty() || file.file_size() > std::filesystem::file_size(largest)) largest = file.path().string();
  }
  ASSERT_NE(largest, "");
  std::fstream file(largest, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(500);
  const char flipped = static_cast<char>(file.get() ^ 1);
  file.seekp(500);
  file.put(flipped);
  file.close();
  // Which table the file belongs to decides whether the start reads it: then it is refused, else the scrub finds it.
  ServerProcess damaged({.data_dir = data_dir()});
  if (damaged.WaitUntilListening()) {
    EXPECT_TRUE(WaitUntil([&] { return damaged.errors().find("stored data is damaged") != std::string::npos; })) << damaged.errors();
    Client watcher(damaged.address());
    EXPECT_TRUE(WaitUntil([&] { return watcher.Health() == grpc::health::v1::HealthCheckResponse::NOT_SERVING; }));
  }
  EXPECT_THAT(damaged.errors(), HasSubstr(std::filesystem::path(largest).filename().string()));
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
