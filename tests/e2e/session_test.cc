// RegistrationService.Session: what a client wants registered stays so, over streams, lost leases and operators.
#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/e2e/discovery_fixture.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = disco::SessionResponse::InstanceState;

// A stream of a session.
class SessionReader
    : public FrameReader<grpc::ClientAsyncReaderWriter<disco::SessionRequest, disco::SessionResponse>, disco::SessionResponse> {
 public:
  explicit SessionReader(disco::RegistrationService::Stub& stub) {
    Begin(kStart);
    stream_ = stub.AsyncSession(&context_, &queue_, TagOf(kStart));
    Await(kStart, kSoon);
  }

  // False: the stream has ended.
  bool Send(const disco::SessionRequest& request) {
    Begin(kWrite);
    stream_->Write(request, TagOf(kWrite));
    return Await(kWrite, kSoon).value_or(false);
  }

  // The next response for which `is` holds; what comes before it is passed over.
  template <typename Is>
  std::optional<disco::SessionResponse> NextOf(Is is) {
    while (true) {
      std::optional<disco::SessionResponse> response = Next();
      if (!response.has_value() || is(*response)) return response;
    }
  }
  // Waits until the client was told `state` of an instance.
  State Until(const std::string& id, State::State state) {
    State found;
    const auto told = NextOf([&](const disco::SessionResponse& response) {
      for (const State& one : response.instances().states()) {
        if (one.name().id() == id && one.state() == state) return found = one, true;
      }
      return false;
    });
    EXPECT_TRUE(told.has_value()) << id << " is not " << State::State_Name(state) << ": " << status().error_message();
    return found;
  }
};

class Sessions : public Discovery {
 protected:
  std::unique_ptr<SessionReader> Open(const std::string& session, int64_t ttl_seconds = 60) {
    auto stream = std::make_unique<SessionReader>(*registration_);
    disco::SessionRequest request;
    request.mutable_open()->set_session_id(session);
    request.mutable_open()->mutable_ttl()->set_seconds(ttl_seconds);
    EXPECT_TRUE(stream->Send(request));
    const auto opened = stream->NextOf([](const auto& response) { return response.has_opened(); });
    EXPECT_TRUE(opened.has_value()) << stream->status().error_message();
    if (opened.has_value()) opened_ = opened->opened();
    return stream;
  }
  static disco::SessionRequest Declared(const std::vector<std::string>& ids) {
    disco::SessionRequest request;
    for (const std::string& id : ids) {
      disco::Registration& one = *request.mutable_declare()->add_set();
      one.set_service("Printer");
      one.set_id(id);
      one.mutable_properties()->insert(kLaser.begin(), kLaser.end());
    }
    return request;
  }
  static disco::SessionRequest Loads(const std::vector<std::pair<std::string, double>>& loads) {
    disco::SessionRequest request;
    request.mutable_heartbeat();
    for (const auto& [id, load] : loads) {
      auto& values = *request.mutable_heartbeat()->add_values();
      values.mutable_name()->set_service("Printer");
      values.mutable_name()->set_id(id);
      values.mutable_soft()->set_load(load);
    }
    return request;
  }
  static disco::SessionRequest Leaving() {
    disco::SessionRequest request;
    request.mutable_leave();
    return request;
  }
  static std::optional<int64_t> Beat(SessionReader* stream, const disco::SessionRequest& heartbeat = Loads({})) {
    if (!stream->Send(heartbeat)) return std::nullopt;
    const auto alive = stream->NextOf([](const auto& response) { return response.has_alive(); });
    return alive.has_value() ? std::optional<int64_t>(alive->alive().lease_id()) : std::nullopt;
  }

  disco::SessionResponse::Opened opened_;  // The last answer to Open.
};

TEST_F(Sessions, LoadsOfHeartbeatsDecideWhoIsResolved) {
  const auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"i", "j"})));
  stream->Until("j", State::STATE_REGISTERED);
  ASSERT_TRUE(WaitUntil([this] { return Ids("Printer").size() == 2; }));
  ASSERT_TRUE(Beat(stream.get()).has_value());
  disco::ResolveRequest least = ResolveOf("Printer");
  least.set_strategy(disco::STRATEGY_LEAST_LOADED);
  ASSERT_TRUE(Beat(stream.get(), Loads({{"i", 0.9}, {"j", 0.1}})).has_value());
  EXPECT_EQ(Picked(least), "j");
  ASSERT_TRUE(Beat(stream.get(), Loads({{"i", 0.1}, {"j", 0.9}})).has_value());
  EXPECT_EQ(Picked(least), "i");
}

TEST_F(Sessions, OpenedAgainAfterItsStreamWasLostItKeepsItsEpochs) {
  auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"i", "j"})));
  const int64_t epoch = stream->Until("i", State::STATE_REGISTERED).epoch();
  const int64_t lease = opened_.lease_id();
  ASSERT_TRUE(WaitUntil([this] { return Ids("Printer").size() == 2; }));
  stream->Cancel();
  stream.reset();
  EXPECT_THAT(Ids("Printer"), ElementsAre("i", "j"));
  stream = Open("a");
  EXPECT_TRUE(opened_.resumed());
  EXPECT_EQ(opened_.lease_id(), lease);
  ASSERT_TRUE(stream->Send(Declared({"i"})));
  EXPECT_EQ(stream->Until("i", State::STATE_REGISTERED).epoch(), epoch);
  ASSERT_TRUE(WaitUntil([this] { return Ids("Printer").size() == 1; }));
}

TEST_F(Sessions, OpenedAgainAfterAKilledServerItKeepsItsEpochs) {
  auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"i"})));
  const int64_t epoch = stream->Until("i", State::STATE_REGISTERED).epoch();
  stream.reset();
  KillAndRestart();
  Connect();
  stream = Open("a");
  EXPECT_TRUE(opened_.resumed());
  ASSERT_TRUE(stream->Send(Declared({"i"})));
  EXPECT_EQ(stream->Until("i", State::STATE_REGISTERED).epoch(), epoch);
}

TEST_F(Sessions, WhatIsGoneWithTheLeaseComesBackWithTheNextHeartbeat) {
  const auto stream = Open("a", 3);
  ASSERT_TRUE(stream->Send(Declared({"i"})));
  const int64_t epoch = stream->Until("i", State::STATE_REGISTERED).epoch();
  stream->Until("i", State::STATE_LOST);
  EXPECT_THAT(Ids("Printer"), IsEmpty());
  const auto lease = Beat(stream.get());
  ASSERT_TRUE(lease.has_value()) << stream->status().error_message();
  EXPECT_NE(*lease, opened_.lease_id());
  EXPECT_GT(stream->Until("i", State::STATE_REGISTERED).epoch(), epoch);
}

TEST_F(Sessions, WhatAnOperatorDeregistersComesBack) {
  const auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"i"})));
  const int64_t epoch = stream->Until("i", State::STATE_REGISTERED).epoch();
  ASSERT_TRUE(Deregister("Printer", "i").ok());
  const int64_t again = stream->Until("i", State::STATE_REGISTERED).epoch();
  EXPECT_GT(again, epoch);
  EXPECT_EQ(Get("Printer", "i")->instance().epoch(), again);
}

TEST_F(Sessions, ANewerStreamEndsTheOneBefore) {
  const auto first = Open("a");
  const auto second = Open("a");
  ExpectFailure(first->End(), grpc::StatusCode::ABORTED, "FENCED");
  EXPECT_TRUE(Beat(second.get()).has_value());
}

TEST_F(Sessions, LeavingDeregistersAndEndsWell) {
  const auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"i", "j"})));
  stream->Until("j", State::STATE_REGISTERED);
  ASSERT_TRUE(stream->Send(Leaving()));
  const auto left = stream->NextOf([](const auto& response) { return response.has_left(); });
  ASSERT_TRUE(left.has_value()) << stream->status().error_message();
  EXPECT_EQ(left->left().fenced(), 0);
  EXPECT_TRUE(stream->End().ok());
  EXPECT_THAT(Ids("Printer"), IsEmpty());
}

TEST_F(Sessions, AWrongMessageNamesItsFieldsAndEndsTheStream) {
  const auto stream = Open("a");
  disco::SessionRequest request = Declared({"i", "j"});
  request.mutable_declare()->mutable_set(1)->set_service("*");
  ASSERT_TRUE(stream->Send(request));
  ExpectFailure(stream->End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"declare.set[1].service"});
  EXPECT_THAT(Ids("Printer"), IsEmpty());
}

TEST_F(Sessions, OneInViolationStaysRefusedBesideHealthyOnes) {
  const auto stream = Open("a");
  disco::SessionRequest request = Declared({"i", "j", "k"});
  (*request.mutable_declare()->mutable_set(1)->mutable_properties())["port"] = "80001";
  (*request.mutable_declare()->mutable_set(1)->mutable_properties())["weight"] = "-1";
  request.mutable_declare()->set_number(5);
  ASSERT_TRUE(stream->Send(request));
  const State refused = stream->Until("j", State::STATE_REFUSED);
  EXPECT_EQ(refused.code(), static_cast<int>(grpc::StatusCode::INVALID_ARGUMENT));
  EXPECT_TRUE(refused.violations().contains("instance.properties.port"));
  EXPECT_TRUE(refused.violations().contains("instance.properties.weight"));
  EXPECT_EQ(refused.declaration(), 5);
  ASSERT_TRUE(WaitUntil([this] { return Ids("Printer").size() == 2; }));
  ASSERT_TRUE(Beat(stream.get()).has_value());
  ASSERT_TRUE(Beat(stream.get()).has_value());
  EXPECT_THAT(Ids("Printer"), ElementsAre("i", "k"));
  request = Declared({"j"});
  request.mutable_declare()->set_number(6);
  ASSERT_TRUE(stream->Send(request));
  EXPECT_EQ(stream->Until("j", State::STATE_REGISTERED).declaration(), 6);
}

TEST_F(Sessions, ADeclarationOfThreeMegabytesIsOne) {
  const auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared({"before"})));
  stream->Until("before", State::STATE_REGISTERED);
  std::vector<std::string> ids;
  for (int part = 0; part < 3; ++part) {
    disco::SessionRequest request;
    for (int i = 0; i < 10; ++i) {
      ids.push_back(absl::StrCat("i", part, i));
      disco::Registration& one = *request.mutable_declare()->add_set();
      one.set_service("Printer");
      one.set_id(ids.back());
      one.mutable_properties()->insert(kLaser.begin(), kLaser.end());
      for (const char* name : {"a", "b", "c", "d"}) (*one.mutable_properties())[name] = std::string(26 * 1024, 'x');
    }
    request.mutable_declare()->set_replace(part == 0);
    request.mutable_declare()->set_more(part < 2);
    request.mutable_declare()->set_number(1);
    EXPECT_THAT(Ids("Printer"), ElementsAre("before")) << "nothing is done before the last part";
    ASSERT_TRUE(stream->Send(request));
    if (part < 2) {
      ASSERT_TRUE(Beat(stream.get()).has_value());
    }
  }
  EXPECT_EQ(stream->Until("before", State::STATE_REMOVED).declaration(), 1);
  for (const std::string& id : ids) {
    ASSERT_TRUE(WaitUntil([&] { return Get("Printer", id).ok(); })) << id;
    EXPECT_EQ(Get("Printer", id)->instance().properties().at("d").size(), 26u * 1024);
  }
}

TEST_F(Sessions, ADeclarationOverItsBoundsEndsTheStreamAndDoesNothing) {
  const auto stream = Open("a");
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(absl::StrCat("i", 1'000 + i));
  disco::SessionRequest request = Declared(ids);
  request.mutable_declare()->set_more(true);
  ASSERT_TRUE(stream->Send(request));
  ASSERT_TRUE(Beat(stream.get()).has_value());
  ASSERT_TRUE(stream->Send(Declared({"one-more"})));
  ExpectFailure(stream->End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"declare.set"});
  EXPECT_THAT(Ids("Printer"), IsEmpty());
}

TEST_F(Sessions, AMessageOfAThousandInstancesIsTaken) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(absl::StrCat("i", 1'000 + i));
  const auto stream = Open("a");
  ASSERT_TRUE(stream->Send(Declared(ids)));
  ASSERT_TRUE(WaitUntil([&] { return Ids("Printer").size() == ids.size(); }));
  ids = {"one-more"};
  ASSERT_TRUE(stream->Send(Declared(ids)));
  ExpectFailure(stream->End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"declare.set"});
}

TEST_F(Sessions, AServerThatStopsSaysSo) {
  const auto stream = Open("a");
  server().Signal(SIGTERM);
  ExpectFailure(stream->End(), grpc::StatusCode::UNAVAILABLE, "DRAINING");
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  Start();
}

}  // namespace
}  // namespace scoutlight::testing
