#ifndef SCOUTLIGHT_DISCOVERY_FILTER_FILTER_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_FILTER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "discovery/filter/age_terms.h"
#include "discovery/instance.h"

namespace scoutlight::discovery {

struct FilterNode;

// An expression that chooses instances: `protocol == "https" and (port >= 8000 or zone in ("a", "b")) and not tags matches ".*old.*"`.
//
//   expression = conjunction *( "or" conjunction )
//   conjunction = negation *( "and" negation )
//   negation   = "not" negation / "(" expression ")" / comparison
//   comparison = name ( "==" / "=" / "!=" / "<" / "<=" / ">" / ">=" ) literal
//              / name [ "not" ] "in" "(" literal *( "," literal ) ")"
//              / name "matches" string
//   name       = a letter or "_", then letters, digits, "_", ".", "-" / string
//   literal    = string / number / duration / "true" / "false"
//   string     = in double or single quotes, with the escapes \\ \" \' \n \r \t
//
// Words of the language are taken in any case. A name means the property of that name, but for the bare words `status`, `health` and `age`;
// in quotes those are properties too. Meaning:
// - A string literal is compared as text, by bytes. `true` and `false` are the texts "true" and "false".
// - A number literal is compared as a number: integers of 64 bits exactly, others as double. A value that is no number is equal to none,
//   and neither less nor greater.
// - A missing property is equal to nothing, neither less nor greater, in no list, and matches nothing. `!=` and `not in` are the negations
// of
//   `==` and `in`, so they hold of a missing property. `name matches "(?s).*"` asks whether it is there.
// - `matches` takes a regular expression of RE2, which the whole value must match.
// - `status` is compared (==, !=, in, matches) with UP, DRAINING, OWNER_LOST, `health` with passing, warning, critical, with or without
//   quotes.
// - `age` is the time since the registration (without end where that is not known), compared with a duration: `age < 1h30m`; no list.
//
// Immutable, a cheap copy; thread-safe.
class Filter {
 public:
  // Chooses every instance.
  Filter() = default;

  // Reads an expression of at most limits::kFilterBytesMax bytes, limits::kFilterTermsMax terms, limits::kFilterRegexesMax regular
  // expressions, and parentheses and `not` at most limits::kFilterDepthMax deep. Blank text chooses every instance.
  // kInvalidArgument with the violated field `field`, which tells the place of the mistake, and the metadata `offset` (in bytes, from 0)
  // and `column` (in characters, from 1).
  static absl::StatusOr<Filter> Parse(absl::string_view text, AgeTerms age, absl::string_view field = "filter");

  // Whether the filter chooses `instance`. `now` is only looked at if uses_age().
  bool Matches(const Instance& instance, absl::Time now) const;

  // The canonical text: filters that differ only in blanks, quotes, parentheses without effect, double negations, spellings of numbers and
  // operators, order and repetition have the same one and choose the same instances, so that they can share work. It parses to an equal
  // filter, if it is not over the bound in bytes. Empty: every instance.
  const std::string& text() const { return text_; }

  bool uses_age() const { return uses_age_; }
  // Regular expressions in it, each of which may come to hold limits::kRegexMemoryBytesMax. Copies share them.
  int regexes() const { return regexes_; }
  // What its regular expressions may cost of `instance`: of each, its instructions times the bytes of the text that it is matched with.
  // Matches nothing, so costs next to nothing itself.
  int64_t RegexWork(const Instance& instance) const;

  friend bool operator==(const Filter& a, const Filter& b) { return a.text_ == b.text_; }

 private:
  std::shared_ptr<const FilterNode> root_;  // Null: every instance.
  std::string text_;
  bool uses_age_ = false;
  int regexes_ = 0;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_FILTER_H_
