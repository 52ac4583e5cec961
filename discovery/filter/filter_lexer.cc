#include "discovery/filter/filter_lexer.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/shown.h"
#include "discovery/names.h"
#include "discovery/property_type.h"

namespace scoutlight::discovery {
namespace {

bool StartsWord(char c) { return absl::ascii_isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool ContinuesWord(char c) { return StartsWord(c) || absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-'; }

// The character that an escape stands for; 0: it is none.
char Unescape(char c) {
  switch (c) {
    case '\\':
    case '"':
    case '\'':
      return c;
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return 0;
  }
}

}  // namespace

bool FilterToken::IsWord(absl::string_view word) const { return kind == Kind::kWord && absl::EqualsIgnoreCase(text, word); }

FilterToken FilterLexer::Next() {
  while (at_ < text_.size() && absl::ascii_isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  if (at_ == text_.size()) return {FilterToken::Kind::kEnd, "", at_};
  const char c = text_[at_];
  if (c == '"' || c == '\'') return ReadString();
  if (absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-') return ReadNumber();
  if (StartsWord(c)) return ReadWord();
  return ReadSymbol();
}

FilterToken FilterLexer::Mistake(size_t offset, std::string message) const {
  return {FilterToken::Kind::kMistake, std::move(message), offset};
}

FilterToken FilterLexer::ReadString() {
  const size_t start = at_;
  const char quote = text_[start];
  std::string value;
  for (size_t i = start + 1; i < text_.size(); ++i) {
    if (text_[i] == quote) {
      at_ = i + 1;
      return {FilterToken::Kind::kString, std::move(value), start};
    }
    if (text_[i] != '\\') {
      value += text_[i];
      continue;
    }
    const char unescaped = i + 1 < text_.size() ? Unescape(text_[i + 1]) : 0;
    if (unescaped == 0) return Mistake(i, "a backslash that begins none of the escapes \\\\ \\\" \\' \\n \\r \\t");
    value += unescaped;
    ++i;
  }
  return Mistake(start, "a string without end");
}

FilterToken FilterLexer::ReadNumber() {
  const size_t start = at_;
  size_t end = start + 1;
  const auto goes_on = [this](size_t i) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(text_[i])) || text_[i] == '.' || text_[i] == '_') return true;
    return (text_[i] == '+' || text_[i] == '-') && (text_[i - 1] == 'e' || text_[i - 1] == 'E');
  };
  while (end < text_.size() && goes_on(end)) ++end;
  const absl::string_view text = text_.substr(start, end - start);
  FilterToken token = {FilterToken::Kind::kNumber, std::string(text), start};
  if (!ParseNumber(text).has_value()) {
    token.kind = FilterToken::Kind::kDuration;
    if (!ParseFiniteDuration(text).has_value()) return Mistake(start, absl::StrCat(Shown(text), " is neither a number nor a duration"));
  }
  at_ = end;
  return token;
}

FilterToken FilterLexer::ReadWord() {
  const size_t start = at_;
  while (at_ < text_.size() && ContinuesWord(text_[at_])) ++at_;
  return {FilterToken::Kind::kWord, std::string(text_.substr(start, at_ - start)), start};
}

FilterToken FilterLexer::ReadSymbol() {
  for (const absl::string_view symbol : {"==", "!=", "<=", ">=", "=", "<", ">", "(", ")", ","}) {
    if (!absl::StartsWith(text_.substr(at_), symbol)) continue;
    at_ += symbol.size();
    return {FilterToken::Kind::kSymbol, std::string(symbol), at_ - symbol.size()};
  }
  return Mistake(at_, absl::StrCat(Shown(text_.substr(at_, 1)), " is no part of the language"));
}

bool IsBareName(absl::string_view text) {
  return !text.empty() && StartsWord(text.front()) && std::all_of(text.begin(), text.end(), ContinuesWord);
}

bool IsReservedWord(absl::string_view text) {
  for (const absl::string_view word : {"and", "or", "not", "in", "matches", "true", "false"}) {
    if (absl::EqualsIgnoreCase(word, text)) return true;
  }
  return text == "status" || text == "health" || text == "age";
}

}  // namespace scoutlight::discovery
