#include "client/session/change_queue.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;

TEST(ChangeQueueTest, OfEachInstanceTheNewestIsToldInTheOrderOfTheFirst) {
  std::vector<std::string> told;
  ChangeQueue queue([&](const RegistrationReport& report) { told.push_back(absl::StrCat(report.name.id, report.epoch)); });
  const auto add = [&](const std::string& id, Revision epoch) { return queue.Add({.name = {"c", "s", id}, .epoch = epoch}); };
  EXPECT_TRUE(add("b", 1));
  EXPECT_TRUE(add("a", 2));
  EXPECT_FALSE(add("b", 3));
  EXPECT_EQ(queue.size(), 2);
  queue.TellOne();
  EXPECT_TRUE(add("b", 4));
  queue.TellOne();
  queue.TellOne();
  EXPECT_THAT(told, ElementsAre("b3", "a2", "b4"));
  EXPECT_EQ(queue.size(), 0);
}

}  // namespace
}  // namespace scoutlight::client
