#include <cstdlib>
#include <string>

#include "gtest/gtest.h"
#include "tests/examples/printer_programs.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

// With stubs as `./dev stubs` writes them.
class PythonTest : public ::testing::Test {
 protected:
  void SetUp() override {
    RunToEnd({kPython, getenv("STUBS"), "--protos=proto", "--tools=none", stubs_.path()});
    programs_ = {.register_itself = {kPython, getenv("REGISTER")},
                 .find = {kPython, getenv("FIND")},
                 .environment = {{"PYTHONPATH", stubs_.File("python")}},
                 .unavailable = "UNAVAILABLE"};
  }

  TempDir stubs_;
  PrinterPrograms programs_;
};

TEST_F(PythonTest, WhatRegistersItselfIsFoundUntilItLeaves) { ExpectFoundUntilItLeaves(programs_); }

TEST_F(PythonTest, WhatRegistersItselfIsSoAnewAfterARestart) { ExpectRegisteredAnewAfterRestart(programs_); }

TEST_F(PythonTest, WithoutServerTheySaySo) { ExpectWordsWithoutServer(programs_); }

}  // namespace
}  // namespace scoutlight::testing
