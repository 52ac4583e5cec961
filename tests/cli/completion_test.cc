// `scoutctl completion`: what a shell offers where.
#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"

namespace scoutlight::testing {
namespace {

class CompletionTest : public ShellTest {
 protected:
  void PutNames() {
    Shown(R"(for key in office/host office/printers/a 'odd $(touch evil)'; do scoutctl kv put "/$key" 1; done)");
    Shown(
        "scoutctl service register Printer --id laser hostname=h --permanent; scoutctl --cluster other service register Plotter --id big "
        "hostname=h --permanent");
  }
  // What bash offers for a line that ends where the cursor is, whose words are these.
  std::string Offered(const std::string& words) {
    return Shown(absl::StrCat(R"(source <(scoutctl completion bash); COMP_WORDS=(scoutctl )", words, R"()
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
_scoutctl; (( ${#COMPREPLY[@]} )) && printf '%s\n' "${COMPREPLY[@]}"; true)"));
  }
  // An instance that tells its methods: the server.
  void RegisterServer() {
    Shown("scoutctl service register ScoutLight --id a hostname=127.0.0.1 port=${ADDRESS##*:} protocol=grpc --permanent");
  }
  // What each shell is typed.
  static constexpr char kTyped[] = R"(
scoutctl k
scoutctl kv de
scoutctl kv get --ra
scoutctl kv get /of
scoutctl kv get /od
scoutctl service get P
scoutctl -o js
scoutctl --output=js
scoutctl kv list --endpoint=$ADDRESS --output n
scoutctl --endpoint $ADDRESS service get --cluster=other P
scoutctl http PA
scoutctl http GET svc:
scoutctl http GET svc://P
scoutctl call S
scoutctl call ScoutLight/Res
scoutctl call ScoutLight/scoutlight.registry.v1.R
scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/De
scoutctl kv import li
)";
  // What becomes of it. Names with a slash behind go on.
  static constexpr char kCompleted[] = R"(
scoutctl kv |
scoutctl kv delete |
scoutctl kv get --raw |
scoutctl kv get /office/|
scoutctl kv get /odd\ \$\(touch\ evil\) |
scoutctl service get Printer |
scoutctl -o json |
scoutctl --output=json |
scoutctl kv list --endpoint=ADDRESS --output name |
scoutctl --endpoint ADDRESS service get --cluster=other Plotter |
scoutctl http PATCH |
scoutctl http GET svc://|
scoutctl http GET svc://Printer/|
scoutctl call ScoutLight/|
scoutctl call ScoutLight/Resolve |
scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/|
scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/Delete |
scoutctl kv import lines.jsonl |
)";
};

TEST_F(CompletionTest, VerbsFlagsAndChoicesAreOffered) {
  EXPECT_EQ(Offered("k"), "kv\n");
  EXPECT_EQ(Offered("kv de"), "delete\n");
  EXPECT_EQ(Offered("-o json service override ''"), "delete\nlist\nput\n");
  EXPECT_EQ(Offered("kv get --r"), "--raw\n--revision\n");
  EXPECT_EQ(Offered("kv get --end"), "--endpoint\n");
  EXPECT_EQ(Offered("kv list --order ''"), "creation\nkey\n");
  EXPECT_EQ(Offered("kv list -o w"), "wide\n");
  EXPECT_EQ(Offered("kv list -o=w"), "-o=wide\n");
  EXPECT_EQ(Offered("kv list --unknown="), "");
  EXPECT_EQ(Offered("__"), "");
  EXPECT_EQ(Offered("run --service P --port 80 -- k"), "");
}

TEST_F(CompletionTest, NamesThatTheServerHasAreOffered) {
  PutNames();
  EXPECT_EQ(Offered("kv get /of"), "/office/\n");
  EXPECT_EQ(Offered("kv get /office/"), "/office/host\n/office/printers/\n");
  // As the shell takes it, not as what it would do.
  EXPECT_EQ(Offered("kv get /od"), "/odd\\ \\$\\(touch\\ evil\\)\n");
  EXPECT_EQ(Offered("service get P"), "Printer\n");
  EXPECT_EQ(Offered("service get --cluster other P"), "Plotter\n");
  EXPECT_EQ(Offered("service drain Printer ''"), "laser\n");
  EXPECT_EQ(Offered("run --service ''"), "Printer\n");
  EXPECT_EQ(Offered("--endpoint 127.0.0.1:1 kv get /"), "");
  server().Kill();
  EXPECT_EQ(Offered("kv get /"), "");
}

// Lines that end where Tab is pressed, and what an interactive bash makes of each.
TEST_F(CompletionTest, BashCompletesAsItIsTyped) {
  PutNames();
  RegisterServer();
  Shows(absl::StrCat(R"(export PATH="$(dirname "$SCOUTCTL"):$PATH"; cd $FILES; touch lines.jsonl
cat >typing.bash <<'END'
source <(scoutctl completion bash)
# Puts the line into a file, and empties it.
keep() { printf '%s|\n' "$READLINE_LINE" >>kept; READLINE_LINE=; READLINE_POINT=0; }
bind -x '"\eK": keep'
END
{
  while read -r line; do if [ -n "$line" ]; then printf '%s\t\eK' "$line"; fi; done
  printf 'exit\r'
} <<END | TERM=xterm script -qec 'bash --rcfile typing.bash -i' /dev/null >shown 2>&1
)",
                     kTyped, "END\ncat kept"),
        kCompleted);
}

// The same of zsh.
TEST_F(CompletionTest, ZshCompletesAsItIsTyped) {
  if (Shown("command -v zsh").find("[exit") != std::string::npos) GTEST_SKIP() << "zsh is not installed";
  PutNames();
  RegisterServer();
  Shows(absl::StrCat(R"(export PATH="$(dirname "$SCOUTCTL"):$PATH"; cd $FILES; touch lines.jsonl
cat >type.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
# Ctrl-O puts the line into a file, and empties it.
zpty -w shell 'autoload -Uz compinit; compinit -u -D; source <(scoutctl completion zsh); keep() { print -r -- "$BUFFER" >>kept; BUFFER= }
zle -N keep; bindkey "^O" keep; print -r READ""Y'
zpty -r shell out '*READY*'
while read -r line; do if [[ -n $line ]]; then zpty -n -w shell "$line"$'\t\C-o'; fi; done
zpty -w shell exit
while zpty -r shell out; do :; done
sed 's/$/|/' kept
END
zsh -f type.zsh <<END
)",
                     kTyped, "END"),
        kCompleted);
}

TEST_F(CompletionTest, ZshCompletesFromTheFirstTabOnWhereItFindsTheScriptByItself) {
  if (Shown("command -v zsh").find("[exit") != std::string::npos) GTEST_SKIP() << "zsh is not installed";
  Shows(R"(export PATH="$(dirname "$SCOUTCTL"):$PATH"; cd $FILES; mkdir functions; scoutctl completion zsh >functions/_scoutctl
cat >type.zsh <<'END'
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; keep() { print -r -- "$BUFFER" >>kept; BUFFER= }
zle -N keep; bindkey "^O" keep; print -r READ""Y'
zpty -r shell out '*READY*'
for line in 'scoutctl kv de' 'scoutctl kv ge'; do zpty -n -w shell "$line"$'\t\C-o'; done
zpty -w shell exit
while zpty -r shell out; do :; done
sed 's/$/|/' kept
END
zsh -f type.zsh)",
        R"(
scoutctl kv delete |
scoutctl kv get |
)");
}

TEST_F(CompletionTest, FishOffersTheSame) {
  if (Shown("command -v fish").find("[exit") != std::string::npos) GTEST_SKIP() << "fish is not installed";
  PutNames();
  RegisterServer();
  Shows(R"(export PATH="$(dirname "$SCOUTCTL"):$PATH" HOME=$FILES; cd $FILES; touch lines.jsonl
cat >ask.fish <<'END'
scoutctl completion fish | source
for line in 'k' 'kv de' 'kv get --r' 'kv get /of' 'kv get /od' 'service get P' 'service drain Printer ' 'http GET svc://P' \
  'call ScoutLight/Res' '--output=js' 'kv import li'
  complete -C "scoutctl $line"
end
END
fish ask.fish)",
        R"(
kv
delete
--raw
--revision
/office/
/odd $(touch evil)
Printer
laser
svc://Printer/
ScoutLight/Resolve
--output=json
lines.jsonl
)");
}

TEST_F(CompletionTest, ContextsAreOfferedAndHeeded) {
  Shown("scoutctl context add office --endpoint $ADDRESS --cluster other; scoutctl context add away --endpoint 127.0.0.1:1");
  Shown("scoutctl --cluster other service register Plotter --id big hostname=h --permanent");
  EXPECT_EQ(Offered("context use o"), "office\n");
  EXPECT_EQ(Offered("--context ''"), "away\noffice\n");
  EXPECT_EQ(Offered("service get --context office P"), "Plotter\n");
}

TEST_F(CompletionTest, EachShellHasItsScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = Shown(absl::StrCat("scoutctl completion ", shell));
    EXPECT_NE(script.find("scoutctl __complete -- "), std::string::npos) << script;
  }
  EXPECT_EQ(Shown("scoutctl completion bash | bash -n"), "");
  Shows("scoutctl completion tcsh", R"(
! scoutctl: invalid argument: SHELL: must be one of bash|fish|zsh, is "tcsh"; see scoutctl completion --help
[exit 2]
)");
}

}  // namespace
}  // namespace scoutlight::testing
