#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_CANDIDATE_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_CANDIDATE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "discovery/instance.h"

namespace scoutlight::discovery {

// What strategies see of an instance. Small and without names, so that a list of them is one run of memory.
struct Candidate {
  uint64_t id = 0;                    // HashName of the instance's id: the same in every process and for its whole life.
  uint64_t zone = 0;                  // HashName of its zone; 0: none.
  double weight = 1;                  // At least 0.
  std::optional<double> load;         // 0 idle, 1 full; nullopt: not known.
  std::optional<double> reliability;  // 0..1; nullopt: not known.
  Health health = Health::kPassing;
  absl::Time registered_at = absl::InfinitePast();
};

// Those that may be picked, in an order of the owner's choice (by id, so that snapshots agree). Never changed once shared.
using CandidateList = std::vector<Candidate>;
using SharedCandidates = std::shared_ptr<const CandidateList>;

// Stands for a name in candidates and affinity keys: a StableHash. Of empty text it is 0.
uint64_t HashName(absl::string_view name);

// What strategies see of `instance`. A soft value goes before the property of that name; a property that is no valid value counts as
// missing. Thread-safe.
Candidate MakeCandidate(const Instance& instance);

// The loads of the candidates, and their reliabilities; who tells none has the mean of the others, or `otherwise` if nobody tells.
std::vector<double> KnownLoads(const CandidateList& candidates, double otherwise);
std::vector<double> KnownReliabilities(const CandidateList& candidates, double otherwise);

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_CANDIDATE_H_
