#include "server/watch/interest_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

using storage::K;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::vector<std::string> MatchesOf(InterestIndex& index, absl::string_view key) {
  std::vector<std::string> found;
  index.ForEachMatch(K(key), [&](const Interest& interest) {
    EXPECT_TRUE(interest.Wants(K(key)));
    const char* const scopes[] = {"KEY", "CHILDREN", "SUBTREE"};
    found.push_back(absl::StrCat(scopes[static_cast<int>(interest.range.scope)], " ", interest.range.key.path()));
  });
  return found;
}

TEST(InterestIndex, AnEventFindsItsKeyAndTheNodesAbove) {
  InterestIndex index;
  for (const absl::string_view key : {"/", "/a", "/a/b", "/a/b/c", "/a/bc", "/x"}) {
    for (const Scope scope : {Scope::kKey, Scope::kChildren, Scope::kSubtree}) index.Acquire({K(key), scope}, Previous::kLeftOut);
  }
  EXPECT_THAT(MatchesOf(index, "/a/b/c"),
              UnorderedElementsAre("KEY /a/b/c", "CHILDREN /a/b", "SUBTREE /a/b/c", "SUBTREE /a/b", "SUBTREE /a", "SUBTREE /"));
  EXPECT_THAT(MatchesOf(index, "/a"), UnorderedElementsAre("KEY /a", "CHILDREN /", "SUBTREE /a", "SUBTREE /"));
  EXPECT_THAT(MatchesOf(index, "/q/r"), UnorderedElementsAre("SUBTREE /"));
}

TEST(InterestIndex, SystemTreeIsFoundOnlyByWhoNamesIt) {
  InterestIndex index;
  for (const absl::string_view key : {"/", "/.scoutlight", "/.scoutlight/a"}) {
    for (const Scope scope : {Scope::kChildren, Scope::kSubtree}) index.Acquire({K(key), scope}, Previous::kLeftOut);
  }
  EXPECT_THAT(MatchesOf(index, "/.scoutlight/a"),
              UnorderedElementsAre("CHILDREN /.scoutlight", "SUBTREE /.scoutlight", "SUBTREE /.scoutlight/a"));
  EXPECT_THAT(MatchesOf(index, "/.scoutlight"), UnorderedElementsAre("SUBTREE /.scoutlight"));
  EXPECT_THAT(MatchesOf(index, "/.scoutlighter"), UnorderedElementsAre("CHILDREN /", "SUBTREE /"));
}

TEST(InterestIndex, EqualInterestsAreOneUntilTheLastIsReleased) {
  InterestIndex index;
  Interest* const first = index.Acquire({K("/a"), Scope::kKey}, Previous::kLeftOut);
  EXPECT_EQ(index.Acquire({K("/a"), Scope::kKey}, Previous::kLeftOut), first);
  Interest* const other = index.Acquire({K("/a"), Scope::kKey}, Previous::kShown);
  EXPECT_NE(other, first);
  EXPECT_GT(other->id, first->id);
  EXPECT_EQ(index.size(), 2u);
  index.Release(first);
  EXPECT_EQ(index.size(), 2u);
  index.Release(first);
  EXPECT_THAT(MatchesOf(index, "/a"), UnorderedElementsAre("KEY /a"));
  index.Release(other);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_THAT(MatchesOf(index, "/a"), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::server
