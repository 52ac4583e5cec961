#include "cli/exit_code.h"

#include <gtest/gtest.h>

namespace scoutlight::cli {
namespace {

TEST(ExitCodeTest, EachCanonicalCodeHasItsOwn) {
  const auto code = [](absl::StatusCode status) { return static_cast<int>(ExitCodeOf(absl::Status(status, "x"))); };
  EXPECT_EQ(static_cast<int>(ExitCodeOf(absl::OkStatus())), 0);
  EXPECT_EQ(code(absl::StatusCode::kInternal), 1);
  EXPECT_EQ(code(absl::StatusCode::kUnknown), 1);
  EXPECT_EQ(code(absl::StatusCode::kResourceExhausted), 1);
  EXPECT_EQ(code(absl::StatusCode::kCancelled), 1);
  EXPECT_EQ(code(absl::StatusCode::kInvalidArgument), 2);
  EXPECT_EQ(code(absl::StatusCode::kNotFound), 3);
  EXPECT_EQ(code(absl::StatusCode::kAlreadyExists), 4);
  EXPECT_EQ(code(absl::StatusCode::kFailedPrecondition), 4);
  EXPECT_EQ(code(absl::StatusCode::kAborted), 4);
  EXPECT_EQ(code(absl::StatusCode::kOutOfRange), 4);
  EXPECT_EQ(code(absl::StatusCode::kDeadlineExceeded), 5);
  EXPECT_EQ(code(absl::StatusCode::kUnavailable), 6);
  EXPECT_EQ(code(absl::StatusCode::kPermissionDenied), 7);
  EXPECT_EQ(code(absl::StatusCode::kUnauthenticated), 7);
}

TEST(ExitCodeTest, ACodeThatIsGivenGoesBeforeTheErrorsOwn) {
  EXPECT_EQ(static_cast<int>(ExitCodeOf(WithExitCode(absl::AbortedError("lost"), ExitCode::kLockLost))), 75);
  EXPECT_FALSE(IsPassedOn(WithExitCode(absl::AbortedError("lost"), ExitCode::kLockLost)));
  EXPECT_TRUE(PassedOn(0).ok());
  EXPECT_EQ(static_cast<int>(ExitCodeOf(PassedOn(143))), 143);
  EXPECT_TRUE(IsPassedOn(PassedOn(143)));
  EXPECT_FALSE(IsPassedOn(absl::UnknownError("")));
  EXPECT_FALSE(IsPassedOn(absl::OkStatus()));
}

}  // namespace
}  // namespace scoutlight::cli
