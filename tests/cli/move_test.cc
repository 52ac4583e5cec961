// `scoutctl kv export` and `kv import`.
#include <signal.h>
#include <stdlib.h>

#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
#include "tests/support/deadline.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

class MoveTest : public ShellTest {
 protected:
  // Whether an import has kept other progress than `before`, or has no more to keep.
  static bool HasGoneOn(const std::string& kept, const std::string& before) {
    std::ifstream file(kept);
    const std::string now(std::istreambuf_iterator<char>(file), {});
    return now.empty() ? !before.empty() : now != before;
  }
  std::string FileOf(const std::string& name) const { return absl::StrCat(Environment().at("FILES"), "/", name); }
};

TEST_F(MoveTest, ValuesComeBackByteForByte) {
  Shown(R"(scoutctl kv put /a/text 'two
lines "quoted" ä'; printf '\377\001\000' | scoutctl kv put /a/bytes -; scoutctl kv put /a/empty ''; scoutctl kv put /b other)");
  Shows("scoutctl kv export /a | tee $FILES/a.jsonl", R"(
{"scoutlight_export":1,"prefix":"/a","revision":5,"store_id":"STORE"}
{"key":"/a/bytes","value":"/wEA","encoding":"base64"}
{"key":"/a/empty","value":""}
{"key":"/a/text","value":"two\nlines \"quoted\" ä"}
{"end":true,"entries":3}
)");
  Shown("scoutctl kv list / -r -o json | grep -v revision >$FILES/before; scoutctl kv delete /a --recursive --yes");
  Shows("scoutctl kv import $FILES/a.jsonl", "imported 3 entries\n");
  Shows("scoutctl kv list / -r -o json | grep -v revision | diff - $FILES/before && ls $FILES", R"(
a.jsonl
before
)");
  Shows("scoutctl kv export / | scoutctl kv import - -o json", R"(
{
  "entries": 4,
  "lines": 6,
  "revision": 8,
  "store_id": "STORE"
}
)");
  // By hand: no first and last line, a key twice.
  Shows(R"(printf '{"key": "c", "value": "1"}\n\n{"key": "/c", "value": "2"}' | scoutctl kv import -; scoutctl kv get /c)", R"(
imported 2 entries
2
)");
  Shows("scoutctl kv import - </dev/null -o json", R"(
{
  "entries": 0,
  "lines": 0
}
)");
}

TEST_F(MoveTest, WhatGoesWithALeaseIsLeftOutUnlessAskedFor) {
  Shown("scoutctl service register Printer --id a hostname=h --ttl 1h; scoutctl kv put /x 1");
  Shows("scoutctl kv export | tail -n +2", R"(
{"key":"/x","value":"1"}
{"end":true,"entries":1}
! left out 1 entry that go with a lease; --leased writes them too
)");
  Shows("scoutctl kv export --leased | tail -n +2", R"(
{"key":"/default/services/Printer/a/hostname","value":"h"}
{"key":"/x","value":"1"}
{"end":true,"entries":2}
)");
}

TEST_F(MoveTest, WhatIsWrongIsNamedByItsLine) {
  Shows(R"(printf '{"key": "/a", "value": "1"}\n{"key": "/a//b", "value": "2"}\n' | scoutctl kv import -; scoutctl kv list / -o name)", R"(
! imported 0 entries of the first 0 lines
! scoutctl: invalid argument: line 2: key: "/a//b" has an empty segment at byte 3 (INVALID_FIELD)
)");
  Shows("scoutctl kv import /nowhere", R"(
! scoutctl: invalid argument: FILE: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows(R"(echo no >$FILES/no; scoutctl kv import $FILES/no)", R"(
! imported 0 entries of the first 0 lines
! scoutctl: invalid argument: line 1: is no object of JSON (INVALID_FIELD)
[exit 2]
)");
  Shown("scoutctl kv put /x 1; scoutctl kv export >$FILES/whole; head -2 $FILES/whole >$FILES/cut");
  Shows("scoutctl kv import $FILES/cut", R"(
! imported 1 entry of the first 2 lines; --resume goes on behind them
! scoutctl: data loss: the export was cut off, or lines of it are missing: all 1 entries that are there are imported
[exit 1]
)");
  Shows("cp $FILES/whole $FILES/cut; scoutctl kv import $FILES/cut --resume 2>&1 | sed s,$FILES,FILES,g", R"(
scoutctl: failed precondition: FILES/cut has changed since a part of it was imported: import without --resume
)");
  Shows("scoutctl kv import $FILES/whole --resume 2>&1 | sed s,$FILES,FILES,g", R"(
scoutctl: not found: there is no FILES/whole.imported: nothing was begun, or it has come to its end
)");
  Shows("scoutctl kv import - --resume", R"(
! scoutctl: invalid argument: --resume: needs a FILE: standard input cannot be read again (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv import /nowhere 2>&1 | grep -c 'No such file'", "1\n");
}

TEST_F(MoveTest, AnImportThatIsKilledGoesOnBehindWhatWasAnswered) {
  const int entries = getenv("SCOUTLIGHT_TORTURE") != nullptr ? 100'000 : 20'000;
  const int kills_max = 5;
  std::string lines;
  for (int i = 0; i < entries; ++i) {
    const std::string number = absl::StrCat(absl::Dec(i, absl::kZeroPad6));
    absl::StrAppend(&lines, R"({"key":"/many/)", number, R"(","value":")", absl::Base64Escape(absl::StrCat(number, "\xff\x01")),
                    "\",\"encoding\":\"base64\"}\n");
  }
  const std::string file = FileOf("many.jsonl");
  WriteFile(file, lines);
  const std::string begin = Shown("scoutctl kv import $FILES/many.jsonl --resume");
  ASSERT_TRUE(absl::StrContains(begin, "[exit 3]")) << begin;
  // Each time when it has put some more. It may come to its end before.
  const std::string kept = file + ".imported";
  std::string resume;
  int kills = 0;
  bool is_over = false;
  while (kills < kills_max && !is_over) {
    const auto import = Start(absl::StrCat("scoutctl kv import $FILES/many.jsonl", resume));
    const std::string before = resume.empty() ? "" : ReadFile(kept);
    ASSERT_TRUE(WaitUntil([&] { return HasGoneOn(kept, before); })) << import->errors();
    import->Signal(SIGKILL);
    is_over = import->WaitForExit() == Exit{.code = 0};
    kills += is_over ? 0 : 1;
    resume = " --resume";
  }
  EXPECT_GT(kills, 0);
  if (!is_over) Shows("scoutctl kv import $FILES/many.jsonl --resume", absl::StrCat("imported ", entries, " entries\n"));
  Shown("scoutctl kv export /many >$FILES/out.jsonl");
  Shows("tail -n +2 $FILES/out.jsonl | head -n -1 | cmp - $FILES/many.jsonl", "");
  // What was answered was not put again.
  Shows("scoutctl kv get /many/000000 -o json | grep version", "  \"version\": 1,\n");
  Shows("ls $FILES", "many.jsonl\nout.jsonl\n");
}

}  // namespace
}  // namespace scoutlight::testing
