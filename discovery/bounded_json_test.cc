#include "discovery/bounded_json.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

// The violated fields with what is wrong; empty: none.
std::string Mistakes(absl::string_view text, const JsonBounds& bounds = {.bytes_max = 100, .depth_max = 3}) {
  const absl::StatusOr<nlohmann::json> json = ParseBoundedJson(text, bounds, "document");
  return json.ok() ? "" : std::string(json.status().message());
}

TEST(BoundedJson, BoundsAreInclusive) {
  EXPECT_EQ(Mistakes("[[[]]]"), "");
  EXPECT_EQ(Mistakes("[[[7]]]"), "");
  EXPECT_EQ(Mistakes("[[[[]]]]"), "document: is nested deeper than the 3 levels allowed");
  EXPECT_EQ(Mistakes("{\"a\":{\"b\":{\"c\":{}}}}"), "document: is nested deeper than the 3 levels allowed");
  EXPECT_EQ(Mistakes("[]", {.bytes_max = 2, .depth_max = 1}), "");
  EXPECT_EQ(Mistakes("[ ]", {.bytes_max = 2, .depth_max = 1}), "document: is 3 bytes long, at most 2 are allowed");
  EXPECT_NE(Mistakes(std::string(100'000, '['), {.bytes_max = 100'000, .depth_max = 8}), "");
}

TEST(BoundedJson, WhatIsNoJsonIsToldWithItsPlace) {
  EXPECT_EQ(Mistakes("{\"a\":1,}"), "document: is no JSON: mistake at byte 8");
  EXPECT_EQ(Mistakes("{} x"), "document: is no JSON: mistake at byte 4");
  EXPECT_EQ(Mistakes(""), "document: is no JSON: mistake at byte 1");
  EXPECT_NE(Mistakes("\"\xFF\""), "");
  EXPECT_NE(Mistakes("1e999"), "");
}

TEST(BoundedJson, MembersThatAreThereTwiceAreAllNamed) {
  EXPECT_EQ(Mistakes("{\"a\":{\"b\":1,\"b\":2},\"c\":{\"b\":1},\"a\":3}"), "document.a.b: is there twice; document.a: is there twice");
  EXPECT_EQ(Mistakes("[{\"x y\":1},{\"x y\":1,\"x y\":2}]"), "document[\"x y\"]: is there twice");
}

TEST(BoundedJson, PathsQuoteWhatIsNoPlainName) {
  EXPECT_EQ(JsonMemberPath("", "a"), "a");
  EXPECT_EQ(JsonMemberPath("a", "b-c_1"), "a.b-c_1");
  EXPECT_EQ(JsonMemberPath("a", "b.c"), "a[\"b.c\"]");
}

}  // namespace
}  // namespace scoutlight::discovery
