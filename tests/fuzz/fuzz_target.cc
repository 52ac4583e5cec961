#include "tests/fuzz/fuzz_target.h"

#include <cstdlib>
#include <iostream>

#include "absl/strings/escaping.h"

namespace scoutlight::fuzz {
namespace {

absl::string_view running_target;
absl::string_view running_input;

}  // namespace

const std::vector<FuzzTarget>& AllTargets() {
  static const auto& targets = *new std::vector<FuzzTarget>{
      {"backup", FuzzBackup},     {"filter", FuzzFilter}, {"keys", FuzzKeys},   {"records", FuzzRecords},
      {"requests", FuzzRequests}, {"schema", FuzzSchema}, {"store", FuzzStore}, {"topology", FuzzTopology},
  };
  return targets;
}

void RunTarget(const FuzzTarget& target, absl::string_view bytes) {
  running_target = target.name;
  running_input = bytes;
  target.run(bytes);
}

void Broken(absl::string_view rule) {
  std::cerr << running_target << ": " << rule << "\ninput: " << absl::CEscape(running_input) << std::endl;
  std::abort();
}

}  // namespace scoutlight::fuzz
