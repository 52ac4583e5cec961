// What one session does, over the model of a store. What two do together: session_interleavings_test.cc.
#include "server/discovery/session.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(SessionTest, ANewSessionHasALeaseOfItsOwn) {
  EXPECT_EQ(stream_.resumed(), false);
  EXPECT_EQ(store_.records["a"].record, (discovery::SessionRecord{.lease_id = stream_.lease_id(), .ttl = kModelTtl}));
  EXPECT_EQ(stream_.session().incarnation(), store_.records["a"].revision);
}

TEST_F(SessionTest, OpenedAgainItGoesOnWithItsLeaseAndEpochs) {
  Register(2);
  const auto registered = stream_.session().registered();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED", "i1 REGISTERED"));
  stream_.Lose();
  ModelStream again(&store_, "a");
  Listen(&again);
  again.LetAll();
  EXPECT_EQ(again.resumed(), true);
  EXPECT_EQ(again.lease_id(), stream_.lease_id());
  ASSERT_TRUE(again.Declare(Declared(0, 2)).ok());
  again.LetAll();
  EXPECT_EQ(again.session().registered(), registered);
  EXPECT_THAT(Told(&again), ElementsAre("i0 REGISTERED", "i1 REGISTERED")) << "the client has declared them";
}

TEST_F(SessionTest, TheFirstDeclarationRemovesWhatTheStreamBeforeHadMore) {
  Register(3);
  stream_.Lose();
  ModelStream again(&store_, "a");
  Listen(&again);
  again.LetAll();
  ASSERT_TRUE(again.Declare(Declared(1, 2)).ok());
  again.LetAll();
  EXPECT_THAT(Told(&again), ::testing::UnorderedElementsAre("i0 REMOVED", "i1 REGISTERED", "i2 REMOVED"));
  EXPECT_EQ(store_.instances.size(), 1u);
}

TEST_F(SessionTest, LaterDeclarationsAddUnlessTheyReplace) {
  Register(2);
  Told();
  Declaration more = Declared(2, 3);
  more.remove = {NameOf(0), NameOf(7)};
  ASSERT_TRUE(stream_.Declare(std::move(more)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ::testing::UnorderedElementsAre("i0 REMOVED", "i2 REGISTERED", "i7 REMOVED")) << "who names it hears of it";
  Declaration all = Declared(5, 6);
  all.replace = true;
  ASSERT_TRUE(stream_.Declare(std::move(all)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ::testing::UnorderedElementsAre("i1 REMOVED", "i2 REMOVED", "i5 REGISTERED"));
}

TEST_F(SessionTest, ARefusedOneIsTriedWithEachHeartbeatAndToldOnce) {
  store_.refused.insert("80");
  store_.refusal = ModelError(absl::StatusCode::kResourceExhausted, Reason::kLeaseKeysFull);
  Register();
  EXPECT_THAT(Told(), ElementsAre("i0 REFUSED"));
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), 2);
  EXPECT_THAT(Told(), IsEmpty());
  store_.refused.clear();
  Heartbeat();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED"));
}

TEST_F(SessionTest, WhatASchemaRefusesIsTriedWhenItIsDeclaredOtherwiseOrSchemasHaveChanged) {
  store_.refused.insert("80");
  Declaration declared = Declared(0, 2);
  declared.set[1].properties = {{"port", "81"}};
  ASSERT_TRUE(stream_.Declare(std::move(declared)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 REFUSED", "i1 REGISTERED")) << "the others go on";
  Heartbeat();
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), 2) << "the schema would say the same";
  ++store_.schemas_version;
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), 3);
  EXPECT_THAT(Told(), IsEmpty());
  store_.refused.clear();
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), 3);
  ++store_.schemas_version;
  Heartbeat();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED"));
  store_.refused.insert("82");
  Declaration refused = Declared(0, 1);
  refused.set[0].properties = {{"port", "82"}};
  ASSERT_TRUE(stream_.Declare(refused).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 REFUSED"));
  EXPECT_EQ(*discovery::FindProperty(store_.instances[NameOf(0)].properties, "port"), "80") << "what was registered stays";
  ASSERT_TRUE(stream_.Declare(Declared(0, 1)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED"));
}

TEST_F(SessionTest, OneThatAnOperatorDeregistersIsRegisteredAnew) {
  Register();
  const Revision epoch = stream_.session().registered().at(NameOf(0));
  Told();
  store_.Delete(NameOf(0));
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 LOST", "i0 REGISTERED"));
  EXPECT_GT(stream_.session().registered().at(NameOf(0)), epoch);
}

TEST_F(SessionTest, WhatSomebodyDeletesIsPutBackAtOnceThenAsOftenAsHeartbeatsCome) {
  Register(2);
  Told();
  const Revision epoch = stream_.session().registered().at(NameOf(0));
  const auto is_whole = [this] { return store_.instances.at(NameOf(0)).properties == discovery::Properties{{"port", "80"}}; };
  const auto delete_port = [this] {
    store_.ChangeByHand(NameOf(0), "port", std::nullopt);
    stream_.LetAll();
  };
  delete_port();
  EXPECT_TRUE(is_whole());
  EXPECT_EQ(stream_.registrations(), 3);
  delete_port();
  EXPECT_FALSE(is_whole());
  EXPECT_EQ(stream_.registrations(), 3);
  Heartbeat();
  EXPECT_TRUE(is_whole());
  EXPECT_EQ(stream_.registrations(), 4);
  delete_port();
  EXPECT_FALSE(is_whole()) << "that was this heartbeat's";
  Heartbeat();
  EXPECT_TRUE(is_whole());
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), 5) << "nothing is missing any more";
  delete_port();
  EXPECT_TRUE(is_whole());
  EXPECT_EQ(stream_.session().registered().at(NameOf(0)), epoch);
  EXPECT_THAT(Told(), IsEmpty()) << "it was registered all the time";
}

TEST_F(SessionTest, WhatSomebodyPutsStaysWhateverIsPutBackBesideIt) {
  Declaration declared = Declared(0, 1);
  declared.set[0].properties = {{"hostname", "a"}, {"port", "80"}};
  ASSERT_TRUE(stream_.Declare(std::move(declared)).ok());
  stream_.LetAll();
  store_.ChangeByHand(NameOf(0), "hostname", "b");
  store_.ChangeByHand(NameOf(0), "zone", "north");
  store_.ChangeByHand(NameOf(0), "port", std::nullopt);
  stream_.LetAll();
  const discovery::Properties& shown = store_.instances.at(NameOf(0)).properties;
  EXPECT_EQ(shown, (discovery::Properties{{"hostname", "b"}, {"port", "80"}, {"zone", "north"}}));
  // Deleted once more, then put right before the heartbeat would have put it back.
  store_.ChangeByHand(NameOf(0), "port", std::nullopt);
  stream_.LetAll();
  store_.ChangeByHand(NameOf(0), "port", "81");
  stream_.LetAll();
  Heartbeat();
  EXPECT_EQ(shown, (discovery::Properties{{"hostname", "b"}, {"port", "81"}, {"zone", "north"}}));
}

TEST_F(SessionTest, OfOneThatItsSchemaRefusesWhatWasRegisteredStaysWhateverBecomesOfIt) {
  Register();
  store_.refused.insert("82");
  Declaration refused = Declared(0, 1);
  refused.set[0].properties = {{"port", "82"}, {"hostname", "a"}};
  ASSERT_TRUE(stream_.Declare(std::move(refused)).ok());
  stream_.LetAll();
  const int registrations = stream_.registrations();
  store_.changed(NameOf(0));
  stream_.LetAll();
  Heartbeat();
  EXPECT_EQ(stream_.registrations(), registrations);
  EXPECT_EQ(*discovery::FindProperty(store_.instances[NameOf(0)].properties, "port"), "80");
}

TEST_F(SessionTest, WhenItsLeaseHasEndedItWaitsForItsClient) {
  Register(2);
  Told();
  const LeaseId lease = stream_.lease_id();
  store_.Expire(lease);
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 LOST", "i1 LOST"));
  EXPECT_THAT(store_.instances, IsEmpty()) << "a silent client is gone";
  EXPECT_THAT(store_.leases, IsEmpty());
  Heartbeat();
  EXPECT_NE(stream_.lease_id(), lease);
  EXPECT_EQ(stream_.alives(), 1);
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED", "i1 REGISTERED"));
}

TEST_F(SessionTest, ADeclarationAfterTheLeaseTakesAnotherToo) {
  Register();
  Told();
  store_.Expire(stream_.lease_id());
  stream_.LetAll();
  ASSERT_TRUE(stream_.Declare(Declared(1, 2)).ok());
  stream_.LetAll();
  EXPECT_THAT(Told(), ::testing::UnorderedElementsAre("i0 LOST", "i0 REGISTERED", "i1 REGISTERED"));
}

TEST_F(SessionTest, AnothersInstanceIsLetGoUntilItIsDeclaredAgain) {
  ModelStream other(&store_, "b");
  Listen(&other);
  other.LetAll();
  ASSERT_TRUE(other.Declare(Declared(0, 1)).ok());
  other.LetAll();
  Register();
  EXPECT_THAT(Told(), ElementsAre("i0 FENCED"));
  other.Leave();
  other.LetAll();
  EXPECT_EQ(other.left(), 0);
  Heartbeat();
  EXPECT_THAT(store_.instances, IsEmpty());
  Register();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED"));
}

TEST_F(SessionTest, TakeOverIsOnce) {
  ModelStream other(&store_, "b");
  Listen(&other);
  other.LetAll();
  ASSERT_TRUE(other.Declare(Declared(0, 1)).ok());
  other.LetAll();
  Told(&other);
  Declaration take_over = Declared(0, 1);
  take_over.take_over = true;
  ASSERT_TRUE(stream_.Declare(std::move(take_over)).ok());
  stream_.LetAll();
  other.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 REGISTERED"));
  EXPECT_THAT(Told(&other), ElementsAre("i0 FENCED"));
  // When the lease has ended, whoever has it by then keeps it.
  store_.Expire(stream_.lease_id());
  ASSERT_TRUE(other.Declare(Declared(0, 1)).ok());
  other.LetAll();
  stream_.LetAll();
  EXPECT_THAT(Told(), ElementsAre("i0 FENCED"));
  Heartbeat();
  EXPECT_EQ(store_.instances[NameOf(0)].session, "b");
}

TEST_F(SessionTest, ANewerStreamElsewhereEndsThisOneAtItsNextHeartbeat) {
  Register();
  ModelStream elsewhere(&store_, "a");
  elsewhere.LetAll();
  Heartbeat();
  ASSERT_TRUE(stream_.ended());
  EXPECT_EQ(stream_.end().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(stream_.end()), Reason::kFenced);
}

TEST_F(SessionTest, LeavingTakesEverythingAway) {
  Register(20);
  Told();
  stream_.Leave();
  stream_.LetAll();
  EXPECT_EQ(stream_.left(), 0);
  ASSERT_TRUE(stream_.ended());
  EXPECT_TRUE(stream_.end().ok());
  EXPECT_THAT(store_.instances, IsEmpty());
  EXPECT_THAT(store_.records, IsEmpty());
  EXPECT_THAT(store_.leases, IsEmpty());
}

TEST_F(SessionTest, LeavingBeforeADeclarationTakesAwayWhatTheStreamBeforeHad) {
  Register(3);
  stream_.Lose();
  ModelStream again(&store_, "a");
  again.LetAll();
  again.Leave();
  again.LetAll();
  EXPECT_EQ(again.left(), 0);
  EXPECT_THAT(store_.instances, IsEmpty());
}

TEST_F(SessionTest, LeavingCountsWhatIsAnothers) {
  Register(2);
  store_.instances[NameOf(0)].session = std::string("b");
  stream_.Leave();
  stream_.LetAll();
  EXPECT_EQ(stream_.left(), 1);
}

TEST_F(SessionTest, AnOlderStreamThatLeavesDoesNotEndTheLeaseOfANewerOne) {
  Register();
  stream_.Leave();
  while (!store_.instances.empty()) stream_.Let();
  stream_.Let();  // It has heard that, and deletes the record.
  ModelStream elsewhere(&store_, "a");
  elsewhere.LetAll();
  EXPECT_EQ(elsewhere.resumed(), true);
  stream_.LetAll();
  EXPECT_EQ(ReasonOf(stream_.end()), Reason::kFenced);
  EXPECT_EQ(stream_.left(), std::nullopt);
  EXPECT_TRUE(store_.leases.contains(elsewhere.lease_id()));
}

TEST_F(SessionTest, LeavingAfterTheLeaseHasEndedLeavesAloneWhatIsOnAnother) {
  Register();
  store_.instances[NameOf(0)].lease_id = 0;  // Registered so by a call with the session's id.
  store_.Expire(stream_.lease_id());
  stream_.Leave();
  stream_.LetAll();
  EXPECT_EQ(stream_.left(), 0);
  EXPECT_EQ(store_.instances.size(), 1u);
}

TEST_F(SessionTest, AfterItsLeaseAStreamDoesNotTakeTheSessionBack) {
  Register();
  store_.Expire(stream_.lease_id());
  stream_.LetAll();
  ModelStream elsewhere(&store_, "a");
  elsewhere.LetAll();
  Heartbeat();
  EXPECT_EQ(ReasonOf(stream_.end()), Reason::kFenced);
  EXPECT_EQ(store_.RecordRevision("a"), elsewhere.session().incarnation());
  EXPECT_EQ(store_.leases.size(), 1u) << "the one that it has taken in vain goes";
}

TEST_F(SessionTest, AnAnswerAboutTheRecordOfBeforeIsPassedOver) {
  Register();
  stream_.Heartbeat();
  stream_.Let();  // The record is read; the answer is on its way.
  store_.Expire(stream_.lease_id());
  const Revision incarnation = stream_.session().incarnation();
  // Everything behind that answer: the loss, the registration that meets no lease, another lease, the record.
  while (stream_.under_way() > 1) stream_.Let(1);
  EXPECT_GT(stream_.session().incarnation(), incarnation);
  stream_.LetAll();
  EXPECT_FALSE(stream_.ended());
  EXPECT_EQ(stream_.alives(), 1);
}

TEST_F(SessionTest, SoftValuesAreOfWhatItHasRegistered) {
  Register();
  stream_.session().Heartbeat({{NameOf(0), {}}, {NameOf(1), {}}});
  EXPECT_THAT(stream_.soft(), ElementsAre(NameOf(0)));
}

}  // namespace
}  // namespace scoutlight::server
