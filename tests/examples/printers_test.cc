#include <signal.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "gtest/gtest.h"
#include "tests/support/deadline.h"
#include "tests/support/faulty_proxy.h"
#include "tests/support/process.h"
#include "tests/support/server_process.h"

namespace scoutlight::testing {
namespace {

TEST(PrintersTest, WhatRegistersItselfIsFoundUntilItLeaves) {
  const std::unique_ptr<ServerProcess> server = StartServer({.flags = {"--store=memory"}});
  Process printer({.command = {getenv("REGISTER"), server->address(), "laser"}});
  ASSERT_TRUE(WaitUntil([&] { return printer.output() == "registered laser\n"; })) << printer.errors();
  EXPECT_EQ(RunToEnd({getenv("FIND"), server->address()}), "laser at 127.0.0.1:8001\n");

  printer.Signal(SIGTERM);
  ASSERT_EQ(printer.WaitForExit(), Exit{.code = 0}) << printer.errors();
  EXPECT_EQ(printer.output(), "registered laser\nleft in peace\n");
  Process nobody({.command = {getenv("FIND"), server->address()}});
  EXPECT_EQ(nobody.WaitForExit(), Exit{.code = 1});
  EXPECT_NE(nobody.errors().find("NOT_FOUND"), std::string::npos) << nobody.errors();
}

TEST(PrintersTest, WhatIsRegisteredOutlivesTheServerAndItsDataAndGoesWhenItIsKilled) {
  std::unique_ptr<ServerProcess> server = StartServer({.flags = {"--store=memory"}});
  FaultyProxy registry(server->address());
  const auto find = [&registry] {
    Process finder({.command = {getenv("FIND"), registry.address()}});
    EXPECT_TRUE(finder.WaitForExit().has_value());
    return finder.output() + finder.errors();
  };
  Process printer({.command = {getenv("REGISTER"), registry.address(), "laser"}});
  ASSERT_TRUE(WaitUntil([&] { return printer.output() == "registered laser\n"; })) << printer.errors();
  server->Kill();
  server = StartServer({.flags = {"--store=memory"}});
  registry.SetTarget(server->address());
  EXPECT_TRUE(WaitUntil([&] { return find() == "laser at 127.0.0.1:8001\n"; }));
  printer.Signal(SIGKILL);
  EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(find(), "NOT_FOUND"); }, 2 * kSoon));
}

TEST(PrintersTest, WithoutServerTheySaySo) {
  Process nobody({.command = {getenv("FIND"), "127.0.0.1:1"}});
  EXPECT_EQ(nobody.WaitForExit(), Exit{.code = 1});
  EXPECT_NE(nobody.errors().find("UNAVAILABLE"), std::string::npos) << nobody.errors();
  Process wrong({.command = {getenv("REGISTER"), "nowhere"}});
  EXPECT_EQ(wrong.WaitForExit(), Exit{.code = 2});
}

}  // namespace
}  // namespace scoutlight::testing
