// What every build runs of the fuzzers (./dev fuzz): the inputs that are kept, and so many changes of them, drawn at random.
// SCOUTLIGHT_SEED repeats a run; SCOUTLIGHT_TORTURE makes it long.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/support/random.h"

namespace scoutlight::fuzz {
namespace {

using ::scoutlight::testing::Between;
using ::scoutlight::testing::Random;

constexpr size_t kInputBytesMax = 4096;

// The inputs of corpus/NAME.txt: one a line, in the escapes of C.
std::vector<std::string> KeptInputs(absl::string_view target) {
  std::ifstream file(absl::StrCat("tests/fuzz/corpus/", target, ".txt"));
  EXPECT_TRUE(file.is_open()) << "there is no corpus of " << target;
  std::vector<std::string> inputs;
  for (std::string line; std::getline(file, line);) {
    std::string error;
    EXPECT_TRUE(absl::CUnescape(line, &inputs.emplace_back(), &error)) << target << " line " << inputs.size() << ": " << error;
  }
  return inputs;
}

// Changes inputs as libFuzzer does, without knowing what they reach.
class Mutator {
 public:
  Mutator(std::vector<std::string> kept, Random* random) : kept_(std::move(kept)), random_(*random) {}

  std::string Draw() {
    std::string input = AnyKept();
    for (int changes = Between(1, 6, &random_); changes > 0; --changes) Change(&input);
    return input.substr(0, kInputBytesMax);
  }

 private:
  const std::string& AnyKept() { return kept_[Below(kept_.size())]; }
  size_t Below(size_t bound) { return static_cast<size_t>(Between(0, static_cast<int>(bound) - 1, &random_)); }
  char AnyByte() { return static_cast<char>(Between(0, 255, &random_)); }

  void Change(std::string* input) {
    const size_t at = Below(input->size() + 1);
    const size_t size = std::min(Below(16) + 1, input->size() - at);
    switch (Below(6)) {
      case 0:
        input->insert(at, 1, AnyByte());
        return;
      case 1:
        input->erase(at, size);
        return;
      case 2:
        input->insert(Below(input->size() + 1), input->substr(at, size));
        return;
      case 3: {
        const std::string& other = AnyKept();
        input->replace(at, size, other.substr(Below(other.size() + 1), 1 + Below(24)));
        return;
      }
      case 4:
        if (size > 0) (*input)[at] = AnyByte();
        return;
      default:
        if (size > 0) (*input)[at] = static_cast<char>((*input)[at] ^ (1 << Below(8)));
    }
  }

  const std::vector<std::string> kept_;
  Random& random_;
};

class Fuzz : public ::testing::TestWithParam<FuzzTarget> {};

TEST_P(Fuzz, WhateverTheInputWhatMustHoldHolds) {
  const FuzzTarget& target = GetParam();
  const std::vector<std::string> kept = KeptInputs(target.name);
  ASSERT_FALSE(kept.empty());
  for (const std::string& input : kept) RunTarget(target, input);
  Random random(testing::Seed());
  Mutator mutator(kept, &random);
  // A call of the store's takes as long as a hundred of the others'.
  const int inputs = (testing::IsTorture() ? 500'000 : 5'000) / (target.name == "store" ? 50 : 1);
  for (int i = 0; i < inputs; ++i) RunTarget(target, mutator.Draw());
  RecordProperty("runs", inputs);
}

INSTANTIATE_TEST_SUITE_P(All, Fuzz, ::testing::ValuesIn(AllTargets()), [](const auto& info) { return std::string(info.param.name); });

void BreakARule(absl::string_view bytes) { Require(bytes != "b\n", "it is not b"); }

TEST(FuzzTargets, ABrokenRuleEndsTheProcessAndShowsTheInput) {
  RunTarget({"rule", BreakARule}, "a");
  EXPECT_DEATH(RunTarget({"rule", BreakARule}, "b\n"), "rule: it is not b\ninput: b.n");
}

}  // namespace
}  // namespace scoutlight::fuzz
