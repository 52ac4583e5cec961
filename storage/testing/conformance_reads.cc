// Cases on lists, pages and past reads.

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/testing/conformance.h"

namespace scoutlight::storage {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;

// All pages of a query, at the revision of the first; `between` runs after each page.
template <typename Between>
std::vector<std::vector<Entry>> Pages(const SyncStore& store, Query query, Between between) {
  std::vector<std::vector<Entry>> pages;
  query.expect_more_pages = true;
  for (;;) {
    const Page page = store.Read(query);
    EXPECT_TRUE(page.status.ok()) << page.status;
    if (!page.status.ok()) return pages;
    pages.push_back(page.entries);
    EXPECT_TRUE(query.revision == 0 || page.revision == query.revision);
    EXPECT_LE(page.entries.size(), static_cast<size_t>(query.entries_max));
    if (!page.more) return pages;
    EXPECT_FALSE(page.entries.empty()) << "a cut page is not empty";
    if (page.entries.empty()) return pages;
    query.revision = page.revision;
    query.after = Position{page.entries.back().key, page.entries.back().create_revision};
    between();
  }
}

std::vector<Entry> Joined(const std::vector<std::vector<Entry>>& pages) {
  std::vector<Entry> all;
  for (const std::vector<Entry>& page : pages) all.insert(all.end(), page.begin(), page.end());
  return all;
}

TEST_P(StoreConformance, ChildrenComeWithBranchesThatHoldNoValue) {
  for (const char* path : {"/p", "/p/leaf", "/p/both", "/p/both/x", "/p/branch/x/y", "/q"}) sync_->Put(At(path), "v");
  const std::vector<Entry> children = sync_->List(At("/p"), Scope::kChildren);
  ASSERT_THAT(Names(children), ElementsAre("/p/both", "/p/branch", "/p/leaf"));
  EXPECT_TRUE(children[0].has_value);
  EXPECT_TRUE(children[0].has_children);
  EXPECT_EQ(children[0].value, Text("v"));
  EXPECT_FALSE(children[1].has_value);
  EXPECT_TRUE(children[1].has_children);
  EXPECT_EQ(children[1].create_revision, 0);
  EXPECT_EQ(children[1].version, 0);
  EXPECT_TRUE(children[2].has_value);
  EXPECT_FALSE(children[2].has_children);
}

// A store may keep what was read; not for longer than until it is changed, by whatever way.
TEST_P(StoreConformance, AKeyThatWasReadBeforeShowsWhatHasChangedSince) {
  sync_->Put(At("/a"), "1");
  sync_->Put(At("/a/b"), "1");
  for (const char* path : {"/a", "/a/b"}) EXPECT_EQ(sync_->Get(At(path))->value, Text("1"));
  const Revision between = sync_->Put(At("/a"), "2").revision;
  EXPECT_EQ(sync_->Get(At("/a"))->value, Text("2"));
  EXPECT_EQ(sync_->Get(At("/a"))->version, 2);
  sync_->Delete(At("/a/b"));
  EXPECT_EQ(sync_->Get(At("/a/b")), std::nullopt);
  EXPECT_FALSE(sync_->Get(At("/a"))->has_children);
  const LeaseResult lease = sync_->Grant(absl::Minutes(1));
  ASSERT_TRUE(lease.status.ok()) << lease.status;
  sync_->Put(At("/a/b/c"), "1", lease.lease.id);
  EXPECT_TRUE(sync_->Get(At("/a"))->has_children);
  EXPECT_EQ(sync_->Get(At("/a/b/c"))->lease_id, lease.lease.id);
  ASSERT_TRUE(sync_->Revoke(lease.lease.id).status.ok());
  EXPECT_EQ(sync_->Get(At("/a/b/c")), std::nullopt);
  EXPECT_FALSE(sync_->Get(At("/a"))->has_children);
  sync_->Delete(At("/a"), Scope::kSubtree);
  EXPECT_EQ(sync_->Get(At("/a")), std::nullopt);
  EXPECT_EQ(sync_->Get(At("/a"), between)->value, Text("2"));
  EXPECT_TRUE(sync_->Get(At("/a"), between)->has_children);
}

TEST_P(StoreConformance, ASubtreeIsTheKeyAndTheEntriesBelowIt) {
  for (const char* path : {"/p", "/p/leaf", "/p/branch/x/y", "/p/both", "/p/both/x", "/pp"}) sync_->Put(At(path), "v");
  const std::vector<Entry> entries = sync_->List(At("/p"), Scope::kSubtree);
  ASSERT_THAT(Names(entries), ElementsAre("/p", "/p/both", "/p/both/x", "/p/branch/x/y", "/p/leaf"));
  EXPECT_TRUE(entries[0].has_children);
  EXPECT_TRUE(entries[1].has_children);
  EXPECT_FALSE(entries[2].has_children);
  EXPECT_FALSE(entries[4].has_children);
  EXPECT_THAT(ListNames("/p/branch", Scope::kSubtree), ElementsAre("/p/branch/x/y")) << "a branch itself is no entry of its subtree";
}

TEST_P(StoreConformance, AKeyIsReadWithWhetherItHasChildren) {
  for (const char* path : {"/a", "/a/b", "/branch/x"}) sync_->Put(At(path), "v");
  EXPECT_TRUE(sync_->Get(At("/a"))->has_children);
  EXPECT_FALSE(sync_->Get(At("/a/b"))->has_children);
  EXPECT_EQ(sync_->Get(At("/branch")), std::nullopt) << "a branch counts as nothing";
  sync_->Delete(At("/a/b"));
  EXPECT_FALSE(sync_->Get(At("/a"))->has_children);
}

TEST_P(StoreConformance, BytesBelowTheSlashDoNotSplitASubtree) {
  for (const char* path : {"/a", "/a!", "/a!/x", "/a.b", "/a/x", "/a/!", "/a/x/y", "/a/x!", "/a0", "/a b"}) sync_->Put(At(path), "v");
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre("/a", "/a/!", "/a/x", "/a/x/y", "/a/x!", "/a b", "/a!", "/a!/x", "/a.b", "/a0"));
  EXPECT_THAT(ListNames("", Scope::kChildren), ElementsAre("/a", "/a b", "/a!", "/a.b", "/a0"));
  EXPECT_THAT(ListNames("/a", Scope::kChildren), ElementsAre("/a/!", "/a/x", "/a/x!"));
  EXPECT_THAT(ListNames("/a", Scope::kSubtree), ElementsAre("/a", "/a/!", "/a/x", "/a/x/y", "/a/x!"));
}

TEST_P(StoreConformance, TheSystemTreeIsShownOnlyToWhoAsksForIt) {
  const Key system = K(absl::StrCat(kSystemTree, At("/x").path()));
  ASSERT_TRUE(sync_->Put(system, "v").status.ok());
  sync_->Put(At("/user"), "v");
  for (const Scope scope : {Scope::kChildren, Scope::kSubtree}) {
    Query query = QueryOf(Key(), scope);
    const std::string shown = scope == Scope::kChildren ? std::string(kSystemTree) : system.path();
    const std::string user = scope == Scope::kChildren ? At("").path() : At("/user").path();
    EXPECT_THAT(Paths(sync_->Read(query).entries), Not(Contains(shown)));
    EXPECT_THAT(Paths(sync_->Read(query).entries), Contains(user));
    query.show_system = true;
    EXPECT_THAT(Paths(sync_->Read(query).entries), Contains(shown));
    EXPECT_THAT(Paths(sync_->Read(query).entries), Contains(user));
  }
  Query past = QueryOf(Key(), Scope::kSubtree, sync_->Latest());
  sync_->Put(At("/later"), "v");
  EXPECT_THAT(Paths(sync_->Read(past).entries), Not(Contains(system.path())));
  EXPECT_EQ(sync_->Get(system)->value, Text("v")) << "a range inside the tree names it";
  EXPECT_THAT(Paths(sync_->List(K(kSystemTree), Scope::kSubtree)), Contains(system.path()));
}

TEST_P(StoreConformance, KeysOnlyLeavesOutTheValuesAlone) {
  const Revision revision = sync_->Put(At("/p/a"), "value").revision;
  for (const Scope scope : {Scope::kKey, Scope::kChildren, Scope::kSubtree}) {
    Query query = QueryOf(scope == Scope::kKey ? At("/p/a") : At("/p"), scope);
    query.keys_only = true;
    const Page page = sync_->Read(query);
    ASSERT_EQ(page.entries.size(), 1u);
    EXPECT_EQ(page.entries[0].value.bytes, "");
    EXPECT_TRUE(page.entries[0].has_value);
    EXPECT_EQ(page.entries[0].mod_revision, revision);
    EXPECT_EQ(page.entries[0].version, 1);
  }
}

TEST_P(StoreConformance, PagesJoinToTheListWhateverTheirSize) {
  for (const char* path : {"/p", "/p/a", "/p/a/x", "/p/b/y/z", "/p/b/z", "/p/c", "/p/d/x", "/p/e"}) sync_->Put(At(path), "v");
  for (const Scope scope : {Scope::kKey, Scope::kChildren, Scope::kSubtree}) {
    for (const Order order : {Order::kKey, Order::kCreation}) {
      Query query = QueryOf(At("/p"), scope);
      query.order = order;
      const std::vector<Entry> whole = sync_->Read(query).entries;
      EXPECT_EQ(whole.size(), scope == Scope::kKey ? 1u : scope == Scope::kChildren ? 5u : 8u);
      for (int size = 1; size <= 9; ++size) {
        query.entries_max = size;
        const auto pages = Pages(*sync_, query, [] {});
        EXPECT_THAT(Joined(pages), ElementsAreArray(whole)) << "scope " << static_cast<int>(scope) << ", pages of " << size;
        for (size_t i = 0; i + 1 < pages.size(); ++i) EXPECT_EQ(pages[i].size(), static_cast<size_t>(size));
        EXPECT_EQ(pages.size(), (whole.size() + size - 1) / size) << "no empty page at the end";
      }
    }
  }
}

TEST_P(StoreConformance, PagesEndBeforeTheyCountTooManyBytes) {
  std::vector<size_t> sizes = {10, 5000, 10, 10, 900, 900, 900, 10, 3000};
  for (size_t i = 0; i < sizes.size(); ++i) sync_->Put(At(absl::StrCat("/p/", i)), std::string(sizes[i], 'v'));
  for (const size_t bound : {size_t{0}, size_t{1}, size_t{1000}, size_t{2000}, size_t{4000}, size_t{1} << 20}) {
    Query query = QueryOf(At("/p"), Scope::kChildren);
    query.bytes_max = bound;
    const auto pages = Pages(*sync_, query, [] {});
    EXPECT_EQ(Joined(pages).size(), sizes.size());
    for (const std::vector<Entry>& page : pages) {
      size_t bytes = 0;
      for (const Entry& entry : page) bytes += EntryBytes(entry);
      EXPECT_TRUE(page.size() == 1 || bytes <= bound) << page.size() << " entries of " << bytes << " bytes, bound " << bound;
    }
    if (bound > 20'000) {
      EXPECT_EQ(pages.size(), 1u);
    }
  }
}

TEST_P(StoreConformance, PagesStayAtTheFirstPagesStateWhileWritesGoOn) {
  for (int i = 0; i < 20; ++i) sync_->Put(At(absl::StrCat("/p/", 100 + i)), "old");
  for (const Order order : {Order::kKey, Order::kCreation}) {
    Query query = QueryOf(At("/p"), Scope::kChildren);
    query.order = order;
    const std::vector<Entry> whole = sync_->Read(query).entries;
    query.entries_max = 3;
    int round = 0;
    const auto pages = Pages(*sync_, query, [&] {
      sync_->Put(At(absl::StrCat("/p/", 100 + round)), "new");
      sync_->Put(At(absl::StrCat("/p/", 100 + round, "a")), "between");
      sync_->Delete(At(absl::StrCat("/p/", 119 - round)));
      sync_->Put(At(absl::StrCat("/p/", 119 - round, "/below")), "below");
      ++round;
    });
    EXPECT_THAT(Joined(pages), ElementsAreArray(whole));
  }
}

TEST_P(StoreConformance, APageBeginsBehindAPositionThatIsNoLongerThere) {
  for (const char* path : {"/p/a", "/p/b", "/p/b/x", "/p/c"}) sync_->Put(At(path), "v");
  sync_->Delete(At("/p/b"), Scope::kSubtree);
  Query query = QueryOf(At("/p"), Scope::kChildren);
  query.after = Position{At("/p/b"), 0};
  EXPECT_THAT(Names(sync_->Read(query).entries), ElementsAre("/p/c"));
}

TEST_P(StoreConformance, CreationOrderPutsBranchesFirstAndBreaksTiesByKey) {
  sync_->Put(At("/p/z"), "v");
  sync_->Commit(TransactionOf({PutOf(At("/p/y"), "v"), PutOf(At("/p/x"), "v")}));
  sync_->Put(At("/p/branch2/a"), "v");
  sync_->Put(At("/p/branch1/a"), "v");
  sync_->Put(At("/p/a"), "v");
  Query query = QueryOf(At("/p"), Scope::kChildren);
  query.order = Order::kCreation;
  EXPECT_THAT(Names(sync_->Read(query).entries), ElementsAre("/p/branch1", "/p/branch2", "/p/z", "/p/x", "/p/y", "/p/a"));
  sync_->Delete(At("/p/z"));
  sync_->Put(At("/p/z"), "v");
  EXPECT_THAT(Names(sync_->Read(query).entries), ElementsAre("/p/branch1", "/p/branch2", "/p/x", "/p/y", "/p/a", "/p/z"))
      << "a key made again is young";
}

TEST_P(StoreConformance, PastStatesOfAKeyAreAllThere) {
  std::vector<std::pair<Revision, std::optional<Entry>>> states;
  const auto remember = [&](Revision revision) { states.emplace_back(revision, sync_->Get(At("/a"))); };
  remember(sync_->Latest());
  remember(sync_->Put(At("/a"), "1").revision);
  remember(sync_->Put(At("/other"), "x").revision);
  remember(sync_->Put(At("/a"), "2").revision);
  remember(sync_->Delete(At("/a")).revision);
  remember(sync_->Put(At("/other"), "y").revision);
  remember(sync_->Put(At("/a"), "3").revision);
  for (const auto& [revision, entry] : states) EXPECT_EQ(sync_->Get(At("/a"), revision), entry) << revision;
  // What was read before may be known by another way.
  sync_->Put(At("/a/below"), "v");
  for (const auto& [revision, entry] : states) EXPECT_EQ(sync_->Get(At("/a"), revision), entry) << revision;
}

// What was not there then is passed, however much it is.
TEST_P(StoreConformance, WhatCameLaterIsNotBelowAKeyOfThePast) {
  for (const char* path : {"/none", "/last", "/last/z"}) sync_->Put(At(path), "v");
  const Revision then = sync_->Latest();
  for (const char* path : {"/none", "/last"}) {
    std::vector<Operation> puts;
    for (int i = 0; i < 100; ++i) puts.push_back(PutOf(At(absl::StrCat(path, "/later", i)), "v"));
    ASSERT_TRUE(sync_->Commit(TransactionOf(std::move(puts))).status.ok());
  }
  EXPECT_TRUE(sync_->Get(At("/none"))->has_children);
  EXPECT_FALSE(sync_->Get(At("/none"), then)->has_children);
  EXPECT_TRUE(sync_->Get(At("/last"), then)->has_children);
  EXPECT_EQ(sync_->Get(At("/last/later7"), then), std::nullopt);
}

TEST_P(StoreConformance, PastStatesOfRangesAreAllThere) {
  struct State {
    Revision revision;
    std::vector<Entry> children, subtree;
  };
  std::vector<State> states;
  const auto remember = [&](Revision revision) {
    states.push_back({revision, sync_->List(At("/p"), Scope::kChildren), sync_->List(At("/p"), Scope::kSubtree)});
  };
  remember(sync_->Latest());
  remember(sync_->Put(At("/p/a"), "1").revision);
  remember(sync_->Put(At("/p/b/x"), "1").revision);
  remember(sync_->Put(At("/p"), "1").revision);
  remember(sync_->Put(At("/p/b"), "1").revision);
  remember(sync_->Delete(At("/p/b/x")).revision);
  remember(sync_->Commit(TransactionOf({DeleteOf(At("/p/a")), PutOf(At("/p/a!"), "1"), PutOf(At("/p/c/d/e"), "1")})).revision);
  remember(sync_->Delete(At("/p"), Scope::kSubtree).revision);
  remember(sync_->Put(At("/p/b/x"), "2").revision);
  remember(sync_->Put(At("/pp"), "2").revision);
  for (const State& state : states) {
    EXPECT_THAT(sync_->List(At("/p"), Scope::kChildren, state.revision), ElementsAreArray(state.children)) << state.revision;
    EXPECT_THAT(sync_->List(At("/p"), Scope::kSubtree, state.revision), ElementsAreArray(state.subtree)) << state.revision;
  }
  Query query = QueryOf(At("/p"), Scope::kSubtree, states[6].revision);
  query.entries_max = 1;
  EXPECT_THAT(Joined(Pages(*sync_, query, [] {})), ElementsAreArray(states[6].subtree));
}

TEST_P(StoreConformance, AFutureRevisionIsOutOfRange) {
  const Revision latest = sync_->Put(At("/a"), "v").revision;
  const Page page = sync_->Read(QueryOf(At("/a"), Scope::kKey, latest + 1'000'000));
  EXPECT_EQ(page.status.code(), absl::StatusCode::kOutOfRange) << page.status;
  EXPECT_EQ(ReasonOf(page.status), Reason::kFutureRevision);
  EXPECT_GE(page.revision, latest);
  EXPECT_GE(page.oldest_revision, 1);
  EXPECT_LE(page.oldest_revision, latest);
}

TEST_P(StoreConformance, AMinRevisionIsReachedAndTheAnswerSaysByHowMuch) {
  const Revision revision = sync_->Put(At("/a"), "v").revision;
  Query query = QueryOf(At("/a"), Scope::kKey);
  query.min_revision = revision;
  const Page page = sync_->Read(query);
  ASSERT_TRUE(page.status.ok()) << page.status;
  EXPECT_GE(page.revision, revision);
  EXPECT_EQ(page.entries.size(), 1u);
}

TEST_P(StoreConformance, LongKeysAndDeepOnesAreStored) {
  std::string deep;
  while (std::count(deep.begin(), deep.end(), '/') < limits::kKeySegmentsMax - 1) deep += "/d";
  const std::string longest = "/" + std::string(limits::kKeyBytesMax - prefix_.size() - 1, 'l');
  for (const std::string& path : {deep, longest}) {
    ASSERT_TRUE(sync_->Put(At(path), "v").status.ok());
    EXPECT_EQ(sync_->Get(At(path))->key, At(path));
  }
  EXPECT_THAT(ListNames("", Scope::kSubtree), ElementsAre(deep, longest));
}

TEST_P(StoreConformance, AListOverManyEntriesIsWhole) {
  std::vector<std::string> expected;
  for (int batch = 0; batch < 10; ++batch) {
    Transaction puts;
    for (int i = 0; i < 100; ++i) {
      const std::string path = absl::StrCat("/p/", 1000 + batch * 100 + i);
      puts.on_success.push_back(PutOf(At(path), "v"));
      expected.push_back(path);
    }
    ASSERT_TRUE(sync_->Commit(puts).status.ok());
  }
  const Revision whole = sync_->Latest();
  EXPECT_THAT(ListNames("/p", Scope::kChildren), ElementsAreArray(expected));
  sync_->Delete(At("/p"), Scope::kSubtree);
  EXPECT_THAT(ListNames("/p", Scope::kChildren), IsEmpty());
  EXPECT_THAT(ListNames("/p", Scope::kChildren, whole), ElementsAreArray(expected));
}

}  // namespace
}  // namespace scoutlight::storage
