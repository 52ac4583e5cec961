// Requests that come again, through gRPC, also after a restart.
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registration_service_fixture.h"
#include "storage/testing/await.h"
#include "storage/testing/local_stores.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What is asked with an id, of instance "i" as session "mine".
class RepeatedRequestTest : public RegistrationServiceTest {
 protected:
  static wire::RegisterRequest Registering(const std::string& session, const std::string& request_id = "") {
    wire::RegisterRequest request = RegisterOf("i");
    request.mutable_ttl()->set_seconds(3600);
    request.set_session_id(session);
    request.set_request_id(request_id);
    return request;
  }
  static wire::UpdateRequest Updating(const std::string& port, const std::string& request_id, Revision epoch = 0) {
    auto request = Named<wire::UpdateRequest>("i");
    (*request.mutable_set_properties())["port"] = port;
    request.set_epoch(epoch);
    request.set_request_id(request_id);
    return request;
  }
  static wire::DeregisterRequest Deregistering(const std::string& request_id, Revision epoch = 0) {
    auto request = Named<wire::DeregisterRequest>("i");
    request.set_epoch(epoch);
    request.set_request_id(request_id);
    return request;
  }
  static wire::PutOverrideRequest Putting(const std::string& reason, const std::string& request_id) {
    auto request = Named<wire::PutOverrideRequest>("i");
    request.set_reason(reason);
    request.mutable_ttl()->set_seconds(3600);
    request.set_request_id(request_id);
    return request;
  }
  static wire::DeleteOverrideRequest Deleting(const std::string& request_id) {
    auto request = Named<wire::DeleteOverrideRequest>("i");
    request.set_request_id(request_id);
    return request;
  }
  Answered<wire::UpdateResponse> Update(const wire::UpdateRequest& request) { return Call(&Registrations::Update, request); }
  Answered<wire::DeregisterResponse> Deregister(const wire::DeregisterRequest& request) {
    return Call(&Registrations::Deregister, request);
  }
  Answered<wire::PutOverrideResponse> Put(const wire::PutOverrideRequest& request) { return Call(&Registrations::PutOverride, request); }
  Answered<wire::DeleteOverrideResponse> Delete(const wire::DeleteOverrideRequest& request) {
    return Call(&Registrations::DeleteOverride, request);
  }
  discovery::InstancePtr Instance() const { return server_->catalog()->FindInstance({"default", "s", "i"}); }
  bool LeasesCome(size_t to) const {
    return storage::AwaitCondition([&] { return sync().ListLeases().leases.size() == to; });
  }

  // The first answer, or a repetition of what happened at `revision`.
  template <typename Response>
  static void ExpectDone(const Answered<Response>& seen, Revision revision, bool replayed) {
    ASSERT_TRUE(seen.ok()) << seen.status.error_message();
    EXPECT_EQ(seen->revision(), revision);
    EXPECT_EQ(seen->replayed(), replayed);
  }
  // Refused since somebody else has the instance, or nobody; `revision`: when it was carried out.
  template <typename Response>
  static void ExpectRefused(const Answered<Response>& seen, grpc::StatusCode code, const std::string& reason, Revision revision) {
    EXPECT_EQ(seen.status.error_code(), code) << seen.status.error_message();
    EXPECT_EQ(seen.reason, reason);
    EXPECT_THAT(seen.status.error_message(), HasSubstr(absl::StrCat("this request was carried out at revision ", revision)));
    EXPECT_GT(seen.revision(), revision);
  }
};

TEST_F(RepeatedRequestTest, AfterSuccessNothingHappensAgain) {
  const auto registered = Register(Registering("mine", "r"));
  ExpectDone(registered, sync().Latest(), false);
  EXPECT_FALSE(registered->unchanged());
  const auto again = Register(Registering("mine", "r"));
  ExpectDone(again, registered->revision(), true);
  EXPECT_TRUE(again->unchanged());
  EXPECT_EQ(again->instance().epoch(), registered->instance().epoch());
  EXPECT_EQ(again->instance().lease_id(), registered->instance().lease_id());

  const auto updated = Update(Updating("81", "u"));
  ExpectDone(updated, sync().Latest(), false);
  ASSERT_TRUE(Update(Updating("82", "")).ok());
  const auto updated_again = Update(Updating("81", "u"));
  ExpectDone(updated_again, updated->revision(), true);
  EXPECT_EQ(updated_again->instance().properties().at("port"), "82") << "as it is now";

  const auto put = Put(Putting("jam", "p"));
  ExpectDone(put, sync().Latest(), false);
  const auto put_again = Put(Putting("jam", "p"));
  ExpectDone(put_again, put->revision(), true);
  EXPECT_EQ(put_again->override().reason(), "jam");
  EXPECT_TRUE(LeasesCome(2));
  const auto deleted = Delete(Deleting("d"));
  ExpectDone(deleted, sync().Latest(), false);
  const auto deleted_again = Delete(Deleting("d"));
  ExpectDone(deleted_again, deleted->revision(), true);
  EXPECT_TRUE(deleted_again->found());
  EXPECT_TRUE(LeasesCome(1));

  const auto gone = Deregister(Deregistering("g"));
  ExpectDone(gone, sync().Latest(), false);
  const auto gone_again = Deregister(Deregistering("g"));
  ExpectDone(gone_again, gone->revision(), true);
  EXPECT_TRUE(gone->found());
  EXPECT_TRUE(gone_again->found());
  EXPECT_EQ(sync().Latest(), gone->revision());
  EXPECT_TRUE(LeasesCome(0));
}

TEST_F(RepeatedRequestTest, OfARegisterAllToo) {
  wire::RegisterAllRequest all;
  *all.add_registrations() = Registering("mine", "r");
  const auto first = Call(&Registrations::RegisterAll, all);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->results(0).replayed());
  const auto again = Call(&Registrations::RegisterAll, all);
  EXPECT_TRUE(again->results(0).replayed());
  EXPECT_EQ(again->revision(), first->revision());
}

TEST_F(RepeatedRequestTest, AfterATakeOverTheOwnerOfThenIsFencedAndTouchesNothing) {
  const auto registered = Register(Registering("mine", "r"));
  const Revision epoch = registered->instance().epoch();
  const auto updated = Update(Updating("81", "u", epoch));
  wire::RegisterRequest theirs = Registering("theirs");
  theirs.set_take_over(true);
  ASSERT_TRUE(Register(theirs).ok());
  ASSERT_TRUE(LeasesCome(1));
  const Revision latest = sync().Latest();
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::ABORTED, "FENCED", registered->revision());
  wire::RegisterRequest forced = Registering("mine", "f");
  forced.set_take_over(true);
  ExpectRefused(Update(Updating("81", "u", epoch)), grpc::StatusCode::ABORTED, "FENCED", updated->revision());
  EXPECT_EQ(sync().Latest(), latest);
  EXPECT_TRUE(LeasesCome(1)) << "none is left that a repetition has made";
  EXPECT_EQ(Instance()->epoch, latest);

  // One that would take over again does not.
  const auto taken_back = Register(forced);
  ASSERT_TRUE(taken_back.ok());
  ASSERT_TRUE(Register(theirs).ok());
  ExpectRefused(Register(forced), grpc::StatusCode::ABORTED, "FENCED", taken_back->revision());
  EXPECT_EQ(Register(Registering("theirs"))->unchanged(), true);
}

TEST_F(RepeatedRequestTest, AfterADeregistrationItIsNotFoundAndNotThereAgain) {
  const auto registered = Register(Registering("mine", "r"));
  const auto updated = Update(Updating("81", "u"));
  const auto gone = Deregister(Deregistering("g"));
  ASSERT_TRUE(gone.ok());
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", registered->revision());
  ExpectRefused(Update(Updating("81", "u")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", updated->revision());
  EXPECT_EQ(sync().Latest(), gone->revision());
  EXPECT_TRUE(LeasesCome(0));

  // Whoever comes after is not deregistered by a repetition, nor does the lease go.
  ASSERT_TRUE(Register(Registering("theirs")).ok());
  ExpectDone(Deregister(Deregistering("g")), gone->revision(), true);
  EXPECT_NE(Instance(), nullptr);
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::ABORTED, "FENCED", registered->revision());
  // By name of an epoch, which is refused before anything is tried.
  const Revision epoch = Instance()->epoch;
  const auto theirs_gone = Deregister(Deregistering("e", epoch));
  ASSERT_TRUE(theirs_gone.ok());
  ASSERT_TRUE(Register(Registering("third")).ok());
  ExpectDone(Deregister(Deregistering("e", epoch)), theirs_gone->revision(), true);
  EXPECT_NE(Instance(), nullptr);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RepeatedRequestTest, OverridesOfAfterwardsAreLeftAlone) {
  const auto put = Put(Putting("one", "p1"));
  ASSERT_TRUE(Put(Putting("two", "p2")).ok());
  ASSERT_TRUE(LeasesCome(1));
  const auto again = Put(Putting("one", "p1"));
  ExpectDone(again, put->revision(), true);
  EXPECT_EQ(again->override().reason(), "two");
  EXPECT_TRUE(LeasesCome(1));
  const auto deleted = Delete(Deleting("d"));
  ASSERT_TRUE(deleted->found());
  ASSERT_TRUE(LeasesCome(0));
  EXPECT_FALSE(Put(Putting("one", "p1"))->has_override());
  EXPECT_TRUE(LeasesCome(0));
  ASSERT_TRUE(Put(Putting("three", "p3")).ok());
  ExpectDone(Delete(Deleting("d")), deleted->revision(), true);
  EXPECT_TRUE(LeasesCome(1));
  EXPECT_NE(sync().Get(discovery::OverrideKey({"default", "s", "i"})), std::nullopt);
}

TEST_F(RepeatedRequestTest, WhatChangedNothingIsTriedAnew) {
  EXPECT_FALSE(Deregister(Deregistering("g"))->found());
  EXPECT_FALSE(Delete(Deleting("d"))->found());
  EXPECT_EQ(Update(Updating("81", "u")).reason, "INSTANCE_NOT_FOUND");
  ASSERT_TRUE(Register(Registering("mine")).ok());
  const auto same = Register(Registering("mine", "r"));
  EXPECT_TRUE(same->unchanged());
  EXPECT_FALSE(same->replayed());
  EXPECT_FALSE(Update(Updating("81", "u"))->replayed());
  const auto gone = Deregister(Deregistering("g"));
  EXPECT_TRUE(gone->found());
  EXPECT_FALSE(gone->replayed());
}

TEST_F(RepeatedRequestTest, AfterARestartOverDisk) {
  const storage::TemporaryFolder folder;
  Open(storage::OpenRocksdbStore(folder.path(), clock_));
  const auto registered = Register(Registering("mine", "r"));
  const auto updated = Update(Updating("81", "u"));
  const auto put = Put(Putting("jam", "p"));
  const auto deleted = Delete(Deleting("d"));
  ASSERT_TRUE(deleted.ok()) << deleted.status.error_message();
  const auto reopen = [&] {
    server_.reset();
    store_.reset();
    Open(storage::OpenRocksdbStore(folder.path(), clock_));
  };
  reopen();
  ExpectDone(Register(Registering("mine", "r")), registered->revision(), true);
  ExpectDone(Update(Updating("81", "u")), updated->revision(), true);
  ExpectDone(Put(Putting("jam", "p")), put->revision(), true);
  ExpectDone(Delete(Deleting("d")), deleted->revision(), true);
  EXPECT_EQ(sync().Latest(), deleted->revision());
  const auto gone = Deregister(Deregistering("g"));
  reopen();
  ExpectDone(Deregister(Deregistering("g")), gone->revision(), true);
  ExpectRefused(Register(Registering("mine", "r")), grpc::StatusCode::NOT_FOUND, "INSTANCE_NOT_FOUND", registered->revision());
  EXPECT_EQ(sync().Latest(), gone->revision());
  // The folder goes when nobody uses it any more.
  server_.reset();
  store_.reset();
}

// Whether or not the request would come to a transaction.
TEST_F(RepeatedRequestTest, AnIdOfAnotherRequestIsRefused) {
  ASSERT_TRUE(Register(Registering("mine", "x")).ok());
  const Revision latest = sync().Latest();
  const auto expect = [&](const auto& seen, const char* what) {
    EXPECT_EQ(seen.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << what << seen.status.error_message();
    EXPECT_EQ(seen.reason, "REQUEST_ID_REUSED") << what;
  };
  wire::RegisterRequest other_port = Registering("mine", "x");
  (*other_port.mutable_instance()->mutable_properties())["port"] = "81";
  expect(Register(other_port), "Register");
  expect(Register(Registering("theirs", "x")), "Register of what another owns");
  wire::RegisterRequest for_good = Registering("mine", "x");
  for_good.set_permanent(true);
  expect(Register(for_good), "Register for good");
  expect(Update(Updating("81", "x")), "Update");
  expect(Update(Updating("80", "x")), "Update that changes nothing");
  expect(Update(Updating("81", "x", 1)), "Update of another owner's");
  expect(Deregister(Deregistering("x")), "Deregister");
  expect(Deregister(Deregistering("x", 1)), "Deregister of another owner's");
  auto other = Deregistering("x");
  other.mutable_name()->set_id("none");
  expect(Deregister(other), "Deregister of nothing");
  expect(Put(Putting("jam", "x")), "PutOverride");
  expect(Delete(Deleting("x")), "DeleteOverride");
  EXPECT_EQ(sync().Latest(), latest);
  EXPECT_TRUE(LeasesCome(1));
}

TEST_F(RepeatedRequestTest, AnIdIsAtMost64BytesLong) {
  const std::string longest(limits::kRequestIdBytesMax, 'x');
  const auto expect = [](const auto& seen, const char* what) {
    EXPECT_EQ(seen.reason, "INVALID_FIELD") << what;
    EXPECT_THAT(seen.fields, ElementsAre("request_id")) << what;
  };
  expect(Register(Registering("mine", longest + "x")), "Register");
  expect(Update(Updating("81", longest + "x")), "Update");
  expect(Deregister(Deregistering(longest + "x")), "Deregister");
  expect(Put(Putting("jam", longest + "x")), "PutOverride");
  expect(Delete(Deleting(longest + "x")), "DeleteOverride");
  const std::string end = longest.substr(1);
  EXPECT_TRUE(Register(Registering("mine", "1" + end)).ok());
  EXPECT_TRUE(Update(Updating("81", "2" + end)).ok());
  EXPECT_TRUE(Deregister(Deregistering("3" + end)).ok());
  EXPECT_TRUE(Put(Putting("jam", "4" + end)).ok());
  EXPECT_TRUE(Delete(Deleting("5" + end)).ok());
}

}  // namespace
}  // namespace scoutlight::server
