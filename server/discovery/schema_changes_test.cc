// Deleted schemas, changes at one time, and their bounds.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "server/discovery/schema_service_fixture.h"

namespace scoutlight::server {
namespace {

using storage::K;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(SchemaServiceTest, DeletesASchemaThatNobodyUses) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "*", "mine"}, &bound).ok());
  const Revision before = sync_.Latest();
  struct Case {
    const char* name;
    grpc::StatusCode code;
    const char* reason;
    std::vector<std::string> fields;
  };
  wire::DeleteSchemaResponse deleted;
  for (const Case& c : {Case{"mine", grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_IN_USE", {}},
                        Case{"members", grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_SHIPPED", {}},
                        Case{"no name", grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"name"}}}) {
    const Seen seen = SeenOf(Delete(c.name, &deleted));
    EXPECT_EQ(seen.code, c.code) << c.name;
    EXPECT_EQ(seen.reason, c.reason) << c.name;
    EXPECT_EQ(seen.fields, c.fields) << c.name;
  }
  EXPECT_THAT(SeenOf(Delete("mine", &deleted)).message, HasSubstr("c/*"));
  ASSERT_TRUE(Delete("absent", &deleted).ok());
  EXPECT_FALSE(deleted.found());
  EXPECT_EQ(sync_.Latest(), before);
  ASSERT_TRUE(Bind({"c", "*", ""}, &bound).ok());
  ASSERT_TRUE(Delete("mine", &deleted).ok());
  EXPECT_TRUE(deleted.found());
  EXPECT_TRUE(deleted.applied());
  EXPECT_EQ(deleted.revision(), sync_.Latest());
  EXPECT_FALSE(sync_.Get(K("/.scoutlight/schemas/mine")).has_value());
  EXPECT_EQ(feed_->claims().claims->FindSchema("mine"), nullptr);
}

// Whoever is recorded under it would leave keys that nobody knows.
TEST_F(SchemaServiceTest, SchemaWithInstancesIsNotDeleted) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  const auto record = [this](int i, const char* schema) {
    const Key key = discovery::InstanceRecordKey({"c", "s", absl::StrCat("i", absl::Dec(i, absl::kZeroPad4))});
    if (schema == nullptr) {
      sync_.Delete(key);
    } else {
      sync_.Put(key, discovery::EncodeInstanceRecord({.session = "mine", .schema = schema}));
    }
  };
  constexpr int kMax = limits::kSchemaUsersMax;
  // More than a page that do not count, then one that is no record.
  for (int i = 0; i < kMax + 1; ++i) record(i, "printers");
  sync_.Put(discovery::InstanceRecordKey({"c", "s", "broken"}), "mine");
  const struct {
    int users;
    const char* message;
  } cases[] = {
      {1, "schema mine is what 1 instance was registered under: c/s/i0001"},
      {2, "schema mine is what 2 instances were registered under, first of them c/s/i0001"},
      {kMax - 1, "schema mine is what 999 instances were registered under, first of them c/s/i0001"},
      {kMax, "schema mine is what at least 1000 instances were registered under, first of them c/s/i0001"},
  };
  int users = 0;
  wire::DeleteSchemaResponse deleted;
  for (const auto& one : cases) {
    while (users < one.users) record(++users, "mine");
    const Seen seen = SeenOf(Delete("mine", &deleted));
    EXPECT_EQ(seen.code, grpc::StatusCode::FAILED_PRECONDITION) << one.users;
    EXPECT_EQ(seen.reason, "SCHEMA_IN_USE");
    EXPECT_THAT(seen.fields, IsEmpty());
    EXPECT_EQ(seen.message, one.message);
    EXPECT_TRUE(sync_.Get(discovery::SchemaKey("mine")).has_value());
  }
  for (; users > 0; --users) record(users, users % 2 == 0 ? "printers" : nullptr);
  ASSERT_TRUE(Delete("mine", &deleted).ok());
  EXPECT_TRUE(deleted.found());
  // One that is not there is no error, whatever records say.
  record(1, "absent");
  ASSERT_TRUE(Delete("absent", &deleted).ok());
  EXPECT_FALSE(deleted.found());
}

// Each reads all records.
TEST_F(SchemaServiceTest, OneDeletionAtATimeLooksForInstances) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  ASSERT_TRUE(Put(R"({"name": "other", "pattern": "/{cluster}/other/{service}/{instance}/{property}"})", &put).ok());
  busy_.HoldReads();
  wire::DeleteSchemaResponse deleted;
  std::thread first([&] {
    const grpc::Status status = Delete("mine", &deleted);
    EXPECT_TRUE(status.ok()) << status.error_message();
  });
  ASSERT_TRUE(storage::AwaitCondition([&] { return busy_.held() == 1; }));
  wire::DeleteSchemaResponse second;
  const Seen seen = SeenOf(Delete("other", &second));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(seen.reason, "OVERLOADED");
  EXPECT_TRUE(seen.retry);
  EXPECT_EQ(busy_.held(), 1);
  // One that looks for nobody is not in the way.
  ASSERT_TRUE(Delete("absent", &second).ok());
  busy_.LetReads();
  first.join();
  EXPECT_TRUE(deleted.found());
  ASSERT_TRUE(Delete("other", &second).ok());
  EXPECT_TRUE(second.found());
}

TEST_F(SchemaServiceTest, SchemaThatCannotBeReadCanBeReplacedAndDeleted) {
  sync_.Put(discovery::SchemaKey("mine"), "{");
  sync_.Put(discovery::SchemaKey("bad"), "{");
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  EXPECT_EQ(put.version(), 1);
  wire::DeleteSchemaResponse deleted;
  ASSERT_TRUE(Delete("bad", &deleted).ok());
  EXPECT_TRUE(deleted.found());
}

TEST_F(SchemaServiceTest, OfTwoThatDoNotFitTogetherOneIsStored) {
  StartAndLoad();
  for (int round = 0; round < 20; ++round) {
    grpc::Status status[2];
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([this, i, &status] {
        wire::PutSchemaResponse put;
        status[i] = Put(i == 0 ? kMine : kTwin, &put);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_NE(status[0].ok(), status[1].ok()) << status[0].error_message() << status[1].error_message();
    EXPECT_THAT(SeenOf(status[status[0].ok() ? 1 : 0]).fields, ElementsAre("pattern"));
    wire::DeleteSchemaResponse deleted;
    ASSERT_TRUE(Delete(status[0].ok() ? "mine" : "twin", &deleted).ok());
    ASSERT_TRUE(deleted.found());
  }
}

TEST_F(SchemaServiceTest, ChangesThatComeBetweenAreWaitedForAFewTimes) {
  StartAndLoad();
  busy_.Disturb(7);
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  EXPECT_TRUE(put.applied());
  busy_.Disturb(8);
  wire::DeleteSchemaResponse deleted;
  const Seen seen = SeenOf(Delete("mine", &deleted));
  EXPECT_EQ(seen.code, grpc::StatusCode::ABORTED);
  EXPECT_EQ(seen.reason, "CONTENDED");
  EXPECT_TRUE(sync_.Get(discovery::SchemaKey("mine")).has_value());
}

TEST_F(SchemaServiceTest, ChangeThatIsNotInForceInTimeIsStored) {
  StartAndLoad();
  busy_.HoldReads();
  wire::PutBindingResponse bound;
  std::thread caller([&] { EXPECT_TRUE(Bind({"c", "*", "members"}, &bound).ok()); });
  ASSERT_TRUE(storage::AwaitCondition([&] { return sync_.Get(discovery::BindingKey("c", "*")).has_value(); }));
  // It may not have begun to wait: time goes on until the answer is there.
  std::atomic<bool> answered = false;
  std::thread time([&] {
    while (!answered) clock_.AdvanceAndWaitUntilSeen(absl::Seconds(1));
  });
  caller.join();
  answered = true;
  time.join();
  EXPECT_FALSE(bound.applied());
  EXPECT_EQ(bound.revision(), sync_.Latest());
  EXPECT_THAT(Bindings(), ElementsAre("*/*=printers"));
  busy_.LetReads();
  ASSERT_TRUE(storage::AwaitCondition([&] { return feed_->claims().revision >= bound.revision(); }));
  EXPECT_THAT(Bindings(), ElementsAre("c/*=members", "*/*=printers"));
}

TEST_F(SchemaServiceTest, WhatIsInForceYetIsNotTakenForWhatIsStored) {
  StartAndLoad();
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "*", "service"}, &bound).ok());
  busy_.HoldReads();
  // Somebody else, who does not wait.
  std::vector<storage::Operation> writes = {storage::PutOf(discovery::BindingKey("c", "*"), "members"),
                                            storage::PutOf(discovery::SchemasTree(), "")};
  ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(writes))).status.ok());
  const int before = busy_.commits();
  wire::PutBindingResponse back;
  std::atomic<bool> answered = false;
  std::thread caller([&] {
    EXPECT_TRUE(Bind({"c", "*", "service"}, &back).ok());
    answered = true;
  });
  ASSERT_TRUE(storage::AwaitCondition([&] { return answered || busy_.commits() > before; }));
  busy_.LetReads();
  caller.join();
  EXPECT_FALSE(back.unchanged());
  EXPECT_EQ(sync_.Get(discovery::BindingKey("c", "*"))->value.bytes, "service");
  EXPECT_THAT(Bindings(), ElementsAre("c/*=service", "*/*=printers"));
}

TEST_F(SchemaServiceTest, RegularExpressionsOfAllSchemasAreBounded) {
  const auto document = [](const std::string& name, int regexes) {
    std::string properties;
    for (int i = 0; i < regexes; ++i) absl::StrAppend(&properties, i == 0 ? "" : ", ", R"("p)", i, R"(": {"pattern": "x"})");
    return absl::StrCat(R"({"name": ")", name, R"(", "pattern": "/{cluster}/services/{service}/{instance}/{property}", "properties": {)",
                        properties, "}}");
  };
  std::vector<storage::Operation> puts;
  for (int i = 0; i < limits::kSchemaRegexesMax / limits::kPropertiesMax; ++i) {
    const std::string name = absl::StrCat("s", i);
    puts.push_back(storage::PutOf(discovery::SchemaKey(name), document(name, limits::kPropertiesMax)));
  }
  ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  StartAndLoad();
  wire::PutSchemaResponse put;
  const Seen seen = SeenOf(Put(document("more", 1), &put));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(seen.message, HasSubstr("schemas have 4096 regular expressions of properties without more, which has 1; at most 4096"));
  EXPECT_TRUE(Put(document("more", 0), &put).ok());
  EXPECT_TRUE(Put(document("s0", limits::kPropertiesMax - 1), &put).ok()) << "one that is there counts as it will be";
  EXPECT_TRUE(Put(document("one", 1), &put).ok());
  EXPECT_EQ(SeenOf(Put(document("two", 1), &put)).code, grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST_F(SchemaServiceTest, NumberOfSchemasAndBindingsIsBounded) {
  const int own = limits::kSchemasMax - 3;  // Beside those shipped.
  const auto document = [](int i) {
    return absl::StrCat(R"({"name": "s)", i, R"(", "pattern": "/{cluster}/services/{service}/{instance}/{property}"})");
  };
  std::vector<storage::Operation> puts;
  for (int i = 0; i < own; ++i) puts.push_back(storage::PutOf(discovery::SchemaKey(absl::StrCat("s", i)), document(i)));
  ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  for (int block = 0; block < 10; ++block) {
    puts.clear();
    for (int i = 0; i < limits::kBindingsMax / 10; ++i) {
      puts.push_back(storage::PutOf(discovery::BindingKey(absl::StrCat("c", block), absl::StrCat("s", i)), "none"));
    }
    ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  }
  StartAndLoad();
  wire::PutSchemaResponse put;
  Seen seen = SeenOf(Put(document(own), &put));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(seen.message, HasSubstr("are 1001, at most 1000 are allowed"));
  wire::PutBindingResponse bound;
  seen = SeenOf(Bind({"new", "s", "none"}, &bound));
  EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(seen.message, HasSubstr("are 10000 already, at most 10000 are allowed"));
  // One that is there can be changed, and makes room when it goes.
  ASSERT_TRUE(Bind({"c0", "s0", "s1"}, &bound).ok());
  ASSERT_TRUE(Bind({"c0", "s0", ""}, &bound).ok());
  ASSERT_TRUE(Bind({"new", "s", "none"}, &bound).ok());
  EXPECT_EQ(Bindings(1'000).size(), static_cast<size_t>(limits::kBindingsMax) + 1);
  wire::DeleteSchemaResponse deleted;
  ASSERT_TRUE(Delete("s7", &deleted).ok());
  ASSERT_TRUE(Put(document(own), &put).ok());
}

}  // namespace
}  // namespace scoutlight::server
