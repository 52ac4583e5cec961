// List of the registry, through the wire.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// /d/c, /a/x/y, /b, /b/z at revisions 2 to 5, and /c put and changed at 6 and 7.
class Lists : public ServedTest {
 protected:
  Lists() {
    for (const char* key : {"/d/c", "/a/x/y", "/b", "/b/z", "/c", "/c"}) EXPECT_TRUE(client().Put(key, absl::StrCat("at ", key)).ok());
  }
};

TEST_F(Lists, ShowChildrenAndBranchesWithoutAValue) {
  const auto listed = client().List("/");
  ASSERT_TRUE(listed.ok());
  EXPECT_EQ(listed->revision(), 7);
  EXPECT_EQ(listed->next_page_token(), "");
  ASSERT_THAT(KeysOf(listed->entries()), ElementsAre("/a", "/b", "/c", "/d"));
  const wire::Entry& branch = listed->entries(0);
  EXPECT_FALSE(branch.has_value());
  EXPECT_TRUE(branch.has_children());
  EXPECT_EQ(branch.content_case(), wire::Entry::CONTENT_NOT_SET);
  EXPECT_EQ(branch.create_revision(), 0);
  EXPECT_EQ(branch.mod_revision(), 0);
  EXPECT_EQ(branch.version(), 0);
  const wire::Entry& both = listed->entries(1);
  EXPECT_TRUE(both.has_value());
  EXPECT_TRUE(both.has_children());
  EXPECT_EQ(both.text(), "at /b");
  const wire::Entry& leaf = listed->entries(2);
  EXPECT_FALSE(leaf.has_children());
  EXPECT_EQ(leaf.create_revision(), 6);
  EXPECT_EQ(leaf.mod_revision(), 7);
  EXPECT_EQ(leaf.version(), 2);
}

TEST_F(Lists, OfASubtreeAreDepthFirstAndIncludeTheNode) {
  EXPECT_THAT(KeysOf(client().List("/b", wire::SCOPE_SUBTREE)->entries()), ElementsAre("/b", "/b/z"));
  wire::ListRequest request = ListOf("/", wire::SCOPE_SUBTREE);
  request.set_order(wire::ORDER_KEY);
  EXPECT_THAT(KeysOf(client().ListAll(request)), ElementsAre("/a/x/y", "/b", "/b/z", "/c", "/d/c"));
}

TEST_F(Lists, OfAKeyShowItAlone) {
  EXPECT_THAT(KeysOf(client().List("/b", wire::SCOPE_KEY)->entries()), ElementsAre("/b"));
  EXPECT_THAT(KeysOf(client().List("/b/none", wire::SCOPE_KEY)->entries()), IsEmpty());
}

TEST_F(Lists, OfAMissingParentAreEmpty) {
  const auto listed = client().List("/nowhere/at/all", wire::SCOPE_SUBTREE);
  EXPECT_TRUE(listed.ok());
  EXPECT_THAT(listed->entries(), IsEmpty());
}

TEST_F(Lists, SiblingsWithACommonPrefixAreNoChildren) {
  ASSERT_TRUE(client().Put("/bb/z", "other").ok());
  ASSERT_TRUE(client().Put("/b-b", "other").ok());
  EXPECT_THAT(KeysOf(client().List("/b")->entries()), ElementsAre("/b/z"));
  EXPECT_THAT(KeysOf(client().List("/b", wire::SCOPE_SUBTREE)->entries()), ElementsAre("/b", "/b/z"));
}

TEST_F(Lists, KeysOnlyLeaveTheValuesOut) {
  wire::ListRequest request = ListOf("/");
  request.set_keys_only(true);
  const auto listed = client().Send(request);
  ASSERT_THAT(KeysOf(listed->entries()), ElementsAre("/a", "/b", "/c", "/d"));
  EXPECT_EQ(listed->entries(2).content_case(), wire::Entry::CONTENT_NOT_SET);
  EXPECT_TRUE(listed->entries(2).has_value());
  EXPECT_EQ(listed->entries(2).version(), 2);
}

TEST_F(Lists, InOrderOfCreationStartWithBranches) {
  wire::ListRequest request = ListOf("/");
  request.set_order(wire::ORDER_CREATION);
  EXPECT_THAT(KeysOf(client().Send(request)->entries()), ElementsAre("/a", "/d", "/b", "/c"));
  request.set_page_size(1);
  EXPECT_THAT(KeysOf(client().ListAll(request)), ElementsAre("/a", "/d", "/b", "/c"));
}

TEST_F(Lists, PastStatesStayReadable) {
  EXPECT_THAT(KeysOf(client().List("/", wire::SCOPE_CHILDREN, 3)->entries()), ElementsAre("/a", "/d"));
  EXPECT_EQ(client().List("/", wire::SCOPE_CHILDREN, 6)->entries(2).version(), 1);
  EXPECT_EQ(client().List("/", wire::SCOPE_CHILDREN, 6)->revision(), 6);
}

TEST_F(Lists, PagesShowTheFirstPagesRevisionWhileWritesGoOn) {
  wire::ListRequest request = ListOf("/", wire::SCOPE_SUBTREE);
  request.set_page_size(2);
  std::vector<wire::Entry> paged;
  const std::vector<wire::Entry> whole = client().ListAll(ListOf("/", wire::SCOPE_SUBTREE));
  for (int writes = 0; writes == 0 || !request.page_token().empty(); ++writes) {
    const auto page = client().Send(request);
    ASSERT_TRUE(page.ok()) << page.status.error_message();
    EXPECT_EQ(page->revision(), 7);
    EXPECT_LE(page->entries_size(), 2);
    paged.insert(paged.end(), page->entries().begin(), page->entries().end());
    request.set_page_token(page->next_page_token());
    ASSERT_TRUE(client().Put(absl::StrCat("/a/", writes), "new").ok());
    ASSERT_TRUE(client().Put("/c", "changed").ok());
    ASSERT_TRUE(client().Delete("/d/c").ok());
  }
  ASSERT_EQ(paged.size(), whole.size());
  for (size_t i = 0; i < whole.size(); ++i) EXPECT_EQ(paged[i].SerializeAsString(), whole[i].SerializeAsString());
}

TEST_F(Lists, PageTokenSurvivesAKill) {
  wire::ListRequest request = ListOf("/");
  request.set_page_size(2);
  const auto first = client().Send(request);
  ASSERT_TRUE(client().Put("/bc", "new").ok());
  KillAndRestart();
  request.set_page_token(first->next_page_token());
  const auto second = client().Send(request);
  ASSERT_TRUE(second.ok()) << second.status.error_message();
  EXPECT_EQ(second->revision(), 7);
  EXPECT_THAT(KeysOf(second->entries()), ElementsAre("/c", "/d"));
}

TEST_F(Lists, PageSizeMayChangeBetweenPages) {
  wire::ListRequest request = ListOf("/");
  request.set_page_size(1);
  request.set_page_token(client().Send(request)->next_page_token());
  request.set_page_size(10);
  EXPECT_THAT(KeysOf(client().Send(request)->entries()), ElementsAre("/b", "/c", "/d"));
}

TEST_F(Lists, PagesEndBeforeTheAnswerGetsTooLarge) {
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(1 << 20, 'x')).ok());
  const auto page = client().List("/large");
  ASSERT_TRUE(page.ok()) << page.status.error_message();
  EXPECT_EQ(page->entries_size(), 3);
  EXPECT_LE(page->ByteSizeLong(), size_t{3584} << 10);
  EXPECT_EQ(client().ListAll(ListOf("/large")).size(), 5u);
}

TEST_F(Lists, ThousandEntriesAPageByDefaultTenThousandAtMost) {
  for (int batch = 0; batch < 11; ++batch) {
    wire::TransactRequest request;
    for (int i = 0; i < 1000; ++i) {
      auto& put = *request.add_on_success()->mutable_put();
      put.set_key(absl::StrCat("/many/", batch, "-", i));
      put.set_text("");
    }
    ASSERT_TRUE(client().Send(request).ok());
  }
  wire::ListRequest request = ListOf("/many");
  EXPECT_EQ(client().Send(request)->entries_size(), 1000);
  request.set_keys_only(true);
  request.set_page_size(2'000'000'000);
  EXPECT_EQ(client().Send(request)->entries_size(), 10'000);
  EXPECT_EQ(client().ListAll(request).size(), 11'000u);
  request.set_order(wire::ORDER_CREATION);
  ExpectFailure(client().Send(request).status, grpc::StatusCode::INVALID_ARGUMENT, "LIST_TOO_LARGE", {"order"});

  wire::DeleteRequest removal;
  removal.set_key("/many");
  removal.set_scope(wire::SCOPE_SUBTREE);
  ExpectFailure(client().Send(removal).status, grpc::StatusCode::INVALID_ARGUMENT, "TRANSACTION_TOO_LARGE");
  EXPECT_EQ(client().Revision(), 18);
}

TEST_F(Lists, TheSystemTreeIsHiddenUnlessNamed) {
  EXPECT_THAT(KeysOf(client().ListAll(ListOf("/"))), ElementsAre("/a", "/b", "/c", "/d"));
  EXPECT_TRUE(client().List("/.scoutlight").ok());
  EXPECT_TRUE(client().List("/.scoutlight", wire::SCOPE_SUBTREE).ok());
  ExpectFailure(client().Get("/.scoutlight/none").status, grpc::StatusCode::NOT_FOUND, "KEY_NOT_FOUND");
  ASSERT_TRUE(client().Put("/.scoutlights", "a neighbour").ok());
  EXPECT_EQ(client().TextAt("/.scoutlights"), "a neighbour");
}

}  // namespace
}  // namespace scoutlight::testing
