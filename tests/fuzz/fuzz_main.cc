// What libFuzzer runs: the target that SCOUTLIGHT_FUZZ_TARGET names. Built and run by ./dev fuzz.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/fuzz/fuzz_target.h"

namespace {

const scoutlight::fuzz::FuzzTarget* chosen = nullptr;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  // Helpers of the tests report their failures to GoogleTest.
  GTEST_FLAG_SET(break_on_failure, true);
  const char* const name = std::getenv("SCOUTLIGHT_FUZZ_TARGET");
  for (const scoutlight::fuzz::FuzzTarget& target : scoutlight::fuzz::AllTargets()) {
    if (name != nullptr && target.name == name) chosen = &target;
  }
  if (chosen != nullptr) return 0;
  std::cerr << "SCOUTLIGHT_FUZZ_TARGET names no target" << std::endl;
  std::exit(2);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  scoutlight::fuzz::RunTarget(*chosen, absl::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
