#include "discovery/strategy/candidate.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;

TEST(Candidate, IsMadeOfWellKnownPropertiesAndSoftValues) {
  Instance instance;
  instance.name = {"c", "s", "i"};
  instance.properties = {{"weight", "2.5"}, {"zone", "a"}, {"load", "0.5"}, {"reliability", "0.9"}};
  instance.soft.load = 0.7;
  instance.health = Health::kWarning;
  instance.registered_at = absl::FromUnixSeconds(7);
  const Candidate candidate = MakeCandidate(instance);
  EXPECT_EQ(candidate.id, HashName("i"));
  EXPECT_EQ(candidate.zone, HashName("a"));
  EXPECT_EQ(candidate.weight, 2.5);
  EXPECT_EQ(candidate.load, 0.7);
  EXPECT_EQ(candidate.reliability, 0.9);
  EXPECT_EQ(candidate.health, Health::kWarning);
  EXPECT_EQ(candidate.registered_at, absl::FromUnixSeconds(7));
}

TEST(Candidate, InvalidPropertiesCountAsMissing) {
  Instance instance;
  instance.properties = {{"weight", "-1"}, {"load", "x"}, {"reliability", "1.5"}, {"zone", ""}};
  const Candidate candidate = MakeCandidate(instance);
  EXPECT_EQ(candidate.weight, 1);
  EXPECT_EQ(candidate.load, std::nullopt);
  EXPECT_EQ(candidate.reliability, std::nullopt);
  EXPECT_EQ(candidate.zone, 0u);
}

TEST(Candidate, UnknownValuesAreTheMeanOfTheKnownOnes) {
  CandidateList candidates(3);
  EXPECT_THAT(KnownLoads(candidates, 0.25), ElementsAre(0.25, 0.25, 0.25));
  candidates[0].load = 0.5;
  candidates[2].load = 1;
  EXPECT_THAT(KnownLoads(candidates, 0), ElementsAre(0.5, 0.75, 1));
  candidates[1].reliability = 0.5;
  EXPECT_THAT(KnownReliabilities(candidates, 1), ElementsAre(0.5, 0.5, 0.5));
}

}  // namespace
}  // namespace scoutlight::discovery
