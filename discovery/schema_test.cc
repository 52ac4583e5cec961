#include "discovery/schema.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(Schema, CheckFindsEveryMistake) {
  Schema schema = *ShippedSchemas().front();
  schema.name = "a b";
  schema.version = 0;
  schema.strategy = "roundrobin";
  schema.slow_start = absl::Hours(25);
  schema.properties.definitions["x/y"] = {};
  schema.properties.definitions["zz"] = {.type = PropertyType::kEnum};
  EXPECT_THAT(CheckSchema(schema),
              ElementsAre(Field(&FieldViolation::field, "name"), Field(&FieldViolation::field, "version"),
                          Field(&FieldViolation::field, "strategy"), Field(&FieldViolation::field, "slow_start"),
                          Field(&FieldViolation::field, "properties[\"x/y\"]"), Field(&FieldViolation::field, "properties.zz.values")));
}

TEST(Schema, PropertiesAndMistakesAreBounded) {
  Schema schema = *ShippedSchemas().front();
  schema.properties.definitions.clear();
  for (int i = 0; i < limits::kPropertiesMax; ++i) schema.properties.definitions[absl::StrCat(i)] = {};
  EXPECT_THAT(CheckSchema(schema), IsEmpty());
  for (auto& [name, definition] : schema.properties.definitions) definition.min = "1";
  EXPECT_THAT(CheckSchema(schema), SizeIs(limits::kSchemaMistakesMax));
  schema.properties.definitions["one more"] = {};
  EXPECT_THAT(CheckSchema(schema), ElementsAre(FieldViolation{"properties", "are 257, at most 256 are allowed"}));
}

// What CheckInstance and the schema find comes together, each property once.
TEST(Schema, InstancesAreToldEverythingThatIsWrong) {
  Schema schema = *ShippedSchemas().front();
  schema.properties.definitions["port"].required = true;
  schema.properties.extra_allowed = false;
  const std::string long_value(limits::kPropertyValueBytesMax + 1, 'x');
  Properties many;
  for (int i = 0; i <= limits::kPropertiesMax; ++i) many[absl::StrCat(i)] = "";
  const struct {
    const char* what;
    InstanceName name;
    Properties properties;
    std::vector<std::string> fields;
  } cases[] = {
      {"nothing", {"c", "s", "i"}, {{"port", "80"}}, {}},
      {"all kinds", {"*", "s", ".."}, {{"port", "80001"}, {"weight", "-1"}}, {"cluster", "id", "properties.port", "properties.weight"}},
      {"what is missing", {"c", "", "i"}, {}, {"service", "properties.port"}},
      {"no name", {"c", "s", "i"}, {{"a/b", "x"}, {"port", "80"}}, {"properties[\"a/b\"]"}},
      {"not allowed", {"c", "s", "i"}, {{"extra", "x"}, {"port", "80"}}, {"properties.extra"}},
      {"too long, and no port", {"c", "s", "i"}, {{"port", long_value}}, {"properties.port"}},
      {"too many", {"c", "s", "i"}, many, {"properties"}},
  };
  for (const auto& one : cases) {
    std::vector<std::string> fields;
    for (const FieldViolation& violation : CheckInstanceUnder(schema, one.name, one.properties)) fields.push_back(violation.field);
    EXPECT_EQ(fields, one.fields) << one.what;
  }
}

TEST(ShippedSchemas, AreSoundAndCanBeBoundTogether) {
  ASSERT_THAT(ShippedSchemas(), SizeIs(3));
  EXPECT_EQ(ShippedSchemas().front()->name, kDefaultSchema);
  for (const auto& a : ShippedSchemas()) {
    EXPECT_THAT(CheckSchema(*a), IsEmpty());
    for (const auto& b : ShippedSchemas()) {
      EXPECT_EQ(KeyPattern::FindAmbiguity(a->layout.pattern(), b->layout.pattern()), std::nullopt) << a->name << " " << b->name;
    }
  }
}

TEST(ShippedSchemas, TakeThePrinterOfTheFirstExample) {
  const Schema& printers = *ShippedSchemas().front();
  const Properties printer = {{"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}, {"colour", "yes"}};
  EXPECT_THAT(printers.properties.Validate(printer), IsEmpty());
  EXPECT_THAT(printers.properties.Validate({{"port", "0"}, {"weight", "-1"}, {"health", "ill"}, {"reliability", "1.1"}}), SizeIs(4));
  const std::vector<KeyValue> entries = printers.layout.Encode({"clusterA", "Printer", "640da76bb2e3"}, printer);
  ASSERT_THAT(entries, SizeIs(4));
  EXPECT_EQ(entries[1].key.path(), "/clusterA/services/Printer/640da76bb2e3/hostname");
  EXPECT_EQ(entries[1].value.bytes, "192.168.1.101");
}

}  // namespace
}  // namespace scoutlight::discovery
