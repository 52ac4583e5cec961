// Panics of a store's process at chosen places, again and again on the same folder: what was acknowledged is there, what was not is there
// as a whole or not at all. SCOUTLIGHT_SEED repeats a run; SCOUTLIGHT_TORTURE makes it long.
#include <gmock/gmock.h>
#include <signal.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"
#include "tests/support/process.h"
#include "tests/support/random.h"

namespace scoutlight::storage {
namespace {

using ::scoutlight::testing::Between;
using ::scoutlight::testing::Exit;
using ::scoutlight::testing::IsTorture;
using ::scoutlight::testing::Process;
using ::scoutlight::testing::ProcessOptions;
using ::scoutlight::testing::Random;

// What drivers said was acknowledged.
struct Acknowledged {
  struct Put {
    std::string value;
    Revision revision = 0;
  };
  std::map<std::string, Put> puts;  // By path.
  Revision oldest = 0;
  Revision latest = 0;
};

class PanicAt : public ::testing::TestWithParam<std::string> {
 protected:
  // Runs a driver to its panic.
  void Drive(int generation, int passes) {
    Process driver(ProcessOptions{
        .command = {getenv("PANIC_DRIVER"), folder_.path() + "/data", std::to_string(generation), GetParam(), std::to_string(passes)},
        .environment = {},
        .mount = {}});
    const std::optional<Exit> exit = driver.WaitForExit();
    ASSERT_EQ(exit, (Exit{.code = -1, .signal = SIGABRT})) << GetParam() << " is not passed: " << driver.errors();
    std::istringstream said(driver.output());
    std::string line;
    while (std::getline(said, line) && !said.eof()) {
      std::istringstream words(line);
      std::string kind, path;
      words >> kind;
      if (kind == "put") {
        Acknowledged::Put put;
        words >> path >> put.value >> put.revision;
        acknowledged_.latest = std::max(acknowledged_.latest, put.revision);
        acknowledged_.puts[path] = put;
      } else if (kind == "compact") {
        Revision oldest = 0;
        words >> oldest;
        acknowledged_.oldest = std::max(acknowledged_.oldest, oldest);
      }
    }
  }

  // Holds the store that is left to what was acknowledged. Its leases' time stands still.
  void Check() {
    FakeClock still;
    const std::unique_ptr<Store> store = OpenRocksdbStore(folder_.path() + "/data", still);
    ASSERT_NE(store, nullptr);
    const SyncStore sync(store.get());
    ASSERT_GE(sync.Latest(), acknowledged_.latest) << "revisions would be given again";
    std::map<std::string, Entry> entries;
    for (Entry& entry : sync.List(Key(), Scope::kSubtree)) entries[entry.key.path()] = std::move(entry);
    for (const auto& [path, put] : acknowledged_.puts) {
      const auto found = entries.find(path);
      ASSERT_NE(found, entries.end()) << path << " was acknowledged";
      ASSERT_EQ(found->second.value.bytes, put.value);
      ASSERT_EQ(found->second.mod_revision, put.revision);
    }
    CheckTwins(entries, sync);
    CheckHistory(sync);
  }

 private:
  // What was written together is there together, and on a lease that is there.
  static void CheckTwins(const std::map<std::string, Entry>& entries, const SyncStore& sync) {
    for (const auto& [path, entry] : entries) {
      if (path[1] == 'p') continue;
      const auto twin = entries.find(path.substr(0, path.size() - 1) + (path.back() == 'a' ? "b" : "a"));
      ASSERT_NE(twin, entries.end()) << "half of what was written with " << path;
      ASSERT_EQ(twin->second.mod_revision, entry.mod_revision);
      if (path[1] == 'l') {
        ASSERT_TRUE(sync.GetLease(entry.lease_id).status.ok()) << path << " is on a lease that is not there";
      }
    }
  }

  // It has no hole, and reaches back no further than the compaction that was acknowledged.
  void CheckHistory(const SyncStore& sync) const {
    const CompactResult oldest = sync.Compact(1);  // Which changes nothing.
    ASSERT_TRUE(oldest.status.ok()) << oldest.status;
    ASSERT_GE(oldest.oldest_revision, acknowledged_.oldest);
    Revision expected = oldest.oldest_revision + 1;
    for (Revision from = expected; from <= sync.Latest();) {
      const HistoryPage page = sync.History(from, sync.Latest(), {Key(), Scope::kSubtree}, 1 << 20);
      ASSERT_TRUE(page.status.ok()) << page.status;
      for (const auto& batch : page.batches) {
        ASSERT_EQ(batch->revision, expected++) << "a hole in the history";
        const bool is_pair = batch->events[0].key.path()[1] != 'p';
        ASSERT_EQ(batch->events.size(), is_pair ? 2u : 1u) << "half a transaction at " << batch->revision;
      }
      from = page.next;
    }
    ASSERT_EQ(expected, sync.Latest() + 1) << "the history ends early";
  }

  TemporaryFolder folder_;
  Acknowledged acknowledged_;
};

TEST_P(PanicAt, WhatWasAcknowledgedIsThereAndTheRestWhole) {
  Random random(scoutlight::testing::Seed());
  const int generations = IsTorture() ? 50 : 2;
  for (int generation = 0; generation < generations; ++generation) {
    RecordProperty("runs", generation + 1);
    // At the first pass too, which may be while the store is made.
    const int passes = generation == 0 ? 1 : Between(2, 30, &random);
    SCOPED_TRACE(absl::StrCat("generation ", generation, ", pass ", passes));
    Drive(generation, passes);
    if (HasFatalFailure()) return;
    Check();
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Crash, PanicAt,
                         ::testing::Values("new-batch", "before-write", "after-write", "before-grant", "after-grant", "before-end",
                                           "after-end", "before-compaction", "after-compaction", "snapshot", "shown", "before-answer",
                                           "answered", "high-water", "drop-history", "maintenance"),
                         [](const auto& info) {
                           return absl::StrReplaceAll(info.param, {{"-", "_"}});
                         });

}  // namespace
}  // namespace scoutlight::storage
