#include "server/request_conversion.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

const StoreId kStoreId = "00112233445566778899aabbccddeeff";

storage::Traits TestTraits() {
  storage::Traits traits;
  traits.operations_max = limits::kOperationsMax;
  traits.changes_max = limits::kChangesMax;
  traits.bytes_max = limits::kTransactionBytesMax;
  return traits;
}

template <typename Request>
Request FromText(const std::string& text) {
  Request request;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &request)) << text;
  return request;
}

struct Case {
  std::string request;
  Reason reason;
  std::vector<std::string> fields;
};

void ExpectRefusal(const Case& expected, const absl::Status& status) {
  SCOPED_TRACE(expected.request.substr(0, 200));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  const std::optional<ErrorDetails> details = DetailsOf(status);
  ASSERT_TRUE(details.has_value()) << status;
  EXPECT_EQ(ReasonName(details->reason), ReasonName(expected.reason));
  std::vector<std::string> fields;
  for (const FieldViolation& violation : details->violations) fields.push_back(violation.field);
  EXPECT_EQ(fields, expected.fields) << status;
}

TEST(RequestConversion, BadGetsAreRefused) {
  const Case kCases[] = {
      {"", Reason::kInvalidKey, {"key"}},
      {"key: '/'", Reason::kInvalidKey, {"key"}},
      {"key: '/a//b'", Reason::kInvalidKey, {"key"}},
      {"key: '/a' revision: -1", Reason::kInvalidField, {"revision"}},
      {"key: '..' revision: -1", Reason::kInvalidKey, {"key", "revision"}},
  };
  for (const Case& each : kCases) ExpectRefusal(each, QueryOf(FromText<wire::GetRequest>(each.request)).status());
}

TEST(RequestConversion, BadListsAreRefused) {
  const Case kCases[] = {
      {"", Reason::kInvalidKey, {"parent"}},
      {"parent: '/' page_size: -1", Reason::kInvalidField, {"page_size"}},
      {"parent: '/' revision: -5", Reason::kInvalidField, {"revision"}},
      {"parent: '/' scope: 9", Reason::kInvalidField, {"scope"}},
      {"parent: '/' order: 9", Reason::kInvalidField, {"order"}},
      {"parent: '/' page_token: 'x'", Reason::kInvalidPageToken, {"page_token"}},
      {"parent: '.' scope: 9 page_size: -1", Reason::kInvalidKey, {"parent", "scope", "page_size"}},
  };
  for (const Case& each : kCases) ExpectRefusal(each, ListQueryOf(FromText<wire::ListRequest>(each.request), kStoreId).status());
}

TEST(RequestConversion, BadPutsAreRefused) {
  const std::string long_id(limits::kRequestIdBytesMax + 1, 'i');
  const std::string long_value(limits::kValueBytesMax + 1, 'v');
  const Case kCases[] = {
      {"text: 'v'", Reason::kInvalidKey, {"key"}},
      {"key: '/' text: 'v'", Reason::kInvalidKey, {"key"}},
      {"key: '/.scoutlight' text: 'v'", Reason::kReservedKey, {"key"}},
      {"key: '.scoutlight/x/' text: 'v'", Reason::kReservedKey, {"key"}},
      {"key: '/a'", Reason::kInvalidField, {"text|data"}},
      {"key: '/a' text: 'v' lease_id: -1", Reason::kInvalidField, {"lease_id"}},
      {"key: '/a' text: 'v' expected_mod_revision: -1", Reason::kInvalidField, {"expected_mod_revision"}},
      {"key: '/a' text: 'v' if_absent: true expected_mod_revision: 3", Reason::kInvalidField, {"expected_mod_revision"}},
      {absl::StrCat("key: '/a' text: 'v' request_id: '", long_id, "'"), Reason::kInvalidField, {"request_id"}},
      {absl::StrCat("key: '/a' text: '", long_value, "'"), Reason::kValueTooLarge, {"text"}},
      {absl::StrCat("key: '/a' data: '", long_value, "'"), Reason::kValueTooLarge, {"data"}},
      {"key: '..' lease_id: -1", Reason::kInvalidKey, {"key", "text|data", "lease_id"}},
  };
  for (const Case& each : kCases) ExpectRefusal(each, TransactionOf(FromText<wire::PutRequest>(each.request), TestTraits()).status());
}

TEST(RequestConversion, BadDeletesAreRefused) {
  const Case kCases[] = {
      {"", Reason::kInvalidKey, {"key"}},
      {"key: '/' scope: SCOPE_SUBTREE", Reason::kInvalidKey, {"key"}},
      {"key: '/.scoutlight/instances' scope: SCOPE_SUBTREE", Reason::kReservedKey, {"key"}},
      {"key: '/a' scope: 4", Reason::kInvalidField, {"scope"}},
      {"key: '/a' scope: SCOPE_SUBTREE expected_mod_revision: 1", Reason::kInvalidField, {"expected_mod_revision"}},
      {"key: '/a' expected_mod_revision: -1", Reason::kInvalidField, {"expected_mod_revision"}},
  };
  for (const Case& each : kCases) ExpectRefusal(each, TransactionOf(FromText<wire::DeleteRequest>(each.request), TestTraits()).status());
}

TEST(RequestConversion, BadTransactionsNameEveryFieldByPath) {
  const std::string put = "on_success { put { key: '/a' text: 'v' } } ";
  const Case kCases[] = {
      {"conditions {}", Reason::kInvalidKey, {"conditions[0].key", "conditions[0].target"}},
      {"conditions { key: '/a' exists: true comparison: COMPARISON_EQUAL }", Reason::kInvalidField, {"conditions[0].comparison"}},
      {"conditions { key: '/a' version: 1 comparison: 9 }", Reason::kInvalidField, {"conditions[0].comparison"}},
      {"conditions { key: '/a' version: 1 scope: SCOPE_SUBTREE }", Reason::kInvalidField, {"conditions[0].scope"}},
      {"conditions { key: '/a' exists: true scope: SCOPE_CHILDREN }", Reason::kInvalidField, {"conditions[0].scope"}},
      {"on_success {}", Reason::kInvalidField, {"on_success[0]"}},
      {"on_failure { list { parent: '/' limit: -1 } }", Reason::kInvalidField, {"on_failure[0].list.limit"}},
      {"on_failure { get { key: '/' } }", Reason::kInvalidKey, {"on_failure[0].get.key"}},
      {put + put, Reason::kDuplicateKey, {"on_success[1].put.key"}},
      {put + "on_success { delete { key: '/' } } on_success { put { key: '/.scoutlight' } }",
       Reason::kInvalidKey,
       {"on_success[1].delete.key", "on_success[2].put.key", "on_success[2].put.text|data"}},
  };
  for (const Case& each : kCases) ExpectRefusal(each, TransactionOf(FromText<wire::TransactRequest>(each.request), TestTraits()).status());
}

TEST(RequestConversion, OperationsAndConditionsAreCountedBeforeTheyAreLookedAt) {
  wire::TransactRequest request;
  for (int i = 0; i < limits::kOperationsMax; ++i) request.add_on_success()->mutable_get()->set_key("/a");
  for (int i = 0; i < limits::kConditionsMax; ++i) {
    request.add_conditions()->set_key("/a");
    request.mutable_conditions(i)->set_exists(true);
  }
  EXPECT_TRUE(TransactionOf(request, TestTraits()).ok());
  request.add_on_success();
  request.add_conditions();
  ExpectRefusal({"1,025", Reason::kTransactionTooLarge, {"conditions", "on_success"}}, TransactionOf(request, TestTraits()).status());
}

TEST(RequestConversion, ConditionsAndReadsMayNameTheSystemTree) {
  EXPECT_TRUE(QueryOf(FromText<wire::GetRequest>("key: '/.scoutlight/x'"))->show_system);
  EXPECT_TRUE(ListQueryOf(FromText<wire::ListRequest>("parent: '/.scoutlight'"), kStoreId)->query.show_system);
  EXPECT_FALSE(ListQueryOf(FromText<wire::ListRequest>("parent: '/'"), kStoreId)->query.show_system);
  EXPECT_TRUE(TransactionOf(FromText<wire::TransactRequest>("conditions { key: '/.scoutlight/x' exists: true } "
                                                            "on_success { get { key: '/.scoutlight/x' } }"),
                            TestTraits())
                  .ok());
}

TEST(RequestConversion, DefaultsAreThoseOfTheProto) {
  const absl::StatusOr<ListQuery> list = ListQueryOf(FromText<wire::ListRequest>("parent: 'a/'"), kStoreId);
  ASSERT_TRUE(list.ok());
  EXPECT_EQ(list->query.range, (KeyRange{Key::Parse("/a").value(), Scope::kChildren}));
  EXPECT_EQ(list->query.entries_max, limits::kPageEntriesDefault);
  EXPECT_EQ(ListQueryOf(FromText<wire::ListRequest>("parent: '/' page_size: 2000000"), kStoreId)->query.entries_max,
            limits::kPageEntriesMax);
  const auto removal = TransactionOf(FromText<wire::DeleteRequest>("key: '/a'"), TestTraits());
  EXPECT_EQ(RangesOf(*removal), (std::vector<KeyRange>{{Key::Parse("/a").value(), Scope::kKey}}));
}

TEST(RequestConversion, ListHashLeavesOutPageSizeAndToken) {
  const auto hash = [](const std::string& text) { return ListQueryOf(FromText<wire::ListRequest>(text), kStoreId)->query_hash; };
  EXPECT_EQ(hash("parent: '/a'"), hash("parent: 'a/' page_size: 7 scope: SCOPE_CHILDREN order: ORDER_KEY"));
  for (const char* other : {"parent: '/b'", "parent: '/a' scope: SCOPE_SUBTREE", "parent: '/a' keys_only: true",
                            "parent: '/a' order: ORDER_CREATION", "parent: '/a' revision: 3"}) {
    EXPECT_NE(hash("parent: '/a'"), hash(other)) << other;
  }
}

TEST(RequestConversion, EveryRangeOfATransactionIsAskedFor) {
  const auto transaction =
      TransactionOf(FromText<wire::TransactRequest>(
                        "conditions { key: '/a' exists: false scope: SCOPE_SUBTREE } on_success { put { key: '/b' text: '' } } "
                        "on_success { list { parent: '/c' } } on_failure { delete { key: '/d' } } "
                        "on_failure { get { key: '/e' } }"),
                    TestTraits());
  ASSERT_TRUE(transaction.ok()) << transaction.status();
  const auto range = [](absl::string_view path, Scope scope) { return KeyRange{Key::Parse(path).value(), scope}; };
  EXPECT_EQ(RangesOf(*transaction),
            (std::vector<KeyRange>{range("/a", Scope::kSubtree), range("/b", Scope::kKey), range("/c", Scope::kChildren),
                                   range("/d", Scope::kKey), range("/e", Scope::kKey)}));
}

}  // namespace
}  // namespace scoutlight::server
