#include "tests/checker/findings.h"

namespace scoutlight::checker {

absl::string_view RuleName(Rule rule) {
  static constexpr absl::string_view kNames[kRules] = {"history",    "contiguity", "real time", "replay",  "repetition", "watch",
                                                       "lease",      "compaction", "one owner", "fencing", "kept",       "shown",
                                                       "own writes", "order",      "resolve",   "drain"};
  return kNames[static_cast<int>(rule)];
}

}  // namespace scoutlight::checker
