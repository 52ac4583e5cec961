#include "cli/completion_place.h"

#include <cstddef>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"

namespace scoutlight::cli {
namespace {

// Of `app` or a group above it; null: there is none.
const CLI::Option* FindFlag(const CLI::App* app, const std::string& flag) {
  for (; app != nullptr; app = app->get_parent()) {
    if (const CLI::Option* const found = app->get_option_no_throw(flag)) return found;
  }
  return nullptr;
}

bool TakesValue(const CLI::Option* option) {
  return option != nullptr && option->get_expected_min() > 0 && option->get_items_expected_max() > 0;
}

const CLI::App* FindVerb(const CLI::App* app, const std::string& name) {
  for (const CLI::App* verb : app->get_subcommands([](const CLI::App*) { return true; })) {
    if (verb->get_name() == name) return verb;
  }
  return nullptr;
}

// In the order in which they are declared.
std::vector<const CLI::Option*> PositionalsOf(const CLI::App* app) {
  return app->get_options([](const CLI::Option* option) { return option->get_positional(); });
}

// Of "table|json|wide"; empty: it takes anything.
std::vector<std::string> ChoicesOf(const CLI::Option* option) {
  const std::string type = option->get_type_name();
  return absl::StrContains(type, "|") ? absl::StrSplit(type, '|') : std::vector<std::string>();
}

std::string NameOf(const CLI::Option* positional) { return positional->get_name(/*positional=*/true); }

// Of the last word, of which so many arguments of its verb stand before.
void FindPlaceOf(const std::string& word, size_t arguments, CompletionPlace* place) {
  const bool is_flag = absl::StartsWith(word, "-");
  if (const size_t value = word.find('='); is_flag && value != std::string::npos) {
    place->before = word.substr(0, value + 1);
    place->value_of = FindFlag(place->verb, word.substr(0, value));
    return;
  }
  const std::vector<const CLI::Option*> positionals = PositionalsOf(place->verb);
  if (arguments >= positionals.size()) return;
  place->positional = NameOf(positionals[arguments]);
  if (!is_flag && !ChoicesOf(positionals[arguments]).empty()) place->value_of = positionals[arguments];
}

}  // namespace

CompletionPlace FindPlace(const CLI::App& app, const std::vector<std::string>& words) {
  CompletionPlace place{.verb = &app};
  size_t arguments = 0;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    place.value_of = nullptr;
    if (word == "--") {
      place.is_of_command = true;
      return place;
    }
    if (absl::StartsWith(word, "-")) {
      const size_t value = word.find('=');
      const CLI::Option* const flag = FindFlag(place.verb, word.substr(0, value));
      if (!TakesValue(flag)) continue;
      if (value != std::string::npos) {
        place.given[word.substr(0, value)] = word.substr(value + 1);
        continue;
      }
      if (i + 2 == words.size()) {
        place.value_of = flag;
        return place;
      }
      place.given[word] = words[++i];
      continue;
    }
    if (const CLI::App* const verb = FindVerb(place.verb, word)) {
      place.verb = verb;
      continue;
    }
    const std::vector<const CLI::Option*> positionals = PositionalsOf(place.verb);
    if (arguments < positionals.size()) place.given[NameOf(positionals[arguments])] = word;
    ++arguments;
  }
  FindPlaceOf(words.back(), arguments, &place);
  return place;
}

std::vector<std::string> DeclaredCandidates(const CompletionPlace& place, bool is_flag) {
  std::vector<std::string> candidates;
  // Nothing is known of what stands behind an unknown flag either.
  if (place.is_of_command || (place.value_of == nullptr && !place.before.empty())) return candidates;
  if (place.value_of != nullptr) return ChoicesOf(place.value_of);
  if (is_flag) {
    for (const CLI::App* app = place.verb; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& name : option->get_lnames()) candidates.push_back(absl::StrCat("--", name));
      }
    }
    return candidates;
  }
  for (const CLI::App* verb : place.verb->get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); })) {
    candidates.push_back(verb->get_name());
  }
  return candidates;
}

}  // namespace scoutlight::cli
