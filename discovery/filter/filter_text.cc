#include "discovery/filter/filter_text.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "discovery/filter/filter_lexer.h"

namespace scoutlight::discovery {
namespace {

std::string Quoted(absl::string_view text) {
  return absl::StrCat("\"", absl::StrReplaceAll(text, {{"\\", "\\\\"}, {"\"", "\\\""}, {"\n", "\\n"}, {"\r", "\\r"}, {"\t", "\\t"}}), "\"");
}

std::string NameText(const FilterNode& node) {
  switch (node.field) {
    case FilterField::kStatus:
      return "status";
    case FilterField::kHealth:
      return "health";
    case FilterField::kAge:
      return "age";
    case FilterField::kProperty:
      break;
  }
  return IsBareName(node.property) && !IsReservedWord(node.property) ? node.property : Quoted(node.property);
}

std::string LiteralText(const FilterNode& node, const FilterLiteral& literal) {
  return literal.number.has_value() || node.field == FilterField::kAge ? literal.text : Quoted(literal.text);
}

absl::string_view OrderText(FilterOperator op) {
  switch (op) {
    case FilterOperator::kLess:
      return " < ";
    case FilterOperator::kLessOrEqual:
      return " <= ";
    case FilterOperator::kGreater:
      return " > ";
    default:
      return " >= ";
  }
}

enum class Sense { kPlain, kNegated };

// Of a comparison by kIn.
std::string InText(const FilterNode& node, Sense sense) {
  const bool plain = sense == Sense::kPlain;
  if (node.literals.size() == 1) return absl::StrCat(NameText(node), plain ? " == " : " != ", LiteralText(node, node.literals.front()));
  const auto append = [&node](std::string* out, const FilterLiteral& literal) { out->append(LiteralText(node, literal)); };
  return absl::StrCat(NameText(node), plain ? " in (" : " not in (", absl::StrJoin(node.literals, ", ", append), ")");
}

std::string ComparisonText(const FilterNode& node) {
  if (node.op == FilterOperator::kIn) return InText(node, Sense::kPlain);
  if (node.op == FilterOperator::kMatches) return absl::StrCat(NameText(node), " matches ", Quoted(node.regex->text()));
  return absl::StrCat(NameText(node), OrderText(node.op), LiteralText(node, node.literals.front()));
}

std::string InParentheses(const FilterNode& node) { return absl::StrCat("(", FilterText(node), ")"); }

std::string NotText(const FilterNode& child) {
  if (child.kind == FilterKind::kComparison && child.op == FilterOperator::kIn) return InText(child, Sense::kNegated);
  const bool chain = child.kind == FilterKind::kAnd || child.kind == FilterKind::kOr;
  return absl::StrCat("not ", chain ? InParentheses(child) : FilterText(child));
}

void CanonicalizeList(FilterNode* node) {
  std::vector<std::pair<std::string, FilterLiteral>> sorted;
  for (FilterLiteral& literal : node->literals) {
    std::string text = LiteralText(*node, literal);
    sorted.emplace_back(std::move(text), std::move(literal));
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  node->literals.clear();
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].first != sorted[i - 1].first) node->literals.push_back(std::move(sorted[i].second));
  }
}

void CanonicalizeChain(FilterNode* node) {
  std::vector<std::pair<std::string, FilterNode>> sorted;
  for (FilterNode& child : node->children) {
    // Children are canonical, so one of the same kind has none of that kind itself.
    if (child.kind == node->kind) {
      for (FilterNode& grandchild : child.children) {
        std::string text = FilterText(grandchild);
        sorted.emplace_back(std::move(text), std::move(grandchild));
      }
    } else {
      std::string text = FilterText(child);
      sorted.emplace_back(std::move(text), std::move(child));
    }
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  node->children.clear();
  for (size_t i = 0; i < sorted.size(); ++i) {
    if (i == 0 || sorted[i].first != sorted[i - 1].first) node->children.push_back(std::move(sorted[i].second));
  }
}

}  // namespace

void Canonicalize(FilterNode* node) {
  for (FilterNode& child : node->children) Canonicalize(&child);
  switch (node->kind) {
    case FilterKind::kComparison:
      return CanonicalizeList(node);
    case FilterKind::kNot:
      if (node->children.front().kind != FilterKind::kNot) return;
      break;
    case FilterKind::kAnd:
    case FilterKind::kOr:
      CanonicalizeChain(node);
      if (node->children.size() > 1) return;
      break;
  }
  // What is left stands for itself: of a double negation the inside, of a chain its only child.
  FilterNode inner = std::move(node->children.front());
  if (node->kind == FilterKind::kNot) {
    FilterNode innermost = std::move(inner.children.front());
    inner = std::move(innermost);
  }
  *node = std::move(inner);
}

std::string FilterText(const FilterNode& node) {
  switch (node.kind) {
    case FilterKind::kComparison:
      return ComparisonText(node);
    case FilterKind::kNot:
      return NotText(node.children.front());
    case FilterKind::kAnd:
    case FilterKind::kOr:
      break;
  }
  const bool conjunction = node.kind == FilterKind::kAnd;
  return absl::StrJoin(node.children, conjunction ? " and " : " or ", [conjunction](std::string* out, const FilterNode& child) {
    out->append(conjunction && child.kind == FilterKind::kOr ? InParentheses(child) : FilterText(child));
  });
}

}  // namespace scoutlight::discovery
