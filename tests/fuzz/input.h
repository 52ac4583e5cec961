#ifndef SCOUTLIGHT_TESTS_FUZZ_INPUT_H_
#define SCOUTLIGHT_TESTS_FUZZ_INPUT_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"

namespace scoutlight::fuzz {

// Takes a fuzzer's bytes apart, from the front. What is taken beyond their end is zero or empty. Views into the bytes given.
class Input {
 public:
  explicit Input(absl::string_view bytes) : left_(bytes) {}

  bool empty() const { return left_.empty(); }

  uint8_t Byte() { return left_.empty() ? 0 : static_cast<uint8_t>(Bytes(1)[0]); }

  // In [0, bound), by one byte; `bound` is in [1, 256].
  size_t Below(size_t bound) { return Byte() % bound; }

  absl::string_view Bytes(size_t size) {
    const absl::string_view taken = left_.substr(0, size);
    left_.remove_prefix(taken.size());
    return taken;
  }

  absl::string_view Rest() { return Bytes(left_.size()); }

 private:
  absl::string_view left_;
};

}  // namespace scoutlight::fuzz

#endif  // SCOUTLIGHT_TESTS_FUZZ_INPUT_H_
