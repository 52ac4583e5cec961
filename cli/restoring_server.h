#ifndef SCOUTLIGHT_CLI_RESTORING_SERVER_H_
#define SCOUTLIGHT_CLI_RESTORING_SERVER_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "base/mutex.h"

namespace scoutlight::cli {

// A folder of its own below $TMPDIR, or /tmp, readable to its owner alone. It goes with this object, and what is in it.
class TemporaryFolder {
 public:
  // kUnknown: the system's words.
  static absl::StatusOr<std::unique_ptr<TemporaryFolder>> Create();

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { Remove(); }

  // Thread-safe; at any time, whoever uses the files.
  void Remove() const;
  std::string File(const std::string& name) const { return path_ + "/" + name; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}

  const std::string path_;
};

// scoutlightd, as it is found: beside this program, else in $PATH. kNotFound: neither.
absl::StatusOr<std::string> FindServerProgram();

// scoutlightd --restore-only in a process of its own.
class RestoringServer {
 public:
  // Runs `program` with `flags`, which say what it restores, until it ends; its log goes to `log_file`. Its environment has no SCOUTLIGHT_
  // variables. Returns the id of the store that it has made. kFailedPrecondition, kInvalidArgument (it does not take its flags),
  // kUnavailable (etcd does not answer): how it ended, and what it said last. kCancelled: it was killed before. Once. Blocks.
  absl::StatusOr<std::string> Run(const std::string& program, const std::vector<std::string>& flags, const std::string& log_file);

  // Ends it at once, or keeps it from beginning. Thread-safe.
  void Kill();

 private:
  // The process, or why it did not begin.
  absl::StatusOr<pid_t> Begin(const std::string& program, const std::vector<std::string>& flags, const std::string& log_file);
  int AwaitEnd(pid_t process);

  Mutex mu_;
  bool is_killed_ ABSL_GUARDED_BY(mu_) = false;
  pid_t process_ ABSL_GUARDED_BY(mu_) = 0;  // 0: it does not run.
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_RESTORING_SERVER_H_
