#include "storage/rocksdb/rocksdb_engine.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/rocksdb/store_folder.h"
#include "storage/testing/engine_suite.h"
#include "storage/testing/power_cut_file_system.h"

namespace scoutlight::storage {
namespace {

class RocksdbFixture {
 public:
  static constexpr const char* kStoreId = kId;
  Engine& engine() { return *engine_; }

 private:
  const TemporaryFolder folder_;
  const std::unique_ptr<Engine> engine_ = OpenRocksdbEngine(Options(folder_.path() + "/data")).value();
};

INSTANTIATE_TYPED_TEST_SUITE_P(Rocksdb, EngineSuite, RocksdbFixture);

class RocksdbEngineTest : public ::testing::Test {
 protected:
  std::unique_ptr<Engine> Open() { return OpenRocksdbEngine(Options(dir_)).value(); }
  // Makes a store that ends at `last` with all its writes in the WAL, and closes it.
  void MakeStore(Revision last) {
    const std::unique_ptr<Engine> engine = Open();
    for (Revision revision = 2; revision <= last; ++revision) ASSERT_TRUE(PutRevision(*engine, revision).ok());
  }
  // Opening is refused with `code`, and says every one of `words`.
  void ExpectRefused(absl::StatusCode code, const std::vector<std::string>& words) {
    const absl::Status status = OpenRocksdbEngine(Options(dir_)).status();
    EXPECT_EQ(status.code(), code) << status;
    for (const std::string& word : words) EXPECT_TRUE(absl::StrContains(status.message(), word)) << status << " lacks " << word;
  }

  const TemporaryFolder folder_;
  const std::string dir_ = folder_.path() + "/data";
};

TEST_F(RocksdbEngineTest, KeepsWhatWasWrittenAndItsOwnId) {
  MakeStore(100);
  RocksdbEngineOptions options = Options(dir_);
  options.new_store_id = "ffffffffffffffffffffffffffffffff";
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  EXPECT_EQ(engine->store_id(), kId);
  EXPECT_EQ(ReadRows(*engine->TakeSnapshot(), Table::kLive).size(), 99u);
  struct stat facts {};
  ASSERT_EQ(::stat(dir_.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700u);
}

TEST_F(RocksdbEngineTest, SecondOpenNamesTheHolder) {
  const std::unique_ptr<Engine> engine = Open();
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/LOCK", absl::StrCat(::getpid())});
}

TEST_F(RocksdbEngineTest, DataDirMustBeADirectoryOfItsOwn) {
  WriteText(dir_, "a file");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {dir_, "not a directory"});
  fs::remove(dir_);
  fs::create_directories(dir_ + "/db");
  WriteText(dir_ + "/db/thesis.sst", "not ours");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {dir_ + "/db"});
  EXPECT_EQ(ReadText(dir_ + "/db/thesis.sst"), "not ours");
}

TEST_F(RocksdbEngineTest, NewerFormatsAreRefused) {
  MakeStore(2);
  const std::string identity = ReadText(dir_ + "/identity");
  WriteText(dir_ + "/identity", "scoutlight-store\nformat 9\nsomething new\n");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/identity", "version 9", "version 1"});
  WriteText(dir_ + "/identity", identity);
  ASSERT_TRUE(PutOne(*Open(), Table::kMeta, layout::kMetaFormat, layout::EncodeU32(7), 3).ok());
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/db", "version 7", "version 1"});
}

TEST_F(RocksdbEngineTest, DamagedOrMissingIdentityIsRefused) {
  MakeStore(5);
  const std::string identity = ReadText(dir_ + "/identity");
  WriteText(dir_ + "/identity", "");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/identity"});
  fs::remove(dir_ + "/identity");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/identity", "missing", "/high-water"});
  fs::remove(dir_ + "/high-water");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/identity", "missing", "/db"});
  WriteText(dir_ + "/identity", identity);
  EXPECT_EQ(ReadRows(*Open()->TakeSnapshot(), Table::kLive).size(), 4u);
}

TEST_F(RocksdbEngineTest, FilesOfDifferentStoresAreRefused) {
  MakeStore(2);
  WriteText(dir_ + "/identity", "scoutlight-store\nformat 1\nstore_id other\n");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/identity", "/high-water", "other", kId});
  fs::remove(dir_ + "/high-water");
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/identity", "/db", "other", kId});
}

TEST_F(RocksdbEngineTest, UnfinishedStoreIsCompletedOrMadeAnew) {
  // As after a crash before `identity`, before `high-water`, and in the midst of making the database.
  MakeStore(1);
  fs::remove(dir_ + "/identity");
  EXPECT_EQ(Open()->store_id(), kId);
  fs::remove(dir_ + "/identity");
  fs::remove(dir_ + "/high-water");
  EXPECT_EQ(Open()->store_id(), kId);
  fs::remove_all(dir_);
  MakeStore(1);
  for (const char* name : {"/identity", "/high-water", "/db/CURRENT"}) fs::remove(dir_ + name);
  for (const auto& file : fs::directory_iterator(dir_ + "/db")) {
    if (file.path().extension() == ".sst") fs::remove(file);
  }
  WriteText(dir_ + "/db/CURRENT", "torn");
  const std::unique_ptr<Engine> engine = Open();
  EXPECT_EQ(GetOr(*engine->TakeSnapshot(), Table::kMeta, layout::kMetaRevision, ""), layout::EncodeU64(1));
}

TEST_F(RocksdbEngineTest, FlippedBitInTheWalIsRefused) {
  for (const double at : {0.3, 0.5, 0.8}) {
    fs::remove_all(dir_);
    MakeStore(500);
    const fs::path wal = LargestFile(dir_, ".log");
    FlipBit(wal, static_cast<size_t>(static_cast<double>(fs::file_size(wal)) * at));
    ExpectRefused(absl::StatusCode::kDataLoss, {wal.filename().string(), "backup"});
    // Also where nothing says what the last revision was.
    fs::remove(dir_ + "/high-water");
    ExpectRefused(absl::StatusCode::kDataLoss, {wal.filename().string(), "backup"});
  }
}

TEST_F(RocksdbEngineTest, DeletedOrCutWalIsRefusedUntilAccepted) {
  MakeStore(500);
  const fs::path wal = LargestFile(dir_, ".log");
  const std::string bytes = ReadText(wal);
  fs::resize_file(wal, bytes.size() - 10);
  ExpectRefused(absl::StatusCode::kDataLoss, {"/high-water", "500", "499", "delete"});
  fs::remove_all(dir_);
  MakeStore(500);
  fs::remove(LargestFile(dir_, ".log"));
  ExpectRefused(absl::StatusCode::kDataLoss, {"/identity", "missing"});
}

TEST_F(RocksdbEngineTest, OldCopyOfTheDatabaseIsRefusedUntilAccepted) {
  MakeStore(100);
  fs::copy(dir_ + "/db", folder_.path() + "/old", fs::copy_options::recursive);
  ASSERT_TRUE(PutRevision(*Open(), 101).ok());
  fs::remove_all(dir_ + "/db");
  fs::copy(folder_.path() + "/old", dir_ + "/db", fs::copy_options::recursive);
  ExpectRefused(absl::StatusCode::kDataLoss, {"/high-water", "revision 101", "revision 100", "delete"});
  fs::remove(dir_ + "/high-water");
  std::vector<std::string> warnings;
  RocksdbEngineOptions options = Options(dir_);
  options.log = [&warnings](char level, absl::string_view line) {
    if (level == 'w') warnings.emplace_back(line);
  };
  EXPECT_EQ(ReadRows(*OpenRocksdbEngine(options).value()->TakeSnapshot(), Table::kLive).size(), 99u);
  ASSERT_FALSE(warnings.empty());
  EXPECT_TRUE(absl::StrContains(warnings[0], "/high-water is missing")) << warnings[0];
}

TEST_F(RocksdbEngineTest, HighWaterSurvivesOneDamagedSlotNotTwo) {
  MakeStore(10);
  FlipBit(dir_ + "/high-water", 20);
  EXPECT_EQ(ReadRows(*Open()->TakeSnapshot(), Table::kLive).size(), 9u);
  FlipBit(dir_ + "/high-water", 20);
  FlipBit(dir_ + "/high-water", 512 + 20);
  ExpectRefused(absl::StatusCode::kDataLoss, {"/high-water", "damaged"});
  WriteText(dir_ + "/high-water", "");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/high-water", "damaged"});
}

TEST_F(RocksdbEngineTest, DamagedManifestAndCurrentAreRefused) {
  MakeStore(100);
  const std::string current = ReadText(dir_ + "/db/CURRENT");
  const std::string manifest = dir_ + "/db/" + current.substr(0, current.size() - 1);
  WriteText(dir_ + "/db/CURRENT", "garbage");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/db", "CURRENT", "backup"});
  fs::remove(dir_ + "/db/CURRENT");
  ExpectRefused(absl::StatusCode::kDataLoss, {"/db", "backup"});
  WriteText(dir_ + "/db/CURRENT", current);
  FlipBit(manifest, fs::file_size(manifest) / 2);
  ExpectRefused(absl::StatusCode::kDataLoss, {"/db", "MANIFEST", "backup"});
  fs::remove(manifest);
  ExpectRefused(absl::StatusCode::kDataLoss, {"/db", "MANIFEST", "backup"});
}

TEST_F(RocksdbEngineTest, DamagedTableFileIsFoundByVerifyAndReads) {
  MakeStore(500);
  // Opening again writes the WAL's contents into table files.
  Open();
  const fs::path table = LargestFile(dir_, ".sst");
  ASSERT_FALSE(table.empty());
  FlipBit(table, 100);
  {
    const std::unique_ptr<Engine> engine = Open();
    const absl::Status status = engine->Verify([] { return false; });
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_TRUE(absl::StrContains(status.message(), table.filename().string())) << status;
    const std::unique_ptr<Cursor> cursor = engine->TakeSnapshot()->NewCursor(Table::kLive, "", "");
    cursor->Seek("");
    while (cursor->Valid()) cursor->Next();
    EXPECT_EQ(cursor->status().code(), absl::StatusCode::kDataLoss) << cursor->status();
  }
  fs::remove(table);
  ExpectRefused(absl::StatusCode::kDataLoss, {table.filename().string(), "backup"});
}

TEST_F(RocksdbEngineTest, DamageOfWhatNoWalkReadsIsFoundByVerify) {
  MakeStore(500);
  Open();
  const std::string whole = folder_.path() + "/whole";
  fs::rename(dir_, whole);
  int unread = 0;  // Of these, of filters for instance, a walk over all rows tells nothing.
  for (const double at : {0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95}) {
    fs::remove_all(dir_);
    fs::copy(whole, dir_, fs::copy_options::recursive);
    const fs::path table = LargestFile(dir_, ".sst");
    FlipBit(table, static_cast<size_t>(static_cast<double>(fs::file_size(table)) * at));
    const auto opened = OpenRocksdbEngine(Options(dir_));
    if (!opened.ok()) continue;
    const std::unique_ptr<Cursor> cursor = (*opened)->TakeSnapshot()->NewCursor(Table::kLive, "", "");
    for (cursor->Seek(""); cursor->Valid();) cursor->Next();
    if (cursor->status().ok()) ++unread;
    EXPECT_EQ((*opened)->Verify([] { return false; }).code(), absl::StatusCode::kDataLoss) << at;
  }
  EXPECT_GT(unread, 0);
}

TEST_F(RocksdbEngineTest, DropHistoryTakesOldRecordsFromTheDisk) {
  RocksdbEngineOptions options = Options(dir_);
  options.log_step_revisions = 10;
  options.past_compaction_bytes_min = 1;
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  const std::string record(1'000, 'x');
  for (Revision revision = 2; revision <= 1'001; ++revision) {
    const std::unique_ptr<WriteSet> writes = engine->NewWriteSet();
    writes->Put(Table::kLog, layout::LogKey(revision, 0), record);
    writes->Put(Table::kPast, layout::PastKey(absl::StrCat("\x01k", revision % 7), revision), record);
    writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
    ASSERT_TRUE(engine->Write(*writes, revision).ok());
  }
  ASSERT_TRUE(engine->Reopen().ok());  // Everything is in table files.
  engine->DropHistory(901);
  engine->DropHistory(10);  // Never goes back.
  for (int i = 0; i < 20; ++i) engine->Maintain();
  const auto snapshot = engine->TakeSnapshot();
  EXPECT_EQ(ReadRows(*snapshot, Table::kLog).size(), 100u);
  EXPECT_EQ(ReadRows(*snapshot, Table::kLog).front().first, layout::LogKey(902, 0));
  EXPECT_EQ(ReadRows(*snapshot, Table::kPast).size(), 100u);
}

// A server older than its history: the log is cut at its start and grows at its end, in the same buffer of memory, and again from the WAL.
TEST_F(RocksdbEngineTest, TheLogGrowsOnWhileItsStartIsDropped) {
  RocksdbEngineOptions options = Options(dir_);
  options.log_step_revisions = 10;
  options.write_buffer_bytes = 64 << 20;
  Revision revision = 1;
  {
    const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
    while (revision < 4'000) {
      for (int i = 0; i < 40; ++i) {
        const std::unique_ptr<WriteSet> writes = engine->NewWriteSet();
        ++revision;
        writes->Put(Table::kLog, layout::LogKey(revision, 0), "record");
        writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
        ASSERT_TRUE(engine->Write(*writes, revision).ok());
      }
      engine->DropHistory(revision - 20);
      engine->Maintain();
    }
    EXPECT_EQ(ReadRows(*engine->TakeSnapshot(), Table::kLog).size(), 20u);
  }
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  const auto rows = ReadRows(*engine->TakeSnapshot(), Table::kLog);
  ASSERT_EQ(rows.size(), 20u);
  EXPECT_EQ(rows.front().first, layout::LogKey(revision - 19, 0));
  EXPECT_EQ(rows.back().first, layout::LogKey(revision, 0));
}

// What is compacted may still be needed, for the repetition of a request: only DropHistory gives it up, not the mark on disk.
TEST_F(RocksdbEngineTest, OpeningDropsNoHistoryByItself) {
  RocksdbEngineOptions options = Options(dir_);
  options.log_step_revisions = 1;
  options.past_compaction_bytes_min = 1;
  const std::string record(1'000, 'x');
  {
    const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
    for (Revision revision = 2; revision <= 101; ++revision) {
      const std::unique_ptr<WriteSet> writes = engine->NewWriteSet();
      writes->Put(Table::kLog, layout::LogKey(revision, 0), record);
      writes->Put(Table::kPast, layout::PastKey("\x01k", revision), record);
      writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
      writes->Put(Table::kMeta, layout::kMetaOldest, layout::EncodeU64(static_cast<uint64_t>(revision)));
      ASSERT_TRUE(engine->Write(*writes, revision).ok());
    }
  }
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  engine->DropHistory(41);
  for (int i = 0; i < 20; ++i) engine->Maintain();
  const auto snapshot = engine->TakeSnapshot();
  EXPECT_EQ(ReadRows(*snapshot, Table::kLog).front().first, layout::LogKey(42, 0));
  EXPECT_EQ(ReadRows(*snapshot, Table::kPast).size(), 60u);
}

TEST_F(RocksdbEngineTest, FailedSyncRefusesWritesUntilReopened) {
  for (const auto failure : {PowerCutFileSystem::Syncs::kFailAndLose, PowerCutFileSystem::Syncs::kFailAndKeep}) {
    fs::remove_all(dir_);
    const auto file_system = std::make_shared<PowerCutFileSystem>();
    RocksdbEngineOptions options = Options(dir_);
    options.file_system = file_system;
    const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
    ASSERT_TRUE(PutRevision(*engine, 2).ok());
    auto reader = engine->TakeSnapshot();
    file_system->SetSyncs(failure);
    EXPECT_EQ(PutRevision(*engine, 3).code(), absl::StatusCode::kUnavailable);
    file_system->SetSyncs(PowerCutFileSystem::Syncs::kWork);
    const absl::Status refused = PutRevision(*engine, 3);
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable);
    EXPECT_EQ(ReasonOf(refused), Reason::kReadOnly);
    EXPECT_EQ(ReadRows(*reader, Table::kLive).size(), 1u);
    EXPECT_EQ(engine->Reopen().code(), absl::StatusCode::kFailedPrecondition);
    reader.reset();
    ASSERT_TRUE(engine->Reopen().ok());
    const Rows rows = ReadRows(*engine->TakeSnapshot(), Table::kLive);
    EXPECT_EQ(rows.size(), failure == PowerCutFileSystem::Syncs::kFailAndKeep ? 2u : 1u);
    EXPECT_TRUE(PutRevision(*engine, 4).ok());
  }
}

TEST_F(RocksdbEngineTest, ReopenThatFailsLeavesItClosedAndMayBeTriedAgain) {
  const auto file_system = std::make_shared<PowerCutFileSystem>();
  RocksdbEngineOptions options = Options(dir_);
  options.file_system = file_system;
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  ASSERT_TRUE(PutRevision(*engine, 2).ok());
  file_system->SetSyncs(PowerCutFileSystem::Syncs::kFailAndLose);
  EXPECT_FALSE(engine->Reopen().ok());
  EXPECT_EQ(engine->TakeSnapshot(), nullptr);
  EXPECT_EQ(ReasonOf(PutRevision(*engine, 3)), Reason::kReadOnly);
  EXPECT_EQ(engine->Verify([] { return false; }).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(engine->PastBytes() + engine->LogBytes(1, 10), 0u);
  engine->Maintain();
  ExpectRefused(absl::StatusCode::kFailedPrecondition, {"/LOCK"});
  file_system->SetSyncs(PowerCutFileSystem::Syncs::kWork);
  ASSERT_TRUE(engine->Reopen().ok());
  EXPECT_TRUE(PutRevision(*engine, 3).ok());
}

TEST_F(RocksdbEngineTest, RoomCountsFromTheReserves) {
  RocksdbEngineOptions options = Options(dir_);
  options.disk_reserve_bytes = 1 << 20;
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  const Engine::Room room = engine->FreeRoom().value();
  EXPECT_GT(room.for_puts_bytes, 0);
  // Other processes write to the disk too, but both come from one look at it.
  EXPECT_EQ(room.for_deletes_bytes - room.for_puts_bytes, (1 << 20) / 4 * 3);
  EXPECT_EQ(room.disk_bytes, static_cast<int64_t>(std::filesystem::space(dir_).capacity));
}

enum class Death { kKill, kPowerCut, kTornWrite };

// What the child of KillWhileWriting runs: writes and says after each write how far it is, until it is killed.
TEST(RocksdbEngineChild, DISABLED_WritesUntilKilled) {
  RocksdbEngineOptions options = Options(std::getenv("CHILD_DIR"));
  const Death death = static_cast<Death>(std::atoi(std::getenv("CHILD_DEATH")));
  if (death == Death::kPowerCut) options.file_system = std::make_shared<PowerCutFileSystem>();
  if (death == Death::kTornWrite) options.file_system = std::make_shared<PowerCutFileSystem>(/*torn_seed=*/1);
  const int acknowledgements = std::atoi(std::getenv("CHILD_PIPE"));
  const std::unique_ptr<Engine> engine = OpenRocksdbEngine(options).value();
  const std::string revision = GetOr(*engine->TakeSnapshot(), Table::kMeta, layout::kMetaRevision, "");
  for (Revision next = static_cast<Revision>(layout::DecodeU64(revision).value()) + 1;; ++next) {
    ASSERT_TRUE(PutRevision(*engine, next, std::string(3'000, 'v')).ok());
    ASSERT_EQ(::write(acknowledgements, &next, sizeof(next)), static_cast<ssize_t>(sizeof(next)));
  }
}

// Starts this program anew, since RocksDB's threads do not survive a fork. Returns the child; its acknowledgements come out of `pipe_end`.
pid_t StartChild(const std::string& dir, Death death, int* pipe_end) {
  int ends[2];
  if (::pipe(ends) != 0) return -1;
  ::setenv("CHILD_DIR", dir.c_str(), 1);
  ::setenv("CHILD_PIPE", absl::StrCat(ends[1]).c_str(), 1);
  ::setenv("CHILD_DEATH", absl::StrCat(static_cast<int>(death)).c_str(), 1);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    ::execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests", "--gtest_filter=RocksdbEngineChild.*", nullptr);
    ::_exit(1);
  }
  ::close(ends[1]);
  *pipe_end = ends[0];
  return child;
}

// Kills a writing child after so many acknowledgements: everything that it acknowledged is there, and nothing else but one more write.
void KillWhileWriting(const std::string& dir, Death death, int acknowledgements) {
  int pipe_end = -1;
  const pid_t child = StartChild(dir, death, &pipe_end);
  ASSERT_GT(child, 0);
  Revision acknowledged = 0;
  for (int i = 0; i < acknowledgements; ++i) ASSERT_EQ(::read(pipe_end, &acknowledged, sizeof(acknowledged)), 8);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  for (Revision more = 0; ::read(pipe_end, &more, sizeof(more)) == 8;) acknowledged = more;
  ::close(pipe_end);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);

  const auto engine = OpenRocksdbEngine(Options(dir));
  ASSERT_TRUE(engine.ok()) << engine.status();
  const auto snapshot = (*engine)->TakeSnapshot();
  const Revision last = static_cast<Revision>(layout::DecodeU64(GetOr(*snapshot, Table::kMeta, layout::kMetaRevision, "")).value());
  EXPECT_GE(last, acknowledged);
  EXPECT_LE(last, acknowledged + 1);
  EXPECT_EQ(ReadRows(*snapshot, Table::kLive).size(), static_cast<size_t>(last - 1));
  EXPECT_TRUE((*engine)->Verify([] { return false; }).ok());
}

TEST_F(RocksdbEngineTest, KilledProcessLosesNothingItAcknowledged) {
  for (int cycle = 1; cycle <= 5; ++cycle) KillWhileWriting(dir_, Death::kKill, 150 * cycle);
}

TEST_F(RocksdbEngineTest, PowerCutLosesNothingAcknowledged) {
  for (int cycle = 1; cycle <= 5; ++cycle) KillWhileWriting(dir_, Death::kPowerCut, 150 * cycle);
}

TEST_F(RocksdbEngineTest, PowerCutThatTearsAWriteLosesNothingAcknowledged) {
  for (int cycle = 1; cycle <= 10; ++cycle) KillWhileWriting(dir_, Death::kTornWrite, 50 * cycle);
}

}  // namespace
}  // namespace scoutlight::storage
