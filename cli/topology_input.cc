#include "cli/topology_input.h"

#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/utf8.h"
#include "cli/input.h"
#include "topology/topology.h"

namespace scoutlight::cli {

absl::StatusOr<std::string> ReadDocument(const std::string& file) {
  absl::StatusOr<std::string> read =
      file == "-" ? ReadStandardInput(topology::kDocumentBytesMax) : ReadFile(file, topology::kDocumentBytesMax);
  const std::string name = file == "-" ? "standard input" : file;
  if (!read.ok()) return InvalidField(Reason::kInvalidField, "FILE", absl::StrCat("cannot be read: ", name, ": ", read.status().message()));
  if (read->size() > topology::kDocumentBytesMax) {
    return InvalidField(Reason::kInvalidField, "document", absl::StrCat("has more than ", topology::kDocumentBytesMax, " bytes"));
  }
  // A request cannot carry anything else.
  if (const std::optional<size_t> bad = FindInvalidUtf8(*read); bad.has_value()) {
    return InvalidField(Reason::kInvalidField, "document", absl::StrCat("is not valid UTF-8 at byte ", *bad));
  }
  return read;
}

}  // namespace scoutlight::cli
