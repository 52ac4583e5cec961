// Who is linked with whom.
#include <string>

#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

// Files in the folder where lines are run.
class TopologyTest : public ShellTest {
 protected:
  TopologyTest() {
    Write("one.json", R"({"feeder": {"links": [{"outgate": "sink", "queue": "mails", "type": "PUSH"}]},
 "sink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "mails", "type": "PULL"}]}})");
    Write("two.json", R"({"sink": {"links": [{"addresses": ["tcp://0.0.0.0:5679"], "queue": "mails", "type": "PULL"}]}})");
    Write("wrong.json", R"({"sink": {"links": [{"outgate": "none", "queue": "mails", "type": "push"}, {}]}})");
  }

  std::string Shown(const std::string& line) { return ShellTest::Shown(kThere + line); }
  void Shows(const std::string& line, const std::string& shown) { ShellTest::Shows(kThere + line, shown); }

 private:
  static constexpr char kThere[] = "cd \"$FILES\"; ";
  void Write(const std::string& name, const std::string& text) { Shown("printf '%s' '" + text + "' > " + name); }
};

TEST_F(TopologyTest, DocumentsAreAppliedShownComparedAndTakenBack) {
  Shows("scoutctl topology get", R"(
! scoutctl: not found: cluster default has no topology (KEY_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl topology history", R"(
! nothing there
)");
  Shows("scoutctl topology apply one.json --dry-run", R"(
would make version 1 of default: 2 links added
!   + out mails of feeder: {"outgate":"sink","queue":"mails","to_queue":"mails","type":"PUSH"}
!   + in mails of sink: {"addresses":["tcp://0.0.0.0:5678"],"queue":"mails","type":"PULL"}
)");
  Shows("scoutctl topology apply one.json --comment 'the first' 2>/dev/null", R"(
made version 1 of default at revision 2: 2 links added
)");
  Shows("scoutctl topology apply - < one.json", R"(
nothing to do: version 1 of default is the same
)");
  Shows("scoutctl topology get --raw | cmp - one.json && echo same", R"(
same
)");
  Shows("scoutctl topology diff two.json", R"(
CHANGE   SERVICE  END  QUEUE  LINK
removed  feeder   out  mails  {"outgate":"sink","queue":"mails","to_queue":"mails","type":"PUSH"}
changed  sink     in   mails  {"addresses":["tcp://0.0.0.0:5678"],"queue":"mails","type":"PULL"} -> )"
                                           R"({"addresses":["tcp://0.0.0.0:5679"],"queue":"mails","type":"PULL"}
)");
  Shows("scoutctl topology apply two.json --expected-version 1 -o json", R"(
{
  "version": 2,
  "revision": 3,
  "applied_at": "TIME",
  "applied_by": "host:127.0.0.1",
  "deleted": false,
  "dry_run": false,
  "unchanged": false,
  "changes": [
    {
      "change": "removed",
      "service": "feeder",
      "end": "out",
      "queue": "mails",
      "before": {
        "outgate": "sink",
        "queue": "mails",
        "to_queue": "mails",
        "type": "PUSH"
      }
    },
    {
      "change": "changed",
      "service": "sink",
      "end": "in",
      "queue": "mails",
      "before": {
        "addresses": [
          "tcp://0.0.0.0:5678"
        ],
        "queue": "mails",
        "type": "PULL"
      },
      "after": {
        "addresses": [
          "tcp://0.0.0.0:5679"
        ],
        "queue": "mails",
        "type": "PULL"
      }
    }
  ],
  "changes_total": 2,
  "changes_unknown": false,
  "store_id": "STORE"
}
)");
  Shows("scoutctl topology diff --version 2 --version 2", R"(
no link differs
)");
  Shows("scoutctl topology diff one.json --version 1 -o json", R"(
{
  "changes": []
}
)");
  Shows("scoutctl topology apply one.json --expected-version 1", R"(
! scoutctl: failed precondition: expected_version is 1, but the newest version is 2 (CONDITION_FAILED)
[exit 4]
)");
  Shows("scoutctl topology rollback 1 2>/dev/null", R"(
made version 3 of default at revision 4: 1 link added, 1 changed
)");
  Shows("scoutctl topology delete --yes --comment 'no mails any more'", R"(
made version 4 of default at revision 5 deletes the topology: 2 links removed
!   - out mails of feeder: {"outgate":"sink","queue":"mails","to_queue":"mails","type":"PUSH"}
!   - in mails of sink: {"addresses":["tcp://0.0.0.0:5678"],"queue":"mails","type":"PULL"}
)");
  Shows("scoutctl topology delete --yes", R"(
nothing to do: version 4 of default is a deletion already
)");
  Shows("scoutctl topology get --version 4", R"(
version 4 is a deletion
)");
  Shows("scoutctl topology history", R"(
VERSION  APPLIED AT                 APPLIED BY      WHAT
4        TIME  host:127.0.0.1  deleted: no mails any more
3        TIME  host:127.0.0.1  back to 1
2        TIME  host:127.0.0.1  -
1        TIME  host:127.0.0.1  the first
)");
  Shows("scoutctl topology history -o name", R"(
4
3
2
1
)");
  Shows("scoutctl topology history --cluster elsewhere -o json", R"(
{
  "versions": [],
  "revision": 5,
  "store_id": "STORE"
}
)");
}

TEST_F(TopologyTest, WhatIsWrongIsToldWithItsPlace) {
  Shows("SCOUTLIGHT_ENDPOINT=nowhere:1 scoutctl topology check one.json", R"(
valid: 2 services, 2 links
)");
  Shows("scoutctl topology check one.json -o json", R"(
{
  "services": 2,
  "links": 2
}
)");
  const std::string mistakes =
      R"(
! scoutctl: invalid argument: 4 mistakes (INVALID_FIELD)
!   sink.links[0].type: is "push"; known are PUSH, PULL, PUB, SUB, REQ, REP, PAIR
!   sink.links[1].queue: is missing
!   sink.links[1].type: is missing
!   sink.links[1]: has neither `outgate` nor `addresses`
[exit 2]
)";
  Shows("scoutctl topology check wrong.json", mistakes);
  Shows("scoutctl topology apply wrong.json", mistakes);
  Shows("scoutctl topology check nothing.json", R"(
! scoutctl: invalid argument: FILE: cannot be read: nothing.json: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows(R"(printf '\377' | scoutctl topology check -)", R"(
! scoutctl: invalid argument: document: is not valid UTF-8 at byte 0 (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl topology delete", R"(
! scoutctl: invalid argument: --yes: is missing: nobody can be asked whether to delete the topology of cluster default (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl topology delete --yes", R"(
nothing to do: cluster default never had a topology
)");
  Shows("scoutctl topology rollback 7", R"(
! scoutctl: not found: cluster default has no version 7 of its topology (KEY_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl topology rollback 0", R"(
! scoutctl: invalid argument: VERSION: must be a version, from 1 up, is "0"; see scoutctl topology rollback --help
[exit 2]
)");
  Shows("scoutctl topology diff", R"(
! scoutctl: invalid argument: --version: is given 0 times; wanted are FILE and at most one, or two without FILE (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl topology apply one.json --cluster a/b", R"(
! scoutctl: invalid argument: cluster: has a slash at byte 1 (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(TopologyTest, ATopologyIsWatchedUntilASignalAndThatIsSuccess) {
  const auto watch = Start("scoutctl topology watch");
  const auto json = Start("scoutctl topology watch -o json");
  WaitForOutput(watch.get(), "none");
  WaitForOutput(json.get(), "none");
  Shown("scoutctl topology apply one.json");
  Shown("scoutctl topology delete --yes");
  WaitForOutput(watch.get(), "deleted");
  WaitForOutput(json.get(), "deleted\",\"version");
  EXPECT_EQ(Interrupt(watch.get()),
            "none  -  0 services, 0 links\n"
            "topology  1  TIME  host:127.0.0.1  -  2 services, 2 links\n"
            "deleted   2  TIME  host:127.0.0.1  deleted  0 services, 0 links\n");
  const std::string all = Interrupt(json.get());
  EXPECT_NE(all.find(R"({"type":"topology","version":1,"revision":2,"applied_at":"TIME")"), std::string::npos) << all;
  EXPECT_NE(all.find(R"("services":2,"links":2,"document":"{\"feeder\")"), std::string::npos) << all;
}

}  // namespace
}  // namespace scoutlight::testing
