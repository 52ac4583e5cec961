#include "discovery/filter/filter_parser.h"

#include <charconv>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "discovery/property_type.h"

namespace scoutlight::discovery {
namespace {

using Kind = FilterToken::Kind;

// The shortest text that reads as the number again.
std::string NumberText(const FilterNumber& number) {
  if (number.exact.has_value()) return absl::StrCat(*number.exact);
  char text[32];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), number.approximate);
  return std::string(text, end.ptr);
}

FilterNode Not(FilterNode node) {
  FilterNode negation;
  negation.kind = FilterKind::kNot;
  negation.children.push_back(std::move(node));
  return negation;
}

std::optional<FilterOperator> OrderOperator(const FilterToken& token) {
  if (token.IsSymbol("<")) return FilterOperator::kLess;
  if (token.IsSymbol("<=")) return FilterOperator::kLessOrEqual;
  if (token.IsSymbol(">")) return FilterOperator::kGreater;
  if (token.IsSymbol(">=")) return FilterOperator::kGreaterOrEqual;
  return std::nullopt;
}

bool HasNamedValues(FilterField field) { return field == FilterField::kStatus || field == FilterField::kHealth; }

}  // namespace

std::optional<FilterNode> FilterParser::Parse() {
  std::optional<FilterNode> node = ReadExpression();
  if (node.has_value() && token_.kind != Kind::kEnd) return Wanted("`and`, `or` or the end");
  return node;
}

std::optional<FilterNode> FilterParser::ReadExpression() { return ReadChain("or", FilterKind::kOr, &FilterParser::ReadConjunction); }

std::optional<FilterNode> FilterParser::ReadConjunction() { return ReadChain("and", FilterKind::kAnd, &FilterParser::ReadNegation); }

std::optional<FilterNode> FilterParser::ReadChain(absl::string_view word, FilterKind kind,
                                                  std::optional<FilterNode> (FilterParser::*read)()) {
  FilterNode chain;
  chain.kind = kind;
  do {
    std::optional<FilterNode> node = (this->*read)();
    if (!node.has_value()) return std::nullopt;
    chain.children.push_back(*std::move(node));
  } while (TakeWord(word));
  if (chain.children.size() > 1) return chain;
  FilterNode only = std::move(chain.children.front());
  return only;
}

std::optional<FilterNode> FilterParser::ReadNegation() {
  const bool nested = token_.IsWord("not") || token_.IsSymbol("(");
  if (!nested) return ReadComparison();
  if (depth_ == limits::kFilterDepthMax) {
    return Fail(token_, absl::StrCat("parentheses and `not` deeper than the ", limits::kFilterDepthMax, " levels allowed"));
  }
  ++depth_;
  std::optional<FilterNode> node = ReadNested();
  --depth_;
  return node;
}

std::optional<FilterNode> FilterParser::ReadNested() {
  if (TakeWord("not")) {
    std::optional<FilterNode> node = ReadNegation();
    if (!node.has_value()) return std::nullopt;
    return Not(*std::move(node));
  }
  const FilterToken open = token_;
  Advance();
  std::optional<FilterNode> node = ReadExpression();
  if (!node.has_value()) return std::nullopt;
  if (TakeSymbol(")")) return node;
  if (token_.kind == Kind::kEnd) return Fail(open, "a parenthesis that is not closed");
  return Wanted("`and`, `or` or `)`");
}

std::optional<FilterNode> FilterParser::ReadComparison() {
  FilterNode node;
  const FilterToken name = token_;
  if (name.kind == Kind::kWord && name.text == "status") {
    node.field = FilterField::kStatus;
  } else if (name.kind == Kind::kWord && name.text == "health") {
    node.field = FilterField::kHealth;
  } else if (name.kind == Kind::kWord && name.text == "age") {
    if (age_ == AgeTerms::kRefused) return Fail(name, "`age` is not allowed here: it changes all the time");
    node.field = FilterField::kAge;
    uses_age_ = true;
  } else if (name.kind == Kind::kString || (name.kind == Kind::kWord && !IsReservedWord(name.text))) {
    const std::string fault = PropertyNameFault(name.text);
    if (!fault.empty()) return Fail(name, absl::StrCat("the name of the property ", fault));
    node.property = name.text;
  } else {
    return Wanted("a property, `status`, `health`, `age`, `not` or `(`");
  }
  Advance();
  return ReadOperator(std::move(node));
}

std::optional<FilterNode> FilterParser::ReadOperator(FilterNode node) {
  if (TakeWord("matches")) return ReadRegex(std::move(node));
  if (TakeWord("in")) return ReadList(std::move(node));
  if (TakeWord("not")) {
    if (!TakeWord("in")) return Wanted("`in`");
    std::optional<FilterNode> list = ReadList(std::move(node));
    if (!list.has_value()) return std::nullopt;
    return Not(*std::move(list));
  }
  const FilterToken symbol = token_;
  const std::optional<FilterOperator> order = OrderOperator(symbol);
  const bool unequal = symbol.IsSymbol("!=");
  if (!order.has_value() && !unequal && !symbol.IsSymbol("==") && !symbol.IsSymbol("=")) {
    return Wanted("a comparison (==, !=, <, <=, >, >=), `in`, `not in` or `matches`");
  }
  if (order.has_value() && HasNamedValues(node.field)) return Fail(symbol, "`status` and `health` have no order");
  Advance();
  if (!CountTerm(symbol)) return std::nullopt;
  std::optional<FilterLiteral> literal = ReadLiteral(node.field);
  if (!literal.has_value()) return std::nullopt;
  node.op = order.value_or(FilterOperator::kIn);
  node.literals.push_back(*std::move(literal));
  if (unequal) return Not(std::move(node));
  return node;
}

std::optional<FilterNode> FilterParser::ReadList(FilterNode node) {
  if (node.field == FilterField::kAge) return Fail(token_, "`age` is compared by ==, !=, <, <=, >, >=");
  if (!TakeSymbol("(")) return Wanted("`(` and a list of values");
  do {
    if (!CountTerm(token_)) return std::nullopt;
    std::optional<FilterLiteral> literal = ReadLiteral(node.field);
    if (!literal.has_value()) return std::nullopt;
    node.literals.push_back(*std::move(literal));
  } while (TakeSymbol(","));
  if (!TakeSymbol(")")) return Wanted("`,` or `)`");
  return node;
}

std::optional<FilterNode> FilterParser::ReadRegex(FilterNode node) {
  const FilterToken text = token_;
  if (node.field == FilterField::kAge) return Fail(text, "`age` is compared by ==, !=, <, <=, >, >=");
  if (text.kind != Kind::kString) return Wanted("a regular expression in quotes");
  if (!CountTerm(text)) return std::nullopt;
  if (regexes_ == limits::kFilterRegexesMax) {
    return Fail(text, absl::StrCat("one more than the ", limits::kFilterRegexesMax, " regular expressions allowed"));
  }
  ++regexes_;
  absl::StatusOr<Regex> regex = Regex::Parse(text.text);
  if (!regex.ok()) return Fail(text, std::string(regex.status().message()));
  node.op = FilterOperator::kMatches;
  node.regex = *std::move(regex);
  Advance();
  return node;
}

std::optional<FilterLiteral> FilterParser::ReadLiteral(FilterField field) {
  if (HasNamedValues(field)) return ReadNamedLiteral(field);
  const FilterToken token = token_;
  FilterLiteral literal = {.text = token.text};
  if (field == FilterField::kAge) {
    if (token.kind != Kind::kDuration) return Wanted("a duration, such as 30s,");
    // Nanoseconds are all that the canonical text tells apart.
    literal.duration = absl::Trunc(*ParseFiniteDuration(token.text), absl::Nanoseconds(1));
    literal.text = literal.duration == absl::ZeroDuration() ? "0s" : absl::FormatDuration(literal.duration);
  } else if (token.kind == Kind::kNumber) {
    literal.number = FilterNumber::Parse(token.text);
    literal.text = NumberText(*literal.number);
  } else if (token.IsWord("true") || token.IsWord("false")) {
    literal.text = token.IsWord("true") ? "true" : "false";
  } else if (token.kind != Kind::kString) {
    return Wanted(token.kind == Kind::kWord ? "a value (a text is written in quotes)" : "a string, a number, true or false");
  }
  Advance();
  return literal;
}

std::optional<FilterLiteral> FilterParser::ReadNamedLiteral(FilterField field) {
  const bool status = field == FilterField::kStatus;
  const FilterToken token = token_;
  const bool named = token.kind == Kind::kString || token.kind == Kind::kWord;
  const bool known = named && (status ? ParseStatus(token.text).has_value() : ParseHealth(token.text).has_value());
  if (!known) return Wanted(status ? "UP, DRAINING or OWNER_LOST" : "passing, warning or critical");
  Advance();
  return FilterLiteral{.text = token.text};
}

bool FilterParser::CountTerm(const FilterToken& at) {
  if (++terms_ <= limits::kFilterTermsMax) return true;
  Fail(at, absl::StrCat("one more than the ", limits::kFilterTermsMax, " comparisons and values allowed"));
  return false;
}

bool FilterParser::TakeWord(absl::string_view word) {
  if (!token_.IsWord(word)) return false;
  Advance();
  return true;
}

bool FilterParser::TakeSymbol(absl::string_view symbol) {
  if (!token_.IsSymbol(symbol)) return false;
  Advance();
  return true;
}

std::nullopt_t FilterParser::Fail(const FilterToken& at, std::string message) {
  mistake_ = at.kind == Kind::kMistake ? FilterMistake{at.offset, at.text} : FilterMistake{at.offset, std::move(message)};
  return std::nullopt;
}

std::nullopt_t FilterParser::Wanted(absl::string_view what) {
  const std::string found = token_.kind == Kind::kEnd ? "the end" : Shown(token_.text);
  return Fail(token_, absl::StrCat(found, " where ", what, " is wanted"));
}

}  // namespace scoutlight::discovery
