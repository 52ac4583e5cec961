#include "cli/output.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace scoutlight::cli {
namespace {

bool IsSet(const char* variable) {
  const char* const value = getenv(variable);
  return value != nullptr && *value != '\0';
}

// 0, or the errno of the write that failed.
int WriteAll(int file, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

bool HoldStandardStreams() {
  for (const int file : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(file, F_GETFD) >= 0) continue;
    // The lowest that is free.
    if (open("/dev/null", file == STDIN_FILENO ? O_WRONLY : O_RDONLY) != file) return false;
  }
  return true;
}

Terminals FindTerminals() {
  Terminals found;
  const char* const kind = getenv("TERM");
  const bool colours = !IsSet("NO_COLOR") && (kind == nullptr || strcmp(kind, "dumb") != 0);
  const bool output = isatty(STDOUT_FILENO) == 1;
  const bool errors = isatty(STDERR_FILENO) == 1;
  found.output_colours = output && colours;
  found.errors_colours = errors && colours;
  found.asks = errors && isatty(STDIN_FILENO) == 1;
  winsize size{};
  if (output && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) found.output_columns = size.ws_col;
  return found;
}

void Output::Write(absl::string_view bytes) {
  if (!status_.ok()) return;
  const int failed = WriteAll(STDOUT_FILENO, bytes);
  if (failed == EPIPE) status_ = absl::CancelledError("standard output was closed");
  if (failed != 0 && failed != EPIPE) status_ = absl::DataLossError(absl::StrCat("cannot write to standard output: ", strerror(failed)));
}

void Output::WriteError(absl::string_view bytes) { WriteAll(STDERR_FILENO, bytes); }

}  // namespace scoutlight::cli
