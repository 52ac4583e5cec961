#include "cli/input.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "absl/status/status.h"

namespace scoutlight::cli {
namespace {

constexpr size_t kPieceBytes = 64 << 10;

absl::StatusOr<std::string> ReadUpToBound(int file, size_t bytes_max) {
  std::string content;
  while (content.size() <= bytes_max) {
    const size_t before = content.size();
    const size_t wanted = std::min(kPieceBytes, bytes_max + 1 - before);
    content.resize(before + wanted);
    const ssize_t count = read(file, content.data() + before, wanted);
    if (count < 0 && errno != EINTR) return absl::UnknownError(strerror(errno));
    content.resize(before + static_cast<size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) break;
  }
  return content;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t bytes_max) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return absl::UnknownError(strerror(errno));
  absl::StatusOr<std::string> content = ReadUpToBound(file, bytes_max);
  close(file);
  return content;
}

absl::StatusOr<std::string> ReadStandardInput(size_t bytes_max) { return ReadUpToBound(STDIN_FILENO, bytes_max); }

}  // namespace scoutlight::cli
