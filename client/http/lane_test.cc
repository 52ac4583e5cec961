#include "client/http/lane.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "client/events/manual_loop.h"
#include "client/http/drive_once.h"
#include "client/http/fake_transport.h"
#include "client/locator/locator_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kStep = absl::Milliseconds(1);

class LaneTest : public ::testing::Test {
 protected:
  Lane::Task Note(const std::string& what) {
    return [this, what] { ran_ += what; };
  }

  ManualLoop time_;
  LoopClock clock_{&time_};
  Lane lane_{std::make_unique<FakeTransport>(), &clock_};
  std::string ran_;
};

TEST_F(LaneTest, RunsWhatWasPostedInOrder) {
  lane_.Post(Note("a"));
  lane_.Post([this] { lane_.Post(Note("c")); });
  lane_.Post(Note("b"));
  EXPECT_EQ(ran_, "");
  DriveOnce(&lane_);
  EXPECT_EQ(ran_, "ab");
  DriveOnce(&lane_);
  EXPECT_EQ(ran_, "abc");
}

TEST_F(LaneTest, RunsTimersWhenTheyAreDue) {
  lane_.SetTimer(2 * kStep, Note("c"));
  lane_.SetTimer(kStep, Note("a"));
  lane_.SetTimer(kStep, Note("b"));
  lane_.SetTimer(absl::InfiniteDuration(), Note("never"));
  DriveOnce(&lane_);
  EXPECT_EQ(ran_, "");
  time_.Advance(kStep);
  DriveOnce(&lane_);
  EXPECT_EQ(ran_, "ab");
  time_.Advance(absl::Hours(100));
  DriveOnce(&lane_);
  EXPECT_EQ(ran_, "abc");
}

TEST_F(LaneTest, ClearedTimersDoNotRun) {
  const Lane::TimerId cleared = lane_.SetTimer(kStep, Note("a"));
  const Lane::TimerId other = lane_.SetTimer(kStep, [&] { lane_.ClearTimer(cleared); });
  lane_.SetTimer(kStep, Note("b"));
  lane_.ClearTimer(cleared);
  lane_.ClearTimer(Lane::TimerId());
  time_.Advance(kStep);
  DriveOnce(&lane_);
  lane_.ClearTimer(other);
  EXPECT_EQ(ran_, "b");
}

TEST_F(LaneTest, TimerThatSetsAnotherForNowDoesNotHoldUpTheRest) {
  int set = 0;
  std::function<void()> again = [&] {
    ++set;
    lane_.SetTimer(absl::ZeroDuration(), [&] { again(); });
  };
  again();
  for (int i = 1; i <= 3; ++i) {
    DriveOnce(&lane_);
    EXPECT_EQ(set, 1 + i);
  }
}

}  // namespace
}  // namespace scoutlight::client
