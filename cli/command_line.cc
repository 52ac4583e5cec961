#include "cli/command_line.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "base/shown.h"
#include "base/version.h"
#include "cli/exit_code.h"
#include "cli/flags.h"
#include "cli/suggestion.h"

namespace scoutlight::cli {
namespace {

CLI::App* AddGroup(CLI::App* app, const std::string& name, const std::string& help) {
  CLI::App* const group = app->add_subcommand(name, help);
  group->require_subcommand(1);
  group->footer(absl::StrCat("scoutctl ", name, " VERB --help explains a verb."));
  return group;
}

// The help speaks of verbs and flags, as everything else does.
class HelpOfVerbs : public CLI::Formatter {
 public:
  HelpOfVerbs() {
    label("OPTIONS", "flags");
    label("SUBCOMMAND", "VERB");
    label("Positionals", "Arguments");
    label("REQUIRED", "(required)");
    label("Env", "environment");
  }

 private:
  std::string make_group(std::string group, bool is_positional, std::vector<const CLI::Option*> options) const override {
    return CLI::Formatter::make_group(group == "Options" ? "Flags" : group, is_positional, std::move(options));
  }
};

// Global flags may stand behind the verbs that are added from now on.
CLI::App* WithVerbs(CLI::App* app) {
  app->formatter(std::make_shared<HelpOfVerbs>());
  app->set_help_flag("-h,--help", "print this and exit");
  return app->group("Verbs")->fallthrough()->require_subcommand(1);
}

absl::Status ShowVersion(const Settings&, Printer* printer) {
  printer->Done(absl::StrCat("scoutctl ", kVersion), {.name = kVersion, .fields = {{"version", kVersion}}});
  return absl::OkStatus();
}

std::vector<std::string> VerbsOf(const CLI::App* app) {
  std::vector<std::string> names;
  // Those of an empty group are no verbs of a person's.
  for (const CLI::App* sub : app->get_subcommands([](const CLI::App* one) { return !one->get_group().empty(); }))
    names.push_back(sub->get_name());
  return names;
}

// Long flags, of groups above too.
std::vector<std::string> FlagsOf(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back(absl::StrCat("--", name));
    }
  }
  return names;
}

// "; did you mean list?"
std::string MeantText(absl::string_view typed, const std::vector<std::string>& words) {
  const std::string meant = Suggestion(typed, words);
  return meant.empty() ? "" : absl::StrCat("; did you mean ", meant, "?");
}

// What a parser's error says, in our words: "--file: FILE is missing".
std::string InOurWords(absl::string_view text) {
  constexpr absl::string_view kMissing = ": 1 required ";
  constexpr absl::string_view kTooOften = ": At Most 1 required but received ";
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "Could not convert: ")) {
    const std::vector<std::string> flag = absl::StrSplit(rest, absl::MaxSplits(" = ", 1));
    return absl::StrCat(flag.front(), ": must be true or false, is ", Shown(flag.back()));
  }
  if (const size_t at = text.find(kMissing); at != absl::string_view::npos && absl::ConsumeSuffix(&rest, " missing")) {
    return absl::StrCat(text.substr(0, at), ": ", rest.substr(at + kMissing.size()), " is missing");
  }
  if (const size_t at = text.find(kTooOften); at != absl::string_view::npos) {
    return absl::StrCat(text.substr(0, at), ": is given ", text.substr(at + kTooOften.size()), " times, and may be given once");
  }
  return std::string(text);
}

// `fault`, which begins with a flag of `app`; with its variable instead, if what is wrong stands there.
std::string OfEnvironment(const CLI::App& app, const std::string& fault) {
  for (const CLI::Option* option : app.get_options()) {
    const std::string flag = absl::StrCat(option->get_name(), ":");
    const char* const value = option->get_envname().empty() ? nullptr : getenv(option->get_envname().c_str());
    if (value == nullptr || !absl::StartsWith(fault, flag) || !absl::EndsWith(fault, absl::StrCat("is \"", value, "\""))) continue;
    return absl::StrCat(option->get_envname(), ":", fault.substr(flag.size()));
  }
  return fault;
}

// What was typed for the first argument of `app`; empty: nothing.
std::string FirstArgumentOf(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && !option->results().empty()) return option->results().front();
  }
  return "";
}

// "kv get"; empty: of the program itself.
std::string PathOf(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app->get_parent() != nullptr; app = app->get_parent()) names.push_back(app->get_name());
  std::reverse(names.begin(), names.end());
  return absl::StrJoin(names, " ");
}

}  // namespace

CommandLine::CommandLine()
    : app_("scoutctl: the ScoutLight registry from the command line.", "scoutctl"),
      kv_(AddGroup(WithVerbs(&app_), "kv", "keys and values: get, list, tree, put, delete, txn, watch, export, import")),
      service_(AddGroup(&app_, "service", "services: list, get, resolve, watch, register, update, deregister, drain, override")),
      lease_(AddGroup(&app_, "lease", "leases: list, get, revoke")),
      schema_(AddGroup(&app_, "schema", "how instances lie: put, get, list, check, delete, bind, unbind, bindings")),
      topology_(AddGroup(&app_, "topology", "who is linked with whom: get, history, diff, check, apply, rollback, delete, watch")),
      gate_(AddGroup(&app_, "gate", "message gates of running programs: list")),
      context_(AddGroup(&app_, "context", "registries by name: add, use, list, show, delete")),
      kv_reading_(kv_, &verb_),
      kv_writing_(kv_, &verb_),
      kv_watching_(kv_, &verb_),
      kv_transacting_(kv_, &verb_),
      kv_moving_(kv_, &verb_),
      service_reading_(service_, &verb_),
      service_watching_(service_, &verb_),
      service_registering_(service_, &verb_),
      service_changing_(service_, &verb_),
      leasing_(lease_, &verb_),
      schema_verbs_(schema_, &verb_),
      topology_reading_(topology_, &verb_),
      topology_changing_(topology_, &verb_),
      topology_watching_(topology_, &verb_),
      gate_reading_(gate_, &verb_),
      running_(&app_, &verb_),
      locking_(&app_, &verb_),
      http_calling_(&app_, &verb_),
      grpc_calling_(&app_, &verb_),
      server_verbs_(&app_, &verb_),
      backing_up_(&app_, &verb_),
      migrating_(&app_, &verb_),
      doctor_(&app_, &verb_),
      context_verbs_(&app_, context_, &verb_),
      completion_(&app_, &verb_),
      manual_(&app_, &verb_) {
  DeclareSettings(&app_, &settings_);
  // Behind the settings: by then they are read.
  app_.set_version_flag("--version", kVersion, "print the version of this program");
  CLI::App* const version = app_.add_subcommand("version", "print the version of this program");
  SetExample(version, "scoutctl version");
  version->callback([this] { verb_ = ShowVersion; });
  app_.footer(absl::StrCat("Flags may stand before or behind the verb, and are environment variables too: --endpoint is\n",
                           "SCOUTLIGHT_ENDPOINT. The flag wins, then the environment, then the context, then the default.\n",
                           "scoutctl kv get --help explains a verb.\n\nExit codes: ", ExitCodesText()));
}

absl::Status CommandLine::Parse(std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app_.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    help_ = app_.help();
    verb_ = nullptr;
  } catch (const CLI::CallForVersion&) {
    verb_ = ShowVersion;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(Explained(error));
  }
  ApplyContext(app_, &settings_);
  return absl::OkStatus();
}

const CLI::App* CommandLine::Deepest() const {
  const CLI::App* app = &app_;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  return app;
}

std::string CommandLine::Explained(const CLI::ParseError& error) const {
  const CLI::App* const reached = Deepest();
  const std::string path = PathOf(reached);
  const std::string of = path.empty() ? "" : absl::StrCat(" of ", path);
  std::vector<std::string> left = app_.remaining(true);
  // What follows is a command's, which was not read, as what stands before is wrong.
  left.erase(std::find(left.begin(), left.end(), "--"), left.end());
  if (!left.empty() && absl::StartsWith(left.front(), "-")) {
    return absl::StrCat(Shown(left.front()), " is no flag", of, MeantText(left.front(), FlagsOf(reached)));
  }
  const std::vector<std::string> verbs = VerbsOf(reached);
  const std::string help = absl::StrCat("; see scoutctl ", path, path.empty() ? "" : " ", "--help");
  if (const std::string argument = FirstArgumentOf(*reached); !left.empty() && !verbs.empty()) {
    // `backup chek FILE`: what was taken for its argument.
    const std::string& word = MeantText(argument, verbs).empty() ? left.front() : argument;
    const std::string meant = MeantText(word, verbs);
    if (meant.empty() && !argument.empty()) return absl::StrCat(Shown(word), " is one argument too many", of, help);
    return absl::StrCat(Shown(word), " is no verb", of, meant.empty() ? help : meant);
  }
  if (!left.empty()) return absl::StrCat(Shown(left.front()), " is one argument too many", of, help);
  if (!verbs.empty()) return absl::StrCat("a verb", of, " is missing: ", absl::StrJoin(verbs, ", "), help);
  return absl::StrCat(OfEnvironment(app_, InOurWords(error.what())), help);
}

}  // namespace scoutlight::cli
