#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

using KvTest = ShellTest;

TEST_F(KvTest, ValuesComeOutAsTheyWentIn) {
  Shows("scoutctl kv put /office/host 192.168.1.101", R"(
put /office/host at revision 2
)");
  Shows("scoutctl kv put /office/host 192.168.1.102 -o json", R"(
{
  "key": "/office/host",
  "revision": 3,
  "create_revision": 2,
  "version": 2,
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv put /office/host 192.168.1.103 -o name", R"(
/office/host
)");
  Shows("scoutctl kv get /office/host", R"(
192.168.1.103
)");
  Shows("scoutctl kv get /office/host --revision 2", R"(
192.168.1.101
)");
  Shows("scoutctl kv get /office/host -o wide", R"(
KEY           MOD REVISION  CREATE REVISION  VERSION  LEASE ID  VALUE
/office/host  4             2                3        -         192.168.1.103
)");
  Shows("scoutctl kv get /office/host -o name", R"(
/office/host
)");
  Shows("scoutctl kv get /office/host -o json", R"(
{
  "key": "/office/host",
  "mod_revision": 4,
  "create_revision": 2,
  "version": 3,
  "has_value": true,
  "has_children": false,
  "value": "192.168.1.103",
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv get /office/nothing", R"(
! scoutctl: not found: nothing is stored at /office/nothing (KEY_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl kv get /office/hots", R"(
! scoutctl: not found: nothing is stored at /office/hots; did you mean /office/host? (KEY_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl kv get office", R"(
! scoutctl: not found: nothing is stored at /office; there are keys below it, which scoutctl kv list shows (KEY_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl kv get /office/nothing -o json", R"(
! {
!   "code": "NOT_FOUND",
!   "reason": "KEY_NOT_FOUND",
!   "message": "nothing is stored at /office/nothing",
!   "resource": "/office/nothing",
!   "revision": 4,
!   "store_id": "STORE",
!   "exit_code": 3
! }
[exit 3]
)");
  Shows("scoutctl kv get office//host", R"(
! scoutctl: invalid argument: key: "office//host" has an empty segment at byte 8 (INVALID_KEY)
[exit 2]
)");
  Shows("scoutctl kv get /office/host --revision 99 -o json", R"(
! {
!   "code": "OUT_OF_RANGE",
!   "reason": "FUTURE_REVISION",
!   "message": "revision 99 is in the future, the latest is 4",
!   "violations": [
!     {
!       "field": "revision",
!       "description": "revision 99 is in the future, the latest is 4"
!     }
!   ],
!   "oldest_revision": 1,
!   "revision": 4,
!   "store_id": "STORE",
!   "exit_code": 4
! }
[exit 4]
)");
}

TEST_F(KvTest, BytesAndControlCharactersReachNoTerminalAsTheyAre) {
  Shows(R"(printf '\377\001' | scoutctl kv put /bytes -)", R"(
put /bytes at revision 2
)");
  Shows("scoutctl kv get /bytes", R"(
base64:/wE=
)");
  Shows("scoutctl kv get /bytes -o json", R"(
{
  "key": "/bytes",
  "mod_revision": 2,
  "create_revision": 2,
  "version": 1,
  "has_value": true,
  "has_children": false,
  "value": "/wE=",
  "encoding": "base64",
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv get /bytes --raw | od -An -tx1", R"(
 ff 01
)");
  Shows(R"(printf '\033[31mred\nnext' | scoutctl kv put /evil -)", R"(
put /evil at revision 3
)");
  Shows("scoutctl kv get /evil", R"(
\x1b[31mred
next
)");
  Shows("scoutctl kv list /", R"(
KEY     MOD REVISION  VALUE
/bytes  2             base64:/wE=
/evil   3             \x1b[31mred\nnext
)");
  Shows("scoutctl kv get /evil --raw | od -An -tx1 | head -1", R"(
 1b 5b 33 31 6d 72 65 64 0a 6e 65 78 74
)");
  Shows("printf 'from a file' >$FILES/value; scoutctl kv put /file --file $FILES/value; scoutctl kv get /file", R"(
put /file at revision 4
from a file
)");
  Shows("scoutctl kv put /file x --file $FILES/value", R"(
! scoutctl: invalid argument: VALUE: is given, and --file too (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv put /file", R"(
! scoutctl: invalid argument: VALUE: is missing, and --file too (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv put /file --file /nowhere", R"(
! scoutctl: invalid argument: --file: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv put /file --file /tmp", R"(
! scoutctl: invalid argument: --file: cannot be read: /tmp: Is a directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv put /file - </tmp", R"(
! scoutctl: invalid argument: VALUE: cannot be read: standard input: Is a directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv put /file - <&-", R"(
! scoutctl: invalid argument: VALUE: cannot be read: standard input: Bad file descriptor (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv get /file", R"(
from a file
)");
  Shows("head -c 1048577 /dev/zero | scoutctl kv put /large -", R"(
! scoutctl: invalid argument: VALUE: has more than 1048576 bytes (VALUE_TOO_LARGE)
[exit 2]
)");
  Shows("scoutctl kv put /empty ''; scoutctl kv get /empty", R"(
put /empty at revision 5

)");
  Shows("scoutctl kv put /dash -- -5; scoutctl kv get /dash", R"(
put /dash at revision 6
-5
)");
}

TEST_F(KvTest, PutsAreConditionalIfAskedFor) {
  Shows("scoutctl kv put /a 1 --if-absent", R"(
put /a at revision 2
)");
  Shows("scoutctl kv put /a 2 --if-absent", R"(
! scoutctl: already exists: "/a" is already there (KEY_EXISTS)
[exit 4]
)");
  Shows("scoutctl kv put /a 2 --if-absent -o json", R"(
! {
!   "code": "ALREADY_EXISTS",
!   "reason": "KEY_EXISTS",
!   "message": "\"/a\" is already there",
!   "violations": [
!     {
!       "field": "if_absent",
!       "description": "\"/a\" is already there"
!     }
!   ],
!   "resource": "/a",
!   "revision": 2,
!   "store_id": "STORE",
!   "exit_code": 4
! }
[exit 4]
)");
  Shows("scoutctl kv put /a 2 --expect-revision 2", R"(
put /a at revision 3
)");
  Shows("scoutctl kv put /a 3 --expect-revision 2 -o json", R"(
! {
!   "code": "FAILED_PRECONDITION",
!   "reason": "CONDITION_FAILED",
!   "message": "\"/a\": expected mod_revision 2, but its mod_revision is 3",
!   "violations": [
!     {
!       "field": "expected_mod_revision",
!       "description": "\"/a\": expected mod_revision 2, but its mod_revision is 3"
!     }
!   ],
!   "resource": "/a",
!   "revision": 3,
!   "store_id": "STORE",
!   "exit_code": 4
! }
[exit 4]
)");
  Shows("scoutctl kv delete /a --recursive --expect-revision 3", R"(
! scoutctl: invalid argument: --expect-revision: excludes --recursive (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv delete /a --expect-revision 2", R"(
! scoutctl: failed precondition: "/a": expected mod_revision 2, but its mod_revision is 3 (CONDITION_FAILED)
[exit 4]
)");
  Shows("scoutctl kv get /a", R"(
2
)");
}

TEST_F(KvTest, ListsAndTreesShowTheHierarchy) {
  Shows("for key in laser/host laser/port inkjet/host; do scoutctl kv put /office/printers/$key $key -o name; done", R"(
/office/printers/laser/host
/office/printers/laser/port
/office/printers/inkjet/host
)");
  Shows("scoutctl kv put /office/note hello -o name", R"(
/office/note
)");
  Shows("scoutctl kv list /office", R"(
KEY                MOD REVISION  VALUE
/office/note       5             hello
/office/printers/  -
)");
  Shows("scoutctl kv list /office --recursive", R"(
KEY                           MOD REVISION  VALUE
/office/note                  5             hello
/office/printers/inkjet/host  4             inkjet/host
/office/printers/laser/host   2             laser/host
/office/printers/laser/port   3             laser/port
)");
  Shows("scoutctl kv list /office --recursive --order creation -o name", R"(
/office/printers/laser/host
/office/printers/laser/port
/office/printers/inkjet/host
/office/note
)");
  Shows("scoutctl kv list /office --keys-only -o wide", R"(
KEY                MOD REVISION  CREATE REVISION  VERSION  LEASE ID
/office/note       5             5                1        -
/office/printers/  -             -                -        -
)");
  Shows("scoutctl kv list /office -o json", R"(
{
  "entries": [
    {
      "key": "/office/note",
      "mod_revision": 5,
      "create_revision": 5,
      "version": 1,
      "has_value": true,
      "has_children": false,
      "value": "hello"
    },
    {
      "key": "/office/printers",
      "has_value": false,
      "has_children": true
    }
  ],
  "revision": 5,
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv list /nothing", R"(
! nothing there
)");
  Shows("scoutctl kv list /nothing -o json", R"(
{
  "entries": [],
  "revision": 5,
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv tree", R"(
/
└── office
    ├── note = hello
    └── printers
        ├── inkjet
        │   └── host = inkjet/host
        └── laser
            ├── host = laser/host
            └── port = laser/port
)");
  Shows("scoutctl kv tree /office/printers --keys-only", R"(
/office/printers
├── inkjet
│   └── host
└── laser
    ├── host
    └── port
)");
  Shows("scoutctl kv tree /office/printers -o json", R"(
{
  "key": "/office/printers",
  "revision": 5,
  "store_id": "STORE",
  "children": [
    {
      "key": "/office/printers/inkjet",
      "children": [
        {
          "key": "/office/printers/inkjet/host",
          "mod_revision": 4,
          "value": "inkjet/host"
        }
      ]
    },
    {
      "key": "/office/printers/laser",
      "children": [
        {
          "key": "/office/printers/laser/host",
          "mod_revision": 2,
          "value": "laser/host"
        },
        {
          "key": "/office/printers/laser/port",
          "mod_revision": 3,
          "value": "laser/port"
        }
      ]
    }
  ]
}
)");
  Shows("scoutctl kv tree /nothing", R"(
/nothing
! nothing there
)");
}

TEST_F(KvTest, DeletionsSayWhatTheyDo) {
  Shows("for key in a a/b a/c d; do scoutctl kv put /x/$key 1 -o name; done", R"(
/x/a
/x/a/b
/x/a/c
/x/d
)");
  Shows("scoutctl kv delete /x/d", R"(
deleted /x/d at revision 6
)");
  Shows("scoutctl kv delete /x/d", R"(
nothing at /x/d
)");
  Shows("scoutctl kv delete /x/a -o json", R"(
{
  "key": "/x/a",
  "deleted": 1,
  "revision": 7,
  "store_id": "STORE"
}
)");
  Shows("scoutctl kv delete /x --recursive", R"(
! scoutctl: invalid argument: --yes: is missing: nobody can be asked whether to delete 2 keys at and below /x (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv delete /x --recursive -o json", R"(
! {
!   "code": "INVALID_ARGUMENT",
!   "reason": "INVALID_FIELD",
!   "message": "--yes: is missing: nobody can be asked whether to delete 2 keys at and below /x",
!   "violations": [
!     {
!       "field": "--yes",
!       "description": "is missing: nobody can be asked whether to delete 2 keys at and below /x"
!     }
!   ],
!   "exit_code": 2
! }
[exit 2]
)");
  Shows("scoutctl kv delete /x --recursive --yes", R"(
deleted 2 keys at and below /x at revision 8
)");
  Shows("scoutctl kv delete /x --recursive", R"(
nothing at and below /x
)");
  Shows("scoutctl kv delete /x --recursive --yes -o json", R"(
{
  "key": "/x",
  "deleted": 0,
  "revision": 8,
  "store_id": "STORE"
}
)");
}

}  // namespace
}  // namespace scoutlight::testing
