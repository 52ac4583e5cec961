// Sessions that no server answers: *_server_test.cc has those that one does.
#include "client/session.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "client/session/declared_set.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using discovery::InstanceName;
using discovery::Properties;
using ::testing::HasSubstr;

class UnansweredSessionTest : public ::testing::Test {
 protected:
  Session Open(SessionOptions options = {}) {
    options.on_destroy = OnDestroy::kAbandon;
    return Session::Open(connection, std::move(options)).value();
  }

  const Connection connection = Connection::Open({.endpoints = {"127.0.0.1:1"}}).value();
};

Properties Large(size_t bytes) {
  Properties properties;
  for (char name = 'a'; bytes > 0; ++name) {
    const size_t value = std::min(bytes, limits::kPropertyValueBytesMax);
    properties[std::string(1, name)] = std::string(value, 'x');
    bytes -= value;
  }
  return properties;
}

TEST_F(UnansweredSessionTest, WhatFitsIntoOneDeclarationIsWantedAndNoMore) {
  Session session = Open();
  std::vector<Registration> all;
  size_t left = client::kDeclareBytesMax;
  const auto named = [&] { return Registration{.service = "Printer", .id = absl::StrCat("i", 100 + all.size())}; };
  const auto bytes_of = [](const Registration& one) { return client::DeclaredBytes({one.cluster, one.service, one.id}, one.properties); };
  while (left > limits::kInstanceBytesMax) {
    Registration one = named();
    one.properties = Large(limits::kInstanceBytesMax - 1024);
    left -= bytes_of(one);
    all.push_back(std::move(one));
  }
  Registration last = named();
  last.properties = Large(left - 1024);
  last.properties["z"] = std::string(256, 'x');
  last.properties["z"].append(left - bytes_of(last), 'x');
  ASSERT_EQ(bytes_of(last), left);
  all.push_back(last);
  Registration more = last;
  more.properties["z"].push_back('x');
  std::vector<Registration> too_many = all;
  too_many.back() = more;
  const absl::Status refused = session.RegisterAll(too_many).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat(client::kDeclareBytesMax + 1, " bytes")));
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("at most ", client::kDeclareBytesMax)));
  EXPECT_EQ(session.StateOf({"default", "Printer", last.id}), std::nullopt);

  ASSERT_TRUE(session.RegisterAll(all).ok());
  EXPECT_TRUE(session.Register(last).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register(more).status()));
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register("Scanner", Properties()).status()));
  ASSERT_TRUE(session.Unregister({"default", "Printer", last.id}).ok());
  EXPECT_TRUE(session.Register("Scanner", Properties()).ok());
}

TEST_F(UnansweredSessionTest, OfAnInstanceThatIsBeingChangedTheLargerCounts) {
  Session session = Open();
  const size_t half = limits::kInstanceBytesMax / 2;
  std::vector<Registration> all;
  for (size_t bytes = 0; bytes + half < client::kDeclareBytesMax; bytes += half) {
    all.push_back({.service = "Printer", .id = absl::StrCat("i", all.size()), .properties = Large(half - 1024)});
  }
  ASSERT_TRUE(session.RegisterAll(all).ok());
  // That of before may be registered, and then has to be named.
  EXPECT_TRUE(absl::IsResourceExhausted(
      session.RegisterAll({{.service = "Printer", .id = "i0"}, {.service = "Scanner", .id = "i0", .properties = Large(half + half / 2)}})
          .status()));
  ASSERT_TRUE(session.Register({.service = "Printer", .id = "i0"}).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register("Scanner", Large(half + half / 2)).status()));
}

// What it shows, UndefinedBehaviorSanitizer has to be asked for: the time at which an infinite wait would end.
TEST_F(UnansweredSessionTest, AWaitWithoutEndEndsWhenNothingIsWantedAnyMore) {
  Session session = Open();
  const InstanceName name = session.Register("Printer", Properties()).value();
  std::thread waiting([&session] { EXPECT_TRUE(session.WaitUntilRegistered(absl::InfiniteDuration()).ok()); });
  EXPECT_TRUE(session.Unregister(name).ok());
  waiting.join();
}

TEST_F(UnansweredSessionTest, TheSessionThatIsAssignedToEnds) {
  const auto held = std::make_shared<int>(1);
  Session first = Open({.on_change = [held](const RegistrationReport&) {}});
  Session second = Open();
  const std::string id = second.session_id();
  ASSERT_EQ(held.use_count(), 2);
  first = std::move(second);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(first.session_id(), id);
  Session& same = first;
  first = std::move(same);
  EXPECT_EQ(first.session_id(), id);
}

}  // namespace
}  // namespace scoutlight
