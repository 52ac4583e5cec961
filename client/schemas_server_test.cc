#include "client/schemas.h"

#include <string>
#include <vector>

#include "base/error.h"
#include "client/testing/server.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kDevices[] = R"({"name": "devices", "pattern": "/{cluster}/devices/{service}/{instance}/{property}"})";

class SchemasServerTest : public ::testing::Test {
 protected:
  ::scoutlight::testing::Server server;
  Connection connection = server.Connect();
  Schemas schemas{connection};
};

TEST_F(SchemasServerTest, ASchemaIsPutReadAndDeleted) {
  const absl::StatusOr<PutSchemaResult> put = schemas.Put(kDevices);
  ASSERT_TRUE(put.ok()) << put.status();
  EXPECT_EQ(put->version, 1);
  EXPECT_TRUE(put->applied);
  EXPECT_FALSE(put->unchanged);
  EXPECT_TRUE(schemas.Put(put->document)->unchanged);
  const absl::StatusOr<GetSchemaResult> got = schemas.Get("devices");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(got->schema.document, put->document);
  EXPECT_FALSE(got->schema.shipped);
  std::vector<std::string> names;
  const absl::StatusOr<ListSchemasResult> listed = schemas.List();
  ASSERT_TRUE(listed.ok()) << listed.status();
  for (const StoredSchema& schema : listed->schemas) names.push_back(schema.name);
  EXPECT_THAT(names, ElementsAre("devices", "members", "printers", "service"));
  EXPECT_TRUE(schemas.Delete("devices")->found);
  EXPECT_FALSE(schemas.Delete("devices")->found);
  EXPECT_EQ(ReasonOf(schemas.Get("devices").status()), Reason::kSchemaNotFound);
  EXPECT_EQ(ReasonOf(schemas.Delete("printers").status()), Reason::kSchemaShipped);
}

TEST_F(SchemasServerTest, ACheckNamesMistakesAndBreaks) {
  ASSERT_TRUE(schemas.Put(kDevices).ok());
  EXPECT_THAT(schemas.Check(kDevices)->mistakes, IsEmpty());
  const absl::StatusOr<CheckSchemaResult> mistaken = schemas.Check(R"({"name": "devices", "pattern": "/{cluster}"})");
  ASSERT_TRUE(mistaken.ok()) << mistaken.status();
  ASSERT_FALSE(mistaken->mistakes.empty());
  EXPECT_EQ(mistaken->mistakes[0].field, "pattern");
  EXPECT_EQ(mistaken->document, "");
  const absl::StatusOr<CheckSchemaResult> broken =
      schemas.Check(R"({"name": "devices", "pattern": "/{cluster}/others/{service}/{instance}/{property}"})");
  ASSERT_TRUE(broken.ok()) << broken.status();
  EXPECT_THAT(broken->mistakes, IsEmpty());
  ASSERT_FALSE(broken->breaks.empty());
  EXPECT_EQ(broken->breaks[0].field, "pattern");
}

TEST_F(SchemasServerTest, BindingsAreMadeListedAndTakenBack) {
  ASSERT_TRUE(schemas.Put(kDevices).ok());
  const discovery::Binding bound{"default", "Printer", "devices"};
  EXPECT_FALSE(schemas.PutBinding(bound)->unchanged);
  EXPECT_TRUE(schemas.PutBinding(bound)->unchanged);
  EXPECT_THAT(schemas.ListBindings()->bindings, ElementsAre(bound, discovery::Binding{"*", "*", "printers"}));
  EXPECT_EQ(ReasonOf(schemas.Delete("devices").status()), Reason::kSchemaInUse);
  EXPECT_EQ(ReasonOf(schemas.PutBinding({"default", "Printer", "nothing"}).status()), Reason::kSchemaNotFound);
  ASSERT_TRUE(schemas.PutBinding({"default", "Printer", ""}).ok());
  EXPECT_THAT(schemas.ListBindings()->bindings, ElementsAre(discovery::Binding{"*", "*", "printers"}));
}

}  // namespace
}  // namespace scoutlight
