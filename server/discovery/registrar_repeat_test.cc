// Requests that come again.
#include <string>
#include <vector>

#include "base/error.h"
#include "gtest/gtest.h"
#include "server/discovery/registrar_fixture.h"

namespace scoutlight::server {
namespace {

TEST_F(RegistrarTest, RepeatedRequestAnswersAsBeforeAndAnotherWithItsIdIsRefused) {
  Registration registration = Of("a");
  registration.name.id.clear();
  registration.origin = {.caller = "me", .request_id = "r1", .request_hash = 1};
  const ChangedInstance first = Register(registration);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const std::vector<std::string> everything = Everything();
  const ChangedInstance again = Register(registration);
  EXPECT_TRUE(again.unchanged);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.instance->name, first.instance->name) << "the id that was drawn is drawn again";
  registration.origin.request_hash = 2;
  EXPECT_EQ(ReasonOf(Register(registration).status), Reason::kRequestIdReused);
  EXPECT_EQ(Everything(), everything);
  registration.origin = {};
  EXPECT_EQ(Register(registration).instance->name.id, "0000000000000001") << "drawn, when no request names one";
}

// Its transactions differ, and those that failed are not what came of it.
TEST_F(RegistrarTest, RequestThatIsTriedAnewIsKnownByTheTryThatWent) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  Registration registration = Of("a", {{"port", "81"}});
  registration.origin = {.caller = "me", .request_id = "r", .request_hash = 1};
  raced_.BeforeCommits(2, [this] { TouchRecord(); });
  const int before = raced_.commits();
  const ChangedInstance first = Register(registration);
  ASSERT_TRUE(first.status.ok()) << first.status;
  EXPECT_FALSE(first.replayed);
  EXPECT_EQ(raced_.commits() - before, 3);
  const ChangedInstance again = Register(registration);
  EXPECT_TRUE(again.status.ok()) << again.status;
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, first.revision);
}

TEST_F(RegistrarTest, RepeatedDrainIsRefusedOnceTheInstanceIsAtWorkAgain) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const DrainChange request{.name = kName, .origin = {.caller = "me", .request_id = "d", .request_hash = 1}};
  const ChangedInstance first = Ask(&Registrar::Drain, request);
  ASSERT_TRUE(first.status.ok()) << first.status;
  const ChangedInstance again = Ask(&Registrar::Drain, request);
  EXPECT_TRUE(again.replayed);
  EXPECT_EQ(again.revision, first.revision);
  ASSERT_EQ(Register(Of("a")).instance->status, discovery::Status::kUp);
  EXPECT_EQ(ReasonOf(Ask(&Registrar::Drain, request).status), Reason::kFenced);
  const ChangedInstance other = Ask(&Registrar::Drain, DrainChange{.name = kName});
  ASSERT_TRUE(other.status.ok()) << other.status;
  EXPECT_EQ(Ask(&Registrar::Drain, request).revision, other.revision) << "it was at work since the first";
  Registration taking = Of("b");
  taking.take_over = true;
  ASSERT_TRUE(Register(taking).status.ok());
  EXPECT_EQ(ReasonOf(Ask(&Registrar::Drain, request).status), Reason::kFenced);
}

// The same request comes twice at a time: the one that is slower finds the instance as the faster one has made it.
TEST_F(RegistrarTest, RequestThatIsCarriedOutMeanwhileIsARepetition) {
  ASSERT_TRUE(Register(Of("a")).status.ok());
  const storage::Origin origin{.caller = "me", .request_id = "u", .request_hash = 1};
  const Update update{.name = kName, .set = {{"port", "81"}}, .origin = origin};
  ChangedInstance faster;
  raced_.BeforeCommits(1, [&] { faster = Change(update); });
  const ChangedInstance slower = Change(update);
  ASSERT_TRUE(faster.status.ok()) << faster.status;
  ASSERT_TRUE(slower.status.ok()) << slower.status;
  EXPECT_FALSE(faster.replayed);
  EXPECT_TRUE(slower.replayed);
  EXPECT_EQ(slower.revision, faster.revision);
  const Deregistration end{.name = kName, .origin = {.caller = "me", .request_id = "g", .request_hash = 2}};
  raced_.BeforeCommits(1, [&] { faster = Ask(&Registrar::Deregister, end); });
  const ChangedInstance gone = Ask(&Registrar::Deregister, end);
  EXPECT_TRUE(gone.status.ok()) << gone.status;
  EXPECT_TRUE(gone.replayed);
  EXPECT_EQ(gone.revision, faster.revision);
}

}  // namespace
}  // namespace scoutlight::server
