#ifndef SCOUTLIGHT_CLI_RECORD_H_
#define SCOUTLIGHT_CLI_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace scoutlight::cli {

// With the members in the order in which they were set.
using Json = nlohmann::ordered_json;

enum class Colour { kNone, kDim, kGreen, kYellow, kRed };

// A part of what a verb shows, in all forms of output.
struct Field {
  enum class Where {
    kAlways,
    kWide,  // Not in the table, as it would be too broad.
    kJson,  // In JSON alone.
  };

  std::string name;                                // The member in JSON; in capitals, with blanks for `_`, the title of a column.
  Json value;                                      // Null: it has none, and is left out of JSON.
  Where where = Where::kAlways;                    // Which forms show it.
  std::optional<std::string> text = std::nullopt;  // What tables show in place of `value`: any bytes, they are made printable.
  Colour colour = Colour::kNone;                   // On a terminal.
  int columns_min = 0;                             // Of its column in a stream, where broader ones may follow.
};

// One thing, or one event.
struct Record {
  std::string name;  // By which other verbs take it, for `-o name`.
  std::vector<Field> fields;
};

// A tree of them, children in order.
struct TreeNode {
  std::string label;  // Beside its line in the drawing.
  std::string text;   // Behind the label; empty: nothing.
  Record record;      // For JSON.
  std::vector<TreeNode> children;
};

// Adds `fields` to those of `record`, in order.
void Append(std::vector<Field> fields, Record* record);

// The members of `record`, in order.
Json JsonOf(const Record& record);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_RECORD_H_
