#include "server/log.h"

#include <gmock/gmock.h>
#include <grpc/support/log.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

namespace scoutlight::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;

// What `write` logs.
template <typename Write>
std::string Logged(LogLevel level, LogFormat format, Write write) {
  testing::internal::CaptureStderr();
  StartLog(level, format);
  write();
  return testing::internal::GetCapturedStderr();
}

TEST(Log, JsonIsOneValidObjectALine) {
  const std::string logged = Logged(LogLevel::kDebug, LogFormat::kJson, [] {
    spdlog::info("a \"quoted\"\nline");
    spdlog::warn("no text: {}", std::string("\xff"));
    spdlog::debug("last");
  });
  std::istringstream lines(logged);
  std::vector<nlohmann::json> objects;
  for (std::string line; std::getline(lines, line);) objects.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(objects.size(), 3u) << logged;
  EXPECT_EQ(objects[0]["message"], "a \"quoted\"\nline");
  EXPECT_EQ(objects[0]["level"], "info");
  EXPECT_THAT(objects[0]["time"].get<std::string>(), EndsWith("Z"));
  EXPECT_EQ(objects[1]["level"], "warn");
  EXPECT_EQ(objects[2]["level"], "debug");
}

TEST(Log, TextKeepsALineALine) {
  const std::string logged = Logged(LogLevel::kInfo, LogFormat::kText, [] { spdlog::error("forged\n2026 info line\x1b"); });
  EXPECT_THAT(logged, EndsWith("Z error forged\\n2026 info line\\x1b\n"));
}

TEST(Log, LevelHidesWhatIsBelow) {
  const std::string logged = Logged(LogLevel::kError, LogFormat::kText, [] {
    spdlog::warn("hidden");
    spdlog::error("shown");
    LogAlways("listening on HOST:PORT");
  });
  EXPECT_THAT(logged, Not(HasSubstr("hidden")));
  EXPECT_THAT(logged, HasSubstr("error shown"));
  EXPECT_THAT(logged, HasSubstr("info listening on HOST:PORT"));
}

TEST(Log, GrpcSpeaksAtDebugLevelOnly) {
  const auto write = [] { gpr_log(GPR_ERROR, "a caller provoked this"); };
  EXPECT_THAT(Logged(LogLevel::kInfo, LogFormat::kText, write), Not(HasSubstr("provoked")));
  EXPECT_THAT(Logged(LogLevel::kDebug, LogFormat::kText, write), HasSubstr("debug grpc: a caller provoked this"));
}

}  // namespace
}  // namespace scoutlight::server
