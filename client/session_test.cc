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

// Names and values together.
Properties OfBytes(size_t bytes) {
  Properties properties;
  for (char name = 'a'; bytes > 0; ++name) {
    const size_t value = std::min(bytes - 1, limits::kPropertyValueBytesMax);
    properties[std::string(1, name)] = std::string(value, 'x');
    bytes -= 1 + value;
  }
  return properties;
}

TEST_F(UnansweredSessionTest, SoManyBytesOfPropertiesAreWantedAndNoMore) {
  Session session = Open();
  const auto printer = [](size_t i, size_t bytes) {
    return Registration{.service = "Printer", .id = absl::StrCat("i", i), .properties = OfBytes(bytes)};
  };
  const size_t count = limits::kBytesPerLeaseMax / limits::kInstanceBytesMax;
  std::vector<Registration> all;
  for (size_t i = 0; i < count; ++i) all.push_back(printer(i, limits::kInstanceBytesMax));
  std::vector<Registration> too_many = all;
  too_many.push_back(printer(count, 1));
  const absl::Status refused = session.RegisterAll(too_many).status();
  EXPECT_TRUE(absl::IsResourceExhausted(refused)) << refused;
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat(limits::kBytesPerLeaseMax + 1, " bytes")));
  EXPECT_THAT(std::string(refused.message()), HasSubstr(absl::StrCat("at most ", limits::kBytesPerLeaseMax)));
  EXPECT_EQ(session.StateOf({"default", "Printer", "i0"}), std::nullopt);

  ASSERT_TRUE(session.RegisterAll(all).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register(printer(count, 1)).status()));
  EXPECT_TRUE(session.Register(printer(count, 0)).ok());
  // What is wanted in the place of something else counts alone.
  ASSERT_TRUE(session.Register(printer(0, limits::kInstanceBytesMax - 1)).ok());
  EXPECT_TRUE(session.Register(printer(count, 1)).ok());
  EXPECT_TRUE(absl::IsResourceExhausted(session.Register(printer(0, limits::kInstanceBytesMax)).status()));
  ASSERT_TRUE(session.Unregister({"default", "Printer", "i1"}).ok());
  EXPECT_TRUE(session.Register(printer(0, limits::kInstanceBytesMax)).ok());
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
