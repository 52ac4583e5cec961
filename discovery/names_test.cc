#include "discovery/names.h"

#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

TEST(Names, SegmentsOfKeysAreNames) {
  for (const std::string name : {"a", "Printing Services", "640da76bb2e3", "a.b:c@d", "...", "\xC3\xA9", "none"}) {
    EXPECT_EQ(ClusterFault(name), "") << name;
    EXPECT_EQ(ServiceFault(name), "") << name;
    EXPECT_EQ(InstanceIdFault(name), "") << name;
    EXPECT_EQ(PropertyNameFault(name), "") << name;
  }
  EXPECT_EQ(InstanceIdFault("*"), "");
}

TEST(Names, NothingIsCalledAsTheSystemTree) {
  for (std::string (*fault)(absl::string_view) : {ClusterFault, ServiceFault, InstanceIdFault, PropertyNameFault, SchemaNameFault}) {
    EXPECT_THAT(fault(".scoutlight"), HasSubstr("system tree"));
  }
}

TEST(Names, FaultsSayWhatIsWrong) {
  const struct {
    std::string name;
    std::string says;
  } cases[] = {
      {"", "is empty"},
      {"a/b", "slash at byte 1"},
      {".", "no segment"},
      {"..", "no segment"},
      {"a\nb", "control character at byte 1"},
      {"a\xFF", "UTF-8 at byte 1"},
  };
  for (const auto& c : cases) {
    for (std::string (*fault)(absl::string_view) : {ClusterFault, ServiceFault, InstanceIdFault, PropertyNameFault, SchemaNameFault}) {
      EXPECT_THAT(fault(c.name), HasSubstr(c.says)) << c.name;
    }
  }
  EXPECT_THAT(ClusterFault("*"), HasSubstr("all clusters"));
  EXPECT_THAT(ServiceFault("*"), HasSubstr("all services"));
}

TEST(Names, BoundsAreInclusive) {
  EXPECT_EQ(ClusterFault(std::string(limits::kNameBytesMax, 'x')), "");
  EXPECT_THAT(ClusterFault(std::string(limits::kNameBytesMax + 1, 'x')), HasSubstr("201 bytes long, at most 200"));
  EXPECT_EQ(PropertyNameFault(std::string(limits::kPropertyNameBytesMax, 'x')), "");
  EXPECT_THAT(PropertyNameFault(std::string(limits::kPropertyNameBytesMax + 1, 'x')), HasSubstr("129 bytes long, at most 128"));
}

TEST(Names, SchemaNamesAreIdentifiers) {
  EXPECT_EQ(SchemaNameFault("printers-2.x_Y"), "");
  EXPECT_THAT(SchemaNameFault("none"), HasSubstr("switches discovery off"));
  EXPECT_THAT(SchemaNameFault("a b"), HasSubstr("at byte 1"));
  EXPECT_THAT(SchemaNameFault("\xC3\xA9"), HasSubstr("at byte 0"));
}

}  // namespace
}  // namespace scoutlight::discovery
