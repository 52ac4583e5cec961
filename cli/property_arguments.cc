#include "cli/property_arguments.h"

#include <cstddef>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::cli {

absl::StatusOr<discovery::Properties> ReadProperties(absl::string_view flag, const std::vector<std::string>& arguments) {
  discovery::Properties properties;
  for (const std::string& argument : arguments) {
    const size_t equals = argument.find('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidField(Reason::kInvalidField, flag, absl::StrCat("must be a property such as port=8001, is \"", argument, "\""));
    }
    const std::string name = argument.substr(0, equals);
    if (!properties.emplace(name, argument.substr(equals + 1)).second) {
      return InvalidField(Reason::kInvalidField, flag, absl::StrCat("names the property \"", name, "\" twice"));
    }
  }
  return properties;
}

}  // namespace scoutlight::cli
