#ifndef SCOUTLIGHT_STORAGE_TESTING_CONFORMANCE_H_
#define SCOUTLIGHT_STORAGE_TESTING_CONFORMANCE_H_

#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "storage/store.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {

// A backend as the conformance suite meets it.
struct StoreUnderTest {
  std::string name;  // Letters and digits: part of the tests' names.

  // Makes a store, which may share its data with stores made before: every test keeps to a subtree of its own. The clock outlives it.
  // Fails the test and gives nullptr when it cannot.
  std::function<std::unique_ptr<Store>(Clock& clock)> make;

  // Whether the store goes by `clock`, looking at it in the background at least every few milliseconds of real time; else the cases
  // that move time are skipped.
  bool obeys_clock = true;
};

// What store.h and transaction.h promise, as tests over any backend. A test binary links //storage/testing:conformance and says
//
//   INSTANTIATE_TEST_SUITE_P(Memory, StoreConformance, ::testing::Values(StoreUnderTest{"Memory", ...}), StoreName);
//
// The cases compare revisions with each other, and count on contiguous ones only where traits() says so.
class StoreConformance : public ::testing::TestWithParam<StoreUnderTest> {
 protected:
  void SetUp() override;
  void TearDown() override;

  // A key in this test's own subtree: At("/a") is "/t12-.../a"; At("") is the subtree's root.
  Key At(absl::string_view path) const;
  // The paths of `entries` without the prefix that At() adds.
  std::vector<std::string> Names(const std::vector<Entry>& entries) const;
  // Children or subtree of At(path), as Names() gives them.
  std::vector<std::string> ListNames(absl::string_view path, Scope scope, Revision revision = 0) const;

  Store& store() { return *store_; }
  // Shows what happens after revision `after` to a sink that lives as long as the test.
  const RecordingSink& Follow(Revision after);
  // Ends the store, as its owner would.
  void Destroy() { store_.reset(); }

  FakeClock clock_;
  std::vector<std::shared_ptr<RecordingSink>> sinks_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<SyncStore> sync_;
  std::string prefix_;
};

inline std::ostream& operator<<(std::ostream& out, const StoreUnderTest& store) { return out << store.name; }

inline std::string StoreName(const ::testing::TestParamInfo<StoreUnderTest>& info) { return info.param.name; }

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_CONFORMANCE_H_
