#include "client/http/retry_budget.h"

#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr absl::Duration kStart = absl::Hours(5);

int WithdrawAll(RetryBudget* budget, absl::Duration now) {
  int taken = 0;
  while (budget->Withdraw(now)) ++taken;
  return taken;
}

TEST(RetryBudget, BeginsWithItsBurst) {
  RetryBudget budget({.percent = 20, .per_second = 0, .burst = 7}, kStart);
  EXPECT_EQ(WithdrawAll(&budget, kStart), 7);
}

TEST(RetryBudget, CallsFillIt) {
  RetryBudget budget({.percent = 25, .per_second = 0, .burst = 7}, kStart);
  WithdrawAll(&budget, kStart);
  for (int call = 0; call < 12; ++call) budget.Deposit();
  EXPECT_EQ(WithdrawAll(&budget, kStart + absl::Hours(1)), 3);
}

TEST(RetryBudget, TimeFillsIt) {
  RetryBudget budget({.percent = 0, .per_second = 4, .burst = 7}, kStart);
  WithdrawAll(&budget, kStart);
  EXPECT_FALSE(budget.Withdraw(kStart + absl::Milliseconds(249)));
  EXPECT_EQ(WithdrawAll(&budget, kStart + absl::Milliseconds(1'001)), 4);
  EXPECT_FALSE(budget.Withdraw(kStart));  // A clock that goes back gives nothing.
}

TEST(RetryBudget, IsNeverFullerThanItsBurst) {
  RetryBudget budget({.percent = 100, .per_second = 100, .burst = 7}, kStart);
  for (int call = 0; call < 100; ++call) budget.Deposit();
  EXPECT_EQ(WithdrawAll(&budget, kStart + absl::Hours(1)), 7);
}

TEST(RetryBudget, WithoutBurstGivesNothing) {
  RetryBudget budget({.percent = 100, .per_second = 100, .burst = 0}, kStart);
  budget.Deposit();
  EXPECT_FALSE(budget.Withdraw(kStart + absl::Hours(1)));
}

}  // namespace
}  // namespace scoutlight::client
