#include "discovery/claims.h"

#include <cstdlib>
#include <iostream>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "discovery/shipped_schemas.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;

std::shared_ptr<const Schema> Make(absl::string_view name, absl::string_view pattern) {
  const bool per_property = absl::string_view(pattern).find("{property}") != absl::string_view::npos;
  return std::make_shared<const Schema>(
      Schema{.name = std::string(name), .layout = Layout::Create(pattern, per_property ? "text" : "json").value()});
}

std::shared_ptr<const Claims> WithBindings(std::vector<Binding> bindings) {
  return Claims::Create(ShippedSchemas(), Bindings::Create(std::move(bindings)).value()).value();
}

// "schema cluster service instance property", "no": nobody's.
std::string ReadAs(const Claims& claims, absl::string_view path) {
  const Key key = Key::Parse(path).value();
  const std::optional<Claim> claim = claims.Read(key);
  if (!claim.has_value()) return "no";
  const KeyReading& reading = claim->reading;
  return absl::StrCat(claim->schema->name, " ", reading.cluster, " ", reading.service, " ", reading.instance, " ",
                      reading.property.value_or("-"));
}

TEST(Claims, ByDefaultAllIsInThePrintersLayout) {
  const std::shared_ptr<const Claims> claims = WithBindings({});
  EXPECT_EQ(ReadAs(*claims, "/clusterA/services/Printer/640da76bb2e3/hostname"), "printers clusterA Printer 640da76bb2e3 hostname");
  EXPECT_EQ(ReadAs(*claims, "/c/services/s/members/i"), "printers c s members i");
  EXPECT_EQ(ReadAs(*claims, "/c/service/s/i"), "no");
  EXPECT_EQ(ReadAs(*claims, "/users/own/key"), "no");
  EXPECT_EQ(ReadAs(*claims, "/"), "no");
  EXPECT_EQ(ReadAs(*claims, "/.scoutlight/services/s/i/p"), "no");
}

TEST(Claims, BindingDecidesBetweenPatternsThatReadOneKey) {
  const std::shared_ptr<const Claims> claims = WithBindings({{"c", "s", "members"}, {"c", "off", "none"}, {"d", "*", "service"}});
  EXPECT_EQ(ReadAs(*claims, "/c/services/s/members/i"), "members c s i -");
  EXPECT_EQ(ReadAs(*claims, "/c/services/s/i/port"), "no");
  EXPECT_EQ(ReadAs(*claims, "/c/services/t/members/i"), "printers c t members i");
  EXPECT_EQ(ReadAs(*claims, "/c/services/off/i/port"), "no");
  EXPECT_EQ(ReadAs(*claims, "/d/service/s/i/port"), "service d s i port");
  EXPECT_EQ(ReadAs(*claims, "/d/services/s/i/port"), "no");
  EXPECT_EQ(claims->SchemaOf("c", "off"), nullptr);
  EXPECT_EQ(claims->SchemaOf("d", "x")->name, "service");
  EXPECT_EQ(claims->FindSchema("members")->name, "members");
  EXPECT_EQ(claims->FindSchema("x"), nullptr);
}

TEST(Claims, SchemasThatCouldReadOneKeyTwoWaysAreRefusedWithBothNamed) {
  std::vector<std::shared_ptr<const Schema>> schemas = ShippedSchemas();
  schemas.push_back(Make("turned", "/{service}/services/{cluster}/{instance}/{property}"));
  const absl::StatusOr<std::shared_ptr<const Claims>> claims = Claims::Create(schemas, Bindings());
  ASSERT_EQ(claims.status().code(), absl::StatusCode::kInvalidArgument);
  const std::vector<FieldViolation> violations = DetailsOf(claims.status())->violations;
  ASSERT_EQ(violations.size(), 2u);  // With printers and with members.
  EXPECT_EQ(violations[0].field, "schemas[3].pattern");
  EXPECT_THAT(violations[0].description, HasSubstr("turned and that of printers"));
  EXPECT_THAT(violations[0].description, HasSubstr("such as /x/services/x/x/x"));
}

TEST(Claims, NamesThatAreThereTwiceOrMissingAreTold) {
  std::vector<std::shared_ptr<const Schema>> schemas = ShippedSchemas();
  schemas.push_back(schemas.front());
  const absl::StatusOr<std::shared_ptr<const Claims>> claims = Claims::Create(schemas, Bindings::Create({{"c", "*", "gone"}}).value());
  ASSERT_FALSE(claims.ok());
  EXPECT_THAT(DetailsOf(claims.status())->violations,
              ElementsAre(Field(&FieldViolation::field, "schemas[3].name"), Field(&FieldViolation::field, "bindings[0].schema")));
}

TEST(Claims, DifferentPatternsAreBoundedAndEqualOnesCountOnce) {
  std::vector<std::shared_ptr<const Schema>> schemas = ShippedSchemas();
  for (int i = 3; i < limits::kKeyPatternsMax; ++i)
    schemas.push_back(Make(absl::StrCat("s", i), absl::StrCat("/{cluster}/p", i, "/{service}/{instance}")));
  for (int i = 0; static_cast<int>(schemas.size()) < limits::kSchemasMax; ++i) {
    schemas.push_back(Make(absl::StrCat("t", i), ShippedSchemas()[0]->layout.pattern().text()));
  }
  const absl::StatusOr<std::shared_ptr<const Claims>> claims = Claims::Create(schemas, Bindings::Create({{"c", "*", "t7"}}).value());
  ASSERT_TRUE(claims.ok()) << claims.status();
  EXPECT_EQ(ReadAs(**claims, "/c/services/s/i/p"), "t7 c s i p");
  EXPECT_EQ(ReadAs(**claims, "/d/services/s/i/p"), "printers d s i p");

  schemas.back() = Make("more", "/{cluster}/more/{service}/{instance}");
  EXPECT_THAT(std::string(Claims::Create(schemas, Bindings()).status().message()), HasSubstr("more than the 32 different patterns"));
  schemas.push_back(Make("again", "/{cluster}/more/{service}/{instance}"));
  EXPECT_THAT(std::string(Claims::Create(schemas, Bindings()).status().message()), HasSubstr("1001, at most 1000"));
}

// Random keys, bindings and the plain rule: every schema is asked whether it claims the key, and at most one does.
TEST(Claims, AgreesWithAskingEverySchema) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  const std::vector<std::string> names = {"a", "b", "services", "service", "members"};
  const auto pick = [&](const std::vector<std::string>& from) { return from[random() % from.size()]; };
  for (int round = 0; round < 200; ++round) {
    absl::flat_hash_map<std::string, Binding> chosen;
    for (uint64_t i = random() % 8; i > 0; --i) {
      const std::string cluster = random() % 3 == 0 ? "*" : pick(names);
      const std::string service = random() % 3 == 0 ? "*" : pick(names);
      chosen[cluster + "/" + service] = {cluster, service, pick({"printers", "service", "members", "none"})};
    }
    std::vector<Binding> bindings;
    for (const auto& [pair, binding] : chosen) bindings.push_back(binding);
    const std::shared_ptr<const Claims> claims = WithBindings(bindings);
    for (int k = 0; k < 50; ++k) {
      std::string path;
      for (uint64_t i = 3 + random() % 4; i > 0; --i) absl::StrAppend(&path, "/", pick(names));
      const Key key = Key::Parse(path).value();
      std::string expected = "no";
      int claimed = 0;
      for (const auto& schema : ShippedSchemas()) {
        const std::optional<KeyReading> reading = schema->layout.pattern().Read(KeySegments(key));
        if (!reading.has_value() || claims->SchemaOf(reading->cluster, reading->service) != schema.get()) continue;
        ++claimed;
        expected = absl::StrCat(schema->name, " ", reading->cluster, " ", reading->service, " ", reading->instance, " ",
                                reading->property.value_or("-"));
      }
      ASSERT_LE(claimed, 1) << path << " SCOUTLIGHT_SEED=" << seed;
      ASSERT_EQ(ReadAs(*claims, path), expected) << path << " SCOUTLIGHT_SEED=" << seed;
    }
  }
}

}  // namespace
}  // namespace scoutlight::discovery
