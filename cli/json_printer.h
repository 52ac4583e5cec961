#ifndef SCOUTLIGHT_CLI_JSON_PRINTER_H_
#define SCOUTLIGHT_CLI_JSON_PRINTER_H_

#include <string>
#include <vector>

#include "cli/printer.h"

namespace scoutlight::cli {

// An error as JSON: `code`, `reason`, `message`, `violations`, `resource`, `retry_after`, what else was told (`revision`, `store_id`, ...),
// and `exit_code`; what is not known is left out.
Json ErrorJson(const absl::Status& status);

// Documents and errors are indented; events are one line each, written at once.
class JsonPrinter : public Printer {
 public:
  explicit JsonPrinter(Output* output) : Printer(/*can_ask=*/false, output) {}

  void Item(const Record& item) override;
  void List(absl::string_view member, const std::vector<Record>& items, const Json& rest) override;
  void ValueOf(const Record& item, const Value& value) override;
  void Tree(const TreeNode& root) override;
  void Done(absl::string_view sentence, const Record& result) override;
  void Events(const std::vector<Record>& events) override;
  void Note(absl::string_view message) override;
  void Failed(const absl::Status& status) override;

 private:
  void WriteDocument(const Json& document);
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_JSON_PRINTER_H_
