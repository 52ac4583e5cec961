#include "client/governor.h"

#include <memory>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

GateEndpoint At(const std::string& url) { return {.url = url}; }
DialledEndpoint Has(const std::string& url, bool connected, absl::Duration age = absl::ZeroDuration()) {
  return {.endpoint = At(url), .connected = connected, .age = age};
}
std::vector<std::string> UrlsOf(const std::vector<GateEndpoint>& endpoints) {
  std::vector<std::string> urls;
  for (const GateEndpoint& endpoint : endpoints) urls.push_back(endpoint.url);
  return urls;
}
using Urls = std::vector<std::string>;

TEST(FollowGovernor, DialsWhatIsWantedAndNotDialled) {
  const std::unique_ptr<Governor> governor = FollowGovernor()();
  const GovernorStep step = governor->Decide({At("b"), At("a"), At("c")}, {Has("b", true)});
  EXPECT_EQ(UrlsOf(step.dial), (Urls{"a", "c"}));
  EXPECT_EQ(step.undial, Urls{});
  EXPECT_EQ(step.ask_again, absl::InfiniteDuration());
}

TEST(FollowGovernor, UndialsAtOnceWhenAllElseIsConnected) {
  const std::unique_ptr<Governor> governor = FollowGovernor()();
  EXPECT_EQ(governor->Decide({At("a")}, {Has("a", true), Has("old", true)}).undial, Urls{"old"});
  EXPECT_EQ(governor->Decide({}, {Has("old", true)}).undial, Urls{"old"});
}

TEST(FollowGovernor, KeepsTheOldUntilTheNewIsConnectedOrTookTooLong) {
  const std::unique_ptr<Governor> governor = FollowGovernor({.replacement_timeout = absl::Milliseconds(500)})();
  // First it dials the new one, next it waits for it.
  GovernorStep step = governor->Decide({At("new")}, {Has("old", true)});
  EXPECT_EQ(UrlsOf(step.dial), Urls{"new"});
  EXPECT_EQ(step.undial, Urls{});
  EXPECT_EQ(step.ask_again, absl::Milliseconds(500));
  step = governor->Decide({At("new")}, {Has("old", true), Has("new", false, absl::Milliseconds(100))});
  EXPECT_EQ(step.undial, Urls{});
  EXPECT_EQ(step.ask_again, absl::Milliseconds(400));
  EXPECT_EQ(governor->Decide({At("new")}, {Has("old", true), Has("new", true)}).undial, Urls{"old"});
  EXPECT_EQ(governor->Decide({At("new")}, {Has("old", true), Has("new", false, absl::Milliseconds(500))}).undial, Urls{"old"});
}

TEST(FollowGovernor, WithinItsBoundTheFirstByUrlAreDialled) {
  const std::unique_ptr<Governor> governor = FollowGovernor({.endpoints_max = 2})();
  EXPECT_EQ(UrlsOf(governor->Decide({At("c"), At("b"), At("a")}, {}).dial), (Urls{"a", "b"}));
  EXPECT_EQ(governor->Decide({At("c"), At("b"), At("a")}, {Has("b", true), Has("c", true), Has("a", true)}).undial, Urls{"c"});
}

TEST(NoGovernor, DialsTheFirstThatAreKnownAndStaysWithThem) {
  const std::unique_ptr<Governor> governor = NoGovernor()();
  EXPECT_EQ(UrlsOf(governor->Decide({}, {}).dial), Urls{});
  EXPECT_EQ(UrlsOf(governor->Decide({At("a")}, {}).dial), Urls{"a"});
  const GovernorStep step = governor->Decide({At("b")}, {Has("a", true)});
  EXPECT_EQ(UrlsOf(step.dial), Urls{});
  EXPECT_EQ(step.undial, Urls{});
}

}  // namespace
}  // namespace scoutlight
