#include "cli/progress.h"

#include <gtest/gtest.h>

namespace scoutlight::cli {
namespace {

using Unit = Progress::Unit;

TEST(Progress, SaysHowMuchAndHowFast) {
  EXPECT_EQ(ProgressText("importing", Unit::kEntries, 1, std::nullopt, absl::ZeroDuration()), "importing: 1 entry");
  EXPECT_EQ(ProgressText("importing", Unit::kEntries, 1'500, 0.345, absl::Seconds(3)), "importing: 1500 entries, 34 %, 500/s");
  EXPECT_EQ(ProgressText("importing", Unit::kEntries, 0, 1.5, absl::ZeroDuration()), "importing: 0 entries, 100 %");
  EXPECT_EQ(ProgressText("backing up", Unit::kBytes, 1'023, std::nullopt, absl::ZeroDuration()), "backing up: 1023 B");
  EXPECT_EQ(ProgressText("backing up", Unit::kBytes, 3 << 20, std::nullopt, absl::Seconds(2)), "backing up: 3.0 MiB, 1.5 MiB/s");
  EXPECT_EQ(ProgressText("backing up", Unit::kBytes, int64_t{5} << 40, std::nullopt, absl::ZeroDuration()), "backing up: 5120.0 GiB");
}

}  // namespace
}  // namespace scoutlight::cli
