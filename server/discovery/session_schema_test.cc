// What schemas say of a session's instances, and declarations of several messages, over a real registrar and catalog.
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session_hub_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using storage::AwaitCondition;

using SessionSchemaTest = SessionHubTest;

// The answer to the heartbeat, which comes before what it makes the session try again.
void Beat(FakeStream* stream) {
  const size_t before = stream->responses().size();
  stream->Send(SessionHeartbeat());
  ASSERT_TRUE(AwaitCondition([&] {
    const auto responses = stream->responses();
    for (size_t i = before; i < responses.size(); ++i) {
      if (responses[i].has_alive()) return true;
    }
    return false;
  }));
}

TEST_F(SessionSchemaTest, OneInViolationIsRefusedWithAllItsFieldsAndTheOthersGoOn) {
  const auto stream = Open("a");
  Declaration declaration = Of({"h", "i", "j"});
  declaration.set[1].properties = {{"port", "80001"}, {"weight", "-1"}, {"a/b", ""}};
  declaration.number = 3;
  stream->Send(declaration);
  const State refused = stream->StateOf(kName);
  EXPECT_EQ(refused.state(), State::STATE_REFUSED);
  EXPECT_EQ(refused.code(), static_cast<int>(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(refused.reason(), "INVALID_FIELD");
  EXPECT_EQ(refused.declaration(), 3);
  EXPECT_EQ(refused.violations().size(), 3u);
  EXPECT_TRUE(refused.violations().contains("instance.properties.port"));
  EXPECT_TRUE(refused.violations().contains("instance.properties.weight"));
  EXPECT_EQ(stream->StateOf({"c", "s", "h"}).state(), State::STATE_REGISTERED);
  EXPECT_EQ(stream->StateOf({"c", "s", "j"}).state(), State::STATE_REGISTERED);
  EXPECT_EQ(Shown(), nullptr);
  stream->Send(Of({"i"}));
  EXPECT_EQ(DetailsOf(stream->End())->violations.front().field, "declare.number") << "less than that before";
}

TEST_F(SessionSchemaTest, WhatWasRegisteredBeforeARefusalStays) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const int64_t epoch = stream->StateOf(kName).epoch();
  stream->Send(Of({"i"}, "80001"));
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_REFUSED);
  EXPECT_EQ(Shown()->epoch, epoch);
  EXPECT_EQ(*discovery::FindProperty(Shown()->properties, "port"), "80");
  stream->Send(Of({"i"}, "81"));
  EXPECT_EQ(stream->StateOf(kName, 3).state(), State::STATE_REGISTERED);
  EXPECT_EQ(*discovery::FindProperty(Shown()->properties, "port"), "81");
}

TEST_F(SessionSchemaTest, WhenTheSchemaHasChangedTheNextHeartbeatRegisters) {
  sync_.Put(
      discovery::SchemaKey("mine"),
      R"({"name": "mine", "pattern": "/{cluster}/mine/{service}/{instance}[/{property}]", "properties": {"color": {"required": true}}})");
  sync_.Put(discovery::BindingKey("c", "s"), "mine");
  const auto bound_to = [this](const std::string& schema) {
    return AwaitCondition([&] {
      const auto catalog = feed_->catalog();
      const auto* const of = catalog->claims()->SchemaOf("c", "s");
      return of != nullptr && of->name == schema;
    });
  };
  ASSERT_TRUE(bound_to("mine"));
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const State refused = stream->StateOf(kName);
  EXPECT_EQ(refused.state(), State::STATE_REFUSED);
  EXPECT_TRUE(refused.violations().contains("instance.properties.color"));
  sync_.Put(discovery::BindingKey("c", "s"), "printers");
  ASSERT_TRUE(bound_to("printers"));
  Beat(stream.get());
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_REGISTERED);
}

TEST_F(SessionSchemaTest, ViolationsAreToldAsFarAsTheyFit) {
  const auto stream = Open("a");
  Declaration declaration = Of({"i"});
  for (int i = 0; i < limits::kPropertiesMax; ++i) {
    declaration.set[0].properties[absl::StrCat(std::string(limits::kPropertyNameBytesMax - 4, 'p'), "/", 100 + i)] = "";
  }
  declaration.set[0].properties.erase("port");
  stream->Send(std::move(declaration));
  const State refused = stream->StateOf(kName);
  EXPECT_EQ(refused.state(), State::STATE_REFUSED);
  size_t bytes = 0;
  for (const auto& [field, description] : refused.violations()) bytes += field.size() + description.size();
  EXPECT_GT(bytes, 0u);
  EXPECT_LE(bytes, limits::kErrorViolationsBytesMax);
  EXPECT_LE(refused.message().size(), limits::kErrorMessageBytesMax);
}

TEST_F(SessionSchemaTest, ADeclarationOfSeveralMessagesIsOne) {
  const auto stream = Open("a");
  stream->Send(Of({"i", "j"}));
  stream->StateOf({"c", "s", "j"});
  Declaration first = Of({"k"});
  first.replace = first.more = true;
  stream->Send(std::move(first));
  Beat(stream.get());
  EXPECT_EQ(Shown({"c", "s", "k"}), nullptr);
  stream->Send(Of({"i"}));
  EXPECT_EQ(stream->StateOf({"c", "s", "k"}).state(), State::STATE_REGISTERED);
  EXPECT_EQ(stream->StateOf({"c", "s", "j"}, 2).state(), State::STATE_REMOVED);
  EXPECT_NE(Shown(), nullptr);
}

TEST_F(SessionSchemaTest, OpenWithinADeclarationEndsTheStreamAndLeaveDropsIt) {
  const auto opens = Open("a");
  Declaration part = Of({"i"});
  part.more = true;
  opens->Send(part);
  opens->Send(SessionOpening{.id = "a", .ttl = kTtl});
  EXPECT_EQ(DetailsOf(opens->End())->violations.front().field, "open");
  const auto leaves = Open("b");
  leaves->Send(part);
  leaves->Send(SessionLeaving());
  EXPECT_TRUE(leaves->End().ok()) << leaves->End();
  EXPECT_EQ(Shown(), nullptr);
}

TEST_F(SessionSchemaTest, MoreThanASessionMayHaveOfAnEarlierStreamGoes) {
  const auto first = Open("a");
  const LeaseId lease = first->Opened().lease_id();
  const int instances = limits::kSessionInstancesMax + 10;
  for (int i = 0; i < instances; ++i) {
    Registration registration{.name = {"c", "s", absl::StrCat("i", i)}, .lease_id = lease, .session = "a"};
    ASSERT_TRUE(Ask([&](Registrar::Done done) { registrar_.Register(std::move(registration), std::move(done)); }).status.ok());
  }
  const auto second = Open("a");
  second->Send(Of({"i7"}));
  EXPECT_TRUE(AwaitCondition([&] { return sync_.List(discovery::InstanceRecordsTree(), Scope::kSubtree).size() == 1; }));
  EXPECT_NE(Shown({"c", "s", "i7"}), nullptr);
}

}  // namespace
}  // namespace scoutlight::server
