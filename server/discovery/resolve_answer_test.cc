#include "server/discovery/resolve_answer.h"

#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <string>
#include <utility>

#include "base/limits.h"
#include "discovery/service_snapshot.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "server/discovery/instance_conversion.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::Instance;
using discovery::InstancePtr;
using google::protobuf::util::MessageDifferencer;

Instance Printer(const std::string& id, discovery::Properties properties) {
  return {.name = {"c", "Printer", id},
          .properties = std::move(properties),
          .epoch = 3,
          .create_revision = 3,
          .mod_revision = 300,
          .registered_at = absl::FromUnixSeconds(1'000)};
}

// What a client reads.
wire::ResolveResponse Read(const ResolveAnswer& answer) {
  wire::ResolveResponse read;
  EXPECT_TRUE(read.ParseFromString(answer.Encode()));
  return read;
}

wire::Instance MessageOf(const Instance& instance) {
  wire::Instance message;
  FillInstance(instance, &message);
  return message;
}

TEST(ResolveAnswer, IsTheMessageThatItIsShownAs) {
  const auto none = std::make_shared<const Instance>(Printer("none", {{"text", std::string(200, 'x')}}));
  const auto two = std::make_shared<const Instance>(
      Printer("two", {{"hostname", "h"}, {"port", "80"}, {"protocol", "http"}, {"endpoint.admin", "https://a:9000/x"}}));
  ResolveAnswer answer;
  answer.AddPick(none, "", limits::kAnswerBytesMax);
  answer.AddPick(none, "admin", limits::kAnswerBytesMax);
  answer.AddPick(two, "", limits::kAnswerBytesMax);
  answer.AddPick(two, "admin", limits::kAnswerBytesMax);
  answer.AddPick(two, "http", limits::kAnswerBytesMax);
  answer.set_strategy(wire::STRATEGY_CONSISTENT_HASH);
  answer.set_revision(int64_t{1} << 40);
  answer.set_store_id("0123456789abcdef");
  EXPECT_EQ(answer.picks(), 5u);
  EXPECT_FALSE(Read(answer).guarded());
  EXPECT_FALSE(Read(answer).has_behind());
  answer.set_guarded(true);
  answer.set_behind(absl::Milliseconds(70'001));

  const wire::ResolveResponse read = Read(answer);
  ASSERT_EQ(read.picks_size(), 5);
  const InstancePtr shown[] = {none, none, two, two, two};
  const std::string urls[] = {"", "", "http://h:80", "https://a:9000/x", "http://h:80"};
  for (int i = 0; i < read.picks_size(); ++i) {
    EXPECT_TRUE(MessageDifferencer::Equals(read.picks(i).instance(), MessageOf(*shown[i]))) << i;
    EXPECT_EQ(read.picks(i).has_endpoint(), !urls[i].empty()) << i;
    EXPECT_EQ(read.picks(i).endpoint().url(), urls[i]) << i;
  }
  EXPECT_EQ(read.strategy(), wire::STRATEGY_CONSISTENT_HASH);
  EXPECT_EQ(read.revision(), int64_t{1} << 40);
  EXPECT_EQ(read.store_id(), "0123456789abcdef");
  EXPECT_TRUE(read.guarded());
  EXPECT_EQ(read.behind().seconds(), 70);
  EXPECT_EQ(read.behind().nanos(), 1'000'000);
}

TEST(ResolveAnswer, WhatWouldBeTooMuchIsLeftOutButForTheFirst) {
  const auto large = std::make_shared<const Instance>(Printer("large", {{"text", std::string(1'000, 'x')}}));
  ResolveAnswer answer;
  EXPECT_TRUE(answer.AddPick(large, "", 1));
  EXPECT_FALSE(answer.AddPick(large, "", 1));
  EXPECT_EQ(answer.picks(), 1u);
  const size_t one = answer.Encode().size();
  EXPECT_TRUE(answer.AddPick(large, "", 2 * one));
  EXPECT_FALSE(answer.AddPick(large, "", 2 * one));
  EXPECT_EQ(Read(answer).picks_size(), 2);
}

TEST(ResolveAnswer, AChangedCopyOfAnInstanceIsShownAsItIs) {
  const auto before = std::make_shared<const Instance>(Printer("a", {{"hostname", "old"}}));
  ResolveAnswer first;
  first.AddPick(before, "", limits::kAnswerBytesMax);
  Instance changed = *before;
  changed.properties["hostname"] = "new";
  Instance assigned = *before;
  EXPECT_EQ(assigned, *before) << "what is kept is no part of the value";
  assigned = changed;
  for (Instance* const instance : {&changed, &assigned}) {
    ResolveAnswer next;
    next.AddPick(std::make_shared<const Instance>(*instance), "", limits::kAnswerBytesMax);
    EXPECT_EQ(Read(next).picks(0).instance().properties().at("hostname"), "new");
    EXPECT_EQ(Read(next).picks(0).endpoint().host(), "new");
  }
  EXPECT_EQ(Read(first).picks(0).instance().properties().at("hostname"), "old");
}

}  // namespace
}  // namespace scoutlight::server
