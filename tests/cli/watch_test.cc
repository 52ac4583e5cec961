// The verbs that go on until they are told to stop.
#include <signal.h>

#include "tests/cli/shell.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

using WatchTest = ShellTest;

TEST_F(WatchTest, AKeyIsWatchedUntilASignalAndThatIsSuccess) {
  Shown("scoutctl kv put /office/host 10.0.0.1");
  const auto watch = Start("scoutctl kv watch /office --scope subtree --snapshot");
  WaitForOutput(watch.get(), "/office/host");
  Shown("scoutctl kv put /office/host 10.0.0.2; scoutctl kv put /office/port 80; scoutctl kv delete /office --recursive --yes");
  WaitForOutput(watch.get(), "/office/port\n");
  EXPECT_EQ(Interrupt(watch.get()),
            "snapshot  2  /office/host  10.0.0.1\n"
            "put       3  /office/host  10.0.0.2\n"
            "put       4  /office/port  80\n"
            "delete    5  /office/host\n"
            "delete    5  /office/port\n");
}

TEST_F(WatchTest, EventsAreOneJsonObjectALine) {
  Shown("scoutctl kv put /a 1; scoutctl kv put /b 2");
  const auto watch = Start("scoutctl kv watch /a --snapshot -o json");
  WaitForOutput(watch.get(), "snapshot_end");
  Shown("scoutctl kv put /b 3; scoutctl kv put /a 2; scoutctl kv delete /a");
  WaitForOutput(watch.get(), "delete");
  watch->Signal(SIGTERM);
  EXPECT_EQ(watch->WaitForExit(), Exit{.code = 0});
  EXPECT_EQ(Masked(watch->output()), R"({"type":"reset","cause":"asked","store_id":"STORE"}
{"type":"snapshot","revision":2,"key":"/a","create_revision":2,"version":1,"value":"1"}
{"type":"snapshot_end","revision":3,"store_id":"STORE"}
{"type":"put","revision":5,"key":"/a","create_revision":2,"version":2,"value":"2","committed":"TIME"}
{"type":"delete","revision":6,"key":"/a","cause":"write","committed":"TIME"}
)");
  EXPECT_EQ(watch->errors(), "");
}

TEST_F(WatchTest, FromARevisionOnAndNamesAlone) {
  Shown("scoutctl kv put /a 1; scoutctl kv put /a 2; scoutctl kv put /a 3");
  const auto watch = Start("scoutctl kv watch /a --from 3 -o name");
  WaitForOutput(watch.get(), "/a\n/a\n");
  EXPECT_EQ(Interrupt(watch.get()), "/a\n/a\n");
}

TEST_F(WatchTest, AnotherStoreIsSaidToBeOne) {
  Shown("scoutctl kv put /a old");
  const auto watch = Start("scoutctl kv watch /a --snapshot");
  WaitForOutput(watch.get(), "old");
  ReplaceServer();
  Shown("scoutctl kv put /a new");
  WaitForOutput(watch.get(), "new");
  const std::string all = Interrupt(watch.get());
  EXPECT_NE(all.find("reset     -  replaced\n"), std::string::npos) << all;
  EXPECT_NE(all.find("! this is another store now: what follows is its state\n"), std::string::npos) << all;
}

TEST_F(WatchTest, WhatCannotBeWatchedEndsAtOnce) {
  Shows("scoutctl kv watch office//host", R"(
! scoutctl: invalid argument: key: "office//host" has an empty segment at byte 8 (INVALID_KEY)
[exit 2]
)");
  Shows("scoutctl kv watch /a --scope all", R"(
! scoutctl: invalid argument: --scope: must be one of key|children|subtree, is "all"; see scoutctl kv watch --help
[exit 2]
)");
  Shows("scoutctl service watch Printer --filter 'age < 1h'", R"(
! scoutctl: invalid argument: filter: at column 1 (byte 0): `age` is not allowed here: it changes all the time (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(WatchTest, AReaderThatHasEnoughEndsIt) {
  Shown("scoutctl kv put /a 1");
  Shows("scoutctl kv watch /a --snapshot | head -1; echo ${PIPESTATUS[0]}", R"(
snapshot  2  1
0
)");
}

TEST_F(WatchTest, AServiceIsWatchedThroughAFilter) {
  Shown("scoutctl service register Printer --id laser hostname=h1 zone=north --permanent");
  Shown("scoutctl service register Printer --id inkjet hostname=h2 zone=south --permanent");
  const auto watch = Start("scoutctl service watch Printer --filter 'zone == \"north\"'");
  const auto json = Start("scoutctl service watch Printer -o json");
  WaitForOutput(watch.get(), "laser");
  WaitForOutput(json.get(), "snapshot_end");
  Shown("scoutctl service register Printer --id inkjet hostname=h2 zone=north --permanent");
  WaitForOutput(watch.get(), "inkjet");
  Shown("scoutctl service drain Printer laser --drain-timeout 0s");
  WaitForOutput(watch.get(), "DRAINING");
  Shown("scoutctl service deregister Printer laser");
  WaitForOutput(watch.get(), "removed");
  WaitForOutput(json.get(), "removed");
  EXPECT_EQ(Interrupt(watch.get()),
            "snapshot  laser  UP        passing  yes  h1  north  -\n"
            "added     inkjet  UP        passing  yes  h2  north  -\n"
            "changed   laser   DRAINING  passing  no   h1  north  -\n"
            "removed   laser   DRAINING  passing  no   h1  north  -\n");
  const std::string last = Interrupt(json.get());
  EXPECT_NE(last.find(R"({"type":"removed","cluster":"default","service":"Printer","id":"laser","status":"DRAINING")"), std::string::npos)
      << last;
}

TEST_F(WatchTest, ADrainNamesTheSubscriberThatDoesNotConfirm) {
  Shown("scoutctl service register Printer --id laser hostname=h1 --permanent");
  const auto watch = Start("scoutctl service watch Printer");
  WaitForOutput(watch.get(), "laser");
  ASSERT_TRUE(watch->Stop());
  Shows("scoutctl service drain Printer laser --drain-timeout 100ms", R"(
Printer/laser is draining: 1 subscriber has not confirmed yet
!   SUBSCRIBER at ADDRESS
! scoutctl: deadline exceeded: not confirmed by all within 100ms
[exit 5]
)");
  Shows("scoutctl service drain Printer laser --drain-timeout 100ms -o json 2>/dev/null", R"(
{
  "cluster": "default",
  "service": "Printer",
  "id": "laser",
  "complete": false,
  "laggards": [
    {
      "subscriber": "SUBSCRIBER",
      "peer": "ADDRESS",
      "gone": false
    }
  ],
  "laggards_omitted": 0,
  "unconfirmable_watches": 0,
  "recent_resolvers": 0,
  "revision": 3,
  "store_id": "STORE"
}
[exit 5]
)");
  watch->Signal(SIGCONT);
  // Nothing is complete in the server's first 15 s.
  Shows("scoutctl service drain Printer laser", "Printer/laser is drained: every subscriber has confirmed\n");
  const auto kept = Start("scoutctl service register Printer --id inkjet hostname=h2 --keep -o name");
  WaitForOutput(watch.get(), "inkjet");
  const std::string left = Interrupt(kept.get());
  EXPECT_EQ(left.find("[exit"), std::string::npos) << left;
}

TEST_F(WatchTest, AKeptRegistrationStaysOverAnotherStoreAndLeavesWithASignal) {
  const auto kept = Start("scoutctl service register Printer --id laser hostname=h1 --keep --ttl 2s --drain-timeout 0s -o json");
  WaitForOutput(kept.get(), "registered");
  EXPECT_EQ(Shown("scoutctl service get Printer -o name"), "laser\n");
  ReplaceServer();
  EXPECT_TRUE(WaitUntil([&] { return Shown("scoutctl service get Printer -o name") == "laser\n"; }));
  kept->Signal(SIGTERM);
  // A server that has just started does not know who must confirm.
  EXPECT_EQ(kept->WaitForExit(), Exit{.code = 5});
  EXPECT_NE(kept->output().find(R"({"type":"left","cluster":"default","service":"Printer","id":"laser","complete":)"), std::string::npos)
      << kept->output();
  EXPECT_NE(kept->errors().find(R"("message": "not confirmed by all within 0")"), std::string::npos) << kept->errors();
  EXPECT_NE(Shown("scoutctl service get Printer -o name").find("[exit 3]\n"), std::string::npos);
}

TEST_F(WatchTest, AKeptRegistrationEndsWhenItIsTakenOver) {
  const auto kept = Start("scoutctl service register Printer --id laser hostname=h1 --keep");
  WaitForOutput(kept.get(), "registered  Printer/laser  epoch 3\n");
  Shows("scoutctl service register Printer --id laser hostname=h2 --permanent 2>&1 | grep -o INSTANCE_OWNED", "INSTANCE_OWNED\n");
  Shown("scoutctl service register Printer --id laser hostname=h2 --permanent --take-over");
  EXPECT_EQ(kept->WaitForExit(), Exit{.code = 4});
  EXPECT_NE(kept->errors().find("FENCED"), std::string::npos) << kept->errors();
  EXPECT_EQ(Shown("scoutctl service get Printer -o name"), "laser\n");
}

TEST_F(WatchTest, AServerThatIsAwayOrHangsIsToldApart) {
  Shown("scoutctl kv put /a 1");
  ASSERT_TRUE(server().Stop());
  const std::string hangs = "! scoutctl: deadline exceeded: no answer within 300ms\n[exit 5]\n";
  Shows("scoutctl kv get /a --timeout 300ms", hangs);
  server().Kill();
  for (const char* line :
       {"kv get /a", "kv watch /a", "service watch Printer", "service register Printer a=1 --keep", "service drain Printer a"}) {
    const std::string shown = Shown(std::string("scoutctl --timeout 1s ") + line);
    EXPECT_NE(shown.find("! scoutctl: unavailable: "), std::string::npos) << line << "\n" << shown;
    EXPECT_NE(shown.find("[exit 6]\n"), std::string::npos) << line << "\n" << shown;
  }
}

}  // namespace
}  // namespace scoutlight::testing
