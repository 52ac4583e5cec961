#include "cli/printer.h"

#include <iostream>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/json_printer.h"
#include "cli/table_printer.h"

namespace scoutlight::cli {

std::unique_ptr<Printer> Printer::Make(OutputForm form, const Terminals& terminals, Output* output) {
  if (form == OutputForm::kJson) return std::make_unique<JsonPrinter>(output);
  return std::make_unique<TablePrinter>(form, terminals, output);
}

bool Printer::Confirmed(absl::string_view question) {
  if (!can_ask_) return false;
  output_.WriteError(absl::StrCat(question, " [y/N] "));
  std::string answer;
  // At Ctrl-D the cursor is still behind the question.
  if (!std::getline(std::cin, answer)) output_.WriteError("\n");
  const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(answer));
  return word == "y" || word == "yes";
}

}  // namespace scoutlight::cli
