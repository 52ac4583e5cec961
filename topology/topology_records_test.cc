#include "topology/topology_records.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::topology {
namespace {

using ::testing::HasSubstr;

constexpr char kFirst[] = R"({"format":1,"version":7,"applied_at":"2026-11-27T10:00:00+00:00","applied_by":"host:::1",)"
                          R"("comment":"two \"sinks\"\nnow","restored_version":3})";

VersionRecord First() {
  return {.version = 7,
          .applied_at = absl::FromUnixSeconds(1795773600),
          .applied_by = "host:::1",
          .comment = "two \"sinks\"\nnow",
          .restored_version = 3};
}

TEST(TopologyRecords, AreStoredSo) {
  EXPECT_EQ(EncodeRecord(First()), kFirst);
  EXPECT_EQ(*ParseRecord(kFirst), First());
  const VersionRecord deleted{.version = 8, .applied_at = First().applied_at, .applied_by = "me", .deleted = true};
  EXPECT_EQ(EncodeRecord(deleted), R"({"format":1,"version":8,"applied_at":"2026-11-27T10:00:00+00:00","applied_by":"me","deleted":true})");
  EXPECT_EQ(*ParseRecord(EncodeRecord(deleted)), deleted);
}

TEST(TopologyRecords, TheDocumentFollowsTheRecordByteForByte) {
  const StoredVersion version{.record = First(), .document = "\n {\"a\":\r\n  {\"links\": []}}\n\n"};
  EXPECT_EQ(EncodeNewest(version), std::string(kFirst) + "\n" + version.document);
  EXPECT_EQ(*ParseNewest(EncodeNewest(version)), version);
  StoredVersion deleted{.record = First(), .document = ""};
  deleted.record.deleted = true;
  EXPECT_EQ(*ParseNewest(EncodeNewest(deleted)), deleted);
}

TEST(TopologyRecords, WhatALaterVersionAddsIsLeftAlone) {
  EXPECT_TRUE(ParseRecord(R"({"format":1,"version":1,"applied_at":"2026-11-27T10:00:00Z","ticket":"A-1"})").ok());
}

TEST(TopologyRecords, WhatCannotBeReadSaysWhy) {
  const auto fault = [](const std::string& text) { return std::string(ParseNewest(text).status().message()); };
  const std::string later = R"({"format":2,"version":1,"applied_at":"2026-11-27T10:00:00Z"})";
  EXPECT_THAT(fault(later + "\n{}"), HasSubstr("is of format 2, but only format 1 is known here"));
  EXPECT_THAT(fault(R"({"version":1})"), HasSubstr("is of format 0"));
  EXPECT_THAT(fault("{"), HasSubstr("is no JSON"));
  EXPECT_THAT(fault("7"), HasSubstr("is number, an object is wanted"));
  EXPECT_THAT(fault(R"({"format":1,"version":"1"})"), HasSubstr("version is string"));
  EXPECT_THAT(fault(R"({"format":1,"version":0})"), HasSubstr("version is 0"));
  EXPECT_THAT(fault(R"({"format":1,"version":1,"applied_at":"yesterday"})"), HasSubstr("applied_at is no time"));
  EXPECT_THAT(fault(kFirst), HasSubstr("has no document"));
  EXPECT_THAT(fault(R"({"format":1,"version":1,"applied_at":"2026-11-27T10:00:00Z","deleted":true})"
                    "\n{}"),
              HasSubstr("has a document, though it was deleted"));
}

TEST(TopologyRecords, VersionsLieInOrder) {
  EXPECT_EQ(NewestKey("default").path(), "/.scoutlight/topologies/default");
  EXPECT_EQ(VersionKey("default", 9).path(), "/.scoutlight/topologies/default/0000000009");
  EXPECT_EQ(DocumentKey("default", 10).path(), "/.scoutlight/topologies/default/0000000010/document");
  EXPECT_TRUE(VersionKey("c", 9) < VersionKey("c", 10));
}

}  // namespace
}  // namespace scoutlight::topology
