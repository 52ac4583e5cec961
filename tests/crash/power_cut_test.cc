// Cuts the power under the embedded store, again and again, and holds it to what it acknowledged. SCOUTLIGHT_SEED repeats a run;
// SCOUTLIGHT_TORTURE makes it long.

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
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

// What store_driver said until it was killed.
struct Drive {
  std::vector<std::string> lines;
  std::vector<checker::Nanos> told;  // When, of each.
  checker::Nanos started = 0;        // Before it ran.
  checker::Nanos killed = 0;         // Before the kill.
  checker::Nanos ended = 0;          // When it was gone.
};

// Runs store_driver and kills it after `lines_max` lines. Gives all that it managed to say.
Drive DriveAndKill(const std::string& mode, const std::string& folder, int generation, int lines_max) {
  const std::string driver = std::filesystem::read_symlink("/proc/self/exe").parent_path() / "store_driver";
  const std::string generation_text = std::to_string(generation);
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  Drive drive;
  drive.started = MonotonicNow();
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
  for (;;) {
    if (drive.killed == 0 && drive.lines.size() >= static_cast<size_t>(lines_max)) {
      drive.killed = MonotonicNow();
      EXPECT_EQ(kill(child, SIGKILL), 0);  // What is still in the pipe was acknowledged before.
    }
    char* line = nullptr;
    size_t room = 0;
    const ssize_t length = getline(&line, &room, said);
    std::string text(line, length > 0 ? length : 0);
    free(line);
    if (length <= 0) break;
    if (text.back() != '\n') continue;  // Cut by the kill: nobody could have read it as an acknowledgement.
    drive.lines.push_back(std::move(text));
    drive.told.push_back(MonotonicNow());
  }
  fclose(said);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  drive.ended = MonotonicNow();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "the driver ended by itself with status " << status;
  return drive;
}

// The same of a driver whose lines are acknowledgements of writes.
std::vector<Acknowledged> DriveWritesAndKill(const std::string& mode, const std::string& folder, int generation, int acknowledgements_max) {
  const Drive drive = DriveAndKill(mode, folder, generation, acknowledgements_max);
  std::vector<Acknowledged> acknowledged;
  for (size_t i = 0; i < drive.lines.size(); ++i) {
    std::istringstream words(drive.lines[i]);
    Acknowledged one;
    words >> one.path >> one.value >> one.revision;
    one.told = drive.told[i];
    acknowledged.push_back(std::move(one));
  }
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

// By mode of store_driver.
class PowerCutLoop : public ::testing::TestWithParam<std::string> {};

TEST_P(PowerCutLoop, NoAcknowledgedWriteIsLostAndTheRestIsAPrefix) {
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
    RecordProperty("runs", cycle + 1);
    const checker::Nanos started = MonotonicNow();
    // Sometimes while it opens: when the store is made, too.
    const int acknowledgements_max = random() % 10 == 0 ? 0 : 1 + static_cast<int>(random() % 300);
    const std::vector<Acknowledged> acknowledged = DriveWritesAndKill(GetParam(), data, cycle, acknowledgements_max);
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

INSTANTIATE_TEST_SUITE_P(PowerCut, PowerCutLoop, ::testing::Values("store", "torn"), [](const auto& info) { return info.param; });

// The calls of one drive of "leases". What has no end has no answer.
void RecordLeaseCalls(const Drive& drive, checker::History* history) {
  std::map<int, checker::Call*> open;  // By client.
  const size_t first = history->calls.size();
  history->calls.reserve(first + drive.lines.size());  // They stay where they are.
  for (size_t i = 0; i < drive.lines.size(); ++i) {
    std::istringstream words(drive.lines[i]);
    std::string word, kind;
    int client = 0;
    LeaseId id = 0;
    words >> word >> client >> kind >> id;
    checker::Call*& call = open[client];
    if (word == "begin") {
      history->calls.push_back({.client = client, .returned = drive.ended});
      call = &history->calls.back();
      words >> call->called;
      const std::string keys = absl::StrCat("/l/", id);
      // As the driver chooses it.
      if (kind == "g") call->request = checker::Grant{.id = id, .ttl = id / 10 % 10'000 % 3 == 0 ? absl::Seconds(1) : absl::Hours(1)};
      if (kind == "p") call->request = checker::Write{.on_success = {PutOf(K(keys + "/a"), keys, id), PutOf(K(keys + "/b"), keys, id)}};
      if (kind == "r") call->request = checker::Renew{.ids = {id}};
      if (kind == "v") call->request = checker::Revoke{.id = id};
    } else if (word == "end" && call != nullptr) {
      Revision revision = 0;
      int64_t number = 0;
      words >> revision >> number;
      call->returned = drive.told[i];
      call->outcome = checker::Outcome::kOk;
      if (kind == "g")
        call->answer = checker::GrantAnswer{.id = id, .ttl = std::get<checker::Grant>(call->request).ttl, .revision = revision};
      if (kind == "p") {
        const OperationResult result{.entries = {}, .create_revision = revision, .version = 1};
        call->answer = checker::WriteAnswer{.revision = revision, .results = {result, result}};
      }
      if (kind == "r") {
        call->answer =
            checker::RenewAnswer{.results = {number == 1 ? checker::Outcome::kOk : checker::Outcome::kFailed}, .revision = revision};
      }
      if (kind == "v") call->answer = checker::RevokeAnswer{.deleted = number, .revision = revision};
    }
  }
}

// Each lease that is there holds what names it, both or no keys; and no key names another. Tells of one state: false when the store moved
// on meanwhile.
bool LeasesHoldTheirKeys(const SyncStore& store, std::string* fault) {
  const Revision revision = store.Latest();
  fault->clear();
  std::map<LeaseId, std::vector<std::string>> named;
  for (const Entry& entry : store.List(Key(), Scope::kSubtree)) named[entry.lease_id].push_back(std::string(entry.key.path()));
  const LeaseList leases = store.ListLeases();
  EXPECT_TRUE(leases.status.ok() && !leases.more) << leases.status;
  for (const LeaseInfo& lease : leases.leases) {
    std::vector<std::string> held;
    for (const Key& key : store.GetLease(lease.id).lease.keys) held.push_back(std::string(key.path()));
    if (held != named[lease.id] || held.size() % 2 != 0) *fault = absl::StrCat("lease ", lease.id, " holds ", held.size(), " keys");
    named.erase(lease.id);
  }
  for (const auto& [id, keys] : named) {
    if (!keys.empty()) *fault = absl::StrCat(keys[0], " is of lease ", id, ", which is not there");
  }
  return store.Latest() == revision;
}

void CheckLeasesHoldTheirKeys(const SyncStore& store) {
  std::string fault;
  ASSERT_TRUE(AwaitCondition([&] { return LeasesHoldTheirKeys(store, &fault); }));
  ASSERT_EQ(fault, "");
}

TEST(PowerCut, LeasesAreKeptWithTheirKeysAndEnd) {
  const char* seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  const int cycles = std::getenv("SCOUTLIGHT_TORTURE") != nullptr ? 100 : 10;
  std::cout << "SCOUTLIGHT_SEED=" << seed << " cycles " << cycles << std::endl;
  std::mt19937_64 random(seed);
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  checker::History history;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    RecordProperty("runs", cycle + 1);
    SCOPED_TRACE(absl::StrCat("SCOUTLIGHT_SEED=", seed, " cycle ", cycle));
    const Drive drive = DriveAndKill("leases", data, cycle, 1 + static_cast<int>(random() % 1'500));
    if (!history.outages.empty()) history.outages.back().started = drive.started;
    if (!history.outages.empty()) history.outages.back().serving = drive.told.empty() ? drive.ended : drive.told[0];
    history.outages.push_back({.stopped = drive.killed, .halted = drive.ended, .started = MonotonicNow()});
    RecordLeaseCalls(drive, &history);
    std::unique_ptr<Store> store = OpenRocksdbStore(data, Clock::System());
    ASSERT_NE(store, nullptr);
    history.outages.back().serving = MonotonicNow();
    const SyncStore sync(store.get());
    checker::AppendStoreLog(store.get(), &history);
    CheckLeasesHoldTheirKeys(sync);
    if (HasFatalFailure()) return;
    history.outages.push_back({.stopped = MonotonicNow()});
    store.reset();
    history.outages.back().halted = MonotonicNow();
  }
  // The last server lives until all that nobody renews has ended.
  history.outages.back().started = MonotonicNow();
  const std::unique_ptr<Store> store = OpenRocksdbStore(data, Clock::System());
  ASSERT_NE(store, nullptr);
  const SyncStore sync(store.get());
  history.outages.back().serving = MonotonicNow();
  EXPECT_TRUE(AwaitCondition([&] {
    const LeaseList leases = sync.ListLeases();
    return std::none_of(leases.leases.begin(), leases.leases.end(), [](const LeaseInfo& lease) { return lease.ttl == absl::Seconds(1); });
  })) << "leases of a second live on";
  CheckLeasesHoldTheirKeys(sync);
  checker::AppendStoreLog(store.get(), &history);
  int expired = 0;
  for (const checker::LoggedBatch& logged : history.log) {
    if (logged.batch.events[0].cause != EventCause::kLeaseExpired) continue;
    ++expired;
    EXPECT_EQ(logged.batch.events.size(), 2u);
  }
  EXPECT_GT(expired, 0);
  std::cout << history.calls.size() << " calls, " << expired << " leases ended" << std::endl;
  const std::vector<checker::Violation> violations = checker::Check(history);
  EXPECT_TRUE(violations.empty()) << checker::Report(history, violations);
}

TEST(PowerCut, TheCutIsSharpEnoughToLoseWhatIsNotSynced) {
  const TemporaryFolder folder;
  const std::string data = folder.path() + "/data";
  const std::vector<Acknowledged> acknowledged = DriveWritesAndKill("unsynced", data, 0, 500);
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

TEST(PowerCut, AWriteOverWhatIsThereMayBeTornByTheSector) {
  constexpr size_t kSectorBytes = 512;
  constexpr size_t kSectors = 64;
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/file";
  PowerCutFileSystem files(/*torn_seed=*/1);
  std::unique_ptr<rocksdb::FSWritableFile> file;
  ASSERT_TRUE(files.NewWritableFile(path, {}, &file, nullptr).ok());
  ASSERT_TRUE(file->Append(std::string(kSectors * kSectorBytes, 'a'), {}, nullptr).ok());
  ASSERT_TRUE(file->Sync({}, nullptr).ok());
  ASSERT_TRUE(file->PositionedAppend(std::string((kSectors + 1) * kSectorBytes, 'b'), 0, {}, nullptr).ok());
  file.reset();
  std::ifstream in(path);
  const std::string bytes(std::istreambuf_iterator<char>(in), {});
  ASSERT_EQ(bytes.size(), kSectors * kSectorBytes) << "the file does not grow before the sync";
  size_t written = 0;
  for (size_t at = 0; at < bytes.size(); at += kSectorBytes) {
    EXPECT_EQ(bytes.substr(at, kSectorBytes), std::string(kSectorBytes, bytes[at]));
    written += bytes[at] == 'b' ? 1 : 0;
  }
  EXPECT_GT(written, 0u);
  EXPECT_LT(written, kSectors);
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
  int unknowns = 0;
  for (int round = 0; round < 3; ++round) {
    const Revision acknowledged = sync.Put(K(absl::StrCat("/acknowledged/", round)), "v").revision;
    ASSERT_EQ(store->health().state, StoreHealth::State::kServing);

    files->SetSyncs(GetParam());
    for (int i = 0; i < 6; ++i) {
      // The first to meet the fault does not know what came of it, if it is a write and not what RocksDB does beside. The others are
      // refused, unless the store has come back meanwhile, and met it again.
      const CommitResult failed = sync.Put(K(absl::StrCat("/failed/", round)), "v");
      const bool read_only = absl::IsUnavailable(failed.status) && ReasonOf(failed.status) == Reason::kReadOnly;
      const bool unknown = failed.status.code() == absl::StatusCode::kUnknown && ReasonOf(failed.status) == Reason::kOutcomeUnknown;
      EXPECT_TRUE(read_only || unknown) << failed.status;
      unknowns += unknown ? 1 : 0;
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
  EXPECT_GT(unknowns, 0);
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
