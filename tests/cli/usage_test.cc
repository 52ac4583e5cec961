#include <string>

#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

using UsageTest = ShellTest;

TEST_F(UsageTest, WhatWasMeantIsSuggested) {
  Shows("scoutctl 2>&1 | tr ';:' '\\n\\n' | sed 's/ man, version/ man,\\n version/'", R"(
scoutctl
 invalid argument
 a verb is missing
 kv, service, lease, schema, topology, gate, context, run, lock, elect, http, call, status, backup, migrate, doctor, completion, man,
 version
 see scoutctl --help
)");
  Shows("scoutctl kvv get /a", R"(
! scoutctl: invalid argument: "kvv" is no verb; did you mean kv?
[exit 2]
)");
  Shows("scoutctl kv gte /a", R"(
! scoutctl: invalid argument: "gte" is no verb of kv; did you mean get?
[exit 2]
)");
  Shows("scoutctl kv frobnicate", R"(
! scoutctl: invalid argument: "frobnicate" is no verb of kv; see scoutctl kv --help
[exit 2]
)");
  Shows("scoutctl kv", R"(
! scoutctl: invalid argument: a verb of kv is missing: get, list, tree, put, delete, watch, txn, export, import; see scoutctl kv --help
[exit 2]
)");
  Shows("scoutctl kv get", R"(
! scoutctl: invalid argument: KEY is required; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a /b", R"(
! scoutctl: invalid argument: "/b" is one argument too many of kv get; see scoutctl kv get --help
[exit 2]
)");
  // `backup` has an argument, and a verb.
  Shows("scoutctl backup chek /a", R"(
! scoutctl: invalid argument: "chek" is no verb of backup; did you mean check?
[exit 2]
)");
  Shows("scoutctl backup /a /b", R"(
! scoutctl: invalid argument: "/b" is one argument too many of backup; see scoutctl backup --help
[exit 2]
)");
  Shows("scoutctl kv list /a --recursiv", R"(
! scoutctl: invalid argument: "--recursiv" is no flag of kv list; did you mean --recursive?
[exit 2]
)");
  Shows("scoutctl kv get /a -o yaml", R"(
! scoutctl: invalid argument: --output: must be one of table|wide|json|name, is "yaml"; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a --timeout soon", R"(
! scoutctl: invalid argument: --timeout: must be a duration such as 500ms, 10s or 1h30m, is "soon"; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a --revision first", R"(
! scoutctl: invalid argument: --revision: must be a revision, from 0 up, is "first"; see scoutctl kv get --help
[exit 2]
)");
  Shows("SCOUTLIGHT_TIMEOUT=5 scoutctl kv get /a", R"(
! scoutctl: invalid argument: SCOUTLIGHT_TIMEOUT: must be a duration such as 500ms, 10s or 1h30m, is "5"; see scoutctl kv get --help
[exit 2]
)");
  Shows("SCOUTLIGHT_TLS=maybe scoutctl kv get /a", R"(
! scoutctl: invalid argument: SCOUTLIGHT_TLS: must be true or false, is "maybe"; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a --timeout", R"(
! scoutctl: invalid argument: --timeout: DURATION is missing; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a --revision 1 --revision 2", R"(
! scoutctl: invalid argument: --revision: is given 2 times, and may be given once; see scoutctl kv get --help
[exit 2]
)");
  Shows("scoutctl kv get /a --endpoint nowhere", R"(
! scoutctl: invalid argument: endpoints[0]: must be host:port, is "nowhere" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv gte /a -o json", R"(
! {
!   "code": "INVALID_ARGUMENT",
!   "message": "\"gte\" is no verb of kv; did you mean get?",
!   "exit_code": 2
! }
[exit 2]
)");
  Shows("SCOUTLIGHT_OUTPUT=json scoutctl kv gte /a", R"(
! {
!   "code": "INVALID_ARGUMENT",
!   "message": "\"gte\" is no verb of kv; did you mean get?",
!   "exit_code": 2
! }
[exit 2]
)");
}

TEST_F(UsageTest, NamesThatAreNotThereAreTakenForOnesThatAre) {
  Shown(
      "scoutctl service register Printer --id laser hostname=h --permanent; scoutctl service register Plotter --id big hostname=h "
      "--permanent");
  Shows("scoutctl service get Pritner", R"(
! scoutctl: not found: service Pritner has no instance in cluster default; did you mean Printer? (SERVICE_NOT_FOUND)
[exit 3]
)");
  Shows(
      "scoutctl service drain Pritner laser 2>&1 | grep -o 'did you mean .*?'; scoutctl service get Printer lasr 2>&1 | grep -o 'did you "
      "mean .*?'",
      R"(
did you mean Printer?
did you mean laser?
)");
  Shows("scoutctl service resolve Pritner -o json 2>&1 | grep -e message -e resource", R"(
  "message": "service Pritner has no instance in cluster default; did you mean Printer?",
  "resource": "default/Pritner",
)");
}

TEST_F(UsageTest, TheFormOfErrorsIsReadAsFlagsAre) {
  for (const char* flags : {"-o json", "-ojson", "-o=json", "--output json", "--output=json", "-ryo json", "-ryojson"}) {
    Shows(std::string("scoutctl kv delete /a --xyzzy ") + flags, R"(
! {
!   "code": "INVALID_ARGUMENT",
!   "message": "\"--xyzzy\" is no flag of kv delete",
!   "exit_code": 2
! }
[exit 2]
)");
  }
  Shows("scoutctl kv put /a 1 -o=name", R"(
/a
)");
  Shows("scoutctl kv delete /a -ryo name", R"(
/a
)");
}

TEST_F(UsageTest, FlagsMayStandAnywhereAndInTheEnvironment) {
  Shows("scoutctl kv put /a 1 -o name", R"(
/a
)");
  Shows("scoutctl --endpoint $ADDRESS -o json kv get /a --raw", R"(
1)");
  Shows("scoutctl kv --endpoint $ADDRESS get /a", R"(
1
)");
  Shows("SCOUTLIGHT_ENDPOINT=127.0.0.1:1,$ADDRESS scoutctl kv get /a", R"(
1
)");
  Shows("SCOUTLIGHT_OUTPUT=name scoutctl kv get /a", R"(
/a
)");
  // The last one holds.
  Shows("scoutctl -o json --timeout 1ms --context nowhere kv get /a -o name --timeout 5s --context ''", R"(
/a
)");
  Shows("scoutctl --cluster office service register Printer --id a hostname=h --permanent", R"(
registered office:Printer/a at revision 3
)");
  Shows("SCOUTLIGHT_CLUSTER=office scoutctl service get Printer -o name", R"(
a
)");
  Shows("scoutctl version", R"(
scoutctl 0.1.0
)");
  Shows("scoutctl --version", R"(
scoutctl 0.1.0
)");
  Shows("scoutctl --version -o json", R"(
{
  "version": "0.1.0"
}
)");
  Shows("scoutctl version -o json", R"(
{
  "version": "0.1.0"
}
)");
}

TEST_F(UsageTest, HelpSpeaksOfVerbsAndFlags) {
  Shows("scoutctl kv get --help", R"(
print the value of a key
Usage: scoutctl kv get [flags] KEY

Arguments:
  KEY (required)              such as /office/host

Flags:
  -h,--help                   print this and exit
  --raw                       the bytes of the value and nothing else, whatever the output form
  --revision REVISION         the state to read; default: the latest

Example:
  scoutctl kv get /office/printers/laser/host

Flags for all verbs: scoutctl --help
)");
  Shows("scoutctl backup --help | grep -v -e '^  '", R"(
write one state of the whole registry into a file
Usage: scoutctl backup [flags] [FILE] [VERB]

Arguments:

Flags:

Verbs:

Example:

Flags for all verbs: scoutctl --help
)");
  EXPECT_EQ(Shown("scoutctl man --list | while read -r verb; do scoutctl $verb --help; done | grep -e OPTION -e SUBCOMMAND -e Options"),
            "[exit 1]\n");
}

TEST_F(UsageTest, ReadersThatHaveEnoughEndItQuietly) {
  Shows(R"(for i in 1 2 3; do head -c 100000 /dev/zero | tr '\0' x | scoutctl kv put /$i - -o name; done)", R"(
/1
/2
/3
)");
  Shows("scoutctl kv list / | head -c 3; echo; echo ${PIPESTATUS[0]}", R"(
KEY
0
)");
  Shows("scoutctl kv list / >/dev/full", R"(
! scoutctl: data loss: cannot write to standard output: No space left on device
[exit 1]
)");
  Shows("scoutctl --help >/dev/full", R"(
! scoutctl: data loss: cannot write to standard output: No space left on device
[exit 1]
)");
}

TEST_F(UsageTest, WhatIsOpenedDoesNotBecomeAStandardStream) {
  Shown("scoutctl kv put /a 1");
  for (const char* line : {"kv get /a", "kv watch /a --snapshot", "kv list /"}) {
    Shows(std::string("scoutctl ") + line + " >&-", R"(
! scoutctl: data loss: cannot write to standard output: Bad file descriptor
[exit 1]
)");
  }
  Shows("scoutctl kv get /a <&- 2>&-", R"(
1
)");
}

}  // namespace
}  // namespace scoutlight::testing
