// Changing the properties of an instance.
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registrar_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::Properties;
using storage::K;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(RegistrarTest, UpdateTouchesWhatItNames) {
  const ChangedInstance registered = Register(Of("a", {{"port", "80"}, {"zone", "x"}, {"version", "1"}}));
  const ChangedInstance updated = Change({.name = kName, .set = {{"port", "81"}}, .remove = {"zone", "not there"}});
  ASSERT_TRUE(updated.status.ok()) << updated.status;
  EXPECT_EQ(updated.instance->properties, (Properties{{"port", "81"}, {"version", "1"}}));
  EXPECT_EQ(updated.instance->epoch, registered.instance->epoch);
  const Revision latest = sync_.Latest();
  EXPECT_TRUE(Change({.name = kName, .set = {{"port", "81"}}}).unchanged);
  EXPECT_EQ(sync_.Latest(), latest);
  EXPECT_EQ(Change({.name = kName, .set = {{"zone", "y"}}, .replace = true}).instance->properties, (Properties{{"zone", "y"}}));
}

TEST_F(RegistrarTest, InstanceThatEndsBeforeItsUpdateIsNotFound) {
  const LeaseId lease = Register(Of("a")).instance->lease_id;
  raced_.BeforeCommits(1, [&] { sync_.Revoke(lease); });
  EXPECT_EQ(ReasonOf(Change({.name = kName, .set = {{"port", "81"}}}).status), Reason::kInstanceNotFound);
  EXPECT_EQ(Shown(), "none");
  EXPECT_THAT(Everything(), IsEmpty());
}

TEST_F(RegistrarTest, WhatWasWrittenByHandStaysAsKeys) {
  PutSchemas();
  sync_.Put(K("/c/services/s/i/port"), "80");
  Bind("s", "devices");
  EXPECT_TRUE(Deregister().unchanged) << "it is no instance any more";
  EXPECT_THAT(Entries(), ::testing::ElementsAre("/c/services/s/i/port=80"));
}

}  // namespace
}  // namespace scoutlight::server
