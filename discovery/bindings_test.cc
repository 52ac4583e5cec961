#include "discovery/bindings.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::SizeIs;

std::string SchemaOf(const Bindings& bindings, absl::string_view cluster, absl::string_view service) {
  return bindings.all()[bindings.Find(cluster, service)].schema;
}

TEST(Bindings, MostSpecificOneHolds) {
  const absl::StatusOr<Bindings> bindings =
      Bindings::Create({{"*", "*", "d"}, {"*", "S", "c"}, {"C", "*", "b"}, {"C", "S", "a"}, {"X", "*", "none"}});
  ASSERT_TRUE(bindings.ok()) << bindings.status();
  EXPECT_EQ(SchemaOf(*bindings, "C", "S"), "a");
  EXPECT_EQ(SchemaOf(*bindings, "C", "T"), "b");
  EXPECT_EQ(SchemaOf(*bindings, "D", "S"), "c");
  EXPECT_EQ(SchemaOf(*bindings, "D", "T"), "d");
  EXPECT_EQ(SchemaOf(*bindings, "X", "S"), "none") << "a named cluster goes before a named service";
}

TEST(Bindings, AllHaveThePrintersLayoutUnlessSaidOtherwise) {
  EXPECT_EQ(SchemaOf(Bindings(), "C", "S"), "printers");
  const absl::StatusOr<Bindings> bindings = Bindings::Create({{"C", "S", "a"}});
  ASSERT_TRUE(bindings.ok());
  EXPECT_EQ(SchemaOf(*bindings, "C", "S"), "a");
  EXPECT_EQ(SchemaOf(*bindings, "C", "T"), "printers");
}

TEST(Bindings, MistakesAreAllTold) {
  const absl::StatusOr<Bindings> bindings = Bindings::Create({{"", "a/b", "x y"}, {"C", "S", "a"}, {"C", "S", "none"}});
  ASSERT_FALSE(bindings.ok());
  EXPECT_THAT(
      DetailsOf(bindings.status())->violations,
      ElementsAre(Field(&FieldViolation::field, "bindings[0].cluster"), Field(&FieldViolation::field, "bindings[0].service"),
                  Field(&FieldViolation::field, "bindings[0].schema"), FieldViolation{"bindings[2]", "binds the same as bindings[1]"}));
}

TEST(Bindings, CountIsBoundedInclusively) {
  std::vector<Binding> many;
  for (int i = 0; i < limits::kBindingsMax; ++i) many.push_back({absl::StrCat("c", i), "*", "a"});
  EXPECT_TRUE(Bindings::Create(many).ok());
  many.push_back({"c", "*", "a"});
  EXPECT_EQ(Bindings::Create(many).status().code(), absl::StatusCode::kInvalidArgument);
  for (Binding& binding : many) binding.schema = "x y";
  many.pop_back();
  EXPECT_THAT(DetailsOf(Bindings::Create(many).status())->violations, SizeIs(limits::kSchemaMistakesMax));
}

}  // namespace
}  // namespace scoutlight::discovery
