#ifndef SCOUTLIGHT_DISCOVERY_REGEX_H_
#define SCOUTLIGHT_DISCOVERY_REGEX_H_

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace re2 {
class RE2;
}

namespace scoutlight::discovery {

// A regular expression in RE2's syntax, of bounded size in text, program and memory. A match takes, at worst, time in proportion to
// instructions() times the bytes of the text (some 6 ns each): RE2's memory may not do for the states of its automaton. A cheap copy;
// thread-safe.
class Regex {
 public:
  // kInvalidArgument with what is wrong, in words that go on after a name: more than limits::kRegexBytesMax bytes, not RE2's syntax, or
  // a program over limits::kRegexMemoryBytesMax or limits::kRegexInstructionsMax.
  static absl::StatusOr<Regex> Parse(absl::string_view text);

  // Whether all of `text` matches: an expression is anchored at both ends.
  bool Matches(absl::string_view text) const;

  const std::string& text() const;
  // Of its program.
  int instructions() const;

  friend bool operator==(const Regex& a, const Regex& b) { return a.text() == b.text(); }

 private:
  explicit Regex(std::shared_ptr<const re2::RE2> program) : program_(std::move(program)) {}

  std::shared_ptr<const re2::RE2> program_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_REGEX_H_
