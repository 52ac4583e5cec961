// That nobody adds a bound which operators are not shown.

#include "base/limits_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"

namespace scoutlight::limits {
namespace {

// Units, and bounds of how the server works inside, at which nobody is refused anything.
const std::set<std::string> kExceptions = {
    "kKiB",
    "kMiB",
    "kErrorMessageBytesMax",
    "kErrorViolationsBytesMax",
    "kBatchTransactionsMax",
    "kBatchBytesMax",
    "kInlineEntriesMax",
    "kInlineStoredMax",
    "kInlineRegexWorkMax",
    "kReaderThreads",
    "kSnapshotReadsMax",
    "kRegexMemoryBytesMax",
    "kBringUpRoundsMax",
    "kRecentBatchesMax",
    "kRecentBytesMax",
    "kSessionChangesMax",
    "kWeightSlotsMax",
    "kCallerBytesMax",
};

struct Declared {
  std::string type;
  std::string name;
};

std::vector<Declared> DeclaredLimits() {
  const char* const folder = std::getenv("TEST_SRCDIR");
  const char* const workspace = std::getenv("TEST_WORKSPACE");
  const std::string path = folder == nullptr ? "base/limits.h" : std::string(folder) + "/" + workspace + "/base/limits.h";
  std::ifstream file(path);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const std::regex constant(R"(constexpr\s+(\S+)\s+(k\w+)\s*[={])");
  std::vector<Declared> declared;
  for (std::sregex_iterator it(text.begin(), text.end(), constant); it != std::sregex_iterator(); ++it) {
    declared.push_back({(*it)[1], (*it)[2]});
  }
  return declared;
}

std::map<std::string, int64_t> Shown() {
  std::map<std::string, int64_t> shown;
  for (const NamedLimit& limit : Table()) EXPECT_TRUE(shown.emplace(limit.name, limit.value).second) << limit.name << " is there twice";
  return shown;
}

TEST(LimitsTable, HasEveryConstantOfLimitsButTheExceptions) {
  const std::vector<Declared> declared = DeclaredLimits();
  ASSERT_GT(declared.size(), 100U) << "limits.h was not read";
  std::set<std::string> wanted;
  std::set<std::string> exceptions;
  for (const Declared& one : declared) {
    if (kExceptions.contains(one.name)) {
      exceptions.insert(one.name);
    } else {
      wanted.insert(NameOf(one.name) + (one.type == "absl::Duration" ? "_ms" : ""));
    }
  }
  std::set<std::string> shown;
  for (const auto& [name, value] : Shown()) shown.insert(name);
  EXPECT_EQ(shown, wanted);
  EXPECT_EQ(exceptions, kExceptions) << "an exception is no constant of limits.h";
}

TEST(LimitsTable, NamesAndValuesAreThoseOfTheConstants) {
  const std::map<std::string, int64_t> shown = Shown();
  EXPECT_EQ(shown.at("key_bytes_max"), 1024);
  EXPECT_EQ(shown.at("lease_ttl_max_ms"), 24 * 3'600 * 1'000);
  EXPECT_EQ(shown.at("heartbeat_min_ms"), 100);
  EXPECT_EQ(shown.at("answer_bytes_max"), static_cast<int64_t>(kAnswerBytesMax));
}

}  // namespace
}  // namespace scoutlight::limits
