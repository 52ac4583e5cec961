#include "client/wire/repetition.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(5);

absl::Status ErrorOf(absl::StatusCode code, Reason reason, absl::Duration retry_after = absl::ZeroDuration()) {
  return MakeError(code, "", {.reason = reason, .retry_after = retry_after});
}

Repetition Repeating(Repeatable repeatable) {
  return Repetition(repeatable, kTimeout, [] { return 0.5; });
}

bool IsRepeated(Repeatable repeatable, const absl::Status& status) {
  return Repeating(repeatable).After(status, absl::ZeroDuration()).has_value();
}

TEST(Repetition, MakesAgainWhatPasses) {
  for (const Repeatable repeatable : {Repeatable::kRead, Repeatable::kWithId}) {
    EXPECT_TRUE(IsRepeated(repeatable, absl::UnavailableError("")));
    EXPECT_TRUE(IsRepeated(repeatable, absl::DeadlineExceededError("")));
    EXPECT_TRUE(IsRepeated(repeatable, ErrorOf(absl::StatusCode::kUnavailable, Reason::kDraining)));
    EXPECT_TRUE(IsRepeated(repeatable, ErrorOf(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown)));
    EXPECT_TRUE(IsRepeated(repeatable, ErrorOf(absl::StatusCode::kResourceExhausted, Reason::kOverloaded, absl::Seconds(1))));
  }
}

TEST(Repetition, LeavesAnswersAlone) {
  for (const absl::Status& status :
       {absl::NotFoundError(""), absl::InvalidArgumentError(""), absl::FailedPreconditionError(""), absl::AbortedError(""),
        absl::PermissionDeniedError(""), absl::UnimplementedError(""), absl::ResourceExhaustedError("too large"),
        ErrorOf(absl::StatusCode::kUnavailable, Reason::kNoneResolvable)}) {
    EXPECT_FALSE(IsRepeated(Repeatable::kWithId, status)) << status;
  }
}

TEST(Repetition, NeverRepeatsWhatIsNotSafe) {
  EXPECT_FALSE(IsRepeated(Repeatable::kNever, absl::UnavailableError("")));
  EXPECT_FALSE(IsRepeated(Repeatable::kNever, ErrorOf(absl::StatusCode::kUnknown, Reason::kOutcomeUnknown)));
}

TEST(Repetition, StaysWithinTheTimeout) {
  EXPECT_FALSE(Repeating(Repeatable::kRead).After(absl::UnavailableError(""), kTimeout).has_value());
  Repetition late = Repeating(Repeatable::kRead);
  EXPECT_LE(late.After(absl::UnavailableError(""), kTimeout - absl::Milliseconds(5)), absl::Milliseconds(5));
}

TEST(Repetition, HeedsRetryAfterOrGivesUp) {
  const absl::Status soon = ErrorOf(absl::StatusCode::kUnavailable, Reason::kReadOnly, absl::Seconds(2));
  EXPECT_GE(Repeating(Repeatable::kRead).After(soon, absl::ZeroDuration()), absl::Seconds(2));
  EXPECT_FALSE(Repeating(Repeatable::kRead).After(soon, absl::Seconds(4)).has_value());
}

TEST(Repetition, AServerThatIsAwayIsToldFromOneThatHangs) {
  const absl::Status refused = absl::UnavailableError("Connection refused");
  const absl::Status unanswered = absl::UnavailableError("connection attempt timed out before receiving SETTINGS frame");
  const absl::Status cut_off = absl::DeadlineExceededError("Deadline Exceeded");
  const absl::Status said = ErrorOf(absl::StatusCode::kDeadlineExceeded, Reason::kOverloaded);
  const absl::Duration little = Repetition::kTellingTryMin - absl::Milliseconds(1);
  struct Case {
    absl::Status first;
    absl::Status last;
    absl::Duration try_timeout;
    absl::Status outcome;
  };
  for (const Case& tried : {
           Case{refused, cut_off, little, refused},
           Case{refused, cut_off, Repetition::kTellingTryMin, cut_off},
           Case{refused, said, little, said},
           Case{refused, absl::NotFoundError("none"), little, absl::NotFoundError("none")},
           Case{unanswered, cut_off, little, cut_off},
           Case{cut_off, cut_off, little, cut_off},
           Case{cut_off, refused, little, refused},
           Case{refused, unanswered, kTimeout, absl::DeadlineExceededError(unanswered.message())},
       }) {
    Repetition repetition = Repeating(Repeatable::kRead);
    EXPECT_TRUE(repetition.After(tried.first, absl::ZeroDuration()).has_value());
    EXPECT_FALSE(repetition.After(tried.last, kTimeout).has_value());
    EXPECT_EQ(repetition.OutcomeOf(tried.last, tried.try_timeout), tried.outcome) << tried.first << ", " << tried.last;
  }
  EXPECT_EQ(Repeating(Repeatable::kNever).OutcomeOf(cut_off, little), cut_off);
}

TEST(Repetition, HasABoundOnTries) {
  Repetition repetition = Repeating(Repeatable::kRead);
  int tries = 1;
  while (repetition.After(absl::UnavailableError(""), absl::ZeroDuration()).has_value()) ++tries;
  EXPECT_EQ(tries, Repetition::kTriesMax);
}

}  // namespace
}  // namespace scoutlight::client
