#ifndef SCOUTLIGHT_CLI_FLAGS_H_
#define SCOUTLIGHT_CLI_FLAGS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/entry.h"

// Declares flags of types that CLI11 does not know. What they are set to outlives `app`.
namespace scoutlight::cli {

// A duration of at least zero, such as 1.5s, 90m, 1h30m.
CLI::Option* AddDuration(CLI::App* app, const std::string& name, absl::Duration* set, const std::string& help);
CLI::Option* AddDuration(CLI::App* app, const std::string& name, std::optional<absl::Duration>* set, const std::string& help);

// A number of at least 0.
CLI::Option* AddRevision(CLI::App* app, const std::string& name, std::optional<Revision>* set, const std::string& help);

// A number of at least 1.
CLI::Option* AddVersion(CLI::App* app, const std::string& name, std::optional<int64_t>* set, const std::string& help);

// The same, any number of times.
CLI::Option* AddVersions(CLI::App* app, const std::string& name, std::vector<int64_t>* set, const std::string& help);

// For check(): empty if what was typed is a whole number from `least` to `most`, else what is wrong.
std::function<std::string(const std::string&)> RangeFault(int64_t least, int64_t most);

// One of several words.
template <typename T>
CLI::Option* AddChoice(CLI::App* app, const std::string& name, T* set, std::vector<std::pair<std::string, T>> choices,
                       const std::string& help) {
  std::string words;
  for (const auto& choice : choices) absl::StrAppend(&words, words.empty() ? "" : "|", choice.first);
  const auto find = [choices](absl::string_view text) {
    // -o=json: CLI11 takes the = of short flags to be of the value.
    absl::ConsumePrefix(&text, "=");
    for (const auto& choice : choices) {
      if (choice.first == text) return &choice.second;
    }
    return static_cast<const T*>(nullptr);
  };
  return app
      ->add_option_function<std::string>(
          name, [set, choices, find](const std::string& text) { *set = *find(text); }, help)
      ->check([find, words](const std::string& text) {
        return find(text) != nullptr ? "" : absl::StrCat("must be one of ", words, ", is \"", text, "\"");
      })
      ->type_name(words);
}

// What --help shows below the flags of a verb: what there is to say besides them, and a line to begin with.
struct Footer {
  std::string text;     // Lines; may be empty.
  std::string example;  // Empty: a group of verbs, which has none.
};
void SetFooter(CLI::App* verb, const Footer& footer);
void SetExample(CLI::App* verb, const std::string& line);
Footer FooterOf(const CLI::App& verb);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_FLAGS_H_
