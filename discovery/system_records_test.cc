#include "discovery/system_records.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

const InstanceName kName{"c", "s", "i"};

TEST(SystemRecords, KeysStandWhereTheGrammarSays) {
  EXPECT_EQ(InstanceRecordKey(kName).path(), "/.scoutlight/instances/c/s/i");
  EXPECT_EQ(OverrideKey(kName).path(), "/.scoutlight/overrides/c/s/i");
  EXPECT_EQ(SchemaKey("printers2").path(), "/.scoutlight/schemas/printers2");
  EXPECT_EQ(BindingKey("*", "s").path(), "/.scoutlight/bindings/*/s");
  EXPECT_TRUE(InstanceRecordKey(kName).IsWithin(InstanceRecordsTree()));
  EXPECT_TRUE(OverrideKey(kName).IsWithin(OverridesTree()));
  EXPECT_TRUE(SchemaKey("x").IsWithin(SchemasTree()));
  EXPECT_TRUE(BindingKey("c", "s").IsWithin(BindingsTree()));
}

TEST(SystemRecords, KeysAreReadBack) {
  using Kind = SystemKey::Kind;
  struct Case {
    const char* path;
    Kind kind;
    const char* cluster;
    const char* service;
    const char* name;
  };
  for (const Case& c :
       {Case{"/.scoutlight/instances/c/s/i", Kind::kInstance, "c", "s", "i"},
        Case{"/.scoutlight/overrides/c/s/i", Kind::kOverride, "c", "s", "i"}, Case{"/.scoutlight/schemas/x", Kind::kSchema, "", "", "x"},
        Case{"/.scoutlight/bindings/*/s", Kind::kBinding, "*", "s", ""}}) {
    const Key key = Key::Parse(c.path).value();
    const std::optional<SystemKey> read = ReadSystemKey(key);
    ASSERT_TRUE(read.has_value()) << c.path;
    EXPECT_EQ(read->kind, c.kind) << c.path;
    EXPECT_EQ(read->cluster, c.cluster) << c.path;
    EXPECT_EQ(read->service, c.service) << c.path;
    EXPECT_EQ(read->name, c.name) << c.path;
  }
}

TEST(SystemRecords, OtherKeysAreNone) {
  for (const char* path : {"/", "/a/b/c", "/.scoutlight", "/.scoutlight/schemas", "/.scoutlight/schemas/a/b", "/.scoutlight/bindings/c",
                           "/.scoutlight/bindings/c/s/more", "/.scoutlight/instances/c/s", "/.scoutlight/instances/c/s/i/more",
                           "/.scoutlight/sessions/c/s/i", "/x/instances/c/s/i", "/x/.scoutlight/schemas/y"}) {
    EXPECT_FALSE(ReadSystemKey(Key::Parse(path).value()).has_value()) << path;
  }
}

TEST(SystemRecords, SessionsAreKeptUnderAnyId) {
  EXPECT_EQ(SessionKey("a/b\n").path(), "/.scoutlight/sessions/612f620a");
  EXPECT_EQ(SessionKey(std::string(64, '\xff')).path().size(), 22 + 128u);
  const SessionRecord record{.lease_id = 17, .ttl = absl::Milliseconds(1'500)};
  EXPECT_EQ(EncodeSessionRecord(record), R"({"lease_id":17,"ttl":"1.5s"})");
  EXPECT_EQ(ParseSessionRecord(EncodeSessionRecord(record)).value(), record);
  EXPECT_FALSE(ParseSessionRecord(R"({"ttl":"soon"})").ok());
  EXPECT_FALSE(ParseSessionRecord(R"({"lease_id":-1})").ok());
  EXPECT_FALSE(ParseSessionRecord("17").ok());
}

TEST(SystemRecords, RecordIsReadBackAsWritten) {
  InstanceRecord record{.status = Status::kDraining,
                        .epoch = 9'007'199'254'740'993,  // More than a double holds.
                        .session = "s \"quoted\" \xc3\xa9",
                        .registered_at = absl::FromUnixNanos(1'700'000'000'123'456'789)};
  EXPECT_EQ(ParseInstanceRecord(EncodeInstanceRecord(record)).value(), record);
  record = {.status = Status::kUp, .epoch = 0, .session = "", .registered_at = absl::UnixEpoch()};
  EXPECT_EQ(ParseInstanceRecord(EncodeInstanceRecord(record)).value(), record);
  EXPECT_EQ(EncodeInstanceRecord(record), R"({"registered_at":"1970-01-01T00:00:00+00:00","status":"UP"})");
}

TEST(SystemRecords, OverrideIsReadBackAsWritten) {
  Override override{.reason = "paper jam", .author = "host:127.0.0.1", .created_at = absl::FromUnixMillis(1'700'000'000'123)};
  EXPECT_EQ(ParseOverride(EncodeOverride(override)).value(), override);
  override.expires_at = absl::FromUnixMillis(1'700'000'001'000);
  EXPECT_EQ(ParseOverride(EncodeOverride(override)).value(), override);
}

// A later version may write more, and people write less.
TEST(SystemRecords, UnknownMembersAreLeftAloneAndMissingOnesHaveDefaults) {
  const InstanceRecord record = ParseInstanceRecord(R"({"status": "UP", "colour": {"deep": [1]}})").value();
  // Earlier versions named a request.
  EXPECT_EQ(ParseInstanceRecord(R"({"status": "UP", "request": "0123456789abcdef:0123456789abcdef"})").value(), record);
  EXPECT_EQ(record.epoch, 0);
  EXPECT_EQ(record.session, "");
  EXPECT_EQ(record.registered_at, absl::InfinitePast());
  EXPECT_EQ(ParseOverride("{}").value(), Override());
}

TEST(SystemRecords, WhatCannotBeReadIsSaid) {
  struct Case {
    const char* text;
    const char* message;
  };
  for (const Case& c :
       {Case{"", "is no JSON"}, Case{"[]", "is no JSON object"}, Case{"{}", "its member status is \"\""},
        Case{R"({"status": "up"})", "its member status is \"up\""}, Case{R"({"status": 1})", "its member status is no text"},
        Case{R"({"status": "UP", "epoch": -1})", "its member epoch is no number"},
        Case{R"({"status": "UP", "epoch": 1.5})", "its member epoch is no number"},
        Case{R"({"status": "UP", "epoch": 18446744073709551615})", "its member epoch is no number"},
        Case{R"({"status": "UP", "session": []})", "its member session is no text"},
        Case{R"({"status": "UP", "registered_at": "yesterday"})", "its member registered_at is no time of RFC 3339"},
        Case{R"({"status": "UP", "x": {"y": {"z": {"deep": [1]}}}})", "is nested deeper than the 4 levels"},
        Case{R"({"status": "UP", "status": "UP"})", "status"}}) {
    const absl::Status status = ParseInstanceRecord(c.text).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(status.message()), HasSubstr(c.message)) << c.text;
  }
  EXPECT_THAT(std::string(ParseOverride(R"({"expires_at": "soon"})").status().message()), HasSubstr("its member expires_at"));
  EXPECT_FALSE(ParseInstanceRecord(R"({"status": "UP", "x": ")" + std::string(16 * 1024, 'x') + R"("})").ok());
}

}  // namespace
}  // namespace scoutlight::discovery
