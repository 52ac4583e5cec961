#include "client/locator/thread_views.h"

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

discovery::SnapshotPtr SnapshotWith(const std::vector<std::string>& ids) {
  discovery::ServiceSnapshot::Changes changes;
  for (const std::string& id : ids) changes.emplace_back(id, std::make_shared<const discovery::Instance>(Up(id)));
  return discovery::ServiceSnapshot().With(changes, 1);
}

class ThreadViewsTest : public ::testing::Test {
 protected:
  std::shared_ptr<Choice> MakeChoice(uint64_t locator = 1'000'000) {
    return *Choice::Make({.locator = locator, .service = state_, .options = {}, .strategy = {}, .clock = &clock_, .seed = 1});
  }
  void Publish(const std::vector<std::string>& ids) { state_->Publish({.snapshot = SnapshotWith(ids), .told = true, .usable = true}); }
  // As LocatorCore does.
  static Pick PickFrom(const std::shared_ptr<Choice>& choice) {
    ThreadViews& views = ThreadViews::Mine();
    ThreadViews::Slot* slot = views.Find(choice->key(), [&choice](const Choice& known) { return &known == choice.get(); });
    if (slot == nullptr) slot = views.Put(choice);
    for (;;) {
      if (!slot->view) slot->view = choice->NewView(views.lane());
      if (auto picked = slot->view.TryPick({}); picked.has_value()) return **std::move(picked);
      slot->view = {};
    }
  }

  ManualLoop loop_;
  LoopClock clock_{&loop_};
  std::shared_ptr<ServiceState> state_ =
      std::make_shared<ServiceState>(discovery::ServiceName{"default", "Printer"}, EjectionOptions(), &clock_);
};

TEST_F(ThreadViewsTest, MoreChoicesThanSlotsAreFoundOrMadeAgain) {
  Publish({"a"});
  for (int round = 0; round < 2; ++round) {
    for (uint64_t locator = 0; locator < 2 * ThreadViews::kSlots; ++locator) {
      EXPECT_EQ(PickFrom(MakeChoice(2'000'000 + locator)).instance().name.id, "a");
    }
  }
}

TEST_F(ThreadViewsTest, ForgottenChoicesGoAtTheNextLook) {
  Publish({"a"});
  std::shared_ptr<Choice> choice = MakeChoice();
  PickFrom(choice);
  const std::weak_ptr<Choice> left = choice;
  choice = nullptr;
  EXPECT_FALSE(left.expired());
  state_->Publish({.forgotten = true});
  ThreadViews::NoteForgotten();
  EXPECT_EQ(ThreadViews::Mine().Find(0, [](const Choice&) { return true; }), nullptr);
  EXPECT_TRUE(left.expired());
}

TEST_F(ThreadViewsTest, ThreadsThatHaveEndedLeaveNothing) {
  Publish({"a", "b"});
  const std::shared_ptr<Choice> choice = MakeChoice();
  for (int i = 0; i < 100; ++i) {
    std::thread([&] { PickFrom(choice); }).join();
  }
  Publish({"b"});
  EXPECT_FALSE(choice->HasOldPicks());
}

// Once no old picks are out, none is, and none comes: what a drain relies on.
TEST_F(ThreadViewsTest, NoPickOfBeforeIsOutOnceNoneIsSeen) {
  Publish({"a", "b"});
  const std::shared_ptr<Choice> choice = MakeChoice();
  std::atomic<bool> stop{false};
  std::atomic<int> out{0};  // Picks of a.
  std::atomic<int64_t> picks{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        const Pick pick = PickFrom(choice);
        const bool is_a = pick.instance().name.id == "a";
        if (is_a) ++out;
        Call call = pick.Begin();
        if (++picks % 7 == 0) call.Succeeded();
        if (is_a) --out;
      }
    });
  }
  for (int round = 0; round < 100; ++round) {
    Publish({"b"});
    while (choice->HasOldPicks()) std::this_thread::yield();
    // `out` is raised after the pick is made: one that was made before is over, and none is made.
    EXPECT_EQ(out.load(), 0);
    Publish({"a", "b"});
    const int64_t before = picks.load();
    while (picks.load() < before + 10) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ThreadViewsTest, ThreadsBeginAtDifferentInstances) {
  std::vector<std::string> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(absl::StrCat("i", 1'000 + i));
  Publish(ids);
  const std::shared_ptr<Choice> choice = MakeChoice();
  std::set<std::string> first;
  for (int i = 0; i < 8; ++i) {
    std::thread([&] { first.insert(PickFrom(choice).instance().name.id); }).join();
  }
  EXPECT_GT(first.size(), 4);
}

}  // namespace
}  // namespace scoutlight::client
