#include "server/stream_phase.h"

#include <gtest/gtest.h>

namespace scoutlight::server {
namespace {

TEST(StreamPhase, WhoeverStopsAReadingStreamFinishesIt) {
  StreamPhase phase;
  EXPECT_TRUE(phase.Stop());
  EXPECT_FALSE(phase.Stop());
  EXPECT_FALSE(phase.FinishReading());
  EXPECT_FALSE(phase.BeginAnswer());
}

TEST(StreamPhase, AStreamStoppedWhileItAnswersIsFinishedByTheAnswer) {
  StreamPhase phase;
  ASSERT_TRUE(phase.BeginAnswer());
  EXPECT_FALSE(phase.Stop());
  EXPECT_FALSE(phase.Stop());
  EXPECT_FALSE(phase.FinishReading());
  EXPECT_FALSE(phase.EndAnswer());
  EXPECT_FALSE(phase.Stop());
}

TEST(StreamPhase, ReadingGoesOnAfterAnAnswer) {
  StreamPhase phase;
  ASSERT_TRUE(phase.BeginAnswer());
  EXPECT_TRUE(phase.EndAnswer());
  EXPECT_TRUE(phase.BeginAnswer());
  EXPECT_TRUE(phase.EndAnswer());
  EXPECT_TRUE(phase.FinishReading());
  EXPECT_FALSE(phase.Stop());
}

TEST(StreamPhase, AnAbandonedAnswerIsTheEnd) {
  StreamPhase phase;
  ASSERT_TRUE(phase.BeginAnswer());
  phase.AbandonAnswer();
  EXPECT_FALSE(phase.Stop());
  EXPECT_FALSE(phase.BeginAnswer());
}

}  // namespace
}  // namespace scoutlight::server
