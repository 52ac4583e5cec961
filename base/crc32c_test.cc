#include "base/crc32c.h"

#include <gtest/gtest.h>

#include <string>

namespace scoutlight {
namespace {

// RFC 3720 appendix B.4, and the check value of the catalogues of CRCs.
TEST(Crc32c, GivesThePublishedSums) {
  EXPECT_EQ(Crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(Crc32c(std::string(32, '\xff')), 0x62a8ab43u);
  std::string rising;
  for (char c = 0; c < 32; ++c) rising.push_back(c);
  EXPECT_EQ(Crc32c(rising), 0x46dd794eu);
  EXPECT_EQ(Crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(Crc32c(""), 0u);
}

}  // namespace
}  // namespace scoutlight
