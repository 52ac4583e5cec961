#ifndef SCOUTLIGHT_CLI_TABLE_PRINTER_H_
#define SCOUTLIGHT_CLI_TABLE_PRINTER_H_

#include <string>
#include <vector>

#include "cli/printer.h"

namespace scoutlight::cli {

// For people: tables with titles, drawn trees, sentences. Everything foreign is made printable. On a terminal cells are cut so that lines
// end at its edge, as far as that leaves something to read: in the wide form the last column alone, of one thing by itself nothing.
class TablePrinter : public Printer {
 public:
  TablePrinter(OutputForm form, const Terminals& terminals, Output* output)
      : Printer(terminals.asks, output), form_(form), terminals_(terminals) {}

  void Item(const Record& item) override;
  void List(absl::string_view member, const std::vector<Record>& items, const Json& rest) override;
  void ValueOf(const Record& item, const Value& value) override;
  void Tree(const TreeNode& root) override;
  void Done(absl::string_view sentence, const Record& result) override;
  void Events(const std::vector<Record>& events) override;
  void Note(absl::string_view message) override;
  void Failed(const absl::Status& status) override;

 private:
  struct Cell {
    std::string text;  // Printable.
    Colour colour = Colour::kNone;
    int columns_min = 0;  // In a stream.
  };
  using Row = std::vector<Cell>;

  bool IsShown(const Field& field) const;
  Row CellsOf(const Record& record) const;
  // A line with each cell but the last padded to its width of `widths`, and cut to it, the last at the edge.
  std::string Line(const Row& row, const std::vector<int>& widths) const;
  // The same, with all cells whole.
  std::string WholeLine(const Row& row, const std::vector<int>& widths) const;
  // `widths`, cut down where lines would be longer than the terminal is broad.
  std::vector<int> Fitted(std::vector<int> widths, const Row& titles) const;
  std::string Painted(const Cell& cell) const;
  void DrawChildren(const TreeNode& node, const std::string& indent, std::string* out) const;
  std::string TreeLine(absl::string_view drawn, const TreeNode& node) const;

  const OutputForm form_;
  const Terminals terminals_;
  std::vector<int> event_widths_;  // Of the events so far: later ones stand below them.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TABLE_PRINTER_H_
