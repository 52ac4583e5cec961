#ifndef SCOUTLIGHT_CLI_ENTRY_LINES_H_
#define SCOUTLIGHT_CLI_ENTRY_LINES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"

// The form of `kv export` and `kv import`, an object of JSON a line:
//
//   {"scoutlight_export": 1, "prefix": "/site", "revision": 17, "store_id": "..."}     may be missing where people write the lines
//   {"key": "/site/db/host", "value": "10.0.0.7"}                                      a value of text
//   {"key": "/site/db/seed", "value": "/wE=", "encoding": "base64"}                    a value of bytes
//   {"end": true, "entries": 2}                                                        behind the first line there must be this
//
// Thread-safe.
namespace scoutlight::cli {

struct ExportBegin {
  std::string prefix;
  Revision revision = 0;
  StoreId store_id;
};
struct ExportedEntry {
  std::string key;
  Value value;
};
struct ExportEnd {
  int64_t entries = 0;
};
using ExportLine = std::variant<ExportBegin, ExportedEntry, ExportEnd>;

// With its line feed.
std::string TextOf(const ExportLine& line);

// kInvalidArgument: what is wrong with it, in words that go on after the line's number.
absl::StatusOr<ExportLine> ParseExportLine(absl::string_view text);

// As a value of limits::kValueBytesMax can have, with every character escaped.
inline constexpr size_t kExportLineBytesMax = 8 << 20;

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_ENTRY_LINES_H_
