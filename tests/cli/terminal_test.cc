// What a person at a terminal sees.
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

class TerminalTest : public ShellTest {
 protected:
  // What a terminal of 60 columns shows of a line of shell in which somebody types `typed` at once.
  std::string OnTerminal(const std::string& line, const std::string& typed = "") {
    std::vector<std::string> command = Command(line);
    const std::map<std::string, std::string> environment = Environment();
    int terminal = -1;
    winsize size = {.ws_row = 24, .ws_col = 60, .ws_xpixel = 0, .ws_ypixel = 0};
    const pid_t child = forkpty(&terminal, nullptr, nullptr, &size);
    if (child == 0) {
      for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
      setenv("TERM", "xterm", 1);
      execl(command[0].c_str(), command[0].c_str(), command[1].c_str(), command[2].c_str(), nullptr);
      _exit(126);
    }
    EXPECT_GT(child, 0);
    EXPECT_EQ(write(terminal, typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
    std::string shown;
    std::array<char, 4096> bytes;
    // The kernel tells the end of the other side as an error.
    for (ssize_t got = 0; (got = read(terminal, bytes.data(), bytes.size())) > 0;) shown.append(bytes.data(), static_cast<size_t>(got));
    close(terminal);
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) shown += "[failed]\n";
    return absl::StrReplaceAll(shown, {{"\r\n", "\n"}});
  }
};

TEST_F(TerminalTest, TreesAreDrawnInColoursAndCutAtTheEdge) {
  Shown("scoutctl kv put /office/printers/laser 10.0.0.1; scoutctl kv put /office/note \"$(head -c 100 /dev/zero | tr '\\0' x)\"");
  EXPECT_EQ(OnTerminal("scoutctl kv tree /office"),
            "/office\n"
            "\x1b[2m├── \x1b[0mnote\x1b[32m = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…\x1b[0m\n"
            "\x1b[2m└── \x1b[0mprinters\n"
            "\x1b[2m    └── \x1b[0mlaser\x1b[32m = 10.0.0.1\x1b[0m\n");
  EXPECT_EQ(OnTerminal("NO_COLOR=1 scoutctl kv tree /office/printers"), "/office/printers\n└── laser = 10.0.0.1\n");
  EXPECT_EQ(OnTerminal("scoutctl kv tree /office/printers | cat"), "/office/printers\n└── laser = 10.0.0.1\n");
}

TEST_F(TerminalTest, LinesEndAtTheEdge) {
  Shown(R"sh(scoutctl kv put /office/$(printf 'x%.0s' {1..80})/leaf short; scoutctl kv put /office/場所 "$(printf 'の%.0s' {1..50})"
             scoutctl service register Printer --id laser hostname=printer-1.floor-two.office.example.com port=8001 protocol=https \
               zone=north-europe-1 note="$(printf 'n%.0s' {1..70})" --permanent)sh");
  const auto plain = [this](const std::string& line) { return OnTerminal("export NO_COLOR=1; " + line); };
  const auto times = [](int count, const std::string& text) {
    std::string all;
    for (int i = 0; i < count; ++i) all += text;
    return all;
  };
  EXPECT_EQ(plain("scoutctl kv tree /office"),
            "/office\n├── " + times(55, "x") + "…\n│   └── leaf = short\n└── 場所 = " + times(24, "の") + "…\n");
  EXPECT_EQ(plain("scoutctl kv list /office --recursive"), "KEY                       MOD REVISION  VALUE\n/office/" + times(15, "x") +
                                                               "…  2             short\n/office/場所              3             " +
                                                               times(9, "の") + "…\n");
  // What is left of a column is readable, though it may not fit then.
  EXPECT_EQ(plain("scoutctl service get Printer"),
            "ID     STATUS  HEALTH   RESOLVABLE  ENDPOINT    ZONE        PROBLEMS\n"
            "laser  UP      passing  yes         https://p…  north-eur…  -\n");
  // One thing is shown whole, and so is everything in a pipe.
  EXPECT_NE(plain("scoutctl service get Printer laser").find(times(70, "n")), std::string::npos);
  EXPECT_NE(plain("scoutctl kv list /office --recursive | cat").find(times(80, "x")), std::string::npos);
  EXPECT_NE(plain("scoutctl kv list /office --recursive -o wide").find(times(80, "x")), std::string::npos);
}

TEST_F(TerminalTest, TablesShowWhatTakesNoWorkInRed) {
  Shown("scoutctl service register Printer --id a hostname=h health=critical --permanent");
  EXPECT_EQ(OnTerminal("scoutctl service list"),
            "\x1b[2mSERVICE\x1b[0m  \x1b[2mINSTANCES\x1b[0m  \x1b[2mRESOLVABLE\x1b[0m  \x1b[2mHELD\x1b[0m\n"
            "Printer  1          \x1b[31m0\x1b[0m           0\n");
}

// One line, which is gone at the end.
bool HasProgress(const std::string& shown, const std::string& begin) {
  return absl::StrContains(shown, absl::StrCat("\r", begin)) && absl::StrContains(shown, "\r\x1b[K");
}

TEST_F(TerminalTest, LongWorkShowsHowFarItHasCome) {
  Shown("scoutctl kv put /a/b 1; scoutctl kv put /a/c 2");
  const std::string exported = OnTerminal("scoutctl kv export >$FILES/all.jsonl");
  EXPECT_TRUE(HasProgress(exported, "exporting: 1 entry\x1b[K")) << exported;
  const std::string imported = OnTerminal("scoutctl kv import $FILES/all.jsonl");
  EXPECT_TRUE(HasProgress(imported, "importing: 2 entries, ")) << imported;
  EXPECT_TRUE(absl::EndsWith(imported, "\r\x1b[Kimported 2 entries\n")) << imported;
  const std::string taken = OnTerminal("scoutctl backup $FILES/b");
  EXPECT_TRUE(HasProgress(taken, "backing up: ")) << taken;
  const std::string checked = OnTerminal("scoutctl backup check $FILES/b -o name");
  EXPECT_TRUE(HasProgress(checked, "checking: ")) << checked;
  // Where it would be in the way.
  for (const char* line : {"scoutctl kv export", "scoutctl kv import $FILES/all.jsonl 2>&1 | cat", "scoutctl backup $FILES/b -o json",
                           "TERM=dumb scoutctl backup check $FILES/b"}) {
    const std::string plain = OnTerminal(line);
    EXPECT_FALSE(absl::StrContains(plain, "\r")) << line << "\n" << plain;
    EXPECT_FALSE(absl::StrContains(plain, "[failed]")) << line << "\n" << plain;
  }
}

TEST_F(TerminalTest, ABackupDoesNotGarbleTheTerminal) {
  EXPECT_EQ(
      OnTerminal("NO_COLOR=1 scoutctl backup -"),
      "scoutctl: invalid argument: FILE: is -, and standard output is a terminal, which a backup would garble (INVALID_FIELD)\n[failed]\n");
}

TEST_F(TerminalTest, ADeletionThatIsTooMuchForOneTransactionGoesInPieces) {
  Shown(R"(for i in $(seq 10001); do echo "{\"key\":\"/a/$i\",\"value\":\"x\"}"; done | scoutctl kv import -)");
  const std::string refused = OnTerminal("scoutctl kv delete /a --recursive", "n\n");
  EXPECT_TRUE(absl::StrContains(refused, "Delete all at and below /a, which is too much for one transaction, and goes in pieces? [y/N] "))
      << refused;
  const std::string done = OnTerminal("scoutctl kv delete /a --recursive --yes");
  EXPECT_TRUE(HasProgress(done, "deleting: 1000 entries")) << done;
  EXPECT_TRUE(absl::StrContains(done, "deleted 10001 keys at and below /a at revision ")) << done;
  EXPECT_EQ(Shown("scoutctl kv list / -o name"), "");
}

TEST_F(TerminalTest, ARecursiveDeletionAsks) {
  Shown("scoutctl kv put /a/b 1; scoutctl kv put /a/c 2");
  const std::string refused = OnTerminal("scoutctl kv delete /a --recursive", "n\n");
  EXPECT_NE(refused.find("Delete 2 keys at and below /a? [y/N] "), std::string::npos) << refused;
  EXPECT_NE(refused.find("scoutctl: \x1b[31mcancelled\x1b[0m: nothing was deleted\n[failed]\n"), std::string::npos) << refused;
  // Ctrl-D.
  const std::string closed = OnTerminal("NO_COLOR=1 scoutctl kv delete /a --recursive", "\x04");
  EXPECT_TRUE(absl::EndsWith(closed, "[y/N] \nscoutctl: cancelled: nothing was deleted\n[failed]\n")) << closed;
  EXPECT_EQ(OnTerminal("scoutctl kv delete /a --recursive -o json >/dev/null 2>&1"), "[failed]\n");
  EXPECT_EQ(Shown("scoutctl kv list /a -o name"), "/a/b\n/a/c\n");
  EXPECT_NE(OnTerminal("scoutctl kv delete /a --recursive", "yes\n").find("deleted 2 keys at and below /a at revision 4\n"),
            std::string::npos);
}

}  // namespace
}  // namespace scoutlight::testing
