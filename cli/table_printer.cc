#include "cli/table_printer.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/error.h"
#include "cli/terminal_text.h"

namespace scoutlight::cli {
namespace {

constexpr absl::string_view kGap = "  ";
constexpr absl::string_view kNothing = "-";
// Less of a column, and of the last, is not shown, however narrow the terminal.
constexpr int kColumnMin = 10;
constexpr int kLastColumnMin = 20;
// Events line up as long as their cells are not broader.
constexpr int kEventCellMax = 48;

// A value without a text of its own, not yet printable.
std::string TextOf(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_null() || (value.is_structured() && value.empty())) return std::string(kNothing);
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const Json& part : value) parts.push_back(TextOf(part));
    return absl::StrJoin(parts, ", ");
  }
  if (value.is_object()) {
    for (const auto& [name, part] : value.items()) parts.push_back(absl::StrCat(name, "=", TextOf(part)));
    return absl::StrJoin(parts, " ");
  }
  return value.dump();
}

std::string TitleOf(const Field& field) { return absl::StrReplaceAll(absl::AsciiStrToUpper(field.name), {{"_", " "}}); }

void Widen(int width, size_t column, std::vector<int>* widths) {
  if (widths->size() <= column) widths->resize(column + 1);
  (*widths)[column] = std::max((*widths)[column], width);
}

// Of it and all below it, a line each.
std::string NamesOf(const TreeNode& node) {
  std::string names = absl::StrCat(Printable(node.record.name), "\n");
  for (const TreeNode& child : node.children) absl::StrAppend(&names, NamesOf(child));
  return names;
}

// "not found", of NOT_FOUND.
std::string CodeWords(absl::StatusCode code) {
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StatusCodeToString(code)), {{"_", " "}});
}

}  // namespace

bool TablePrinter::IsShown(const Field& field) const {
  return field.where == Field::Where::kAlways || (field.where == Field::Where::kWide && form_ == OutputForm::kWide);
}

TablePrinter::Row TablePrinter::CellsOf(const Record& record) const {
  Row row;
  for (const Field& field : record.fields) {
    if (!IsShown(field)) continue;
    Cell cell{Printable(field.text.has_value() ? *field.text : TextOf(field.value)), field.colour, field.columns_min};
    if (cell.text == kNothing) cell.colour = Colour::kDim;
    row.push_back(std::move(cell));
  }
  return row;
}

std::string TablePrinter::Painted(const Cell& cell) const {
  return terminals_.output_colours && !cell.text.empty() ? Coloured(cell.colour, cell.text) : cell.text;
}

std::vector<int> TablePrinter::Fitted(std::vector<int> widths, const Row& titles) const {
  const int columns = terminals_.output_columns;
  if (columns == 0 || form_ == OutputForm::kWide || widths.empty()) return widths;
  std::vector<int> least;
  int total = static_cast<int>(kGap.size()) * (static_cast<int>(widths.size()) - 1);
  for (size_t i = 0; i < widths.size(); ++i) {
    const int title = i < titles.size() ? WidthOf(titles[i].text) : 0;
    widths[i] = std::min(widths[i], columns);
    least.push_back(std::max(title, i + 1 == widths.size() ? kLastColumnMin : kColumnMin));
    total += widths[i];
  }
  // One column after the other off the broadest; the first, which names the thing, is the last resort. At most `columns` of each.
  for (; total > columns; --total) {
    size_t broadest = 0;
    for (size_t i = 1; i < widths.size(); ++i) {
      const bool is_broader = broadest == 0 || widths[i] > widths[broadest];
      if (widths[i] > least[i] && is_broader) broadest = i;
    }
    if (widths[broadest] <= least[broadest]) break;
    --widths[broadest];
  }
  return widths;
}

std::string TablePrinter::Line(const Row& row, const std::vector<int>& widths) const {
  if (terminals_.output_columns == 0) return WholeLine(row, widths);
  Row cut = row;
  int column = 0;
  for (size_t i = 0; i + 1 < cut.size(); ++i) {
    if (form_ != OutputForm::kWide) cut[i].text = CutTo(cut[i].text, widths[i]);
    column += std::max(widths[i], WidthOf(cut[i].text)) + static_cast<int>(kGap.size());
  }
  if (!cut.empty()) cut.back().text = CutTo(cut.back().text, std::max(kLastColumnMin, terminals_.output_columns - column));
  return WholeLine(cut, widths);
}

std::string TablePrinter::WholeLine(const Row& row, const std::vector<int>& widths) const {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    absl::StrAppend(&line, Painted(row[i]));
    if (i + 1 == row.size()) break;
    const int padding = std::max(0, widths[i] - WidthOf(row[i].text));
    absl::StrAppend(&line, std::string(static_cast<size_t>(padding), ' '), kGap);
  }
  return absl::StrCat(absl::StripTrailingAsciiWhitespace(line), "\n");
}

void TablePrinter::Item(const Record& item) {
  if (form_ == OutputForm::kName) return output().Write(absl::StrCat(Printable(item.name), "\n"));
  std::vector<Row> rows;
  std::vector<int> widths;
  const auto add = [&](std::string title, const std::string& text, Colour colour) {
    Widen(WidthOf(title), 0, &widths);
    rows.push_back({{std::move(title), Colour::kDim}, {Printable(text), colour}});
  };
  for (const Field& field : item.fields) {
    if (field.where == Field::Where::kJson) continue;
    const std::string title = absl::AsciiStrToLower(TitleOf(field));
    if (field.text.has_value() || !field.value.is_object() || field.value.empty()) {
      add(title, field.text.has_value() ? *field.text : TextOf(field.value), field.colour);
      continue;
    }
    add(title, "", Colour::kNone);
    for (const auto& [name, value] : field.value.items()) add(absl::StrCat("  ", Printable(name)), TextOf(value), Colour::kNone);
  }
  std::string text;
  for (const Row& row : rows) absl::StrAppend(&text, WholeLine(row, widths));
  output().Write(text);
}

void TablePrinter::List(absl::string_view, const std::vector<Record>& items, const Json&) {
  std::string text;
  if (form_ == OutputForm::kName) {
    for (const Record& item : items) absl::StrAppend(&text, Printable(item.name), "\n");
    return output().Write(text);
  }
  if (items.empty()) return Note("nothing there");
  std::vector<Row> rows(1);
  for (const Field& field : items.front().fields) {
    if (IsShown(field)) rows.front().push_back({TitleOf(field), Colour::kDim});
  }
  for (const Record& item : items) rows.push_back(CellsOf(item));
  std::vector<int> widths;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) Widen(WidthOf(row[i].text), i, &widths);
  }
  widths = Fitted(std::move(widths), rows.front());
  for (const Row& row : rows) absl::StrAppend(&text, Line(row, widths));
  output().Write(text);
}

void TablePrinter::ValueOf(const Record& item, const Value& value) {
  if (form_ == OutputForm::kName) return output().Write(absl::StrCat(Printable(item.name), "\n"));
  if (form_ == OutputForm::kWide) return List("", {item}, {});
  output().Write(absl::StrCat(Printable(ValueText(value), LineBreaks::kKept), "\n"));
}

std::string TablePrinter::TreeLine(absl::string_view drawn, const TreeNode& node) const {
  std::string label = Printable(node.label);
  std::string text = node.text.empty() ? "" : absl::StrCat(" = ", Printable(node.text));
  if (const int columns = terminals_.output_columns; columns > 0) {
    const int text_columns = std::min(WidthOf(text), kLastColumnMin);
    label = CutTo(label, std::max(kColumnMin, columns - WidthOf(drawn) - text_columns));
    text = CutTo(text, std::max(kLastColumnMin, columns - WidthOf(drawn) - WidthOf(label)));
  }
  return absl::StrCat(Painted({std::string(drawn), Colour::kDim}), label, Painted({std::move(text), Colour::kGreen}), "\n");
}

// As deep as keys are: limits::kKeySegmentsMax.
void TablePrinter::DrawChildren(const TreeNode& node, const std::string& indent, std::string* out) const {
  for (const TreeNode& child : node.children) {
    const bool last = &child == &node.children.back();
    absl::StrAppend(out, TreeLine(absl::StrCat(indent, last ? "└── " : "├── "), child));
    DrawChildren(child, absl::StrCat(indent, last ? "    " : "│   "), out);
  }
}

void TablePrinter::Tree(const TreeNode& root) {
  if (form_ == OutputForm::kName) return output().Write(NamesOf(root));
  std::string text = TreeLine("", root);
  DrawChildren(root, "", &text);
  output().Write(text);
}

void TablePrinter::Done(absl::string_view sentence, const Record& result) {
  output().Write(absl::StrCat(Printable(form_ == OutputForm::kName ? result.name : sentence), "\n"));
}

void TablePrinter::Events(const std::vector<Record>& events) {
  std::string lines;
  std::vector<Row> rows;
  for (const Record& event : events) {
    if (form_ != OutputForm::kName) {
      rows.push_back(CellsOf(event));
    } else if (!event.name.empty()) {
      absl::StrAppend(&lines, Printable(event.name), "\n");
    }
  }
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      Widen(std::clamp(WidthOf(row[i].text), row[i].columns_min, kEventCellMax), i, &event_widths_);
    }
  }
  const std::vector<int> widths = Fitted(event_widths_, {});
  for (const Row& row : rows) {
    if (!row.empty()) absl::StrAppend(&lines, Line(row, widths));
  }
  output().Write(lines);
}

void TablePrinter::Note(absl::string_view message) {
  const std::string text = Printable(message);
  output().WriteError(absl::StrCat(terminals_.errors_colours ? Coloured(Colour::kDim, text) : text, "\n"));
}

void TablePrinter::Failed(const absl::Status& status) {
  const ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  std::string text = "scoutctl: ";
  // What the system says needs no word before it that says nothing.
  if (!absl::IsUnknown(status)) {
    const std::string code = CodeWords(status.code());
    absl::StrAppend(&text, terminals_.errors_colours ? Coloured(Colour::kRed, code) : code, ": ");
  }
  // Of a single one the message tells, of several the lines below.
  const bool has_several = details.violations.size() > 1;
  const bool repeats = has_several && status.message() == InvalidFields(details.reason, details.violations).message();
  absl::StrAppend(&text, repeats ? absl::StrCat(details.violations.size(), " mistakes") : Printable(status.message(), LineBreaks::kKept));
  if (details.reason != Reason::kUnspecified) absl::StrAppend(&text, " (", ReasonName(details.reason), ")");
  absl::StrAppend(&text, "\n");
  if (has_several) {
    for (const FieldViolation& violation : details.violations) {
      absl::StrAppend(&text, "  ", Printable(violation.field), ": ", Printable(violation.description), "\n");
    }
  }
  output().WriteError(text);
}

}  // namespace scoutlight::cli
