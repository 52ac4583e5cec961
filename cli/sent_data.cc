#include "cli/sent_data.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/error.h"
#include "base/shown.h"
#include "cli/input.h"

namespace scoutlight::cli {

void SentData::Declare(CLI::App* verb, const std::string& data_help) {
  verb->add_option("-d,--data", data_, absl::StrCat(data_help, ": the text itself, @FILE, or - for standard input"))->type_name("DATA");
  verb->add_option("-H,--header", headers_, "sent along, such as 'X-Job: 17'; may be repeated")
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("'NAME: VALUE'");
}

absl::StatusOr<std::optional<std::string>> SentData::Read() const {
  if (!data_.has_value()) return std::nullopt;
  const bool is_input = *data_ == "-";
  const bool is_file = absl::StartsWith(*data_, "@");
  absl::StatusOr<std::string> read = *data_;
  if (is_input) read = ReadStandardInput(kSentBytesMax);
  if (is_file) read = ReadFile(data_->substr(1), kSentBytesMax);
  if (!read.ok()) {
    return InvalidField(Reason::kInvalidField, "--data",
                        absl::StrCat("cannot be read: ", is_input ? "standard input" : data_->substr(1), ": ", read.status().message()));
  }
  if (read->size() > kSentBytesMax) {
    return InvalidField(Reason::kInvalidField, "--data", absl::StrCat("has more than ", kSentBytesMax, " bytes"));
  }
  return *std::move(read);
}

absl::StatusOr<std::vector<NamedText>> SentData::Headers() const {
  std::vector<NamedText> headers;
  for (const std::string& text : headers_) {
    const size_t colon = text.find(':');
    const absl::string_view name = absl::StripAsciiWhitespace(absl::string_view(text).substr(0, colon));
    if (colon == std::string::npos || name.empty()) {
      return InvalidField(Reason::kInvalidField, "--header", absl::StrCat("must be 'NAME: VALUE', is ", Shown(text)));
    }
    const absl::string_view value = absl::StripAsciiWhitespace(absl::string_view(text).substr(colon + 1));
    headers.push_back({std::string(name), std::string(value)});
  }
  return headers;
}

}  // namespace scoutlight::cli
