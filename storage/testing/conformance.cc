#include "storage/testing/conformance.h"

#include <atomic>
#include <random>

#include "absl/strings/str_cat.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {

// Cases live in conformance_*.cc; a binary that runs none of a backend's is no mistake.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreConformance);

void StoreConformance::SetUp() {
  static std::atomic<int> tests = 0;                   // Orders nothing.
  static const uint32_t run = std::random_device()();  // A backend may keep what an earlier run wrote.
  prefix_ = absl::StrCat("/t", run, "-", ++tests);
  store_ = GetParam().make(clock_);
  ASSERT_NE(store_, nullptr);
  sync_ = std::make_unique<SyncStore>(store_.get());
}

void StoreConformance::TearDown() { store_.reset(); }

const RecordingSink& StoreConformance::Follow(Revision after) {
  const auto sink = std::make_shared<RecordingSink>(after, *store_);
  store_->Follow(after, sink);
  sinks_.push_back(sink);
  return *sink;
}

Key StoreConformance::At(absl::string_view path) const { return K(absl::StrCat(prefix_, path)); }

std::vector<std::string> StoreConformance::Names(const std::vector<Entry>& entries) const {
  std::vector<std::string> names = Paths(entries);
  for (std::string& name : names) {
    EXPECT_EQ(name.compare(0, prefix_.size(), prefix_), 0) << name;
    name.erase(0, prefix_.size());
  }
  return names;
}

std::vector<std::string> StoreConformance::ListNames(absl::string_view path, Scope scope, Revision revision) const {
  return Names(sync_->List(At(path), scope, revision));
}

}  // namespace scoutlight::storage
