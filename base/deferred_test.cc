#include "base/deferred.h"

#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

TEST(DeferScope, WorkRunsInOrderWhenTheScopeCloses) {
  std::vector<int> ran;
  {
    DeferScope scope;
    DeferScope::Defer([&ran] { ran.push_back(1); });
    DeferScope::Defer([&ran] { ran.push_back(2); });
    EXPECT_TRUE(ran.empty());
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(DeferScope, WorkDeferredWhileClosingRunsBehindTheRest) {
  std::vector<int> ran;
  {
    DeferScope scope;
    DeferScope::Defer([&ran] {
      ran.push_back(1);
      EXPECT_TRUE(DeferScope::IsOpen());
      DeferScope::Defer([&ran] { ran.push_back(3); });
    });
    DeferScope::Defer([&ran] { ran.push_back(2); });
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 2, 3}));
}

TEST(DeferScope, AnInnerScopeLeavesItsWorkToTheOuterOne) {
  bool ran = false;
  {
    DeferScope outer;
    {
      DeferScope inner;
      DeferScope::Defer([&ran] { ran = true; });
    }
    EXPECT_TRUE(DeferScope::IsOpen());
    EXPECT_FALSE(ran);
  }
  EXPECT_TRUE(ran);
}

TEST(DeferScope, AScopeOpenedByWorkIsInert) {
  std::vector<int> ran;
  {
    DeferScope scope;
    DeferScope::Defer([&ran] {
      {
        DeferScope inner;
        DeferScope::Defer([&ran] { ran.push_back(2); });
      }
      ran.push_back(1);
    });
  }
  EXPECT_EQ(ran, (std::vector<int>{1, 2}));
}

TEST(DeferScope, IsOpenOnItsThreadUntilItCloses) {
  EXPECT_FALSE(DeferScope::IsOpen());
  {
    DeferScope scope;
    EXPECT_TRUE(DeferScope::IsOpen());
    std::optional<bool> elsewhere;
    std::thread([&elsewhere] { elsewhere = DeferScope::IsOpen(); }).join();
    EXPECT_EQ(elsewhere, false);
  }
  EXPECT_FALSE(DeferScope::IsOpen());
}

TEST(DeferScope, WorkMayOwnWhatCannotBeCopiedAndLetsItGoAfterRunning) {
  const auto owned = std::make_shared<int>(7);
  int seen = 0;
  {
    DeferScope scope;
    DeferScope::Defer([held = std::make_unique<std::shared_ptr<int>>(owned), &seen] { seen = **held; });
    EXPECT_EQ(owned.use_count(), 2);
  }
  EXPECT_EQ(seen, 7);
  EXPECT_EQ(owned.use_count(), 1);
}

}  // namespace
}  // namespace scoutlight
