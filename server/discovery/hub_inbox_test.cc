#include "server/discovery/hub_inbox.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

TEST(HubInbox, GivesAllThatWasLeftInOrder) {
  HubInbox inbox;
  std::string done;
  inbox.Post([&done] { done += "a"; });
  inbox.NoteChanged({{"default", "Printer"}});
  inbox.Post([&done] { done += "b"; });
  std::optional<HubInbox::Round> round = inbox.Take(absl::ZeroDuration());
  ASSERT_TRUE(round.has_value());
  for (HubInbox::Task& task : round->tasks) std::move(task)();
  EXPECT_EQ(done, "ab");
  EXPECT_EQ(round->changed.size(), 1u);
  EXPECT_FALSE(round->any_changed);
  round = inbox.Take(absl::ZeroDuration());
  ASSERT_TRUE(round.has_value());
  EXPECT_TRUE(round->tasks.empty() && round->changed.empty());
}

TEST(HubInbox, OfTooManyServicesItKnowsThatAnyMayHaveChanged) {
  HubInbox inbox;
  std::vector<discovery::ServiceName> services;
  for (size_t i = 0; i <= HubInbox::kChangedServicesMax; ++i) services.push_back({"default", absl::StrCat("s", i)});
  inbox.NoteChanged({services.begin() + 1, services.end()});
  inbox.NoteChanged({services[0]});
  EXPECT_FALSE(inbox.Take(absl::ZeroDuration())->any_changed);
  inbox.NoteChanged(services);
  inbox.NoteChanged({services[0]});
  EXPECT_TRUE(inbox.Take(absl::ZeroDuration())->any_changed);
}

TEST(HubInbox, NoServiceIsAnyService) {
  HubInbox inbox;
  inbox.NoteChanged({});
  EXPECT_TRUE(inbox.Take(absl::ZeroDuration())->any_changed);
}

TEST(HubInbox, WhatComesAfterTheEndIsNotDone) {
  HubInbox inbox;
  inbox.Close();
  bool done = false;
  inbox.Post([&done] { done = true; });
  EXPECT_FALSE(inbox.Take(absl::ZeroDuration()).has_value());
  EXPECT_FALSE(done);
}

TEST(HubInbox, WhatIsLeftAtTheEndIsDestroyedThoughItHoldsTheInbox) {
  const auto inbox = std::make_shared<HubInbox>();
  bool done = false;
  inbox->Post([inbox, &done] { done = true; });
  inbox->Close();
  EXPECT_EQ(inbox.use_count(), 1);
  EXPECT_FALSE(inbox->Take(absl::ZeroDuration()).has_value());
  EXPECT_FALSE(done);
}

}  // namespace
}  // namespace scoutlight::server
