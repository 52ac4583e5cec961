#include "discovery/regex.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/names.h"
#include "re2/re2.h"

namespace scoutlight::discovery {

absl::StatusOr<Regex> Regex::Parse(absl::string_view text) {
  if (text.size() > limits::kRegexBytesMax) {
    return absl::InvalidArgumentError(
        absl::StrCat("is a regular expression of ", text.size(), " bytes, at most ", limits::kRegexBytesMax, " are allowed"));
  }
  re2::RE2::Options options(re2::RE2::Quiet);
  options.set_max_mem(limits::kRegexMemoryBytesMax);
  options.set_never_capture(true);
  auto program = std::make_shared<const re2::RE2>(re2::StringPiece(text.data(), text.size()), options);
  if (!program->ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("is no regular expression that RE2 takes: ", program->error(), " in ", Shown(program->error_arg())));
  }
  if (program->ProgramSize() > limits::kRegexInstructionsMax) {
    return absl::InvalidArgumentError(absl::StrCat("is a regular expression of ", program->ProgramSize(),
                                                   " instructions in RE2's program, at most ", limits::kRegexInstructionsMax,
                                                   " are allowed"));
  }
  return Regex(std::move(program));
}

bool Regex::Matches(absl::string_view text) const { return re2::RE2::FullMatch(re2::StringPiece(text.data(), text.size()), *program_); }

const std::string& Regex::text() const { return program_->pattern(); }

int Regex::instructions() const { return program_->ProgramSize(); }

}  // namespace scoutlight::discovery
