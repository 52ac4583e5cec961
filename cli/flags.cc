#include "cli/flags.h"

#include <functional>

#include "absl/strings/numbers.h"

namespace scoutlight::cli {
namespace {

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
  const auto take = [set](const std::string& text) {
    Revision revision = 0;
    if (absl::SimpleAtoi(text, &revision)) *set = revision;
  };
  const auto fault = [](const std::string& text) {
    Revision revision = 0;
    return absl::SimpleAtoi(text, &revision) && revision >= 0 ? "" : absl::StrCat("must be a revision, from 0 up, is \"", text, "\"");
  };
  return app->add_option_function<std::string>(name, take, help)->check(fault)->type_name("REVISION");
}

void SetExample(CLI::App* verb, const std::string& line) {
  verb->footer(absl::StrCat("Example:\n  ", line, "\n\nFlags for all verbs: scoutctl --help"));
}

}  // namespace scoutlight::cli
