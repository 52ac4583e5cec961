#ifndef SCOUTLIGHT_CLI_NEW_FILE_H_
#define SCOUTLIGHT_CLI_NEW_FILE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace scoutlight::cli {

// A file that is there whole and on the disk, or not at all: it is written beside its place under a name of its own, PATH.partial-XXXXXX,
// which is left behind only by a process that is killed. Errors: what the system says, with the path. Not thread-safe.
class NewFile {
 public:
  // kUnknown: it cannot be made there. Readable to its owner alone.
  static absl::StatusOr<NewFile> Create(std::string path);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  // Removes what was not kept.
  ~NewFile();

  absl::Status Write(absl::string_view bytes);
  // Puts it into its place, over what was there. Once; nothing is written any more. On error what was there is as it was, or, if only the
  // folder cannot be synced, the new file may be gone after a power cut.
  absl::Status Keep();

 private:
  NewFile(std::string path, std::string partial, int file);

  absl::Status SystemError(absl::string_view what) const;

  std::string path_;
  std::string partial_;  // Empty: there is nothing to remove.
  int file_;             // -1: closed.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_NEW_FILE_H_
