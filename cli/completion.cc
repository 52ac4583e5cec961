#include "cli/completion.h"

#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/completion_place.h"
#include "cli/flags.h"
#include "cli/live_names.h"
#include "cli/terminal_text.h"

namespace scoutlight::cli {
namespace {

// Bash breaks words at : and = too, and replaces what is behind the last of them. %q: what a key has must not be acted on when the line is
// run.
constexpr absl::string_view kBash = R"(# bash: source <(scoutctl completion bash)
_scoutctl() {
  local i cut current=${COMP_WORDS[COMP_CWORD]} rest=${COMP_LINE:0:COMP_POINT} words=()
  for ((i = 0; i <= COMP_CWORD; i++)); do
    if ((i)) && [[ $rest == [![:space:]]* ]]; then words[-1]+=${COMP_WORDS[i]}; else words+=("${COMP_WORDS[i]}"); fi
    rest=${rest#"${rest%%[![:space:]]*}"}
    rest=${rest#"${COMP_WORDS[i]}"}
  done
  cut=${words[-1]%"$current"}
  if [[ $current == *[:=] && $COMP_WORDBREAKS == *"${current: -1}"* ]]; then cut=${words[-1]}; fi
  mapfile -t COMPREPLY < <(scoutctl __complete -- "${words[@]:1}" 2>/dev/null)
  if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
  for i in "${!COMPREPLY[@]}"; do printf -v "COMPREPLY[i]" %q "${COMPREPLY[i]#"$cut"}"; done
}
complete -o default -F _scoutctl scoutctl
)";
constexpr absl::string_view kZsh = R"(#compdef scoutctl
# zsh: source <(scoutctl completion zsh), or a file _scoutctl of this in a folder of $fpath
_scoutctl() {
  local -a found
  found=("${(@f)$(scoutctl __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("${(@)found:#}")
  if (( ! ${#found} )); then _files; return; fi
  compadd -S '' -- "${(@M)found:#*/}"
  compadd -- "${(@)found:#*/}"
}
# As that file it runs when the first Tab is pressed.
if [[ $funcstack[1] == _scoutctl ]]; then _scoutctl; else compdef _scoutctl scoutctl; fi
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

std::vector<std::pair<std::string, absl::string_view>> Scripts() { return {{"bash", kBash}, {"fish", kFish}, {"zsh", kZsh}}; }

}  // namespace

Completion::Completion(CLI::App* app, Verb* chosen) : app_(*app) {
  CLI::App* const show = app->add_subcommand("completion", "print what makes a shell complete the words of scoutctl");
  AddChoice(show, "SHELL", &script_, Scripts(), "that is to know them")->required();
  SetExample(show, "scoutctl completion bash >/etc/bash_completion.d/scoutctl");
  show->callback([this, chosen] { *chosen = [this](const Settings&, Printer* printer) { return ShowScript(printer); }; });

  // An empty group is shown nowhere.
  CLI::App* const complete = app->add_subcommand("__complete", "what can stand where the last word is")->group("");
  complete->add_option("WORD", words_, "behind --: the words of the line")->type_name("");
  complete->callback(
      [this, chosen] { *chosen = [this](const Settings& settings, Printer* printer) { return ShowCandidates(settings, printer); }; });
}

absl::Status Completion::ShowScript(Printer* printer) const {
  printer->Raw(script_);
  return absl::OkStatus();
}

absl::Status Completion::ShowCandidates(const Settings& settings, Printer* printer) const {
  const std::vector<std::string> words = words_.empty() ? std::vector<std::string>{""} : words_;
  const CompletionPlace place = FindPlace(app_, words);
  const std::string typed = words.back().substr(place.before.size());
  const bool is_flag = place.value_of == nullptr && place.before.empty() && absl::StartsWith(typed, "-");
  std::vector<std::string> candidates = DeclaredCandidates(place, is_flag);
  if (candidates.empty() && !is_flag) candidates = LiveCandidates(app_, place, typed, settings);
  std::set<std::string> shown;
  for (const std::string& candidate : candidates) {
    // Names that a terminal would act on are not put into a line.
    if (absl::StartsWith(candidate, typed) && Printable(candidate) == candidate) shown.insert(absl::StrCat(place.before, candidate));
  }
  std::string lines;
  for (const std::string& candidate : shown) absl::StrAppend(&lines, candidate, "\n");
  printer->Raw(lines);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
