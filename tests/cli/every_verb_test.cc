// What is true of every verb: its page of the manual, its help, its forms of output.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "tests/cli/shell.h"
#include "tests/http/hostile_server.h"

namespace scoutlight::testing {
namespace {

// Fewer means that the list itself is wrong.
constexpr size_t kVerbsMin = 50;

class EveryVerbTest : public ShellTest {
 protected:
  // All verbs and groups of them: "kv", "kv get".
  std::vector<std::string> Listed() { return absl::StrSplit(Shown("scoutctl man --list"), '\n', absl::SkipEmpty()); }
  // Without the groups.
  std::set<std::string> Verbs() {
    const std::vector<std::string> listed = Listed();
    std::set<std::string> verbs(listed.begin(), listed.end());
    for (const std::string& verb : listed) {
      if (const size_t end = verb.rfind(' '); end != std::string::npos) verbs.erase(verb.substr(0, end));
    }
    EXPECT_GE(verbs.size(), kVerbsMin);
    return verbs;
  }
};

// As the page shows it.
std::string Roff(const std::string& text) {
  return absl::StrReplaceAll(text, {{"\\", "\\e"}, {"-", "\\-"}, {"'", "\\(aq"}, {"\"", "\\(dq"}, {"~", "\\(ti"}});
}

// The long flags that a text of --help declares: those that begin a line.
std::set<std::string> FlagsIn(const std::string& help) {
  std::set<std::string> flags;
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    if (!absl::StartsWith(line, "  -")) continue;
    const size_t begin = line.find("--");
    if (begin == absl::string_view::npos) continue;
    flags.insert(std::string(line.substr(begin, line.find_first_of(" ,=:", begin) - begin)));
  }
  return flags;
}

TEST_F(EveryVerbTest, HelpHasAnExample) {
  for (const std::string& verb : Verbs()) {
    const std::string help = Shown(absl::StrCat("scoutctl --help ", verb));
    EXPECT_TRUE(absl::StrContains(help, absl::StrCat("Example:\n  scoutctl ", verb))) << help;
  }
  EXPECT_TRUE(absl::StrContains(Shown("scoutctl --help"), "Exit codes: 0 done, "));
}

TEST_F(EveryVerbTest, HasAPageWithEveryFlagAndItsExample) {
  for (const std::string& verb : Listed()) {
    const std::string page = Shown(absl::StrCat("scoutctl man ", verb));
    const std::string help = Shown(absl::StrCat("scoutctl --help ", verb));
    for (const std::string& flag : FlagsIn(help)) EXPECT_TRUE(absl::StrContains(page, Roff(flag))) << verb << " " << flag << "\n" << page;
    const size_t example = help.find("Example:\n  ");
    if (example == std::string::npos) continue;
    const size_t begin = example + 11;
    EXPECT_TRUE(absl::StrContains(page, Roff(help.substr(begin, help.find('\n', begin) - begin)))) << page;
  }
  const std::set<std::string> all = FlagsIn(Shown("scoutctl --help"));
  EXPECT_TRUE(all.contains("--context")) << all.size();
  const std::string page = Shown("scoutctl man kv get");
  for (const std::string& flag : all) EXPECT_TRUE(absl::StrContains(page, Roff(flag))) << flag;
}

TEST_F(EveryVerbTest, PagesAreGoodRoff) {
  // groff is what man(1) has; -ww tells whatever it minds.
  if (Shown("command -v groff >/dev/null && echo here") != "here\n") GTEST_SKIP() << "there is no groff";
  Shows("scoutctl man | groff -man -ww -Tutf8 -P-cbou >$FILES/page && grep -c FLAGS $FILES/page", "1\n");
  EXPECT_EQ(Shown("scoutctl man --list | while read -r verb; do scoutctl man $verb; done | groff -man -ww -Tutf8 -P-c >/dev/null"), "");
  Shows("scoutctl man kv delete | groff -man -Tutf8 -P-cbou | grep -A2 EXAMPLE", R"(
EXAMPLE
       scoutctl kv delete /office --recursive --yes

)");
}

TEST_F(EveryVerbTest, PagesSayEachWayToCallIt) {
  const auto synopsis = [](const std::string& verb) {
    return absl::StrCat("scoutctl man ", verb, " | sed -n '/SYNOPSIS/,/DESCRIPTION/p' | sed '1d; $d; s/\\\\f.//g; s/\\\\//g'");
  };
  Shows(synopsis("kv put"), "scoutctl kv put [flags] KEY [VALUE]\n");
  Shows(synopsis("run"), "scoutctl run [flags] -- COMMAND ...\n");
  Shows(synopsis("kv"), "scoutctl kv VERB ...\n");
  Shows(synopsis("backup"), R"(
scoutctl backup [flags] [FILE]
.br
scoutctl backup VERB ...
)");
}

TEST_F(EveryVerbTest, AVerbThatIsNotThereHasNoPage) {
  Shows("scoutctl man kv gte", R"(
! scoutctl: invalid argument: VERB: "gte" is no verb; did you mean get? (INVALID_FIELD)
[exit 2]
)");
}

// A line of shell for each verb that succeeds as often as it is run, with $FORM for the flag.
const std::map<std::string, std::string>& Lines() {
  static const auto* const lines = new std::map<std::string, std::string>{
      {"kv get", "scoutctl kv get /a $FORM"},
      {"kv list", "scoutctl kv list / $FORM"},
      {"kv tree", "scoutctl kv tree / $FORM"},
      {"kv put", "scoutctl kv put /b 1 $FORM"},
      {"kv delete", "scoutctl kv delete /b $FORM"},
      {"kv watch", "scoutctl kv watch /a --snapshot $FORM | head -n 1"},
      {"kv txn", R"(scoutctl kv txn - $FORM <<<'{"on_success": [{"get": {"key": "/a"}}]}')"},
      {"kv export", "scoutctl kv export /a $FORM"},
      {"kv import", "scoutctl kv export /a >$FILES/export; rm -f $FILES/export.imported; scoutctl kv import $FILES/export $FORM"},
      {"service list", "scoutctl service list $FORM"},
      {"service get", "scoutctl service get Printer $FORM"},
      {"service resolve", "scoutctl service resolve Printer $FORM"},
      {"service watch", "scoutctl service watch Printer $FORM | head -n 1"},
      {"service register", "scoutctl service register Scanner --id s hostname=h --permanent $FORM"},
      {"service update", "scoutctl service update Printer laser zone=north $FORM"},
      {"service deregister", "scoutctl service deregister Scanner s $FORM"},
      {"service drain", "scoutctl service register Old --id o hostname=h --permanent >/dev/null; scoutctl service drain Old o $FORM"},
      {"service override put", "scoutctl service override put Scanner s --reason jam $FORM"},
      {"service override list", "scoutctl service override list $FORM"},
      {"service override delete", "scoutctl service override delete Scanner s $FORM"},
      {"lease list", "scoutctl lease list $FORM"},
      {"lease get", "scoutctl lease get $(scoutctl lease list -o name | head -n 1) $FORM"},
      {"lease revoke",
       "scoutctl service register Leased --id l hostname=h --ttl 1h >/dev/null; "
       "scoutctl lease revoke $(scoutctl lease list -o name | tail -n 1) --yes $FORM"},
      {"schema put", "scoutctl schema put $FILES/devices.json $FORM"},
      {"schema get", "scoutctl schema get devices $FORM"},
      {"schema list", "scoutctl schema list $FORM"},
      {"schema check", "scoutctl schema check $FILES/devices.json $FORM"},
      {"schema delete", "scoutctl schema delete nothing $FORM"},
      {"schema bind", "scoutctl schema bind Device devices $FORM"},
      {"schema unbind", "scoutctl schema unbind Device $FORM"},
      {"schema bindings", "scoutctl schema bindings $FORM"},
      {"topology get", "scoutctl topology get $FORM"},
      {"topology history", "scoutctl topology history $FORM"},
      {"topology diff", "scoutctl topology diff --version 1 --version 2 $FORM"},
      {"topology check", "scoutctl topology check $FILES/one.json $FORM"},
      {"topology apply", "scoutctl topology apply $FILES/one.json $FORM"},
      {"topology rollback", "scoutctl topology rollback 2 $FORM"},
      {"topology delete", "scoutctl topology delete --yes $FORM; scoutctl topology rollback 2 >/dev/null 2>&1"},
      {"topology watch", "scoutctl topology watch $FORM | head -n 1"},
      {"run", "scoutctl run --service Run --port 1 --host h --wait 0s --drain-timeout 0s $FORM -- true"},
      {"lock", "scoutctl lock nightly $FORM -- echo held"},
      {"elect", "scoutctl elect scheduler $FORM -- echo leads"},
      {"gate list", "scoutctl gate list $FORM"},
      {"http", "scoutctl http GET svc://Web/ $FORM"},
      {"call", "scoutctl call ScoutLight/ListClusters $FORM"},
      {"status", "scoutctl status $FORM"},
      {"backup check", "[ -e $FILES/backup ] || scoutctl backup $FILES/backup >/dev/null; scoutctl backup check $FILES/backup $FORM"},
      {"migrate", "rm -rf $FILES/moved; scoutctl migrate $FILES/moved --server $SCOUTLIGHTD $FORM"},
      // That it finds something is no failure here.
      {"doctor", "scoutctl doctor $FORM || [ $? = 1 ]"},
      {"context add", "scoutctl context add office --endpoint h:1 --replace $FORM"},
      {"context use", "scoutctl context use --none $FORM"},
      {"context list", "scoutctl context list $FORM"},
      {"context show", "scoutctl context show kept $FORM"},
      {"context delete", "scoutctl context delete office $FORM"},
      {"completion", "scoutctl completion bash $FORM"},
      {"man", "scoutctl man kv get $FORM"},
      {"version", "scoutctl version $FORM"},
  };
  return *lines;
}

// Whose standard output is a command's, or a text for another program, whatever the form.
const std::set<std::string>& Unformed() {
  static const auto* const verbs =
      new std::set<std::string>{"kv export", "run", "lock", "elect", "completion", "man", "schema check", "context use", "topology get"};
  return *verbs;
}

// Without the lines of standard error, as ShellTest marks them.
std::string Output(const std::string& shown) {
  std::vector<absl::string_view> lines = absl::StrSplit(shown, '\n');
  std::erase_if(lines, [](absl::string_view line) { return absl::StartsWith(line, "! "); });
  return absl::StrJoin(lines, "\n");
}

// One object, or one a line.
bool IsJson(const std::string& text) {
  if (!absl::StartsWith(text, "{")) return false;
  if (nlohmann::json::accept(text)) return true;
  const std::vector<std::string> lines = absl::StrSplit(text, '\n', absl::SkipEmpty());
  return std::all_of(lines.begin(), lines.end(), [](const std::string& line) { return nlohmann::json::accept(line); });
}

TEST_F(EveryVerbTest, TakesEveryFormOfOutput) {
  HostileServer web([](const SeenRequest&) { return Answer(200, "body"); });
  Shown(absl::StrCat("scoutctl service register Web --id w hostname=127.0.0.1 protocol=http --permanent port=", web.port()));
  Shown(R"(scoutctl kv put /a 1; scoutctl service register Printer --id laser hostname=h --permanent
           scoutctl service register Kept --id k hostname=h --ttl 1h; scoutctl context add kept --endpoint h:1
           scoutctl service register ScoutLight --id a hostname=127.0.0.1 port=${ADDRESS##*:} protocol=grpc --permanent
           echo '{"name": "devices", "pattern": "/{cluster}/devices/{service}/{instance}/{property}"}' >$FILES/devices.json
           scoutctl schema put $FILES/devices.json
           echo '{"feeder": {"links": [{"outgate": "sink", "queue": "mails", "type": "PUSH"}]},
                  "sink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "mails", "type": "PULL"}]}}' >$FILES/one.json
           echo '{"sink": {"links": [{"addresses": ["tcp://0.0.0.0:5678"], "queue": "mails", "type": "PULL"}]}}' |
             scoutctl topology apply -; scoutctl topology apply $FILES/one.json)");
  std::set<std::string> known;
  for (const auto& [verb, line] : Lines()) known.insert(verb);
  EXPECT_EQ(Verbs(), known) << "each verb has a line here";
  for (const auto& [verb, line] : Lines()) {
    for (const char* form : {"table", "wide", "name", "json"}) {
      const std::string shown = Shown(absl::StrCat("set -o pipefail; FORM='-o ", form, "'; ", line));
      EXPECT_FALSE(absl::StrContains(shown, "[exit")) << verb << " -o " << form << "\n" << shown;
      if (Unformed().contains(verb)) continue;
      EXPECT_EQ(IsJson(shown), std::string(form) == "json" || (verb == "call" && std::string(form) != "name"))
          << verb << " -o " << form << "\n"
          << shown;
      // Columns have gaps, names none.
      EXPECT_FALSE(std::string(form) == "name" && absl::StrContains(Output(shown), "  ")) << verb << "\n" << shown;
    }
  }
}

}  // namespace
}  // namespace scoutlight::testing
