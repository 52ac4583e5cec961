#include "discovery/schema_document.h"

#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr absl::string_view kDocument = R"({
  "name": "labels", "version": 2,
  "pattern": "/{cluster}/services/{service}/{instance}/{property}",
  "serializer": "text",
  "properties": {"port": {"type": "port", "required": true, "min": 1024},
                 "protocol": {"type": "enum", "values": ["http", "https"], "default": "http"},
                 "tls": {"type": "boolean", "default": false},
                 "wait": {"type": "duration", "max": "1m"},
                 "asset": {"pattern": "[0-9]{6}"}},
  "extra_properties": false,
  "strategy": "least_used",
  "slow_start": "1m30s"
})";

// The violated fields of a document that is refused.
std::vector<std::string> Fields(absl::string_view text) {
  const absl::StatusOr<Schema> schema = ParseSchemaDocument(text);
  std::vector<std::string> fields;
  if (schema.ok()) return fields;
  EXPECT_EQ(schema.status().code(), absl::StatusCode::kInvalidArgument);
  const std::optional<ErrorDetails> details = DetailsOf(schema.status());
  for (const FieldViolation& violation : details->violations) fields.push_back(violation.field);
  return fields;
}

TEST(SchemaDocument, IsReadAsWritten) {
  const absl::StatusOr<Schema> schema = ParseSchemaDocument(kDocument);
  ASSERT_TRUE(schema.ok()) << schema.status();
  EXPECT_EQ(schema->name, "labels");
  EXPECT_EQ(schema->version, 2);
  EXPECT_EQ(schema->strategy, "least_used");
  EXPECT_EQ(schema->slow_start, absl::Seconds(90));
  EXPECT_FALSE(schema->properties.extra_allowed);
  const auto& definitions = schema->properties.definitions;
  ASSERT_THAT(definitions, SizeIs(5));
  EXPECT_EQ(definitions.at("port"), (PropertyDefinition{.type = PropertyType::kPort, .required = true, .min = "1024"}));
  EXPECT_EQ(definitions.at("protocol"),
            (PropertyDefinition{.type = PropertyType::kEnum, .default_value = "http", .values = {"http", "https"}}));
  EXPECT_EQ(definitions.at("tls"), (PropertyDefinition{.type = PropertyType::kBoolean, .default_value = "false"}));
  EXPECT_EQ(definitions.at("asset").pattern->text(), "[0-9]{6}");
}

TEST(SchemaDocument, WrittenOnesReadAsEqualSchemas) {
  std::vector<Schema> schemas = {ParseSchemaDocument(kDocument).value()};
  for (const auto& shipped : ShippedSchemas()) schemas.push_back(*shipped);
  schemas[0].properties.definitions["n"] = {.type = PropertyType::kNumber, .default_value = "0.50", .min = "-1e3"};
  schemas[0].properties.definitions["i"] = {.type = PropertyType::kInteger, .default_value = "007", .max = "9223372036854775807"};
  for (const Schema& schema : schemas) {
    const std::string document = SchemaDocument(schema);
    const absl::StatusOr<Schema> read = ParseSchemaDocument(document);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, schema) << document;
    EXPECT_EQ(SchemaDocument(*read), document);
  }
}

TEST(SchemaDocument, EveryMistakeIsToldAtOnceWithItsPath) {
  EXPECT_THAT(Fields(
                  R"({"version": 0, "pattern": "/{cluster}", "serializer": "xml", "extra_properties": 1, "strategy": 7,
                        "slow_start": 30, "colour": "red",
                        "properties": {"a": {"type": "colour"}, "b": {"type": "integer", "min": "x", "max": 1},
                                       "c": {"pattern": "("}, "d": 7, "e": {"values": ["x", 1], "size": 3}, "f.g": {"min": null}}})"),
              ElementsAre("name", "version", "pattern", "serializer", "properties.a.type", "properties.b.min", "properties.c.pattern",
                          "properties.d", "properties.e.values[1]", "properties.e.size", "properties[\"f.g\"].min", "extra_properties",
                          "strategy", "slow_start", "colour"));
  EXPECT_THAT(Fields(R"({"name": "none", "pattern": 7, "version": 18446744073709551615})"), ElementsAre("name", "version", "pattern"));
  for (const char* slow_start : {"soon", "-1s", "24h1s", "inf", ""}) {
    EXPECT_THAT(Fields(absl::StrCat(R"({"name": "x", "pattern": "/{cluster}/{service}/{instance}/{property}", "slow_start": ")", slow_start,
                                    "\"}")),
                ElementsAre("slow_start"))
        << slow_start;
  }
  EXPECT_THAT(Fields(R"({"name": "x", "pattern": "/{cluster}", "properties": {"a/b": {}}, "strategy": "fastest"})"),
              ElementsAre("pattern", "properties[\"a/b\"]", "strategy"));
}

TEST(SchemaDocument, WhatIsNoDocumentIsToldSo) {
  EXPECT_THAT(Fields("[]"), ElementsAre("document", "name", "pattern"));
  EXPECT_THAT(Fields("{"), ElementsAre("document"));
  EXPECT_THAT(Fields(""), ElementsAre("document"));
  EXPECT_EQ(ParseSchemaDocument("").status().message(), "document: is missing or empty, a JSON object is wanted");
  EXPECT_THAT(Fields(R"({"name": "a", "name": "b"})"), ElementsAre("name"));
  EXPECT_THAT(Fields(std::string(limits::kSchemaDocumentBytesMax + 1, ' ')), ElementsAre("document"));
  EXPECT_THAT(Fields(std::string(limits::kSchemaDocumentDepthMax + 1, '[')), ElementsAre("document"));
}

TEST(SchemaDocument, LargestOnesAreStillRead) {
  std::string document(kDocument);
  document.append(limits::kSchemaDocumentBytesMax - document.size(), ' ');
  EXPECT_TRUE(ParseSchemaDocument(document).ok());
}

TEST(SchemaDocument, MistakesAreBounded) {
  std::string document = R"({"name": "x", "pattern": "/{cluster}/{service}/{instance}[/{property}]")";
  for (int i = 0; i < limits::kSchemaMistakesMax + 10; ++i) absl::StrAppend(&document, ", \"m", i, "\": 1");
  EXPECT_THAT(Fields(document + "}"), SizeIs(limits::kSchemaMistakesMax));
}

TEST(SchemaDocument, OfTooManyPropertiesNoneIsRead) {
  const auto with = [](int properties) {
    std::string document = R"({"name": "x", "pattern": "/{cluster}/{service}/{instance}[/{property}]", "properties": {)";
    for (int i = 0; i < properties; ++i) absl::StrAppend(&document, i == 0 ? "" : ", ", R"("p)", i, R"(": {"pattern": "("})");
    return document + "}}";
  };
  EXPECT_THAT(Fields(with(limits::kPropertiesMax + 1)), ElementsAre("properties"));
  EXPECT_THAT(Fields(with(limits::kPropertiesMax)), SizeIs(limits::kSchemaMistakesMax));
}

// Damaged documents are refused or read; nothing else happens.
TEST(SchemaDocument, DamagedOnesDoNoHarm) {
  for (uint64_t seed = 1; seed <= 3000; ++seed) {
    std::mt19937_64 random(seed);
    std::string document(kDocument);
    for (uint64_t i = 0; i < 1 + random() % 4; ++i) {
      const size_t at = random() % document.size();
      if (random() % 2 == 0) {
        document[at] = "{}[]\",:0a\\\xFF"[random() % 11];
      } else {
        document.erase(at, 1 + random() % 8);
      }
    }
    const absl::StatusOr<Schema> schema = ParseSchemaDocument(document);
    if (!schema.ok()) continue;
    EXPECT_EQ(ParseSchemaDocument(SchemaDocument(*schema)).value(), *schema) << "seed " << seed;
  }
}

}  // namespace
}  // namespace scoutlight::discovery
