// `scoutctl backup` and `backup check`.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

class BackupTest : public ShellTest {
 protected:
  BackupTest() : ShellTest({}, Stored::kOnDisk) {}

  std::string FilesFolder() const { return Environment().at("FILES"); }
  // Values of 1 MB.
  void PutLarge(int count) {
    for (int i = 0; i < count; ++i) ASSERT_TRUE(client_.Put(absl::StrCat("/large/", i), std::string(1'000'000, 'x')).ok());
  }
  // Begins a backup to $FILES/b, and waits until a part of it has come.
  std::unique_ptr<Process> BeginBackup(const std::string& flags = "--timeout 1s", const std::string& before = ":") {
    auto backup = Start("scoutctl backup $FILES/b " + flags, before);
    EXPECT_TRUE(WaitUntil([this] { return BytesThere() > 0; })) << backup->errors();
    return backup;
  }
  // In the folder.
  uintmax_t BytesThere() const {
    uintmax_t bytes = 0;
    std::error_code gone;
    for (const auto& file : std::filesystem::directory_iterator(FilesFolder())) {
      const uintmax_t size = file.file_size(gone);
      if (!gone) bytes += size;
    }
    return bytes;
  }

  Client client_{server().address()};
  TempDir restored_;
};

// The stop comes long before so much is written.
constexpr int kLargeCount = 64;
constexpr uintmax_t kHalfBytes = 40'000'000;

TEST_F(BackupTest, TakenUnderLoadItIsRestoredAsTheStateAtItsRevision) {
  // Several pages.
  for (int i = 0; i < 60; ++i) ASSERT_TRUE(client_.Put(absl::StrCat("/large/", i), std::string(100'000, 'x')).ok());
  Shown("scoutctl service register Printer --id laser hostname=h --ttl 1h");
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      EXPECT_TRUE(client_.Put(absl::StrCat("/large/", i % 80), absl::StrCat("now ", i)).ok());
      ++written;
    }
  });
  EXPECT_TRUE(WaitUntil([&] { return written >= 10; }));
  const std::string taken = Shown("scoutctl backup $FILES/b");
  const int during = written;
  EXPECT_TRUE(WaitUntil([&] { return written > during; }));
  stop = true;
  writer.join();
  EXPECT_TRUE(absl::StartsWith(taken, "backed up ")) << taken;
  EXPECT_EQ(Shown("ls $FILES"), "b\n");

  const auto other = StartServer({.data_dir = restored_.File("data"), .flags = {absl::StrCat("--restore=", FilesFolder(), "/b")}});
  const std::string to_other = absl::StrCat("other=", other->address(), "; ");
  Shows(to_other + R"sh(
revision=$(scoutctl backup check $FILES/b -o json | sed -n 's/.*"revision": \([0-9]*\),/\1/p')
scoutctl kv list / -r -o json --revision $revision | grep -v store_id >$FILES/before
scoutctl --endpoint $other kv list / -r -o json | grep -v store_id >$FILES/after
grep -c '"key": "/large/' $FILES/before >$FILES/count; [ $(cat $FILES/count) -ge 60 ] && cmp $FILES/before $FILES/after && echo same
scoutctl --endpoint $other service get Printer -o name
[ "$(scoutctl lease list -o name)" == "$(scoutctl --endpoint $other lease list -o name)" ] && echo the same lease
[ "$(scoutctl status -o json | grep store_id)" != "$(scoutctl --endpoint $other status -o json | grep store_id)" ] && echo another store
)sh",
        R"(
same
laser
the same lease
another store
)");
}

TEST_F(BackupTest, AServerThatEndsOrHangsHalfWayLeavesNothing) {
  PutLarge(kLargeCount);
  {
    const auto backup = BeginBackup();
    ASSERT_TRUE(server().Stop());
    EXPECT_LT(BytesThere(), kHalfBytes);
    EXPECT_EQ(backup->WaitForExit(), Exit{.code = 5});
    EXPECT_EQ(backup->errors(), "scoutctl: deadline exceeded: nothing came for 1s\n");
    EXPECT_EQ(Shown("ls $FILES"), "");
    server().Signal(SIGCONT);
  }
  const auto backup = BeginBackup();
  // What has come meanwhile is not all of it.
  ASSERT_TRUE(backup->Stop());
  EXPECT_LT(BytesThere(), kHalfBytes);
  server().Kill();
  backup->Signal(SIGCONT);
  EXPECT_EQ(backup->WaitForExit(), Exit{.code = 6});
  EXPECT_TRUE(absl::StartsWith(backup->errors(), "scoutctl: unavailable: ")) << backup->errors();
  EXPECT_EQ(Shown("ls $FILES"), "");
}

TEST_F(BackupTest, OneThatIsStoppedLeavesNothingAndWhatWasThereBefore) {
  PutLarge(kLargeCount);
  Shown("echo old >$FILES/old");
  const auto backup = Start("scoutctl backup $FILES/old");
  EXPECT_TRUE(WaitUntil([this] { return BytesThere() > 10; })) << backup->errors();
  EXPECT_EQ(Interrupt(backup.get()), "[signal 2]\n");
  EXPECT_EQ(Shown("ls $FILES; cat $FILES/old"), "old\nold\n");
}

TEST_F(BackupTest, AStopDoesNotWaitForAServerThatHangs) {
  PutLarge(kLargeCount);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    const auto backup = BeginBackup("--timeout 5m", "ulimit -c 0");
    ASSERT_TRUE(server().Stop());
    backup->Signal(signal);
    EXPECT_EQ(backup->WaitForExit(), (Exit{.code = -1, .signal = signal})) << backup->errors();
    EXPECT_EQ(Shown("ls $FILES"), "");
    server().Signal(SIGCONT);
  }
  // One that is to be ignored is.
  const auto backup = BeginBackup("--timeout 5m", "trap '' INT HUP");
  ASSERT_TRUE(server().Stop());
  backup->Signal(SIGINT);
  backup->Signal(SIGHUP);
  server().Signal(SIGCONT);
  EXPECT_EQ(backup->WaitForExit(), Exit{.code = 0});
}

TEST_F(BackupTest, WhatAKilledOneLeavesTheNextOneWritesOver) {
  PutLarge(kLargeCount);
  const auto backup = BeginBackup("--timeout 5m");
  ASSERT_TRUE(server().Stop());
  Shows("cd $FILES; scoutctl backup b", R"(
! scoutctl: failed precondition: another process is writing b.partial
[exit 4]
)");
  backup->Signal(SIGKILL);
  EXPECT_EQ(backup->WaitForExit(), (Exit{.code = -1, .signal = SIGKILL}));
  server().Signal(SIGCONT);
  Shows("cd $FILES; ls; echo old >b; scoutctl backup b -o name && scoutctl backup check b -o name && ls && stat -c %a b", R"(
b.partial
b
b
b
600
)");
}

TEST_F(BackupTest, WhatIsNoFileStaysAsItIs) {
  Shows("cd $FILES; mkdir folder; scoutctl backup folder; mkfifo pipe; scoutctl backup pipe", R"(
! scoutctl: invalid argument: folder: is there, and is no file (INVALID_FIELD)
! scoutctl: invalid argument: pipe: is there, and is no file (INVALID_FIELD)
[exit 2]
)");
  Shows("cd $FILES; ln -s folder to; scoutctl backup to 2>&1 | sed \"s#$PWD/##\"", R"(
scoutctl: invalid argument: to: is a link to folder, which is no file (INVALID_FIELD)
)");
  Shows("cd $FILES; ln -s nowhere lost; scoutctl backup lost; ls -F", R"(
folder/
lost@
pipe|
to@
! scoutctl: invalid argument: lost: is a link that leads nowhere: No such file or directory (INVALID_FIELD)
)");
  Shows("cd $FILES; touch there; ln -s there last; scoutctl backup last -o name; scoutctl backup check there -o name; ls -F last", R"(
last
there
last@
)");
  // Whoever has put that there could read what is written.
  Shows("cd $FILES; echo mine >other; ln other b.partial; scoutctl backup b; cat other; ls b", R"(
mine
! scoutctl: failed precondition: b.partial is there, and is not of this program
! ls: cannot access 'b': No such file or directory
[exit 2]
)");
}

TEST_F(BackupTest, ADiskThatIsFullLeavesNothing) {
  PutLarge(1);
  Shows("cd $FILES; trap '' XFSZ; ulimit -f 10; scoutctl backup b; ls", R"(
! scoutctl: cannot write b: File too large
)");
}

TEST_F(BackupTest, WhatIsTakenSaysWhatItIs) {
  Shown("scoutctl kv put /a one; scoutctl kv put /b two; scoutctl service register Printer --id laser hostname=h --ttl 1h");
  Shows("scoutctl backup $FILES/b | sed s,$FILES,FILES,", "backed up 4 entries and 1 lease at revision 4 to FILES/b\n");
  Shows("scoutctl backup $FILES/b -o json | sed s,$FILES,FILES, | grep -v bytes", R"(
{
  "file": "FILES/b",
  "revision": 4,
  "store_id": "STORE",
  "taken_at": "TIME",
  "entries": 4,
  "leases": 1,
}
)");
  Shows("stat -c %a $FILES/b", "600\n");
  Shows(
      "cd $FILES; [ $(stat -c %s b) == $(scoutctl backup check b | sed -n 's/^bytes *//p') ]; scoutctl backup check b | grep -v -e bytes "
      "-e store",
      R"(
file      b
revision  4
taken at  TIME
entries   4
leases    1
)");
  Shows("cd $FILES; scoutctl backup check - -o name <b", "-\n");
  Shows("scoutctl backup - 2>&1 >$FILES/piped; scoutctl backup check $FILES/piped | grep entries", R"(
backed up 4 entries and 1 lease at revision 4
entries   4
)");
}

TEST_F(BackupTest, WhatIsNoWholeBackupIsRefused) {
  Shown("scoutctl kv put /a one; scoutctl backup $FILES/b");
  Shows("cd $FILES; head -c -1 b >cut; scoutctl backup check cut 2>&1 >/dev/null | sed 's/byte [0-9]*/byte N/'; echo ${PIPESTATUS[0]}", R"(
scoutctl: data loss: the backup is not complete: it ends at byte N without its end (DATA_CORRUPTED)
1
)");
  Shows("cd $FILES; printf x | cat b - >more; scoutctl backup check more 2>&1 | sed 's/byte [0-9]*/byte N/'", R"(
scoutctl: data loss: the backup is damaged at byte N: something comes after its end (DATA_CORRUPTED)
)");
  Shows("cd $FILES; sed s/one/two/ b >other; scoutctl backup check other 2>&1 | sed 's/byte [0-9]*/byte N/'", R"(
scoutctl: data loss: the backup is damaged at byte N: the checksum of a record is wrong (DATA_CORRUPTED)
)");
  Shows("cd $FILES; echo no >no; scoutctl backup check no", R"(
! scoutctl: data loss: the backup is damaged at byte 0: this is no backup of ScoutLight: it begins otherwise (DATA_CORRUPTED)
[exit 1]
)");
  Shows("scoutctl backup check /nowhere", R"(
! scoutctl: invalid argument: FILE: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl backup", "! scoutctl: invalid argument: FILE: is missing (INVALID_FIELD)\n[exit 2]\n");
  Shows("scoutctl backup /nowhere/b", "! scoutctl: cannot make /nowhere/b.partial: No such file or directory\n[exit 1]\n");
  // Elsewhere that is success; half a backup is none.
  PutLarge(2);
  Shows("scoutctl backup - | head -c 5 >/dev/null; echo ${PIPESTATUS[0]}", R"(
1
! scoutctl: data loss: standard output was closed
)");
}

}  // namespace
}  // namespace scoutlight::testing
