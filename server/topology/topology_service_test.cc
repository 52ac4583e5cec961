// Topologies as they are applied, read, rolled back and deleted.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "server/topology/topology_conversion.h"
#include "server/topology/topology_service_fixture.h"
#include "topology/topology.h"

namespace scoutlight::server {
namespace {

using storage::K;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(TopologyServiceTest, EachDocumentThatIsAppliedIsAVersionKeptByteForByte) {
  const std::string first = "\r\n" + DocumentOf(1) + "\n\n";
  wire::ApplyRequest request = ApplyOf(first);
  request.set_comment("the first");
  const wire::ApplyResponse applied = Sent(&Stub::Apply, request);
  EXPECT_EQ(applied.topology().version(), 1);
  EXPECT_EQ(applied.topology().revision(), sync_.Latest());
  EXPECT_EQ(applied.topology().document(), "");
  EXPECT_EQ(applied.topology().comment(), "the first");
  EXPECT_EQ(applied.topology().applied_by(), "host:127.0.0.1");
  EXPECT_EQ(applied.topology().applied_at().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_FALSE(applied.unchanged());
  EXPECT_FALSE(applied.replayed());
  EXPECT_EQ(applied.revision(), sync_.Latest());
  EXPECT_EQ(applied.store_id(), store_->store_id());
  EXPECT_EQ(applied.link_changes().total(), 2);

  const wire::ApplyResponse second = Apply(DocumentOf(2));
  EXPECT_EQ(second.topology().version(), 2);
  ASSERT_EQ(second.link_changes().changes_size(), 1);
  const wire::LinkChange& change = second.link_changes().changes(0);
  EXPECT_EQ(change.service(), "b");
  EXPECT_EQ(change.end(), wire::LinkChange::END_IN);
  EXPECT_EQ(change.queue(), "q");
  EXPECT_EQ(change.before(), R"({"addresses":["tcp://0.0.0.0:1"],"queue":"q","type":"PULL"})");
  EXPECT_EQ(change.after(), R"({"addresses":["tcp://0.0.0.0:2"],"queue":"q","type":"PULL"})");

  EXPECT_EQ(Get().version(), 2);
  EXPECT_EQ(Get().document(), DocumentOf(2));
  EXPECT_EQ(Get(1).document(), first);
  EXPECT_EQ(Get(1).revision(), applied.revision());
  EXPECT_EQ(Get(1).comment(), "the first");
  EXPECT_THAT(Versions(), ElementsAre(2, 1));
  EXPECT_EQ(sync_.Get(K("/.scoutlight/topologies/default/0000000001/document"))->value.bytes, first);
}

TEST_F(TopologyServiceTest, ClustersHaveTopologiesOfTheirOwn) {
  Apply(DocumentOf(1));
  wire::ApplyRequest elsewhere = ApplyOf(DocumentOf(7));
  elsewhere.set_cluster("elsewhere");
  EXPECT_EQ(Sent(&Stub::Apply, elsewhere).topology().version(), 1);
  EXPECT_EQ(Get().document(), DocumentOf(1));
}

TEST_F(TopologyServiceTest, TheSameDocumentAgainMakesNoVersion) {
  const wire::ApplyResponse applied = Apply(DocumentOf(1));
  const wire::ApplyResponse again = Apply(DocumentOf(1));
  EXPECT_TRUE(again.unchanged());
  EXPECT_EQ(again.topology().ShortDebugString(), applied.topology().ShortDebugString());
  EXPECT_EQ(again.link_changes().total(), 0);
  EXPECT_EQ(sync_.Latest(), applied.revision());
  EXPECT_FALSE(Apply(DocumentOf(1) + " ").unchanged()) << "other bytes are another document";
  EXPECT_THAT(Versions(), ElementsAre(2, 1));
}

TEST_F(TopologyServiceTest, AnInvalidDocumentIsRefusedWithEveryMistake) {
  Apply(DocumentOf(1));
  const Seen seen = Refused(&Stub::Apply, ApplyOf(R"({"a": {"links": [{"outgate": "b", "queue": "", "type": "push"}]},
                                                      "c": {"links": [{"outgate": "d", "queue": "q", "type": "PUSH"}]}})"));
  EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(seen.reason, "INVALID_FIELD");
  EXPECT_THAT(seen.violations, ElementsAre(HasSubstr("a.links[0].queue: is empty"), HasSubstr("a.links[0].type: is \"push\""),
                                           HasSubstr("c.links[0].outgate: is \"d\"")));
  EXPECT_THAT(Refused(&Stub::Apply, ApplyOf("")).violations, ElementsAre(HasSubstr("document: is missing or empty")));
  EXPECT_THAT(Refused(&Stub::Apply, ApplyOf("{" + std::string(topology::kDocumentBytesMax, ' '))).violations,
              ElementsAre(HasSubstr("document: is 262145 bytes long, at most 262144 are allowed")));
  EXPECT_EQ(Get().version(), 1);
}

TEST_F(TopologyServiceTest, ALongDocumentIsTakenUpToItsBound) {
  std::string longest = DocumentOf(1);
  longest.resize(topology::kDocumentBytesMax, ' ');
  EXPECT_EQ(Apply(longest).topology().version(), 1);
  EXPECT_EQ(Apply(DocumentOf(2)).link_changes().total(), 1) << "the long one is read to tell what changes";
  EXPECT_EQ(Rollback(1).topology().version(), 3);
  EXPECT_EQ(Get().document(), longest);
}

TEST_F(TopologyServiceTest, FieldsOverTheirBoundsAreToldTogether) {
  wire::ApplyRequest apply = ApplyOf("{}", std::string(limits::kRequestIdBytesMax + 1, 'x'));
  apply.set_cluster("a/b");
  apply.set_expected_version(-1);
  apply.set_comment(std::string(topology::kCommentBytesMax + 1, 'x'));
  EXPECT_THAT(Refused(&Stub::Apply, apply).violations,
              ElementsAre(HasSubstr("cluster: "), HasSubstr("expected_version: "), HasSubstr("comment: is 257 bytes long, at most 256"),
                          HasSubstr("request_id: ")));
  wire::RollbackRequest rollback;
  rollback.set_comment("two\nlines");
  EXPECT_THAT(Refused(&Stub::Rollback, rollback).violations,
              ElementsAre("comment: has a control character at byte 3", "version: is 0, must be at least 1"));
  wire::DeleteRequest remove;
  remove.set_cluster("*");
  EXPECT_THAT(Refused(&Stub::Delete, remove).violations, ElementsAre(HasSubstr("cluster: ")));
  wire::GetRequest get;
  get.set_version(-1);
  EXPECT_THAT(Refused(&Stub::Get, get).violations, ElementsAre(HasSubstr("version: ")));
  wire::ListVersionsRequest list;
  list.set_cluster("..");
  EXPECT_THAT(Refused(&Stub::ListVersions, list).violations, ElementsAre(HasSubstr("cluster: ")));

  apply = ApplyOf("{}", std::string(limits::kRequestIdBytesMax, 'x'));
  apply.set_comment(std::string(topology::kCommentBytesMax, 'x'));
  EXPECT_EQ(Sent(&Stub::Apply, apply).topology().comment(), apply.comment());
}

TEST_F(TopologyServiceTest, ValidateOnlyTellsWhatWouldBeAndChangesNothing) {
  Apply(DocumentOf(1));
  const Revision before = sync_.Latest();
  wire::ApplyRequest apply = ApplyOf(DocumentOf(2), "once");
  apply.set_validate_only(true);
  for (int i = 0; i < 2; ++i) {
    const wire::ApplyResponse would = Sent(&Stub::Apply, apply);
    EXPECT_EQ(would.topology().version(), 2);
    EXPECT_EQ(would.topology().revision(), 0);
    EXPECT_EQ(would.link_changes().total(), 1);
    EXPECT_EQ(would.revision(), before);
    EXPECT_FALSE(would.replayed());
  }
  apply.set_document(DocumentOf(1));
  EXPECT_TRUE(Sent(&Stub::Apply, apply).unchanged());
  apply.set_expected_version(7);
  EXPECT_EQ(Refused(&Stub::Apply, apply).reason, "CONDITION_FAILED");
  wire::DeleteRequest remove;
  remove.set_validate_only(true);
  const wire::DeleteResponse would = Sent(&Stub::Delete, remove);
  EXPECT_TRUE(would.found());
  EXPECT_TRUE(would.topology().deleted());
  EXPECT_EQ(would.link_changes().total(), 2);
  Apply(DocumentOf(2));
  wire::RollbackRequest rollback = RollbackOf(1);
  rollback.set_validate_only(true);
  EXPECT_EQ(Sent(&Stub::Rollback, rollback).topology().restored_version(), 1);
  EXPECT_EQ(sync_.Latest(), before + 1);
}

TEST_F(TopologyServiceTest, TheExpectedVersionMustBeTheNewest) {
  wire::ApplyRequest request = ApplyOf(DocumentOf(1));
  request.set_expected_version(1);
  Seen seen = Refused(&Stub::Apply, request);
  EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(seen.reason, "CONDITION_FAILED");
  EXPECT_THAT(seen.violations, ElementsAre("expected_version: is 1, but there is no topology"));
  EXPECT_EQ(seen.resource, "/.scoutlight/topologies/default");
  Apply(DocumentOf(1));
  request.set_document(DocumentOf(2));
  EXPECT_EQ(Sent(&Stub::Apply, request).topology().version(), 2);
  request.set_document(DocumentOf(3));
  EXPECT_THAT(Refused(&Stub::Apply, request).violations, ElementsAre("expected_version: is 1, but the newest version is 2"));

  wire::RollbackRequest rollback = RollbackOf(1);
  rollback.set_expected_version(1);
  EXPECT_EQ(Refused(&Stub::Rollback, rollback).reason, "CONDITION_FAILED");
  rollback.set_expected_version(2);
  EXPECT_EQ(Sent(&Stub::Rollback, rollback).topology().version(), 3);
  wire::DeleteRequest remove;
  remove.set_expected_version(2);
  EXPECT_EQ(Refused(&Stub::Delete, remove).reason, "CONDITION_FAILED");
  remove.set_expected_version(3);
  EXPECT_EQ(Sent(&Stub::Delete, remove).topology().version(), 4);
  request.set_expected_version(4);
  EXPECT_EQ(Sent(&Stub::Apply, request).topology().version(), 5) << "a deletion is a version too";
}

TEST_F(TopologyServiceTest, TheNewestVersionsAreKeptUpToTheBound) {
  for (int i = 1; i <= topology::kVersionsMax; ++i) Apply(DocumentOf(i));
  EXPECT_EQ(Versions().size(), static_cast<size_t>(topology::kVersionsMax));
  EXPECT_EQ(Versions().back(), 1);
  Apply(DocumentOf(1));
  EXPECT_EQ(Versions().size(), static_cast<size_t>(topology::kVersionsMax));
  EXPECT_EQ(Versions().front(), topology::kVersionsMax + 1);
  EXPECT_EQ(Versions().back(), 2);
  EXPECT_THAT(sync_.List(topology::VersionKey("default", 1), Scope::kSubtree), IsEmpty()) << "the document goes too";

  wire::GetRequest get;
  get.set_version(1);
  Seen seen = Refused(&Stub::Get, get);
  EXPECT_EQ(seen.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(seen.reason, "KEY_NOT_FOUND");
  EXPECT_EQ(seen.resource, "/.scoutlight/topologies/default/0000000001");
  seen = Refused(&Stub::Rollback, RollbackOf(1));
  EXPECT_EQ(seen.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(seen.message, HasSubstr("the newest is 51, and the newest 50 are kept"));
  Delete();
  EXPECT_EQ(Versions().back(), 3);
  EXPECT_LE(raced_.operations_max(), 4u) << "what any store takes in one transaction";
}

TEST_F(TopologyServiceTest, ADeletedTopologyIsGoneButItsVersionsStay) {
  EXPECT_FALSE(Delete().found());
  EXPECT_EQ(sync_.Latest(), 1);
  Apply(DocumentOf(1));
  const wire::DeleteResponse deleted = Delete();
  EXPECT_TRUE(deleted.found());
  EXPECT_EQ(deleted.topology().version(), 2);
  EXPECT_TRUE(deleted.topology().deleted());
  EXPECT_EQ(deleted.revision(), sync_.Latest());
  EXPECT_EQ(deleted.link_changes().total(), 2);

  const Seen seen = Refused(&Stub::Get, wire::GetRequest());
  EXPECT_EQ(seen.code, grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(seen.message, "cluster default has no topology");
  EXPECT_TRUE(Get(2).deleted());
  EXPECT_EQ(Get(1).document(), DocumentOf(1));
  EXPECT_THAT(Versions(), ElementsAre(-2, 1));

  const wire::DeleteResponse again = Delete();
  EXPECT_FALSE(again.found());
  EXPECT_EQ(again.topology().version(), 2);
  EXPECT_EQ(sync_.Latest(), deleted.revision());
  EXPECT_EQ(Apply(DocumentOf(1)).topology().version(), 3) << "numbers do not begin anew";
}

TEST_F(TopologyServiceTest, RollbackAppliesAnEarlierDocumentAgain) {
  Apply(DocumentOf(1));
  Apply(DocumentOf(2));
  const wire::RollbackResponse restored = Rollback(1);
  EXPECT_EQ(restored.topology().version(), 3);
  EXPECT_EQ(restored.topology().restored_version(), 1);
  EXPECT_EQ(restored.link_changes().total(), 1);
  EXPECT_EQ(Get().document(), DocumentOf(1));
  EXPECT_TRUE(Rollback(1).unchanged()) << "it is what is there";
  EXPECT_EQ(Get().version(), 3);

  Delete();
  const Seen seen = Refused(&Stub::Rollback, RollbackOf(4));
  EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(seen.message, HasSubstr("version 4 of the topology of cluster default cannot be applied again: it says that"));
  EXPECT_EQ(Rollback(2).topology().version(), 5);
  EXPECT_EQ(Get().document(), DocumentOf(2));
  EXPECT_EQ(Refused(&Stub::Rollback, RollbackOf(6)).code, grpc::StatusCode::NOT_FOUND);
}

TEST_F(TopologyServiceTest, WhatComesBetweenIsLookedAtAFewTimes) {
  raced_.Disturb(1);
  EXPECT_EQ(Apply(DocumentOf(1)).topology().version(), 71);
  raced_.Disturb(limits::kContendedTriesMax - 1);
  EXPECT_EQ(Apply(DocumentOf(2)).topology().version(), 71) << "what the last of the others left is 70";
  raced_.Disturb(limits::kContendedTriesMax);
  wire::ApplyResponse response;
  const Seen seen = SeenOf(Call(&Stub::Apply, ApplyOf(DocumentOf(3)), &response));
  EXPECT_EQ(seen.code, grpc::StatusCode::ABORTED);
  EXPECT_EQ(seen.reason, "CONTENDED");
  EXPECT_EQ(Get().document(), "{}");

  wire::ApplyRequest expecting = ApplyOf(DocumentOf(4));
  expecting.set_expected_version(70);
  raced_.Disturb(2);
  EXPECT_EQ(SeenOf(Call(&Stub::Apply, expecting, &response)).reason, "CONDITION_FAILED") << "it was expected and has gone";
}

TEST_F(TopologyServiceTest, WhatCannotBeReadIsSaidAndChangedByNobody) {
  const Key newest = topology::NewestKey("default");
  sync_.Put(newest, R"({"format":2,"version":1,"applied_at":"2026-11-27T10:00:00Z"})");
  for (const Seen& seen : {Refused(&Stub::Apply, ApplyOf(DocumentOf(1))), Refused(&Stub::Delete, wire::DeleteRequest()),
                           Refused(&Stub::Get, wire::GetRequest())}) {
    EXPECT_EQ(seen.code, grpc::StatusCode::DATA_LOSS);
    EXPECT_EQ(seen.reason, "DATA_CORRUPTED");
    EXPECT_EQ(seen.message, "/.scoutlight/topologies/default is of format 2, but only format 1 is known here");
  }
  sync_.Put(topology::VersionKey("default", 1), "{}");
  EXPECT_EQ(Refused(&Stub::ListVersions, wire::ListVersionsRequest()).code, grpc::StatusCode::DATA_LOSS);
  EXPECT_EQ(Refused(&Stub::Rollback, RollbackOf(1)).code, grpc::StatusCode::DATA_LOSS);
}

TEST_F(TopologyServiceTest, ADocumentThatBreaksTheRulesOfNowCanBeReplacedButNotRestored) {
  const topology::StoredVersion old{.record = {.version = 1}, .document = R"({"a": 7})"};
  sync_.Put(topology::NewestKey("default"), topology::EncodeNewest(old));
  sync_.Put(topology::VersionKey("default", 1), topology::EncodeRecord(old.record));
  sync_.Put(topology::DocumentKey("default", 1), old.document);
  EXPECT_EQ(Get().document(), old.document);
  const wire::ApplyResponse applied = Apply(DocumentOf(1));
  EXPECT_EQ(applied.topology().version(), 2);
  EXPECT_TRUE(applied.link_changes().unknown());
  const Seen seen = Refused(&Stub::Rollback, RollbackOf(1));
  EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(seen.message, HasSubstr("a: is number, an object is wanted"));
}

TEST_F(TopologyServiceTest, OfManyLinksSomeAreTold) {
  std::string document = "{";
  for (int service = 0; service < 11; ++service) {
    absl::StrAppend(&document, service == 0 ? "" : ",", "\"s", service, R"(": {"links": [)");
    for (int i = 0; i < topology::kLinksOfServiceMax; ++i) {
      absl::StrAppend(&document, i == 0 ? "" : ",", R"({"addresses": ["tcp://h:)", i + 1, R"("], "queue": "q)", i, R"(", "type": "PULL"})");
    }
    document += "]}";
  }
  const wire::ApplyResponse applied = Apply(document + "}");
  EXPECT_EQ(applied.link_changes().total(), 1'100);
  EXPECT_EQ(applied.link_changes().changes_size(), kLinkChangesShownMax);
}

TEST_F(TopologyServiceTest, EveryMethodAsksWhetherItsCallerMay) {
  Stop();
  std::set<std::string> asked;
  Start([&asked](const Identity&, absl::string_view method, const KeyRange& range) {
    EXPECT_EQ(range.key.path(), "/.scoutlight/topologies/default");
    asked.insert(std::string(method));
    return absl::PermissionDeniedError("no");
  });
  EXPECT_EQ(Refused(&Stub::Apply, ApplyOf(DocumentOf(1))).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Refused(&Stub::Get, wire::GetRequest()).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Refused(&Stub::ListVersions, wire::ListVersionsRequest()).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Refused(&Stub::Rollback, RollbackOf(1)).code, grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(Refused(&Stub::Delete, wire::DeleteRequest()).code, grpc::StatusCode::PERMISSION_DENIED);
  grpc::ClientContext context;
  const auto watching = stub_->Watch(&context, wire::WatchRequest());
  wire::WatchResponse frame;
  EXPECT_FALSE(watching->Read(&frame));
  EXPECT_EQ(watching->Finish().error_code(), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(asked.size(), static_cast<size_t>(wire::GetRequest::descriptor()->file()->service(0)->method_count()));
}

}  // namespace
}  // namespace scoutlight::server
