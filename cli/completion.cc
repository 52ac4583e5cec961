#include "cli/completion.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "cli/completion_place.h"
#include "cli/contexts.h"
#include "cli/flags.h"
#include "cli/terminal_text.h"
#include "client/discovery.h"
#include "client/registry.h"

namespace scoutlight::cli {
namespace {

constexpr int kKeysMax = 1'000;

// %q: what a key has must not be acted on when the line is run.
constexpr absl::string_view kBash = R"(# bash: source <(scoutctl completion bash)
_scoutctl() {
  local i
  mapfile -t COMPREPLY < <(scoutctl __complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
  for i in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]}"; done
}
complete -o default -F _scoutctl scoutctl
)";
constexpr absl::string_view kZsh = R"(#compdef scoutctl
# zsh: source <(scoutctl completion zsh)
_scoutctl() {
  local -a found
  found=("${(@f)$(scoutctl __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ! ${#found} )); then _files; return; fi
  compadd -S '' -- "${(@M)found:#*/}"
  compadd -- "${(@)found:#*/}"
}
compdef _scoutctl scoutctl
)";
constexpr absl::string_view kFish = R"(# fish: scoutctl completion fish | source
function __scoutctl_complete
  set -l found (scoutctl __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c scoutctl -f -a '(__scoutctl_complete)'
)";

const std::map<std::string, absl::string_view>& Scripts() {
  static const auto* const scripts = new std::map<std::string, absl::string_view>{{"bash", kBash}, {"fish", kFish}, {"zsh", kZsh}};
  return *scripts;
}

// The children of what has been typed up to its last slash, those with children of their own with a slash behind.
std::vector<std::string> KeysAt(const Connection& connection, const std::string& typed) {
  const std::string parent = typed.substr(0, typed.rfind('/') == std::string::npos ? 0 : typed.rfind('/'));
  const absl::StatusOr<ListResult> list = Registry(connection).List(parent.empty() ? "/" : parent, {.entries_max = kKeysMax});
  std::vector<std::string> keys;
  if (!list.ok()) return keys;
  for (const Entry& entry : list->entries) {
    if (entry.has_value) keys.push_back(entry.key.path());
    if (entry.has_children) keys.push_back(absl::StrCat(entry.key.path(), "/"));
  }
  return keys;
}

std::vector<std::string> ServicesAt(const Connection& connection, const std::string& cluster) {
  std::vector<std::string> names;
  const absl::StatusOr<ListServicesResult> list = Discovery(connection).ListServices(cluster);
  if (!list.ok()) return names;
  for (const ServiceSummary& service : list->services) names.push_back(service.name);
  return names;
}

std::vector<std::string> IdsAt(const Connection& connection, const discovery::ServiceName& service) {
  std::vector<std::string> ids;
  const absl::StatusOr<ListInstancesResult> list = Discovery(connection).ListInstances(service, {.instances_max = kKeysMax});
  if (!list.ok()) return ids;
  for (const discovery::Instance& instance : list->instances) ids.push_back(instance.name.id);
  return ids;
}

std::vector<std::string> ContextNames() {
  std::vector<std::string> names;
  const absl::StatusOr<Contexts> contexts = ReadContexts(ContextsPath());
  if (!contexts.ok()) return names;
  for (const auto& [name, context] : contexts->by_name) names.push_back(name);
  return names;
}

// What the server has. A server that is away, or anything that is wrong, is no candidate.
std::vector<std::string> LiveCandidates(const CLI::App& app, const CompletionPlace& place, const std::string& typed, Settings settings) {
  const auto given = [&place](const std::string& name, const std::string& otherwise) {
    const auto found = place.given.find(name);
    return found == place.given.end() ? otherwise : found->second;
  };
  const bool is_service = place.positional == "SERVICE" || (place.value_of != nullptr && place.value_of->check_lname("service"));
  const bool is_key = place.positional == "KEY" || place.positional == "PARENT";
  if (place.positional == "CONTEXT" || (place.value_of != nullptr && place.value_of->check_lname("context"))) return ContextNames();
  if (place.is_of_command || (place.value_of != nullptr && !is_service) || (!is_service && !is_key && place.positional != "ID")) return {};
  settings.timeout = Completion::kLookUpTimeout;
  if (const std::string context = given("--context", ""); !context.empty()) {
    settings.context = context;
    ApplyContext(app, &settings);
  }
  settings.cluster = given("--cluster", settings.cluster);
  if (const std::string endpoint = given("--endpoint", ""); !endpoint.empty()) settings.endpoints = absl::StrSplit(endpoint, ',');
  const absl::StatusOr<Connection> connection = Connect(settings);
  if (!connection.ok()) return {};
  if (is_service) return ServicesAt(*connection, settings.cluster);
  if (is_key) return KeysAt(*connection, typed);
  return IdsAt(*connection, {settings.cluster, given("SERVICE", "")});
}

}  // namespace

Completion::Completion(CLI::App* app, Verb* chosen) : app_(*app) {
  CLI::App* const show = app->add_subcommand("completion", "print what makes a shell complete the words of scoutctl");
  show->add_option("SHELL", shell_, "bash, zsh or fish")->required()->check(CLI::IsMember({"bash", "zsh", "fish"}))->type_name("");
  SetExample(show, "scoutctl completion bash >/etc/bash_completion.d/scoutctl");
  show->callback([this, chosen] { *chosen = [this](const Settings&, Printer* printer) { return ShowScript(printer); }; });

  // An empty group is shown nowhere.
  CLI::App* const complete = app->add_subcommand("__complete", "what can stand where the last word is")->group("");
  complete->add_option("WORD", words_, "behind --: the words of the line")->type_name("");
  complete->callback(
      [this, chosen] { *chosen = [this](const Settings& settings, Printer* printer) { return ShowCandidates(settings, printer); }; });
}

absl::Status Completion::ShowScript(Printer* printer) const {
  printer->Raw(Scripts().at(shell_));
  return absl::OkStatus();
}

absl::Status Completion::ShowCandidates(const Settings& settings, Printer* printer) const {
  const std::vector<std::string> words = words_.empty() ? std::vector<std::string>{""} : words_;
  const std::string& typed = words.back();
  const CompletionPlace place = FindPlace(app_, words);
  const bool is_flag = absl::StartsWith(typed, "-");
  std::vector<std::string> candidates = DeclaredCandidates(place, is_flag);
  if (candidates.empty() && !is_flag) candidates = LiveCandidates(app_, place, typed, settings);
  std::set<std::string> shown;
  for (const std::string& candidate : candidates) {
    // Names that a terminal would act on are not put into a line.
    if (absl::StartsWith(candidate, typed) && Printable(candidate) == candidate) shown.insert(candidate);
  }
  std::string lines;
  for (const std::string& candidate : shown) absl::StrAppend(&lines, candidate, "\n");
  printer->Raw(lines);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
