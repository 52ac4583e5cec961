// Changes of topologies that are asked for again with the same request_id.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/topology/topology_service_fixture.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;

TEST_F(TopologyServiceTest, ARepeatedApplyIsAnsweredWithTheVersionOfThenWhateverOthersHaveDone) {
  const wire::ApplyResponse first = Sent(&Stub::Apply, ApplyOf(DocumentOf(1), "id"));
  Apply(DocumentOf(2));
  const Revision before = sync_.Latest();
  const wire::ApplyResponse again = Sent(&Stub::Apply, ApplyOf(DocumentOf(1), "id"));
  EXPECT_TRUE(again.replayed());
  EXPECT_EQ(again.revision(), first.revision());
  EXPECT_EQ(again.topology().ShortDebugString(), first.topology().ShortDebugString());
  EXPECT_EQ(sync_.Latest(), before);
  EXPECT_EQ(Get().document(), DocumentOf(2));

  // Of one that finds things as they should be it is known too whose doing that is.
  const wire::ApplyResponse second = Sent(&Stub::Apply, ApplyOf(DocumentOf(3), "id 2"));
  EXPECT_TRUE(Sent(&Stub::Apply, ApplyOf(DocumentOf(3), "id 2")).replayed());
  EXPECT_FALSE(second.unchanged());
}

TEST_F(TopologyServiceTest, ARepeatedRequestIsNotRefusedForItsOwnDoing) {
  wire::ApplyRequest apply = ApplyOf(DocumentOf(2), "apply");
  Apply(DocumentOf(1));
  apply.set_expected_version(1);
  Sent(&Stub::Apply, apply);
  EXPECT_TRUE(Sent(&Stub::Apply, apply).replayed()) << "the newest is 2 by now";

  const wire::RollbackRequest rollback = RollbackOf(1, "rollback");
  const wire::RollbackResponse restored = Sent(&Stub::Rollback, rollback);
  for (int i = 0; i < topology::kVersionsMax; ++i) Apply(DocumentOf(100 + i));
  const wire::RollbackResponse again = Sent(&Stub::Rollback, rollback);
  EXPECT_TRUE(again.replayed()) << "version 1 is not kept any more";
  EXPECT_EQ(again.topology().version(), restored.topology().version());

  wire::DeleteRequest remove;
  remove.set_request_id("delete");
  EXPECT_FALSE(Sent(&Stub::Delete, remove).replayed());
  const wire::DeleteResponse gone = Sent(&Stub::Delete, remove);
  EXPECT_TRUE(gone.replayed());
  EXPECT_TRUE(gone.found());
}

TEST_F(TopologyServiceTest, ARequestIdIsOneRequests) {
  Sent(&Stub::Apply, ApplyOf(DocumentOf(1), "id"));
  EXPECT_EQ(Refused(&Stub::Apply, ApplyOf(DocumentOf(2), "id")).reason, "REQUEST_ID_REUSED");
  EXPECT_EQ(Refused(&Stub::Rollback, RollbackOf(1, "id")).reason, "REQUEST_ID_REUSED");
}

TEST_F(TopologyServiceTest, OneThatChangedNothingIsNotRemembered) {
  Apply(DocumentOf(1));
  EXPECT_TRUE(Sent(&Stub::Apply, ApplyOf(DocumentOf(1), "id")).unchanged());
  Apply(DocumentOf(2));
  const wire::ApplyResponse first = Sent(&Stub::Apply, ApplyOf(DocumentOf(1), "id"));
  EXPECT_FALSE(first.unchanged());
  EXPECT_FALSE(first.replayed());
  EXPECT_THAT(Versions(), ElementsAre(3, 2, 1));
}

}  // namespace
}  // namespace scoutlight::server
