// `scoutctl doctor`.
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
#include "tests/support/process.h"
#include "tests/support/server_process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

using DoctorTest = ShellTest;

TEST_F(DoctorTest, NothingIsFoundWhereNothingIsWrong) {
  Shows("scoutctl doctor", R"(
! looked at the server and 0 instances of 0 services: 0 errors, 0 warnings
)");
  Shown("scoutctl service register Printer --id laser hostname=h port=80 --permanent");
  Shows("scoutctl doctor -o json", R"(
{
  "findings": [],
  "errors": 0,
  "warnings": 0,
  "infos": 0,
  "findings_left_out": 0,
  "services": 1,
  "instances": 1,
  "instances_left_out": 0,
  "addresses_left_out": 0
}
)");
}

TEST_F(DoctorTest, InstancesThatAreNotAsTheyShouldBe) {
  Shown(R"(
    scoutctl service register Printer --id laser hostname=10.0.0.1 port=80 --permanent
    scoutctl service register Printer --id inkjet hostname=10.0.0.1 port=80 --permanent
    scoutctl service register Scanner --id flat hostname=10.0.0.1 port=80 health=critical --permanent
    scoutctl kv put /default/services/Printer/byhand/hostname 10.0.0.2
    scoutctl --cluster other service register Printer --id good hostname=10.0.0.3 --permanent
    scoutctl kv put /other/services/Printer/bad/port none)");
  // What they mean is what diagnosis_test.cc says.
  Shows("scoutctl doctor 2>/dev/null | tr -s ' ' | cut -c1-110", R"(
SEVERITY KIND SUBJECT COMMAND MEANING
error duplicate_address Printer/laser scoutctl service deregister Printer laser is at 10.0.0.1:80, as Printer/
error nobody_takes_work Scanner scoutctl service get Scanner none of its 1 instance takes work: who resolves i
warning without_owner Printer/byhand scoutctl service deregister Printer byhand its entries were written by ha
warning critical_health Scanner/flat scoutctl service get Scanner flat it says that its health is critical, an
warning rejected_instance other:Printer/bad scoutctl service update --cluster other Printer bad port=VALUE its
warning without_owner other:Printer/bad scoutctl service deregister --cluster other Printer bad its entries we
info duplicate_address Printer/inkjet scoutctl service get Printer inkjet is at 10.0.0.1:80, as Scanner/flat i
)");
  Shows("scoutctl doctor 2>&1 >/dev/null", R"(
looked at the server and 6 instances of 3 services: 2 errors, 4 warnings
scoutctl: failed precondition: found 2 errors
[exit 1]
)");
  Shows("scoutctl doctor -o name 2>/dev/null", R"(
Printer/laser
Scanner
Printer/byhand
Scanner/flat
other:Printer/bad
other:Printer/bad
Printer/inkjet
[exit 1]
)");
  Shows("scoutctl doctor -o json 2>/dev/null | head -8", R"(
{
  "findings": [
    {
      "severity": "error",
      "kind": "duplicate_address",
      "subject": "Printer/laser",
      "command": "scoutctl service deregister Printer laser",
      "meaning": "is at 10.0.0.1:80, as Printer/inkjet is, which has come later: this one is probably not there any more"
)");
  Shows("scoutctl doctor -o json 2>&1 >/dev/null", R"(
{
  "code": "FAILED_PRECONDITION",
  "message": "found 2 errors",
  "exit_code": 1
}
[exit 1]
)");
  Shows("scoutctl doctor --instances-max 3 2>&1 >/dev/null", R"(
looked at the server and 3 instances of 3 services: 2 errors, 1 warning
did not look at 3 instances: --instances-max is 3
scoutctl: failed precondition: found 2 errors
[exit 1]
)");
  Shows("scoutctl doctor --instances-max 0", R"(
! scoutctl: invalid argument: --instances-max: must be 1 to 1000000, is "0"; see scoutctl doctor --help
[exit 2]
)");
}

// What it says to do is done, until it has nothing to say.
TEST_F(DoctorTest, ItsCommandsMendWhatItFinds) {
  Shown(R"(
    scoutctl service register Printer --id laser hostname=10.0.0.1 port=80 --permanent
    scoutctl service register Printer --id inkjet hostname=10.0.0.1 port=80 --permanent
    scoutctl kv put "/default/services/Printer/by hand/hostname" 10.0.0.2)");
  Shows(R"sh(scoutctl doctor -o json 2>/dev/null | sed -n 's/.*"command": "\(.*\)",/\1/p' >$FILES/mend
cat $FILES/mend; source $FILES/mend)sh",
        R"(
scoutctl service deregister Printer laser
scoutctl service deregister Printer 'by hand'
deregistered Printer/laser at revision 5
deregistered Printer/by hand at revision 6
)");
  Shows("scoutctl doctor", R"(
! looked at the server and 1 instance of 1 service: 0 errors, 0 warnings
)");
}

TEST_F(DoctorTest, ASubscriberThatDoesNotConfirm) {
  Shown("scoutctl service register Printer --id laser hostname=h --permanent");
  const auto watch = Start("scoutctl service watch Printer");
  WaitForOutput(watch.get(), "laser");
  Shows("scoutctl doctor 2>/dev/null", "");
  ASSERT_TRUE(watch->Stop());
  Shown("scoutctl service update Printer laser hostname=h2");
  Shows(R"(scoutctl doctor -o json | head -9 |
sed -E 's/[0-9a-f]{16,32}/SUBSCRIBER/; s/confirmed [0-9]+ of [0-9]+/confirmed M of N/; s/ drains wait.*//')",
        R"(
{
  "findings": [
    {
      "severity": "warning",
      "kind": "lagging_subscriber",
      "subject": "subscriber SUBSCRIBER",
      "command": "ss -tnp src ADDRESS",
      "meaning": "the program at ADDRESS has confirmed M of N messages that it had 1s ago: it may work with what is not so any more, and
    }
)");
}

// What it says of a server whose disk is, of which nothing else is to be said.
constexpr char kNearlyFull[] = R"(
SEVERITY  KIND            SUBJECT  COMMAND  MEANING
error     server_problem  server   df -h    the disk is nearly full: puts are refused
! looked at the server and 0 instances of 0 services: 1 error, 0 warnings
! scoutctl: failed precondition: found 1 error
[exit 1]
)";

TEST_F(DoctorTest, ADiskThatIsNearlyFull) {
  const TempDir mounted;
  const auto full = StartServer(
      {.data_dir = mounted.File("data"), .flags = {"--disk-reserve=24MiB"}, .mount = PrivateMount{.path = mounted.path(), .size = "64m"}});
  const std::string to =
      absl::StrCat("export SCOUTLIGHT_ENDPOINT=", full->address(), "; ballast=/proc/", full->pid(), "/root", mounted.File("ballast"), "; ");
  const std::string well = "! looked at the server and 0 instances of 0 services: 0 errors, 0 warnings\n";
  Shows(to + "scoutctl doctor", well);
  // 5 MiB or 4 are left, by what the store takes.
  Shows(to + R"(head -c 34M /dev/zero >$ballast; scoutctl doctor 2>/dev/null | sed -E 's/has [45] MiB/has 4 MiB/')", R"(
SEVERITY  KIND            SUBJECT  COMMAND  MEANING
error     server_problem  server   df -h    the disk has 4 MiB left for puts, of 64 MiB: when they are used up, puts are refused
)");
  Shows(to + "head -c 48M /dev/zero >$ballast; scoutctl kv put /a 1 2>&1 | grep -o DISK_FULL; scoutctl doctor",
        absl::StrCat("\nDISK_FULL", kNearlyFull));
  Shows(to + "rm $ballast; scoutctl kv put /a 1 -o name; scoutctl doctor", absl::StrCat("/a\n", well));
}

TEST_F(DoctorTest, AServerThatIsInTrouble) {
  const TempDir data;
  const auto full = StartServer({.data_dir = data.path(), .flags = {"--disk-reserve=1000000GiB"}});
  Shows(absl::StrCat("scoutctl --endpoint ", full->address(), " doctor"), kNearlyFull);
  server().Kill();
  Shows("scoutctl doctor --timeout 1s 2>&1 | head -c 22", "scoutctl: unavailable:");
}

}  // namespace
}  // namespace scoutlight::testing
