#ifndef SCOUTLIGHT_CLI_NEW_FILE_H_
#define SCOUTLIGHT_CLI_NEW_FILE_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"

namespace scoutlight::cli {

// A file that is there whole and on the disk, or not at all: it is written beside its place, as PATH.partial, which is locked meanwhile,
// and left behind only by a process that is killed; the next one writes over that. Errors: what the system says, with the path. Not
// thread-safe, but for Discard.
class NewFile {
 public:
  // Readable to its owner alone. A `path` that is a symbolic link stays one. kInvalidArgument: there is something else than a file, or a
  // link that leads nowhere. kFailedPrecondition: another process is writing it, or somebody else has a PATH.partial. kUnknown: it cannot
  // be made there.
  static absl::StatusOr<std::unique_ptr<NewFile>> Create(const std::string& path);

  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  // Discards what was not kept.
  ~NewFile();

  absl::Status Write(absl::string_view bytes);
  // Puts it into its place, over what was there. Once; nothing is written any more. On error what was there is as it was, or, if only the
  // folder cannot be synced, the new file may be gone after a power cut. kCancelled: it was discarded.
  absl::Status Keep();
  // Removes what is not kept yet; it cannot be kept any more. Thread-safe.
  void Discard();

 private:
  NewFile(std::string path, std::string partial, int file);

  enum class Found { kNothing, kThere };
  // Whether it is ours, and still where it was opened. False: another process has put it into place, or discarded it. `found`: before it
  // was opened.
  absl::StatusOr<bool> Own(Found found);
  absl::Status SystemError(absl::string_view what) const;

  const std::string path_;
  const std::string partial_;
  const int file_;  // Holds the lock.
  Mutex mu_;
  bool is_there_ ABSL_GUARDED_BY(mu_) = false;  // At `partial_`, ours.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_NEW_FILE_H_
