#include "discovery/schema_breaks.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

Schema With(int version, absl::btree_map<std::string, PropertyDefinition> definitions, bool extra_allowed = false) {
  Schema schema = *ShippedSchemas().front();
  schema.version = version;
  schema.properties = {.definitions = std::move(definitions), .extra_allowed = extra_allowed};
  EXPECT_THAT(CheckSchema(schema), IsEmpty());
  return schema;
}

std::string Breaks(const PropertyDefinition& before, const PropertyDefinition& after) {
  std::string fields;
  for (const FieldViolation& found : FindBreaks(With(1, {{"p", before}}), With(2, {{"p", after}})))
    absl::StrAppend(&fields, found.field, " ");
  return fields;
}

TEST(SchemaBreaks, PropertiesMayWidenAndNotNarrow) {
  using D = PropertyDefinition;
  using T = PropertyType;
  const Regex a = *Regex::Parse("a+");
  const Regex b = *Regex::Parse("b+");
  const struct {
    D before;
    D after;
    std::string breaks;
  } cases[] = {
      {{.type = T::kPort}, {.type = T::kPort}, ""},
      {{.type = T::kPort}, {.type = T::kInteger}, ""},
      {{.type = T::kPort}, {.type = T::kInteger, .min = "1", .max = "65535"}, ""},
      {{.type = T::kPort}, {.type = T::kInteger, .min = "2"}, "properties.p.min "},
      {{.type = T::kInteger}, {.type = T::kPort}, "properties.p.type "},
      {{.type = T::kInteger}, {.type = T::kNumber}, ""},
      {{.type = T::kNumber}, {.type = T::kInteger}, "properties.p.type "},
      {{.type = T::kUrl}, {.type = T::kString}, ""},
      {{.type = T::kString}, {.type = T::kUrl}, "properties.p.type "},
      {{.type = T::kString}, {.type = T::kEnum, .values = {"a"}}, "properties.p.type "},
      {{.type = T::kEnum, .values = {"a", "b"}}, {.type = T::kEnum, .values = {"b", "c", "a"}}, ""},
      {{.type = T::kEnum, .values = {"a", "b"}}, {.type = T::kEnum, .values = {"b"}}, "properties.p.values "},
      {{.type = T::kEnum, .values = {"1", "2"}}, {.type = T::kInteger, .max = "1"}, "properties.p.type "},
      {{.type = T::kEnum, .values = {"1", "2"}}, {.type = T::kInteger, .max = "2"}, ""},
      {{.type = T::kInteger, .min = "0", .max = "9"}, {.type = T::kInteger, .min = "-1", .max = "10"}, ""},
      {{.type = T::kInteger, .min = "0", .max = "9"}, {.type = T::kInteger, .min = "1", .max = "8"}, "properties.p.min properties.p.max "},
      {{.type = T::kInteger}, {.type = T::kInteger, .max = "8"}, "properties.p.max "},
      {{.type = T::kInteger, .max = "8"}, {.type = T::kInteger}, ""},
      {{.pattern = a}, {.pattern = a}, ""},
      {{.pattern = a}, {}, ""},
      {{}, {.pattern = a}, "properties.p.pattern "},
      {{.pattern = a}, {.pattern = b}, "properties.p.pattern "},
      {{}, {.required = true}, "properties.p.required "},
      {{.required = true}, {}, ""},
      {{}, {.required = true, .default_value = "x"}, ""},
      {{.required = true, .default_value = "x"}, {.required = true}, "properties.p.required "},
      {{.required = true, .default_value = "x"}, {.required = true, .default_value = "y"}, ""},
      {{}, {.default_value = "x"}, ""},
      {{.default_value = "x"}, {.default_value = "y"}, ""},
      {{.default_value = "x"}, {}, ""},
      {{.required = true}, {.default_value = "x"}, ""},
  };
  for (const auto& c : cases)
    EXPECT_EQ(Breaks(c.before, c.after), c.breaks) << PropertyTypeText(c.before.type) << " to " << PropertyTypeText(c.after.type);
}

TEST(SchemaBreaks, LayoutIsForGoodAndVersionsGrow) {
  const Schema& printers = *ShippedSchemas()[0];
  Schema next = *ShippedSchemas()[2];
  EXPECT_THAT(FindBreaks(printers, next),
              ElementsAre(Field(&FieldViolation::field, "name"), Field(&FieldViolation::field, "version"),
                          Field(&FieldViolation::field, "pattern"), Field(&FieldViolation::field, "serializer")));
  next = printers;
  next.version = 2;
  EXPECT_THAT(FindBreaks(printers, next), IsEmpty());
}

TEST(SchemaBreaks, ExtraPropertiesCountAsAnything) {
  const PropertyDefinition port = {.type = PropertyType::kPort};
  EXPECT_THAT(FindBreaks(With(1, {}, true), With(2, {{"p", port}}, true)), ElementsAre(Field(&FieldViolation::field, "properties.p.type")));
  EXPECT_THAT(FindBreaks(With(1, {}, false), With(2, {{"p", port}}, false)), IsEmpty());
  EXPECT_THAT(FindBreaks(With(1, {}, true), With(2, {}, false)), ElementsAre(Field(&FieldViolation::field, "extra_properties")));
  EXPECT_THAT(FindBreaks(With(1, {{"p", port}}, false), With(2, {}, false)), ElementsAre(Field(&FieldViolation::field, "properties.p")));
  EXPECT_THAT(FindBreaks(With(1, {{"p", port}}, false), With(2, {}, true)), IsEmpty());
}

}  // namespace
}  // namespace scoutlight::discovery
