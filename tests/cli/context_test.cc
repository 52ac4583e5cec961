// `scoutctl context` and --context.
#include "absl/strings/match.h"
#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

class ContextTest : public ShellTest {
 protected:
  // With what the shell of tests sets put aside: contexts say where the server is.
  std::string Unset(const std::string& line) { return "unset SCOUTLIGHT_ENDPOINT; " + line; }
};

TEST_F(ContextTest, WhatIsKeptHoldsWhereNothingElseIsSaid) {
  Shows("scoutctl kv put /a 1 -o name; scoutctl --cluster office service register Printer --id laser hostname=h --permanent -o name", R"(
/a
laser
)");
  Shows(Unset("scoutctl context add here --endpoint $ADDRESS --cluster office"), R"(
added context here; scoutctl context use here has it hold
)");
  Shows(Unset("scoutctl service get Printer --context here -o name; SCOUTLIGHT_CONTEXT=here scoutctl service list -o name"), R"(
laser
Printer
)");
  Shows(Unset("scoutctl context use here; scoutctl kv get /a; scoutctl service list -o name"), R"(
context here holds now
1
Printer
)");
  // The flag wins, then the environment, then the context.
  Shows(Unset("scoutctl service list --cluster default"), "! nothing there\n");
  Shows(Unset("SCOUTLIGHT_CLUSTER=default scoutctl service list"), "! nothing there\n");
  Shows(Unset("scoutctl kv get /a --endpoint 127.0.0.1:1 --timeout 300ms >/dev/null 2>&1"), "[exit 6]\n");
  Shows(Unset("scoutctl context add away --endpoint 127.0.0.1:1; SCOUTLIGHT_CONTEXT=away scoutctl kv get /a --context here"), R"(
added context away; scoutctl context use away has it hold
1
)");
  Shows(Unset("SCOUTLIGHT_CONTEXT=away SCOUTLIGHT_ENDPOINT=$ADDRESS scoutctl kv get /a"), "1\n");
  Shows("scoutctl context use --none; scoutctl service list", R"(
no context holds now
! nothing there
)");
}

TEST_F(ContextTest, TheyAreListedShownReplacedAndDeleted) {
  Shows("scoutctl context list", "! nothing there\n");
  Shows(
      Unset("cd $FILES; scoutctl context add a --endpoint h1:7400,h2:7400 --tls-ca ca.pem -o name; scoutctl context add b --endpoint h3:1"),
      R"(
a
added context b; scoutctl context use b has it hold
)");
  Shows("scoutctl context use a -o json", R"(
{
  "current": "a"
}
)");
  Shows("scoutctl context list", R"(
NAME  CURRENT  ENDPOINTS         CLUSTER  TLS
a     yes      h1:7400, h2:7400  -        yes
b     no       h3:1              -        no
)");
  Shows("scoutctl context show | sed \"s#$FILES#FILES#\"", R"(
name       a
current    yes
endpoints  h1:7400, h2:7400
cluster    -
tls        yes
tls ca     FILES/ca.pem
tls cert   -
tls key    -
)");
  Shows("scoutctl context show b -o json", R"(
{
  "name": "b",
  "current": false,
  "endpoints": [
    "h3:1"
  ],
  "tls": false
}
)");
  Shows(Unset("scoutctl context add b --endpoint h4:1"), R"(
! scoutctl: already exists: there is a context b; --replace replaces it
[exit 4]
)");
  Shows(Unset("scoutctl context add b --endpoint h4:1 --replace -o name; scoutctl context show b -o json | grep h4"), R"(
b
    "h4:1"
)");
  Shows("scoutctl context delete a; scoutctl context delete a; scoutctl context show", R"(
deleted context a
there is no context a
! scoutctl: not found: no context holds; scoutctl context list shows them
[exit 3]
)");
  Shows("stat -c %a $FILES/config/scoutlight $FILES/config/scoutlight/contexts.json; ls $FILES/config/scoutlight", R"(
700
600
contexts.json
)");
}

TEST_F(ContextTest, WhatIsWrongIsNamed) {
  Shows("scoutctl context add office --endpoint h:1 -o name", "office\n");
  Shows("scoutctl context use offce", R"(
! scoutctl: not found: there is no context "offce"; did you mean office?
[exit 3]
)");
  Shows("scoutctl kv get /a --context nowhere", R"(
! scoutctl: not found: there is no context "nowhere"; scoutctl context list shows them
[exit 3]
)");
  Shows(Unset("scoutctl context add x --cluster c"), R"(
! scoutctl: invalid argument: --endpoint: is missing (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl context add x --endpoint nowhere", R"(
! scoutctl: invalid argument: endpoints[0]: must be host:port, is "nowhere" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl context add a/b --endpoint h:1", R"(
! scoutctl: invalid argument: CONTEXT: must be of a-z, A-Z, 0-9, ., _, -, and not begin with -: "a/b" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl context use", R"(
! scoutctl: invalid argument: CONTEXT: is missing (INVALID_FIELD)
[exit 2]
)");
  Shows("mkdir $FILES/gone; cd $FILES/gone; rmdir $FILES/gone; scoutctl context add x --endpoint h:1 --tls-ca ca.pem", R"(
! scoutctl: invalid argument: --tls-ca: cannot be found: ca.pem: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("env -u XDG_CONFIG_HOME -u HOME \"$SCOUTCTL\" context use office", R"(
! scoutctl: failed precondition: neither XDG_CONFIG_HOME nor HOME says where contexts are kept
[exit 4]
)");
}

TEST_F(ContextTest, ABrokenFileIsNeverPassedOver) {
  const auto broken = [this](const std::string& content, const std::string& line) {
    return Shown("mkdir -p $FILES/config/scoutlight; echo '" + content + "' >$FILES/config/scoutlight/contexts.json; (" + line +
                 ") 2>&1 | sed \"s#$FILES#FILES#\"");
  };
  constexpr char kFile[] = "scoutctl: invalid argument: FILES/config/scoutlight/contexts.json: ";
  for (const char* line : {"scoutctl kv get /a", "scoutctl context list", "scoutctl context add a --endpoint h:1",
                           "scoutctl lock n -- true", "scoutctl context delete a", "scoutctl run --service S --port 1 --wait 0s -- true"}) {
    EXPECT_EQ(broken("{\"version\": 1, ", line), std::string(kFile) + "is no JSON: mistake at byte 17 (INVALID_FIELD)\n") << line;
  }
  EXPECT_EQ(broken("{\"version\": 2, \"contexts\": {}}", "scoutctl kv get /a"),
            std::string(kFile) + "version: is 2, this program reads 1 (INVALID_FIELD)\n");
  EXPECT_EQ(broken("{\"version\": 1, \"contexts\": {\"a\": {\"endpoints\": 1}}}", "scoutctl kv get /a"),
            std::string(kFile) + "contexts.a.endpoints: is number, a list of strings is wanted (INVALID_FIELD)\n");
  EXPECT_EQ(broken("{\"version\": 1, \"current\": \"a\", \"contexts\": {}}", "scoutctl kv get /a"),
            std::string(kFile) + "current: names no context: \"a\" (INVALID_FIELD)\n");
  // What asks no server does not need it.
  EXPECT_EQ(broken("{", "scoutctl version"), "scoutctl 0.1.0\n");
  // Nothing was overwritten.
  Shows("cat $FILES/config/scoutlight/contexts.json", "{\n");
}

TEST_F(ContextTest, WhatAKilledOneHasLeftIsWrittenOver) {
  Shows(
      "mkdir -p $FILES/config/scoutlight; cd $FILES/config/scoutlight; printf %01000d 0 >contexts.json.next; "
      "scoutctl context add a --endpoint h:1 -o name; scoutctl context list -o name; stat -c %a *",
      "a\na\n600\n");
}

TEST_F(ContextTest, ChangesAtTheSameTimeAreAllKept) {
  Shows(
      R"(for i in 1 2 3 4 5 6 7 8; do scoutctl context add c$i --endpoint h:$i -o name >/dev/null & done; wait
           scoutctl context list -o name | wc -l)",
      "8\n");
}

}  // namespace
}  // namespace scoutlight::testing
