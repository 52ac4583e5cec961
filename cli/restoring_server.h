#ifndef SCOUTLIGHT_CLI_RESTORING_SERVER_H_
#define SCOUTLIGHT_CLI_RESTORING_SERVER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace scoutlight::cli {

// A folder of its own below $TMPDIR, or /tmp, readable to its owner alone. It goes with this object, and what is in it. Not thread-safe.
class TemporaryFolder {
 public:
  // kUnknown: the system's words.
  static absl::StatusOr<TemporaryFolder> Create();

  TemporaryFolder(TemporaryFolder&& other) noexcept;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  std::string path_;  // Empty: moved away.
};

// scoutlightd, as it is found: beside this program, else in $PATH. kNotFound: neither.
absl::StatusOr<std::string> FindServerProgram();

// Runs `program` (scoutlightd) with `flags`, which say what it restores, until it ends; its log goes to `log_file`. Returns the id of the
// store that it has made. kFailedPrecondition, kInvalidArgument (it does not take its flags): what it said last. kCancelled: a signal to
// stop came, and it was killed. Blocks.
absl::StatusOr<std::string> RunRestoringServer(const std::string& program, const std::vector<std::string>& flags,
                                               const std::string& log_file);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_RESTORING_SERVER_H_
