#ifndef SCOUTLIGHT_TESTS_SUPPORT_TEMP_DIR_H_
#define SCOUTLIGHT_TESTS_SUPPORT_TEMP_DIR_H_

#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::testing {

// A folder of the test's own on a real disk, removed with all that is in it.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // The path of `name` in it.
  std::string File(absl::string_view name) const;

 private:
  std::string path_;
};

// All of a file; fails the test and gives nothing when it cannot be read.
std::string ReadFile(const std::string& path);

// Makes or replaces a file; fails the test when it cannot.
void WriteFile(const std::string& path, absl::string_view content);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_TEMP_DIR_H_
