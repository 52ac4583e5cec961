#include "server/discovery/selection.h"

#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "discovery/regex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

using discovery::Instance;
using discovery::InstancePtr;
using discovery::ServiceSnapshot;
using discovery::SnapshotPtr;
using ::testing::ElementsAre;

constexpr size_t kChunk = ServiceSnapshot::kChunkInstancesMax;

InstancePtr Named(const std::string& id, const discovery::Properties& properties = {}, bool valid = true) {
  Instance instance;
  instance.name = {"c", "s", id};
  instance.properties = properties;
  instance.registered_at = absl::UnixEpoch();
  instance.valid = valid;
  return std::make_shared<const Instance>(std::move(instance));
}

std::string IdOf(int number) { return absl::StrCat("i", 100'000 + number); }

SnapshotPtr Fill(int instances) {
  ServiceSnapshot::Changes changes;
  for (int i = 0; i < instances; ++i) changes.emplace_back(IdOf(i), Named(IdOf(i)));
  return ServiceSnapshot().With(changes, 1);
}

Selection::Terms TermsOf(const std::string& filter, const std::string& endpoint = "") {
  return {.filter = discovery::Filter::Parse(filter, discovery::AgeTerms::kAllowed).value(), .endpoint = endpoint};
}

std::vector<std::string> IdsOf(const Selection& selection) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < selection.size(); ++i) ids.push_back(selection.At(i)->name.id);
  return ids;
}

TEST(Selection, TakesWhoWorksMatchesAndHasTheEndpoint) {
  const SnapshotPtr snapshot = ServiceSnapshot().With({{"a", Named("a", {{"zone", "x"}, {"endpoint.admin", "http://h:1"}})},
                                                       {"b", Named("b", {{"zone", "y"}, {"endpoint.admin", "http://h:1"}})},
                                                       {"c", Named("c", {{"zone", "x"}})},
                                                       {"d", Named("d", {{"zone", "x"}, {"endpoint.admin", "http://h:1"}}, false)}},
                                                      1);
  EXPECT_THAT(IdsOf(Selection(Selection(), TermsOf(""), snapshot, absl::UnixEpoch())), ElementsAre("a", "b", "c"));
  EXPECT_THAT(IdsOf(Selection(Selection(), TermsOf("zone == \"x\""), snapshot, absl::UnixEpoch())), ElementsAre("a", "c"));
  const Selection both(Selection(), TermsOf("zone == \"x\"", "admin"), snapshot, absl::UnixEpoch());
  EXPECT_THAT(IdsOf(both), ElementsAre("a"));
  EXPECT_EQ(both.Candidates()->size(), 1u);
  EXPECT_EQ(both.Candidates()->front().id, discovery::HashName("a"));
}

TEST(Selection, NextOneLooksAtTheChunksThatChangedAlone) {
  const Selection::Terms terms = TermsOf("");
  const SnapshotPtr snapshot = Fill(10'000);
  EXPECT_EQ(Selection().WorkFor(terms, *snapshot), 10'000u);
  const Selection selection(Selection(), terms, snapshot, absl::UnixEpoch());
  EXPECT_EQ(selection.WorkFor(terms, *snapshot), 0u);
  EXPECT_LE(selection.WorkFor(terms, *snapshot->With({{IdOf(5'000), Named(IdOf(5'000))}}, 2)), kChunk);
  EXPECT_LE(selection.WorkFor(terms, *snapshot->With({{IdOf(0), nullptr}}, 2)), kChunk);
  EXPECT_GT(selection.WorkFor(terms, *snapshot->With({{IdOf(0), nullptr}, {IdOf(5'000), nullptr}}, 2)), kChunk);
}

TEST(Selection, RegexWorkIsThatOfTheChunksThatChanged) {
  const Selection::Terms terms = TermsOf("zone matches 'x'");
  SnapshotPtr snapshot = Fill(10'000);
  const auto in_zone = [&snapshot](int number, size_t bytes) {
    snapshot = snapshot->With({{IdOf(number), Named(IdOf(number), {{"zone", std::string(bytes, 'x')}})}}, snapshot->revision() + 1);
  };
  in_zone(0, 100);
  in_zone(9'999, 7);
  const int64_t instructions = discovery::Regex::Parse("x")->instructions();
  EXPECT_EQ(Selection().RegexWorkFor(terms, *snapshot), 107 * instructions);
  EXPECT_EQ(Selection().RegexWorkFor(TermsOf("zone == 'x'"), *snapshot), 0);
  const Selection selection(Selection(), terms, snapshot, absl::UnixEpoch());
  EXPECT_EQ(selection.RegexWorkFor(terms, *snapshot), 0);
  in_zone(0, 3);
  EXPECT_EQ(selection.RegexWorkFor(terms, *snapshot), 3 * instructions);
  EXPECT_EQ(selection.RegexWorkFor(TermsOf("zone matches 'x' and age < 1m"), *snapshot), 10 * instructions) << "age looks at all";
}

TEST(Selection, WhatAgeChoosesIsLookedAtWhole) {
  const Selection::Terms terms = TermsOf("age < 1m");
  const SnapshotPtr snapshot = Fill(100);
  const Selection young(Selection(), terms, snapshot, absl::UnixEpoch());
  EXPECT_EQ(young.size(), 100u);
  EXPECT_EQ(young.WorkFor(terms, *snapshot), 100u);
  EXPECT_EQ(Selection(young, terms, snapshot, absl::UnixEpoch() + absl::Minutes(2)).size(), 0u);
}

// Whatever changes, the next selection is as one that is made of nothing.
TEST(Selection, AgreesWithOneThatIsMadeAnew) {
  const char* const seed_text = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = seed_text != nullptr ? std::strtoull(seed_text, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << std::endl;
  std::mt19937_64 random(seed);
  const Selection::Terms terms = TermsOf("zone == \"x\"");
  SnapshotPtr snapshot = std::make_shared<const ServiceSnapshot>();
  Selection selection;
  for (int round = 0; round < 300; ++round) {
    std::map<std::string, InstancePtr> changes;
    const bool shrinks = round % 100 > 60;
    for (uint64_t i = random() % 40; i > 0; --i) {
      const std::string id = IdOf(static_cast<int>(random() % 1'000));
      const bool goes = random() % 4 < (shrinks ? 3u : 1u);
      changes[id] = goes ? nullptr : Named(id, {{"zone", random() % 3 == 0 ? "y" : "x"}}, random() % 5 != 0);
    }
    snapshot = snapshot->With({changes.begin(), changes.end()}, round + 1);
    const size_t work = selection.WorkFor(terms, *snapshot);
    selection = Selection(selection, terms, snapshot, absl::UnixEpoch());
    const Selection anew(Selection(), terms, snapshot, absl::UnixEpoch());
    ASSERT_EQ(IdsOf(selection), IdsOf(anew)) << "SCOUTLIGHT_SEED=" << seed;
    ASSERT_EQ(selection.Candidates()->size(), selection.size());
    ASSERT_LE(work, snapshot->size());
  }
}

}  // namespace
}  // namespace scoutlight::server
