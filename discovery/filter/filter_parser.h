#ifndef SCOUTLIGHT_DISCOVERY_FILTER_FILTER_PARSER_H_
#define SCOUTLIGHT_DISCOVERY_FILTER_FILTER_PARSER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "discovery/filter/age_terms.h"
#include "discovery/filter/filter_lexer.h"
#include "discovery/filter/filter_node.h"

namespace scoutlight::discovery {

// Reads one expression by recursive descent, within the bounds of Filter::Parse. Used once. Not thread-safe.
class FilterParser {
 public:
  // `text` outlives this object, and is not blank.
  FilterParser(absl::string_view text, AgeTerms age) : lexer_(text), age_(age) { Advance(); }

  // The tree; nullopt: see mistake().
  std::optional<FilterNode> Parse();

  // The first mistake.
  const FilterMistake& mistake() const { return *mistake_; }

  bool uses_age() const { return uses_age_; }
  int regexes() const { return regexes_; }

 private:
  // Each returns nullopt with the mistake noted.
  std::optional<FilterNode> ReadExpression();
  std::optional<FilterNode> ReadChain(absl::string_view word, FilterKind kind, std::optional<FilterNode> (FilterParser::*read)());
  std::optional<FilterNode> ReadConjunction();
  std::optional<FilterNode> ReadNegation();
  std::optional<FilterNode> ReadNested();
  std::optional<FilterNode> ReadComparison();
  std::optional<FilterNode> ReadOperator(FilterNode node);
  std::optional<FilterNode> ReadList(FilterNode node);
  std::optional<FilterNode> ReadRegex(FilterNode node);
  std::optional<FilterLiteral> ReadLiteral(FilterField field);
  std::optional<FilterLiteral> ReadNamedLiteral(FilterField field);

  bool CountTerm(const FilterToken& at);
  // Takes the token if it is that word or symbol.
  bool TakeWord(absl::string_view word);
  bool TakeSymbol(absl::string_view symbol);
  void Advance() { token_ = lexer_.Next(); }
  // Notes a mistake at `at`; of a token that is itself one, that one.
  std::nullopt_t Fail(const FilterToken& at, std::string message);
  std::nullopt_t Wanted(absl::string_view what);

  FilterLexer lexer_;
  const AgeTerms age_;
  FilterToken token_;  // The next one.
  int depth_ = 0;
  int terms_ = 0;
  int regexes_ = 0;
  bool uses_age_ = false;
  std::optional<FilterMistake> mistake_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_FILTER_FILTER_PARSER_H_
