// Bindings as they are put and listed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "discovery/system_records.h"
#include "server/discovery/schema_service_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::Binding;
using storage::K;
using ::testing::ElementsAre;

TEST_F(SchemaServiceTest, BindingIsInForceWithItsAnswer) {
  sync_.Put(K("/c/services/s/i/port"), "80");
  sync_.Put(K("/c/service/s/j/port"), "80");
  StartAndLoad();
  wire::PutBindingResponse bound;
  ASSERT_TRUE(Bind({"c", "s", "service"}, &bound).ok());
  EXPECT_TRUE(bound.applied());
  EXPECT_FALSE(bound.unchanged());
  EXPECT_NE(feed_->catalog()->Find("c", "s")->Find("j"), nullptr);
  ASSERT_TRUE(Bind({"c", "s", "service"}, &bound).ok());
  EXPECT_TRUE(bound.unchanged());
  ASSERT_TRUE(Bind({"c", "s", "none"}, &bound).ok());
  EXPECT_EQ(feed_->catalog()->Find("c", "s"), nullptr);
  ASSERT_TRUE(Bind({"c", "s", ""}, &bound).ok());
  EXPECT_FALSE(bound.unchanged());
  EXPECT_NE(feed_->catalog()->Find("c", "s")->Find("i"), nullptr);
  const Revision before = sync_.Latest();
  ASSERT_TRUE(Bind({"c", "s", ""}, &bound).ok());
  EXPECT_TRUE(bound.unchanged());
  EXPECT_EQ(sync_.Latest(), before);
}

TEST_F(SchemaServiceTest, RefusedBindingsChangeNothing) {
  StartAndLoad();
  const Revision before = sync_.Latest();
  struct Case {
    Binding binding;
    grpc::StatusCode code;
    const char* reason;
    std::vector<std::string> fields;
  };
  wire::PutBindingResponse bound;
  for (const Case& c : {Case{{"c", "s", "mine"}, grpc::StatusCode::FAILED_PRECONDITION, "SCHEMA_NOT_FOUND", {"binding.schema"}},
                        Case{{".scoutlight", "", "a b"},
                             grpc::StatusCode::INVALID_ARGUMENT,
                             "INVALID_FIELD",
                             {"binding.cluster", "binding.service", "binding.schema"}},
                        Case{{"a/b", "s", "none"}, grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"binding.cluster"}}}) {
    const Seen seen = SeenOf(Bind(c.binding, &bound));
    EXPECT_EQ(seen.code, c.code) << c.binding.cluster;
    EXPECT_EQ(seen.reason, c.reason) << c.binding.cluster;
    EXPECT_EQ(seen.fields, c.fields) << c.binding.cluster;
    EXPECT_EQ(sync_.Latest(), before);
  }
}

TEST_F(SchemaServiceTest, MostSpecificBindingsComeFirst) {
  StartAndLoad();
  EXPECT_THAT(Bindings(), ElementsAre("*/*=printers"));
  wire::PutBindingResponse bound;
  for (const Binding& binding : {Binding{"*", "s", "service"}, Binding{"d", "*", "members"}, Binding{"c", "*", "service"},
                                 Binding{"d", "a", "none"}, Binding{"", "s", "members"}}) {
    ASSERT_TRUE(Bind(binding, &bound).ok());
  }
  const auto all = ElementsAre("d/a=none", "default/s=members", "c/*=service", "d/*=members", "*/s=service", "*/*=printers");
  EXPECT_THAT(Bindings(), all);
  EXPECT_THAT(Bindings(1), all);
  EXPECT_THAT(Bindings(4), all);
  // What holds by default is not stored, and comes back when another is taken away.
  ASSERT_TRUE(Bind({"*", "*", "members"}, &bound).ok());
  EXPECT_EQ(Bindings().back(), "*/*=members");
  ASSERT_TRUE(Bind({"*", "*", "printers"}, &bound).ok());
  EXPECT_THAT(Bindings(), all);
  EXPECT_FALSE(sync_.Get(discovery::BindingKey("*", "*")).has_value());
}

}  // namespace
}  // namespace scoutlight::server
