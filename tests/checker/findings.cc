#include "tests/checker/findings.h"

namespace scoutlight::checker {

absl::string_view RuleName(Rule rule) {
  static constexpr absl::string_view kNames[] = {"history",    "contiguity", "real time", "replay",
                                                 "repetition", "watch",      "lease",     "compaction"};
  return kNames[static_cast<int>(rule)];
}

}  // namespace scoutlight::checker
