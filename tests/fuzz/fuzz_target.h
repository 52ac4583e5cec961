#ifndef SCOUTLIGHT_TESTS_FUZZ_FUZZ_TARGET_H_
#define SCOUTLIGHT_TESTS_FUZZ_FUZZ_TARGET_H_

#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace scoutlight::fuzz {

// Code that is fed with anybody's bytes, and what must hold whatever they are.
struct FuzzTarget {
  absl::string_view name;
  // Ends the process, by Require, when something does not hold.
  void (*run)(absl::string_view bytes);
};

// All there are, in order of names.
const std::vector<FuzzTarget>& AllTargets();

// Runs `target` with `bytes`, which Require shows when something does not hold. Not thread-safe.
void RunTarget(const FuzzTarget& target, absl::string_view bytes);

[[noreturn]] void Broken(absl::string_view rule);

// Says which rule is broken, by which input (as a line of a corpus), and aborts, unless `holds`.
template <typename... Parts>
void Require(bool holds, const Parts&... parts) {
  if (!holds) Broken(absl::StrCat(parts...));
}

// The targets, one a file.
void FuzzBackup(absl::string_view bytes);
void FuzzFilter(absl::string_view bytes);
void FuzzKeys(absl::string_view bytes);
void FuzzRecords(absl::string_view bytes);
void FuzzRequests(absl::string_view bytes);
void FuzzSchema(absl::string_view bytes);
void FuzzStore(absl::string_view bytes);
void FuzzTopology(absl::string_view bytes);

}  // namespace scoutlight::fuzz

#endif  // SCOUTLIGHT_TESTS_FUZZ_FUZZ_TARGET_H_
