#include "tests/support/random.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <iostream>

#include "absl/strings/numbers.h"

namespace scoutlight::testing {

uint64_t Seed() {
  uint64_t seed = 0;
  const char* const given = getenv("SCOUTLIGHT_SEED");
  if (given == nullptr || !absl::SimpleAtoi(given, &seed)) seed = std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  ::testing::Test::RecordProperty("seed", std::to_string(seed));
  return seed;
}

int Between(int low, int high, Random* random) { return std::uniform_int_distribution<int>(low, high)(*random); }

std::string RandomBytes(size_t count, Random* random) {
  std::string bytes(count, '\0');
  for (char& byte : bytes) byte = static_cast<char>((*random)());
  return bytes;
}

bool IsTorture() { return getenv("SCOUTLIGHT_TORTURE") != nullptr; }

}  // namespace scoutlight::testing
