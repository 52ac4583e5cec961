#ifndef SCOUTLIGHT_CLI_TERMINAL_TEXT_H_
#define SCOUTLIGHT_CLI_TERMINAL_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "cli/record.h"

// Foreign text in a form that a terminal only shows. Thread-safe.
namespace scoutlight::cli {

enum class LineBreaks {
  kEscaped,
  kKept,  // Line feeds and tabs stay.
};

// `text` with everything that a terminal would act on escaped: control characters (`\n`, `\x1b`), characters that turn the direction of
// writing (`\u{202e}`), bytes that are no UTF-8 (`\xff`). Backslashes stay as they are: what comes out is for eyes, not to be read back.
std::string Printable(absl::string_view text, LineBreaks breaks = LineBreaks::kEscaped);

// How many columns `text`, as Printable makes it of one line, takes.
int WidthOf(absl::string_view text);

// The beginning of `text`, as Printable makes it, that is not broader than `columns`, at least 1; it ends with `…` if something is missing.
std::string CutTo(absl::string_view text, int columns);

// Valid UTF-8 as it is, other bytes as "base64:...". Not made printable.
std::string ValueText(const Value& value);

// `text` between the escapes of a terminal.
std::string Coloured(Colour colour, absl::string_view text);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TERMINAL_TEXT_H_
