#include "client/locator/snapshot_file.h"

#include <cstdio>
#include <fstream>
#include <memory>

#include "client/locator/locator_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const absl::Time kThen = absl::FromUnixSeconds(1'800'000'000);

SavedServices Saved() {
  discovery::Instance held = Lost("b");
  held.held_until = kThen;
  held.soft = {.load = 0.5, .reliability = 0.25, .counters = {{"calls", 7}}};
  held.override = discovery::Override{.reason = "broken", .author = "me", .created_at = kThen};
  held.problems = {{"port", "is missing"}};
  held.registered_at = kThen;
  held.valid = false;
  discovery::ServiceSnapshot::Changes changes{{"a", std::make_shared<const discovery::Instance>(Up("a"))},
                                              {"b", std::make_shared<const discovery::Instance>(held)}};
  SavedServices saved{.cluster = "default", .services = {}};
  saved.services.push_back({.service = "Printer", .snapshot = discovery::ServiceSnapshot().With(changes, 42), .current_at = kThen});
  saved.services.push_back({.service = "Scanner", .snapshot = std::make_shared<discovery::ServiceSnapshot>(), .current_at = kThen});
  return saved;
}

std::string Path() { return absl::StrCat(::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name()); }

TEST(SnapshotFile, ReadsWhatWasWritten) {
  const absl::StatusOr<SavedServices> read = DecodeSnapshotFile(*EncodeSnapshotFile(Saved()));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->cluster, "default");
  ASSERT_EQ(read->services.size(), 2);
  EXPECT_EQ(read->services[0].service, "Printer");
  EXPECT_EQ(read->services[0].current_at, kThen);
  EXPECT_EQ(read->services[0].snapshot->revision(), 42);
  const SavedServices saved = Saved();
  for (const std::string& id : IdsOf(read->services[0].snapshot)) {
    EXPECT_EQ(*read->services[0].snapshot->Find(id), *saved.services[0].snapshot->Find(id));
  }
  EXPECT_THAT(IdsOf(read->services[0].snapshot), ElementsAre("a", "b"));
  EXPECT_EQ(read->services[1].snapshot->size(), 0);
}

TEST(SnapshotFile, EveryDamagedByteIsFound) {
  const std::string good = *EncodeSnapshotFile(Saved());
  for (size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] ^= 1;
    EXPECT_TRUE(absl::IsDataLoss(DecodeSnapshotFile(bad).status())) << at;
  }
}

TEST(SnapshotFile, EveryTruncationIsFound) {
  const std::string good = *EncodeSnapshotFile(Saved());
  for (size_t bytes = 0; bytes < good.size(); ++bytes) {
    EXPECT_TRUE(absl::IsDataLoss(DecodeSnapshotFile(good.substr(0, bytes)).status())) << bytes;
  }
  EXPECT_TRUE(absl::IsDataLoss(DecodeSnapshotFile(good + "x").status()));
}

TEST(SnapshotFile, OtherVersionIsRefused) {
  std::string other = *EncodeSnapshotFile(Saved());
  other[8] = 2;
  EXPECT_THAT(DecodeSnapshotFile(other).status().message(), HasSubstr("version 2"));
}

// Version 1 as it was first written: "Printer" with nothing in it.
TEST(SnapshotFile, ReadsVersionOneForEver) {
  SavedServices saved{.cluster = "c", .services = {}};
  saved.services.push_back({.service = "s", .snapshot = std::make_shared<discovery::ServiceSnapshot>(), .current_at = absl::UnixEpoch()});
  const std::string body("\1\0\0\0c\1\0\0\0\1\0\0\0s\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 34);
  const std::string encoded = *EncodeSnapshotFile(saved);
  EXPECT_EQ(encoded.substr(0, 12), std::string("SCOUTLOC\1\0\0\0", 12));
  EXPECT_EQ(encoded.substr(20), body);
}

TEST(SnapshotFile, IsReplacedAsAWhole) {
  ASSERT_TRUE(WriteSnapshotFile(Path(), "one", "x").ok());
  ASSERT_TRUE(WriteSnapshotFile(Path(), "two", "y").ok());
  EXPECT_EQ(*ReadSnapshotFile(Path()), "two");
  EXPECT_FALSE(std::ifstream(Path() + ".x.tmp").good());
  EXPECT_FALSE(std::ifstream(Path() + ".y.tmp").good());
}

TEST(SnapshotFile, WhatTheSystemRefusesIsAnError) {
  EXPECT_TRUE(absl::IsNotFound(ReadSnapshotFile("/nowhere/at/all").status()));
  EXPECT_TRUE(absl::IsUnavailable(WriteSnapshotFile("/nowhere/at/all", "one", "x")));
  EXPECT_TRUE(absl::IsUnavailable(ReadSnapshotFile(::testing::TempDir()).status()));
}

}  // namespace
}  // namespace scoutlight::client
