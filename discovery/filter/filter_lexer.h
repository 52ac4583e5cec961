#ifndef SCOUTLIGHT_DISCOVERY_FILTER_FILTER_LEXER_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_FILTER_LEXER_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::discovery {

// What is wrong with an expression, and where: bytes from its start.
struct FilterMistake {
  size_t offset = 0;
  std::string message;
};

struct FilterToken {
  enum class Kind {
    kEnd,
    kWord,    // Bare: a name or a word of the language.
    kString,  // In quotes; `text` is without them, escapes replaced.
    kNumber,
    kDuration,
    kSymbol,   // `==`, `=`, `!=`, `<`, `<=`, `>`, `>=`, `(`, `)`, `,`.
    kMistake,  // `text` says what is wrong; the lexer goes no further.
  };

  Kind kind = Kind::kEnd;
  std::string text;
  size_t offset = 0;

  bool IsSymbol(absl::string_view symbol) const { return kind == Kind::kSymbol && text == symbol; }
  // `word` in lower case.
  bool IsWord(absl::string_view word) const;
};

// Cuts an expression into tokens, one at a time. Not thread-safe.
class FilterLexer {
 public:
  // `text` outlives this object.
  explicit FilterLexer(absl::string_view text) : text_(text) {}

  // The next token; at the end, and behind a mistake, the same one again.
  FilterToken Next();

 private:
  FilterToken Mistake(size_t offset, std::string message) const;
  FilterToken ReadString();
  FilterToken ReadNumber();
  FilterToken ReadWord();
  FilterToken ReadSymbol();

  const absl::string_view text_;
  size_t at_ = 0;
};

// Whether `text` can stand as a name without quotes, whatever it means then.
bool IsBareName(absl::string_view text);

// Whether a bare word means something else than the property of that name.
bool IsReservedWord(absl::string_view text);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_FILTER_LEXER_H_
