#include "client/locator/locator_core.h"

#include <cstdio>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/limits.h"
#include "client/locator/locator_fixture.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string Path() { return absl::StrCat(::testing::TempDir(), "/", ::testing::UnitTest::GetInstance()->current_test_info()->name()); }

TEST(LocatorCore, ServiceIsFollowedWhenItIsFirstResolved) {
  LocatorFixture locator;
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.loop.RunUntilIdle();
  ASSERT_EQ(locator.streams.opened(), 1);
  EXPECT_EQ(locator.streams.newest().sent()[0].add(0).service(), "Printer");
  locator.Deliver(SnapshotOf({Up("a")}));
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.Deliver(SnapshotEnd(7));
  EXPECT_EQ(locator.TryId(), "a");
  EXPECT_EQ(locator.saw, 7);
  EXPECT_EQ(locator.streams.opened(), 1);
}

TEST(LocatorCore, FirstAnswerIsNotAwaitedLongerThanTheTimeout) {
  LocatorFixture locator({.first_answer_timeout = absl::ZeroDuration()});
  const absl::Status status = locator.core->Resolve("Printer", {}, {}, LocatorCore::Wait::kForFirstAnswer).status();
  EXPECT_EQ(ReasonOf(status), Reason::kCatalogLoading);
}

TEST(LocatorCore, RefusalIsTheAnswerWhileNothingIsKnown) {
  std::vector<absl::StatusCode> told;
  LocatorFixture locator({.on_problem = [&told](const absl::Status& status) { told.push_back(status.code()); }});
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.loop.RunUntilIdle();
  locator.streams.End(absl::PermissionDeniedError("no"));
  EXPECT_TRUE(absl::IsPermissionDenied(locator.core->Resolve("Printer", {}, {}, LocatorCore::Wait::kForFirstAnswer).status()));
  locator.callbacks.RunUntilIdle();
  EXPECT_THAT(told, ElementsAre(absl::StatusCode::kPermissionDenied));
  locator.loop.Advance(Backoff::kMax);
  locator.Deliver(SnapshotOf({Up("a")}));
  locator.Deliver(SnapshotEnd(7));
  EXPECT_TRUE(locator.core->Resolve("Printer", {}, {}, LocatorCore::Wait::kForFirstAnswer).ok());
}

TEST(LocatorCore, OneThousandServicesAreFollowed) {
  LocatorFixture locator;
  std::vector<std::string> names;
  for (int i = 0; i < limits::kSubscribedServicesMax; ++i) names.push_back(absl::StrCat("s", i));
  EXPECT_TRUE(locator.core->Follow(names).ok());
  locator.loop.RunUntilIdle();
  EXPECT_EQ(locator.streams.newest().sent()[0].add_size(), limits::kSubscribedServicesMax);
  const absl::Status full = locator.Try().status();
  EXPECT_TRUE(absl::IsResourceExhausted(full));
  EXPECT_EQ(ReasonOf(full), Reason::kWatchesFull);
  EXPECT_TRUE(locator.core->Follow(names).ok());
  locator.core->Forget("s7");
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
}

TEST(LocatorCore, InvalidNameIsAnError) {
  LocatorFixture locator;
  EXPECT_TRUE(absl::IsInvalidArgument(locator.core->Follow({"Printer", "a/b"})));
  EXPECT_TRUE(absl::IsInvalidArgument(locator.core->Resolve("", {}, {}, LocatorCore::Wait::kNever).status()));
  locator.loop.RunUntilIdle();
  EXPECT_EQ(locator.streams.opened(), 0);
}

TEST(LocatorCore, ForgottenServiceIsFollowedAnewWhenItIsResolved) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  const std::shared_ptr<Choice> handle = *locator.core->ChoiceFor("Printer", {});
  EXPECT_TRUE(locator.core->PickFrom(handle, {}, LocatorCore::Wait::kNever).ok());
  locator.core->Forget("Printer");
  locator.loop.RunUntilIdle();
  EXPECT_EQ(locator.streams.newest().sent().back().remove(0).service(), "Printer");
  EXPECT_TRUE(absl::IsFailedPrecondition(locator.core->PickFrom(handle, {}, LocatorCore::Wait::kNever).status()));
  EXPECT_EQ(locator.core->SnapshotOf("Printer"), nullptr);
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.loop.RunUntilIdle();
  locator.Deliver(SnapshotOf({Up("b")}));
  locator.Deliver(SnapshotEnd(20));
  EXPECT_EQ(locator.TryId(), "b");
}

TEST(LocatorCore, GoesOnWithWhatIsKnownWhileTheRegistryIsAway) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
  locator.streams.End(absl::UnavailableError("gone"));
  locator.loop.Advance(absl::Hours(3));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Hours(3));
  // Nothing changes until the snapshot of the next stream is whole.
  locator.Deliver(SnapshotOf({Up("c")}));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a", "b"}));
  locator.Deliver(SnapshotEnd(20));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"c"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
}

// To a server of the same store that has only come to `revision`.
void Move(LocatorFixture* locator, Revision revision) {
  locator->streams.End(absl::UnavailableError("gone"));
  locator->loop.Advance(Backoff::kMax);
  locator->Deliver(SnapshotOf({Up("before")}));
  locator->Deliver(SnapshotEnd(revision));
}

TEST(LocatorCore, AServerThatIsBehindTakesNothingBackForAWhile) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
  Move(&locator, 19);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), Backoff::kMax);
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());

  locator.Deliver(Changes(21, {Up("b")}, {"before"}));
  Move(&locator, 19);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
  for (const auto& shown : {"b", "before"}) {
    locator.loop.Advance(absl::Seconds(5));
    EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
    locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 20), "");
    locator.loop.Advance(LocatorFeeds::kLook);
    EXPECT_EQ(locator.Picked(), (std::set<std::string>{shown}));
  }
}

TEST(LocatorCore, AServerThatCannotTellTakesNothingBackAndIsLeft) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  Move(&locator, 9);
  const int opened = locator.streams.opened();
  for (int i = 0; i < 2; ++i) {
    locator.loop.Advance(absl::Seconds(4));
    locator.streams.Deliver(discovery::v1::SubscribeResponse());
  }
  EXPECT_EQ(locator.streams.given_up(), 0);
  locator.loop.Advance(ServiceFeed::kOlderMax);
  EXPECT_EQ(locator.streams.given_up(), 1);
  locator.loop.Advance(Backoff::kMax);
  EXPECT_EQ(locator.streams.opened(), opened + 1);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

TEST(LocatorCore, AServerThatTellsOfAnotherServiceIsNotLeft) {
  LocatorFixture locator;
  ASSERT_TRUE(locator.core->Follow({"Scanner"}).ok());
  locator.Follow({Up("a")});
  locator.Deliver(SnapshotEnd(8), "Scanner");
  Move(&locator, 9);
  locator.Deliver(SnapshotEnd(9), "Scanner");
  locator.loop.Advance(absl::Seconds(4));
  locator.Deliver(Changes(10, {Up("scanner")}), "Scanner");
  locator.loop.Advance(absl::Seconds(8));
  EXPECT_EQ(locator.streams.given_up(), 0);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

TEST(LocatorCore, WhatIsHeldBackIsNotConfirmed) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  EXPECT_EQ(locator.confirmed(), 2);
  Move(&locator, 9);
  locator.loop.Advance(absl::Seconds(1));
  EXPECT_EQ(locator.confirmed(), 1) << "not the message that completes the snapshot";
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 10), "");
  locator.loop.Advance(Subscription::kFlushPause);
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"before"}));
  EXPECT_EQ(locator.confirmed(), 3);
}

TEST(LocatorCore, WhatAStreamHeldBackEndsWithIt) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  Move(&locator, 9);
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
  locator.loop.Advance(absl::Seconds(5));
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 9), "");
  locator.streams.End(MakeError(absl::StatusCode::kUnavailable, "gone", {.retry_after = absl::Seconds(7)}));
  locator.loop.Advance(absl::Seconds(5));
  EXPECT_FALSE(locator.streams.is_open());
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
}

TEST(LocatorCore, ProgressMakesTheAgeAnew) {
  LocatorFixture locator;
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::InfiniteDuration());
  locator.Follow({Up("a")});
  locator.loop.Advance(absl::Seconds(4));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Seconds(4));
  locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 12), "");
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::ZeroDuration());
  // A server that cannot tell whether anything is missing says only that it is there.
  for (int i = 0; i < 10; ++i) {
    locator.loop.Advance(absl::Seconds(4));
    locator.streams.Deliver(discovery::v1::SubscribeResponse());
  }
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Seconds(40));
  EXPECT_EQ(locator.streams.opened(), 1);
}

TEST(LocatorCore, OlderThanTheProgramWantsIsNotActedOn) {
  LocatorFixture locator({.age_max = absl::Seconds(60)});
  locator.Follow({Up("a")});
  locator.streams.End(absl::UnavailableError("gone"));
  locator.loop.Advance(absl::Seconds(60));
  EXPECT_EQ(locator.TryId(), "a");
  locator.loop.Advance(absl::Seconds(1));
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.Deliver(SnapshotOf({Up("a")}));
  locator.Deliver(SnapshotEnd(10));
  EXPECT_EQ(locator.TryId(), "a");
}

TEST(LocatorCore, ReplacedRegistryEmptiesNothingWithinTheGrace) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  locator.streams.End(absl::UnavailableError("gone"));
  locator.loop.Advance(Backoff::kMax);
  locator.Deliver(SnapshotEnd(1, kOtherStore));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a", "b"}));
  EXPECT_TRUE(locator.Try()->guarded());
  locator.Deliver(MakeFrame(Frame::KIND_CHANGES, 2, {Up("a")}, {}, kOtherStore));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a", "b"}));
  for (int i = 0; i < 4; ++i) {
    locator.loop.Advance(absl::Seconds(8));
    locator.Deliver(MakeFrame(Frame::KIND_PROGRESS, 2, {}, {}, kOtherStore), "");
  }
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"a"}));
  EXPECT_FALSE(locator.Try()->guarded());
}

TEST(LocatorCore, StepIsConfirmedWhenItIsActedOn) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  EXPECT_EQ(locator.confirmed(), 2);
  locator.Deliver(Changes(11, {Draining("a")}));
  EXPECT_EQ(locator.confirmed(), 3);
}

TEST(LocatorCore, ConfirmationThatOneLeavesWaitsForPicksOfBefore) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  std::optional<Pick> pick = *locator.Try();
  locator.Deliver(Changes(11, {Up("c")}));
  EXPECT_EQ(locator.confirmed(), 3);
  locator.Deliver(Changes(12, {Draining("a")}));
  EXPECT_EQ(locator.confirmed(), 3);
  // A pick of after it is none of before.
  const absl::StatusOr<Pick> after = locator.Try();
  locator.loop.Advance(absl::Milliseconds(50));
  EXPECT_EQ(locator.confirmed(), 3);
  pick = std::nullopt;
  locator.loop.Advance(Subscription::kFlushPause);
  EXPECT_EQ(locator.confirmed(), 4);
}

TEST(LocatorCore, ConfirmationWaitsNoLongerThanItsBound) {
  LocatorFixture locator;
  locator.Follow({Up("a"), Up("b")});
  const absl::StatusOr<Pick> pick = locator.Try();
  locator.Deliver(Changes(11, {Draining("a")}));
  locator.loop.Advance(LocatorFeeds::kOldPicksWaitMax - Subscription::kFlushPause);
  EXPECT_EQ(locator.confirmed(), 2);
  // More of the same does not lengthen it.
  locator.Deliver(Changes(12, {Draining("b")}));
  locator.loop.Advance(Subscription::kFlushPause);
  EXPECT_EQ(locator.confirmed(), 4);
}

TEST(LocatorCore, ClosedLocatorPicksNothing) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  EXPECT_EQ(locator.TryId(), "a");
  locator.loop.Post([&] { locator.core->Close(); });
  locator.loop.RunUntilIdle();
  EXPECT_TRUE(locator.streams.newest().sent().back().goodbye());
  EXPECT_TRUE(absl::IsFailedPrecondition(locator.Try().status()));
}

TEST(LocatorCore, ManyChoicesAreMadeAnewWhenTheyAreAskedForAgain) {
  LocatorFixture locator;
  locator.Follow({Up("a")});
  for (size_t i = 0; i < LocatorCore::kChoicesMax + 100; ++i) {
    const auto filter = discovery::Filter::Parse(absl::StrCat("port != ", i + 1'000), discovery::AgeTerms::kRefused);
    EXPECT_EQ(locator.TryId({.filter = *filter}), "a");
  }
  EXPECT_EQ(locator.TryId(), "a");
}

TEST(LocatorCore, ChangesAreShownAsTheyCome) {
  LocatorFixture locator;
  std::vector<std::string> shown;
  const auto note = [&shown](const ServiceChange& change) {
    std::string text = absl::StrCat(change.snapshot->size(), ":");
    for (const auto& instance : change.changed) absl::StrAppend(&text, "+", instance->name.id);
    for (const auto& instance : change.removed) absl::StrAppend(&text, "-", instance->name.id);
    shown.push_back(text);
  };
  absl::StatusOr<ChangeWatch> watch = locator.core->OnChange("Printer", note);
  ASSERT_TRUE(watch.ok());
  locator.Follow({Up("a"), Up("b")});
  locator.callbacks.RunUntilIdle();
  EXPECT_THAT(shown, ElementsAre("2:+a+b"));
  // A slow callback is shown the newest.
  locator.Deliver(Changes(11, {Up("c")}, {"a"}));
  locator.Deliver(Changes(12, {Draining("b")}, {"c"}));
  locator.callbacks.RunUntilIdle();
  EXPECT_THAT(shown, ElementsAre("2:+a+b", "1:+b-a"));
  // A second watch begins with what there is.
  shown.clear();
  absl::StatusOr<ChangeWatch> second = locator.core->OnChange("Printer", note);
  locator.loop.RunUntilIdle();
  locator.callbacks.RunUntilIdle();
  EXPECT_THAT(shown, ElementsAre("1:+b"));
  // Destroyed with a call waiting: that is not made.
  locator.Deliver(Changes(13, {Up("d")}));
  shown.clear();
  watch = ChangeWatch();
  second = ChangeWatch();
  locator.callbacks.RunUntilIdle();
  EXPECT_THAT(shown, IsEmpty());
}

TEST(LocatorCore, WatchMayEndInItsCallback) {
  LocatorFixture locator;
  std::optional<ChangeWatch> watch;
  int calls = 0;
  watch = *locator.core->OnChange("Printer", [&](const ServiceChange&) {
    ++calls;
    watch = std::nullopt;
  });
  locator.Follow({Up("a")});
  locator.callbacks.RunUntilIdle();
  locator.Deliver(Changes(11, {Up("b")}));
  locator.callbacks.RunUntilIdle();
  EXPECT_EQ(calls, 1);
}

TEST(LocatorCore, FileServesWhileTheRegistryIsDown) {
  std::remove(Path().c_str());
  LocatorFixture locator({.snapshot_file = Path()});
  locator.Follow({Up("a")});
  locator.Close();
  locator.Open({.snapshot_file = Path()});
  // The registry may be there: an answer of its is waited for, but not by who never waits.
  EXPECT_EQ(locator.TryId(), "a");
  locator.loop.RunUntilIdle();
  locator.streams.End(absl::UnavailableError("down"));
  const absl::StatusOr<Pick> pick = locator.core->Resolve("Printer", {}, {}, LocatorCore::Wait::kForFirstAnswer);
  ASSERT_TRUE(pick.ok()) << pick.status();
  EXPECT_EQ(pick->instance().name.id, "a");
  locator.loop.Advance(absl::Seconds(30));
  EXPECT_EQ(locator.core->AgeOf("Printer"), absl::Seconds(30));
  // What the registry knows goes before it.
  locator.Deliver(SnapshotOf({Up("b")}, kOtherStore));
  locator.Deliver(SnapshotEnd(1, kOtherStore));
  EXPECT_EQ(locator.Picked(), (std::set<std::string>{"b"}));
}

TEST(LocatorCore, FileIsWrittenAtMostEveryFewSeconds) {
  std::remove(Path().c_str());
  LocatorFixture locator({.snapshot_file = Path()});
  const auto saved = [&locator] {
    locator.callbacks.RunUntilIdle();
    const absl::StatusOr<std::string> bytes = ReadSnapshotFile(Path());
    return bytes.ok() ? IdsOf(DecodeSnapshotFile(*bytes)->services.at(0).snapshot) : std::vector<std::string>();
  };
  locator.Follow({Up("a")});
  locator.loop.Advance(absl::Seconds(4));
  EXPECT_THAT(saved(), IsEmpty());
  locator.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(saved(), ElementsAre("a"));
  locator.Deliver(Changes(11, {Up("b")}));
  locator.loop.Advance(absl::Seconds(4));
  EXPECT_THAT(saved(), ElementsAre("a"));
  locator.loop.Advance(absl::Seconds(1));
  EXPECT_THAT(saved(), ElementsAre("a", "b"));
  locator.Deliver(Changes(12, {Up("c")}));
  locator.Close();
  EXPECT_THAT(saved(), ElementsAre("a", "b", "c"));
}

TEST(LocatorCore, FileIsWrittenAtTheEndThoughAWriteWaits) {
  std::remove(Path().c_str());
  LocatorFixture locator({.snapshot_file = Path()});
  locator.Follow({Up("a")});
  // Handed over to the thread for callbacks, which is busy.
  locator.loop.Advance(absl::Seconds(6));
  locator.Close();
  const absl::StatusOr<std::string> bytes = ReadSnapshotFile(Path());
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_THAT(IdsOf(DecodeSnapshotFile(*bytes)->services.at(0).snapshot), ElementsAre("a"));
}

TEST(LocatorCore, FileThatIsTooOldIsNotActedOn) {
  std::remove(Path().c_str());
  LocatorFixture locator({.snapshot_file = Path()});
  locator.Follow({Up("a")});
  locator.Close();
  locator.loop.Advance(absl::Seconds(61));
  locator.Open({.age_max = absl::Seconds(60), .snapshot_file = Path()});
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
  locator.loop.RunUntilIdle();
  EXPECT_EQ(locator.TryId(), "CATALOG_LOADING");
}

TEST(LocatorCore, FileKeepsServicesThatWereNotAskedFor) {
  std::remove(Path().c_str());
  LocatorFixture locator({.snapshot_file = Path()});
  locator.Follow({Up("a")});
  locator.Close();
  locator.Open({.snapshot_file = Path()});
  ASSERT_TRUE(locator.core->Follow({"Scanner"}).ok());
  locator.loop.RunUntilIdle();
  locator.Deliver(SnapshotEnd(3), "Scanner");
  locator.Close();
  EXPECT_EQ(DecodeSnapshotFile(*ReadSnapshotFile(Path()))->services.size(), 2);
}

TEST(LocatorCore, BadFileIsToldAndIgnored) {
  { std::ofstream(Path()) << "no such format"; }
  std::vector<absl::Status> told;
  LocatorFixture locator({.snapshot_file = Path(), .on_problem = [&told](const absl::Status& status) { told.push_back(status); }});
  locator.callbacks.RunUntilIdle();
  ASSERT_EQ(told.size(), 1);
  EXPECT_TRUE(absl::IsDataLoss(told[0]));
  locator.Follow({Up("a")});
  EXPECT_EQ(locator.TryId(), "a");
}

TEST(LocatorCore, FileThatCannotBeWrittenIsTold) {
  std::vector<absl::Status> told;
  LocatorFixture locator(
      {.snapshot_file = "/nowhere/at/all", .on_problem = [&told](const absl::Status& status) { told.push_back(status); }});
  locator.Follow({Up("a")});
  locator.loop.Advance(absl::Seconds(6));
  locator.callbacks.RunUntilIdle();
  ASSERT_EQ(told.size(), 1);
  EXPECT_TRUE(absl::IsUnavailable(told[0]));
}

}  // namespace
}  // namespace scoutlight::client
