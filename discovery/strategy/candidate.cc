#include "discovery/strategy/candidate.h"

#include <string>

#include "base/stable_hash.h"
#include "discovery/property_type.h"

namespace scoutlight::discovery {
namespace {

// The number in a property, if it is one from `min` to `max`.
std::optional<double> NumberOf(const Instance& instance, absl::string_view property, double max) {
  const std::string* const text = FindProperty(instance.properties, property);
  if (text == nullptr) return std::nullopt;
  const std::optional<double> number = ParseNumber(*text);
  return number.has_value() && *number >= 0 && *number <= max ? number : std::nullopt;
}

std::vector<double> Known(const CandidateList& candidates, std::optional<double> Candidate::*value, double otherwise) {
  double sum = 0;
  int known = 0;
  for (const Candidate& candidate : candidates) {
    if (!(candidate.*value).has_value()) continue;
    sum += *(candidate.*value);
    ++known;
  }
  const double mean = known == 0 ? otherwise : sum / known;
  std::vector<double> values;
  values.reserve(candidates.size());
  for (const Candidate& candidate : candidates) values.push_back((candidate.*value).value_or(mean));
  return values;
}

}  // namespace

uint64_t HashName(absl::string_view name) { return name.empty() ? 0 : StableHash().Add(name).value(); }

Candidate MakeCandidate(const Instance& instance) {
  constexpr double kNumberMax = 1e12;
  Candidate candidate;
  candidate.id = HashName(instance.name.id);
  if (const std::string* zone = FindProperty(instance.properties, kZoneProperty); zone != nullptr) candidate.zone = HashName(*zone);
  candidate.weight = NumberOf(instance, kWeightProperty, kNumberMax).value_or(1);
  candidate.load = instance.soft.load.has_value() ? instance.soft.load : NumberOf(instance, kLoadProperty, kNumberMax);
  candidate.reliability = instance.soft.reliability.has_value() ? instance.soft.reliability : NumberOf(instance, kReliabilityProperty, 1);
  candidate.health = instance.health;
  candidate.registered_at = instance.registered_at;
  return candidate;
}

std::vector<double> KnownLoads(const CandidateList& candidates, double otherwise) { return Known(candidates, &Candidate::load, otherwise); }

std::vector<double> KnownReliabilities(const CandidateList& candidates, double otherwise) {
  return Known(candidates, &Candidate::reliability, otherwise);
}

}  // namespace scoutlight::discovery
