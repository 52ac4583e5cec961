// `scoutctl migrate`: from a folder into a real etcd, and back.
#include <signal.h>

#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/etcd/etcd_process.h"
#include "tests/cli/shell.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

class MigrateTest : public ShellTest {
 protected:
  MigrateTest() : ShellTest({}, Stored::kOnDisk) {}

  std::string FilesFolder() const { return Environment().at("FILES"); }
};

TEST_F(MigrateTest, IntoEtcdAndBack) {
  const std::unique_ptr<storage::EtcdProcess> etcd = storage::EtcdProcess::Start();
  ASSERT_NE(etcd, nullptr);
  const std::string to = absl::StrCat("etcd://", etcd->target(), "/moved");
  Shown(R"sh(
scoutctl kv put /a one
printf 'a\0b' | scoutctl kv put /b -
scoutctl service register Printer --id laser hostname=h --permanent
scoutctl service register Printer --id leased hostname=h --ttl 1h
scoutctl service override put Printer laser --reason jam
)sh");
  Shows(absl::StrCat("scoutctl migrate ", to, " --server $SCOUTLIGHTD -o json >$FILES/made; grep -c store_id $FILES/made"), "2\n");

  TempDir none;
  const auto over_etcd = StartServer({.data_dir = none.File("data"), .flags = {absl::StrCat("--store=", to)}});
  const std::string there = absl::StrCat("there=", over_etcd->address(), "; ");
  Shows(there + R"sh(
scoutctl kv get /a --endpoint $there
scoutctl kv get /b --raw --endpoint $there | od -An -c
scoutctl service get Printer -o name --endpoint $there
scoutctl service override list --endpoint $there | grep -o jam
id=$(scoutctl status -o json --endpoint $there | grep -o '"store_id": "[0-9a-f]*"'); grep -c "$id" $FILES/made
scoutctl kv put /c two --endpoint $there >/dev/null
scoutctl migrate $FILES/back --server $SCOUTLIGHTD --endpoint $there 2>/dev/null | grep -c "is now also store"
)sh",
        R"(
one
   a  \0   b
laser
jam
1
1
)");

  const auto back = StartServer({.data_dir = FilesFolder() + "/back"});
  Shows(absl::StrCat("back=", back->address(), "; ", there, R"sh(
for server in $there $back; do scoutctl kv export / --endpoint $server | grep -v scoutlight_export >$FILES/$server; done
cmp $FILES/$there $FILES/$back && echo same
scoutctl kv get /c --endpoint $back; scoutctl service get Printer -o name --endpoint $back
)sh"),
        R"(
same
two
laser
)");
}

TEST_F(MigrateTest, WhatCannotBeMadeIsSaidAndNothingIsLeft) {
  Shown("scoutctl kv put /a one");
  Shows("scoutctl migrate redis://h:1 --server $SCOUTLIGHTD", R"(
! scoutctl: invalid argument: TO: is redis://h:1, must be etcd://HOST:PORT[,HOST:PORT...][/PREFIX] or a folder (INVALID_FIELD)
[exit 2]
)");
  Shows("TMPDIR=$FILES scoutctl migrate $FILES/new --server $SCOUTLIGHTD >/dev/null 2>&1; ls $FILES", "new\n");
  Shows("TMPDIR=$FILES scoutctl migrate $FILES/new --server $SCOUTLIGHTD 2>&1 | grep -c 'failed precondition: .*new'; ls $FILES",
        "1\nnew\n");
  Shows("scoutctl migrate etcd://nowhere --server $SCOUTLIGHTD 2>&1 | tail -n 1 | grep -c 'invalid argument: .*there is no port'", "1\n");
  Shows("cp $SCOUTCTL $FILES/alone; PATH= $FILES/alone migrate $FILES/other", R"(
! scoutctl: not found: scoutlightd is neither beside this program nor in $PATH: name it with --server
[exit 3]
)");
  Shows("scoutctl migrate $FILES/other --server $FILES/none 2>&1 | tail -n 1 | sed s,$FILES,FILES,",
        "scoutctl: cannot run FILES/none: No such file or directory\n");
  Shows("scoutctl migrate $FILES/other --server $SCOUTLIGHTD -- --colour=red 2>&1 | tail -n 1 | grep -c 'colour=red: no such flag'", "1\n");
  Shows(
      "scoutctl migrate $FILES/other --server $SCOUTLIGHTD --endpoint 127.0.0.1:1 >/dev/null 2>&1 || echo $?; [ -e $FILES/other ] || echo "
      "nothing",
      "6\nnothing\n");
}

TEST_F(MigrateTest, OneThatIsStoppedLeavesNoStore) {
  Client client(server().address());
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client.Put(absl::StrCat("/large/", i), std::string(1'000'000, 'x')).ok());
  // An etcd that does not answer.
  const std::unique_ptr<storage::EtcdProcess> etcd = storage::EtcdProcess::Start();
  ASSERT_NE(etcd, nullptr);
  etcd->Pause();
  const std::string to = absl::StrCat("etcd://", etcd->target());
  for (const int signal : {SIGINT, SIGHUP, SIGQUIT}) {
    const auto migrate =
        Start(absl::StrCat("scoutctl migrate ", to, " --server ", Environment().at("SCOUTLIGHTD")), "export TMPDIR=$FILES; ulimit -c 0");
    EXPECT_TRUE(WaitUntil([&] { return absl::StrContains(migrate->errors(), "restoring into"); })) << migrate->errors();
    migrate->Signal(signal);
    EXPECT_EQ(migrate->WaitForExit(), (Exit{.code = -1, .signal = signal})) << migrate->errors();
    Shows("ls $FILES", "");
  }
  etcd->Resume();
  Shows(absl::StrCat("scoutctl migrate ", to, " --server $SCOUTLIGHTD 2>/dev/null | grep -c 'is now also store'"), "1\n");
}

}  // namespace
}  // namespace scoutlight::testing
