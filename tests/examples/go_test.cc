#include <cstdlib>
#include <filesystem>
#include <string>

#include "gtest/gtest.h"
#include "tests/examples/printer_programs.h"

namespace scoutlight::testing {
namespace {

// The programs that `./dev test` builds where Go and its module proxy can be had.
class GoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* tools = getenv("SCOUTLIGHT_TOOLS");
    if (tools == nullptr || !std::filesystem::exists(std::string(tools) + "/go-examples")) {
      GTEST_SKIP() << "examples/go was not built: run by ./dev test, which needs Go and its module proxy";
    }
    const std::string folder = std::string(tools) + "/go-examples/";
    programs_ = {.register_itself = {folder + "register"}, .find = {folder + "find"}, .environment = {}, .unavailable = "Unavailable"};
  }

  PrinterPrograms programs_;
};

TEST_F(GoTest, WhatRegistersItselfIsFoundUntilItLeaves) { ExpectFoundUntilItLeaves(programs_); }

TEST_F(GoTest, WhatRegistersItselfIsSoAnewAfterARestart) { ExpectRegisteredAnewAfterRestart(programs_); }

TEST_F(GoTest, WithoutServerTheySaySo) { ExpectWordsWithoutServer(programs_); }

}  // namespace
}  // namespace scoutlight::testing
