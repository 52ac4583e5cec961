#include "tests/checker/registration_history.h"

#include "absl/strings/str_cat.h"

namespace scoutlight::checker {

std::string PropertiesText(const discovery::Properties& properties) {
  std::string text;
  for (const auto& [name, value] : properties) absl::StrAppend(&text, text.empty() ? "" : ", ", name, "=", value);
  return text;
}

}  // namespace scoutlight::checker
