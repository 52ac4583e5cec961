#include "cli/flags.h"

#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"

namespace scoutlight::cli {
namespace {

constexpr char kExampleTitle[] = "Example:\n  ";
constexpr char kExampleEnd[] = "\n\nFlags for all verbs: scoutctl --help";

// Empty: it is one.
std::string DurationFault(const std::string& text) {
  absl::Duration duration;
  if (absl::ParseDuration(text, &duration) && duration >= absl::ZeroDuration() && duration != absl::InfiniteDuration()) return "";
  return absl::StrCat("must be a duration such as 500ms, 10s or 1h30m, is \"", text, "\"");
}

CLI::Option* AddDurationTo(CLI::App* app, const std::string& name, std::function<void(absl::Duration)> set, const std::string& help) {
  const auto take = [set = std::move(set)](const std::string& text) {
    absl::Duration duration;
    if (absl::ParseDuration(text, &duration)) set(duration);
  };
  return app->add_option_function<std::string>(name, take, help)->check(DurationFault)->type_name("DURATION");
}

struct NumberKind {
  int64_t least = 0;
  std::string what;
};

// Empty: it is one.
std::function<std::string(const std::string&)> NumberFault(NumberKind kind) {
  return [kind = std::move(kind)](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= kind.least) return std::string();
    return absl::StrCat("must be ", kind.what, ", from ", kind.least, " up, is \"", text, "\"");
  };
}

CLI::Option* AddNumberTo(CLI::App* app, const std::string& name, std::function<void(int64_t)> set, NumberKind kind,
                         const std::string& help) {
  const auto take = [set = std::move(set)](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number)) set(number);
  };
  return app->add_option_function<std::string>(name, take, help)->check(NumberFault(std::move(kind)));
}

}  // namespace

CLI::Option* AddDuration(CLI::App* app, const std::string& name, absl::Duration* set, const std::string& help) {
  return AddDurationTo(
      app, name, [set](absl::Duration duration) { *set = duration; }, help);
}

CLI::Option* AddDuration(CLI::App* app, const std::string& name, std::optional<absl::Duration>* set, const std::string& help) {
  return AddDurationTo(
      app, name, [set](absl::Duration duration) { *set = duration; }, help);
}

CLI::Option* AddRevision(CLI::App* app, const std::string& name, std::optional<Revision>* set, const std::string& help) {
  return AddNumberTo(
             app, name, [set](int64_t revision) { *set = revision; }, {.least = 0, .what = "a revision"}, help)
      ->type_name("REVISION");
}

CLI::Option* AddVersion(CLI::App* app, const std::string& name, std::optional<int64_t>* set, const std::string& help) {
  return AddNumberTo(
             app, name, [set](int64_t version) { *set = version; }, {.least = 1, .what = "a version"}, help)
      ->type_name("VERSION");
}

CLI::Option* AddVersions(CLI::App* app, const std::string& name, std::vector<int64_t>* set, const std::string& help) {
  return app->add_option(name, *set, help)
      ->take_all()
      ->allow_extra_args(false)
      ->check(NumberFault({.least = 1, .what = "a version"}))
      ->type_name("VERSION");
}

std::function<std::string(const std::string&)> RangeFault(int64_t least, int64_t most) {
  return [least, most](const std::string& text) {
    int64_t number = 0;
    if (absl::SimpleAtoi(text, &number) && number >= least && number <= most) return std::string();
    return absl::StrCat("must be ", least, " to ", most, ", is \"", text, "\"");
  };
}

void SetFooter(CLI::App* verb, const Footer& footer) {
  verb->footer(absl::StrCat(footer.text, footer.text.empty() ? "" : "\n\n", kExampleTitle, footer.example, kExampleEnd));
}

void SetExample(CLI::App* verb, const std::string& line) { SetFooter(verb, {.text = "", .example = line}); }

Footer FooterOf(const CLI::App& verb) {
  const std::string footer = verb.get_footer();
  const size_t title = footer.find(kExampleTitle);
  if (title == std::string::npos) return {.text = footer, .example = ""};
  const size_t begin = title + std::strlen(kExampleTitle);
  return {.text = std::string(absl::StripTrailingAsciiWhitespace(footer.substr(0, title))),
          .example = footer.substr(begin, footer.find(kExampleEnd, begin) - begin)};
}

}  // namespace scoutlight::cli
