#include "base/shown.h"

#include <string>

#include "gtest/gtest.h"

namespace scoutlight {
namespace {

TEST(Shown, TextIsPrintableAndCut) {
  EXPECT_EQ(Shown("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(Shown("\xFF"), "\"\\xff\"");
  EXPECT_EQ(Shown("\xC3\xA9"), "\"\xC3\xA9\"");
  EXPECT_EQ(Shown(std::string(80, 'x')), "\"" + std::string(80, 'x') + "\"");
  EXPECT_EQ(Shown(std::string(81, 'x')), "\"" + std::string(80, 'x') + "...\"");
}

}  // namespace
}  // namespace scoutlight
