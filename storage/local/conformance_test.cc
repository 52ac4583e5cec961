#include "storage/testing/conformance.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "storage/testing/local_stores.h"

namespace scoutlight::storage {
namespace {

std::unique_ptr<Store> MakeMemoryStore(Clock& clock) { return OpenMemoryStore(clock); }

// One folder for each store; all go when the process ends.
std::unique_ptr<Store> MakeRocksdbStore(Clock& clock) {
  static TemporaryFolder folders;
  static int made = 0;
  return OpenRocksdbStore(folders.path() + "/" + std::to_string(++made), clock);
}

INSTANTIATE_TEST_SUITE_P(Local, StoreConformance,
                         ::testing::Values(StoreUnderTest{"Memory", MakeMemoryStore}, StoreUnderTest{"Rocksdb", MakeRocksdbStore}),
                         StoreName);

// What holds for this store beyond what every backend promises.

TEST_P(StoreConformance, LocalRevisionsStartAtOneAndAreContiguous) {
  EXPECT_TRUE(store().traits().contiguous_revisions);
  EXPECT_EQ(sync_->Latest(), 1);
  for (Revision revision = 2; revision < 10; ++revision) EXPECT_EQ(sync_->Put(At("/a"), "v").revision, revision);
}

}  // namespace
}  // namespace scoutlight::storage
