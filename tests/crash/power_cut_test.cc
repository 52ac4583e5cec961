// Cuts the power under the embedded store, again and again, and holds it to what it acknowledged. SCOUTLIGHT_SEED repeats a run;
// SCOUTLIGHT_TORTURE makes it long.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/db.h"
#include "storage/testing/await.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/power_cut_file_system.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"
#include "tests/checker/check.h"
#include "tests/checker/store_log.h"

namespace scoutlight::storage {
namespace {

using ::testing::IsEmpty;

struct Acknowledged {
  std::string path;
  std::string value;
  Revision revision = 0;
  checker::Nanos told = 0;  // When.
};

checker::Nanos MonotonicNow() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Runs store_driver, takes what it acknowledges, and kills it after `acknowledgements_max` lines. Gives all that it managed to say.
std::vector<Acknowledged> DriveAndKill(const std::string& mode, const std::string& folder, int generation, int acknowledgements_max) {
  const std::string driver = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "store_driver";
  const std::string generation_text = std::to_string(generation);
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execl(driver.c_str(), driver.c_str(), mode.c_str(), folder.c_str(), generation_text.c_str(), nullptr);
    _exit(127);
  }
  EXPECT_GT(child, 0);
  close(ends[1]);
  FILE* said = fdopen(ends[0], "r");
  std::vector<Acknowledged> acknowledged;
  bool killed = false;
  for (;;) {
    if (!killed && acknowledged.size() >= static_cast<size_t>(acknowledgements_max)) {
      EXPECT_EQ(kill(child, SIGKILL), 0);
      killed = true;  // What is still in the pipe was acknowledged before.
    }
    char* line = nullptr;
    size_t room = 0;
    const ssize_t length = getline(&line, &room, said);
    const std::string text(length > 0 ? line : "");
    free(line);
    if (length <= 0) break;
    if (text.back() != '\n') continue;  // Cut by the kill: nobody could have read it as an acknowledgement.
    std::istringstream words(text);
    Acknowledged one;
    words >> one.path >> one.value >> one.revision;
    one.told = MonotonicNow();
    acknowledged.push_back(std::move(one));
  }
  fclose(said);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the driver ended by itself with status " << status;
  return acknowledged;
}

// Holds the history behind `before` to what the driver writes: contiguous, whole transactions, each still there as written.
void CheckHistory(const SyncStore& store, Revision before, Revision latest, std::map<std::string, Acknowledged>* written) {
  Revision expected = before + 1;
  for (Revision from = before + 1; from <= latest;) {
    const HistoryPage page = store.History(from, latest, {Key(), Scope::kSubtree}, 1 << 20);
    ASSERT_TRUE(page.status.ok()) << page.status;
    for (const auto& batch : page.batches) {
      ASSERT_EQ(batch->revision, expected++) << "a hole in the history";
      const std::string value = batch->events[0].entry.value.bytes;
      const bool is_transaction = absl::StartsWith(batch->events[0].key.path(), "/t/");
      ASSERT_EQ(batch->events.size(), is_transaction ? 2u : 1u) << "half a transaction at " << batch->revision;
      for (const Event& event : batch->events) {
        ASSERT_EQ(event.kind, EventKind::kPut);
        ASSERT_EQ(event.entry.value.bytes, value);
        ASSERT_EQ(event.entry.version, 1);
        ASSERT_TRUE(written->insert({event.key.path(), {event.key.path(), value, batch->revision}}).second);
      }
    }
    from = page.next;
  }
  ASSERT_EQ(expected, latest + 1) << "the history ends early";
}

void CheckState(const SyncStore& store, const std::map<std::string, Acknowledged>& written) {
  std::map<std::string, Acknowledged> left = written;
  for (const Entry& entry : store.List(Key(), Scope::kSubtree)) {
    const auto it = left.find(entry.key.path());
    ASSERT_NE(it, left.end()) << entry.key.path() << " is in no transaction of the history";
    ASSERT_EQ(entry.value.bytes, it->second.value);
    ASSERT_EQ(entry.mod_revision, it->second.revision);
    left.erase(it);
  }
  ASSERT_TRUE(left.empty()) << left.begin()->first << " is gone";
}

// The driver's writes of one generation as calls: those acknowledged, and as many more as it may have had in flight, whose outcome nobody
// was told. All began at `started` at the earliest, and the unanswered were given up at `ended`.
void RecordCalls(int generation, const std::vector<Acknowledged>& acknowledged, checker::Nanos started, checker::Nanos ended,
                 checker::History* history) {
  constexpr size_t kInFlightMax = 4 * 6;  // Of store_driver.
  std::map<std::string, const Acknowledged*> by_path;
  for (const Acknowledged& one : acknowledged) by_path[one.path] = &one;
  for (size_t number = 0; number < acknowledged.size() + kInFlightMax; ++number) {
    const std::string name = absl::StrCat(generation, "-", number);
    checker::Write write;
    for (const std::string& path : number % 3 == 0 ? std::vector{absl::StrCat("/t/", name, "/a"), absl::StrCat("/t/", name, "/b")}
                                                   : std::vector{absl::StrCat("/p/", name)}) {
      write.on_success.push_back(PutOf(K(path), name));
    }
    checker::Call call{.client = generation, .called = started, .returned = ended};
    const auto& first = std::get<PutOperation>(write.on_success[0]);
    const auto answered = by_path.find(first.key.path());
    if (answered != by_path.end()) {
      call.outcome = checker::Outcome::kOk;
      call.returned = answered->second->told;
      checker::WriteAnswer answer{.revision = answered->second->revision, .results = {}};
      for (size_t i = 0; i < write.on_success.size(); ++i) {
        answer.results.push_back({.entries = {}, .create_revision = answer.revision, .version = 1});
      }
      call.answer = std::move(answer);
    }
    call.request = std::move(write);
    history->calls.push_back(std::move(call));
  }
}

TEST(PowerCut, NoAcknowledgedWriteIsLostAndTheRestIsAPrefix) {
  const char* seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  const int cycles = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 500 : 20;
  std::cout << "SCOUTLIGHT_SEED=" << seed << " cycles " << cycles << std::endl;
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  std::map<std::string, Acknowledged> written;  // By path: all that history has shown.
  size_t acknowledged_in_all = 0;
  Revision before = 1;
  checker::History history;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    const checker::Nanos started = MonotonicNow();
    // Sometimes while it opens: when the store is made, too.
    const int acknowledgements_max = random() % 10 == 0 ? 0 : 1 + static_cast<int>(random() % 300);
    const std::vector<Acknowledged> acknowledged = DriveAndKill("store", data, cycle, acknowledgements_max);
    acknowledged_in_all += acknowledged.size();
    RecordCalls(cycle, acknowledged, started, MonotonicNow(), &history);
    const std::unique_ptr<Store> store = OpenRocksdbStore(data, Clock::System());
    ASSERT_NE(store, nullptr) << "SCOUTLIGHT_SEED=" << seed << " cycle " << cycle;
    const SyncStore sync(store.get());
    const Revision latest = sync.Latest();
    CheckHistory(sync, before, latest, &written);
    checker::AppendStoreLog(store.get(), &history);
    ASSERT_FALSE(HasFatalFailure()) << "SCOUTLIGHT_SEED=" << seed << " cycle " << cycle;
    for (const Acknowledged& one : acknowledged) {
      const auto it = written.find(one.path);
      ASSERT_NE(it, written.end()) << one.path << " was acknowledged and is lost; SCOUTLIGHT_SEED=" << seed << " cycle " << cycle;
      ASSERT_EQ(it->second.value, one.value);
      ASSERT_EQ(it->second.revision, one.revision) << one.path;
    }
    if (cycle % 10 == 9 || cycle + 1 == cycles) CheckState(sync, written);
    ASSERT_FALSE(HasFatalFailure()) << "SCOUTLIGHT_SEED=" << seed << " cycle " << cycle;
    before = latest;
  }
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << "SCOUTLIGHT_SEED=" << seed << "\n" << checker::Report(history, violations);
  std::cout << acknowledged_in_all << " acknowledged writes, " << written.size() << " found" << std::endl;
}

TEST(PowerCut, TheCutIsSharpEnoughToLoseWhatIsNotSynced) {
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  const std::vector<Acknowledged> acknowledged = DriveAndKill("unsynced", data, 0, 500);
  ASSERT_GE(acknowledged.size(), 500u);
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(rocksdb::Options(), data, &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  int lost = 0;
  std::string value;
  for (const Acknowledged& one : acknowledged) lost += db->Get(rocksdb::ReadOptions(), one.path, &value).IsNotFound() ? 1 : 0;
  EXPECT_GT(lost, 0) << "a store that does not sync would pass the other tests";
}

TEST(PowerCut, AFileHoldsWhatWasSyncedAndNoMore) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  PowerCutFileSystem files;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(files.NewWritableFile(path, {}, &file, nullptr).ok());
  ASSERT_TRUE(file->Append("synced", {}, nullptr).ok());
  ASSERT_TRUE(file->Sync({}, nullptr).ok());
  ASSERT_TRUE(file->Append(" lost", {}, nullptr).ok());
  file.reset();
  std::ifstream in(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), "synced");
}

class FailedSync : public ::testing::TestWithParam<PowerCutFileSystem::Syncs> {};

TEST_P(FailedSync, TheStoreTurnsReadOnlyAndComesBackByItself) {
  const TemporaryFolder folder;
  const auto files = std::make_shared<PowerCutFileSystem>();
  const auto sink = std::make_shared<RecordingSink>(1, RecordingSink::Revisions::kContiguous);
  const std::unique_ptr<Store> store = OpenRocksdbStore(folder.path() + "/data", Clock::System(), files);
  ASSERT_NE(store, nullptr);
  const SyncStore sync(store.get());
  store->Follow(1, sink);
  for (int round = 0; round < 3; ++round) {
    const Revision acknowledged = sync.Put(K(absl::StrCat("/acknowledged/", round)), "v").revision;
    ASSERT_EQ(store->health().state, StoreHealth::State::kServing);

    files->SetSyncs(GetParam());
    const CommitResult unknown = sync.Put(K(absl::StrCat("/unknown/", round)), "v");
    EXPECT_EQ(unknown.status.code(), absl::StatusCode::kUnknown) << unknown.status;
    EXPECT_EQ(ReasonOf(unknown.status), Reason::kOutcomeUnknown);
    for (int i = 0; i < 5; ++i) {
      // The store may have come back meanwhile, and met the fault again.
      const CommitResult refused = sync.Put(K(absl::StrCat("/refused/", round)), "v");
      const bool read_only = absl::IsUnavailable(refused.status) && ReasonOf(refused.status) == Reason::kReadOnly;
      const bool again = refused.status.code() == absl::StatusCode::kUnknown && ReasonOf(refused.status) == Reason::kOutcomeUnknown;
      EXPECT_TRUE(read_only || again) << refused.status;
    }
    // Reads go on, but for the moments in which the store is closed to be opened again.
    const Page read = sync.Read(QueryOf(K(absl::StrCat("/acknowledged/", round)), Scope::kKey));
    if (read.status.ok()) {
      ASSERT_EQ(read.entries.size(), 1u);
      EXPECT_EQ(read.entries[0].mod_revision, acknowledged);
      EXPECT_GE(read.revision, acknowledged);
    } else {
      EXPECT_EQ(read.status.code(), absl::StatusCode::kUnavailable) << read.status;
      EXPECT_EQ(ReasonOf(read.status), Reason::kReadOnly);
    }

    files->SetSyncs(PowerCutFileSystem::Syncs::kWork);
    ASSERT_TRUE(AwaitCondition([&] { return store->health().state == StoreHealth::State::kServing; })) << store->health().problem;
    for (int earlier = 0; earlier <= round; ++earlier) {
      EXPECT_TRUE(sync.Get(K(absl::StrCat("/acknowledged/", earlier))).has_value()) << earlier;
    }
    const CommitResult after = sync.Put(K(absl::StrCat("/after/", round)), "v");
    ASSERT_TRUE(after.status.ok()) << after.status;
    EXPECT_GT(after.revision, acknowledged);
  }
  ASSERT_TRUE(sink->WaitFor(sync.Latest()));
  EXPECT_THAT(sink->gaps(), IsEmpty());
  std::map<std::string, Revision> shown, there;
  for (const auto& batch : sink->batches()) {
    for (const Event& event : batch->events) shown[event.key.path()] = batch->revision;
  }
  for (const Entry& entry : sync.List(Key(), Scope::kSubtree)) there[entry.key.path()] = entry.mod_revision;
  EXPECT_EQ(shown, there) << "what the sink was shown is what is there";
}

std::string FaultName(const ::testing::TestParamInfo<PowerCutFileSystem::Syncs>& info) {
  return info.param == PowerCutFileSystem::Syncs::kFailAndLose ? "BytesLost" : "BytesKept";
}

INSTANTIATE_TEST_SUITE_P(PowerCut, FailedSync,
                         ::testing::Values(PowerCutFileSystem::Syncs::kFailAndLose, PowerCutFileSystem::Syncs::kFailAndKeep), FaultName);

}  // namespace
}  // namespace scoutlight::storage
