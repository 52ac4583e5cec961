// What is held when leases end: the breaker against a plain model, and the catalog around it. SCOUTLIGHT_SEED repeats a run.

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/catalog.h"
#include "discovery/loss_breaker.h"
#include "discovery/shipped_schemas.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

const absl::Time kStart = absl::FromUnixSeconds(1'800'000'000);

Instant At(absl::Duration since_boot) { return {.since_boot = since_boot, .calendar = kStart + since_boot}; }

uint64_t Seed() {
  const char* const given = std::getenv("SCOUTLIGHT_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "SCOUTLIGHT_SEED=" << seed << "\n";
  return seed;
}

// The rule as it reads, of one service, from everything that has happened.
class Model {
 public:
  void Live(const std::string& id) {
    lost_.erase(id);
    live_.insert(id);
  }
  void Lose(const std::vector<std::string>& ids, absl::Duration now) {
    for (const std::string& id : ids) {
      live_.erase(id);
      lost_[id] = {now, false};
    }
    std::vector<Loss*> recent;
    for (auto& [id, loss] : lost_) {
      if (loss.at > now - absl::Seconds(10)) recent.push_back(&loss);
    }
    const double share = static_cast<double>(recent.size()) / static_cast<double>(live_.size() + recent.size());
    if (recent.size() < 3 || share <= 0.3) return;
    for (Loss* loss : recent) loss->held = true;
  }
  void Gone(const std::string& id) {
    live_.erase(id);
    lost_.erase(id);
  }
  std::set<std::string> Held(absl::Duration now) const {
    std::set<std::string> held;
    for (const auto& [id, loss] : lost_) {
      if (loss.held && now < loss.at + absl::Seconds(60)) held.insert(id);
    }
    return held;
  }
  const std::set<std::string>& live() const { return live_; }

 private:
  struct Loss {
    absl::Duration at;
    bool held = false;
  };
  std::set<std::string> live_;
  std::map<std::string, Loss> lost_;
};

Event PutOf(const std::string& path, absl::string_view text, Revision revision, LeaseId lease = 7) {
  Event event{.key = Key::Parse(path).value(), .kind = EventKind::kPut};
  event.entry = {.key = event.key,
                 .value = {Value::Form::kText, std::string(text)},
                 .create_revision = revision,
                 .mod_revision = revision,
                 .version = 1,
                 .lease_id = lease,
                 .has_value = true};
  return event;
}

Event DeleteOf(const std::string& path, Revision revision, EventCause cause) {
  const Key key = Key::Parse(path).value();
  return {.key = key, .kind = EventKind::kDelete, .cause = cause, .entry = {.key = key, .mod_revision = revision}};
}

// A catalog with one service, whose instances have one property each.
class LossesTest : public ::testing::Test {
 protected:
  std::string PathOf(const std::string& id) const { return absl::StrCat("/c/services/s/", id, "/port"); }
  void Put(const std::vector<std::string>& ids) {
    Batch batch{.revision = ++revision_};
    for (const std::string& id : ids) batch.events.push_back(PutOf(PathOf(id), "80", revision_));
    catalog_.Apply(batch, At(now_));
  }
  void PutMany(int count) {
    std::vector<std::string> ids;
    for (int i = 0; i < count; ++i) ids.push_back(IdOf(i));
    Put(ids);
  }
  std::string IdOf(int i) const { return absl::StrCat("i", 1000 + i); }
  Catalog::Applied Delete(const std::vector<std::string>& ids, EventCause cause = EventCause::kLeaseExpired) {
    Batch batch{.revision = ++revision_};
    for (const std::string& id : ids) batch.events.push_back(DeleteOf(PathOf(id), revision_, cause));
    return catalog_.Apply(batch, At(now_));
  }
  std::set<std::string> Shown(Status status) {
    std::set<std::string> shown;
    const SnapshotPtr snapshot = catalog_.Find("c", "s");
    if (snapshot == nullptr) return shown;
    size_t held = 0;
    snapshot->ForEachAfter("", [&](const InstancePtr& instance) {
      held += instance->status == Status::kOwnerLost ? 1 : 0;
      if (instance->status == status) shown.insert(instance->name.id);
      const InstancePtr alone = catalog_.FindInstance(instance->name);
      EXPECT_TRUE(alone != nullptr && *alone == *instance) << instance->name.id;
      return true;
    });
    EXPECT_EQ(snapshot->held(), held);
    return shown;
  }
  std::vector<ServiceName> EndHolds() { return catalog_.EndHolds(now_); }

  Catalog catalog_{Claims::Create(ShippedSchemas(), Bindings()).value()};
  Revision revision_ = 1;
  absl::Duration now_ = absl::Hours(1);
};

TEST_F(LossesTest, SingleLossesAreGoneAtOnce) {
  PutMany(10);
  Delete({IdOf(0)});
  Delete({IdOf(1)});
  EXPECT_EQ(Shown(Status::kUp).size(), 8U);
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
}

TEST_F(LossesTest, TheOneTooManyHoldsThoseBeforeItToo) {
  PutMany(10);
  Delete({IdOf(0)});
  Delete({IdOf(1)});
  // 3 of 10 are not more than 30 %.
  Delete({IdOf(2)});
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  now_ += absl::Seconds(9);
  Delete({IdOf(3)});
  EXPECT_THAT(Shown(Status::kOwnerLost), ElementsAre(IdOf(0), IdOf(1), IdOf(2), IdOf(3)));
  EXPECT_EQ(Shown(Status::kUp).size(), 6U);
}

TEST_F(LossesTest, WhatIsLostOutsideTheWindowIsNotCounted) {
  PutMany(10);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  now_ += limits::kLossWindow;
  Delete({IdOf(3)});
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
}

TEST_F(LossesTest, TwoOfTwoAreNotMany) {
  PutMany(2);
  Delete({IdOf(0), IdOf(1)});
  EXPECT_EQ(catalog_.Find("c", "s"), nullptr);
  EXPECT_THAT(catalog_.Clusters(), IsEmpty());
}

TEST_F(LossesTest, AServiceThatLostAllIsListedUntilTheHoldsEnd) {
  PutMany(3);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  ASSERT_EQ(Shown(Status::kOwnerLost).size(), 3U);
  EXPECT_EQ(catalog_.instances(), 0U);
  EXPECT_THAT(catalog_.Clusters(), ElementsAre("c"));
  const std::vector<Catalog::ServiceCount> counts = catalog_.Services("c");
  ASSERT_EQ(counts.size(), 1U);
  EXPECT_EQ(counts[0].instances, 3U);
  EXPECT_EQ(counts[0].held, 3U);
  EXPECT_EQ(counts[0].resolvable, 0U);

  const InstancePtr held = catalog_.FindInstance({"c", "s", IdOf(0)});
  ASSERT_NE(held, nullptr);
  EXPECT_EQ(held->held_until, kStart + now_ + limits::kLossHeldMax);
  EXPECT_EQ(held->properties.at("port"), "80");
  EXPECT_FALSE(held->resolvable());

  now_ += limits::kLossHeldMax - absl::Nanoseconds(1);
  EXPECT_THAT(EndHolds(), IsEmpty());
  now_ += absl::Nanoseconds(1);
  EXPECT_THAT(EndHolds(), ElementsAre(ServiceName{"c", "s"}));
  EXPECT_EQ(catalog_.Find("c", "s"), nullptr);
  EXPECT_THAT(catalog_.Clusters(), IsEmpty());
  EXPECT_FALSE(catalog_.HasLosses());
}

TEST_F(LossesTest, AHoldIsCountedFromItsOwnLoss) {
  PutMany(4);
  Delete({IdOf(0)});
  now_ += absl::Seconds(5);
  Delete({IdOf(1), IdOf(2)});
  now_ += absl::Seconds(55);
  EndHolds();
  EXPECT_THAT(Shown(Status::kOwnerLost), ElementsAre(IdOf(1), IdOf(2)));
  now_ += absl::Seconds(5);
  EndHolds();
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  EXPECT_THAT(Shown(Status::kUp), ElementsAre(IdOf(3)));
}

TEST_F(LossesTest, RegisteringAgainEndsAHold) {
  PutMany(4);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  Put({IdOf(1)});
  EXPECT_THAT(Shown(Status::kOwnerLost), ElementsAre(IdOf(0), IdOf(2)));
  EXPECT_THAT(Shown(Status::kUp), ElementsAre(IdOf(1), IdOf(3)));
}

TEST_F(LossesTest, WhoHasComeBackOrIsConfirmedLostCountsNoMore) {
  PutMany(10);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  Put({IdOf(0)});
  // Three of ten.
  Delete({IdOf(3)});
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  EXPECT_EQ(catalog_.ConfirmLoss({"c", "s"}, {IdOf(1), IdOf(2)}), 0) << "they are not held";
  // Two of eight, then three.
  Delete({IdOf(4)});
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  Delete({IdOf(5)});
  EXPECT_THAT(Shown(Status::kOwnerLost), ElementsAre(IdOf(3), IdOf(4), IdOf(5)));
}

TEST_F(LossesTest, WhatIsDeletedOrRevokedIsNotLost) {
  PutMany(4);
  Delete({IdOf(0), IdOf(1)}, EventCause::kWrite);
  Delete({IdOf(2)}, EventCause::kLeaseRevoked);
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  EXPECT_FALSE(catalog_.HasLosses());
}

TEST_F(LossesTest, WhoWasLeavingIsNotLost) {
  const std::string record =
      EncodeInstanceRecord({.status = Status::kDraining, .epoch = 2, .session = {}, .schema = {}, .registered_at = kStart});
  Batch batch{.revision = ++revision_};
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(IdOf(i));
    batch.events.push_back(PutOf(InstanceRecordKey({"c", "s", IdOf(i)}).path(), record, revision_));
    batch.events.push_back(PutOf(PathOf(IdOf(i)), "80", revision_));
  }
  catalog_.Apply(batch, At(now_));
  Batch ended{.revision = ++revision_};
  for (const std::string& id : ids) {
    ended.events.push_back(DeleteOf(InstanceRecordKey({"c", "s", id}).path(), revision_, EventCause::kLeaseExpired));
    ended.events.push_back(DeleteOf(PathOf(id), revision_, EventCause::kLeaseExpired));
  }
  EXPECT_FALSE(catalog_.Apply(ended, At(now_)).lost);
  EXPECT_EQ(catalog_.Find("c", "s"), nullptr);
}

TEST_F(LossesTest, WhatKeepsEntriesIsNotLost) {
  PutMany(3);
  Batch batch{.revision = ++revision_};
  for (int i = 0; i < 3; ++i) {
    batch.events.push_back(PutOf(absl::StrCat("/c/services/s/", IdOf(i), "/zone"), "a", revision_, 0));
  }
  catalog_.Apply(batch, At(now_));
  EXPECT_FALSE(Delete({IdOf(0), IdOf(1), IdOf(2)}).lost);
  EXPECT_EQ(Shown(Status::kUp).size(), 3U);
}

TEST_F(LossesTest, AConfirmedLossIsGone) {
  PutMany(5);
  Delete({IdOf(0), IdOf(1), IdOf(2), IdOf(3)});
  EXPECT_EQ(catalog_.ConfirmLoss({"c", "s"}, {IdOf(0), "unknown", IdOf(4)}), 1);
  EXPECT_THAT(Shown(Status::kOwnerLost), ElementsAre(IdOf(1), IdOf(2), IdOf(3)));
  EXPECT_EQ(catalog_.ConfirmLoss({"c", "other"}, {IdOf(1)}), 0);
  EXPECT_THAT(catalog_.HeldOf({"c", "s"}, 2), ElementsAre(IdOf(1), IdOf(2)));
  EXPECT_EQ(catalog_.ConfirmLoss({"c", "s"}, catalog_.HeldOf({"c", "s"}, 9)), 3);
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  EXPECT_THAT(Shown(Status::kUp), ElementsAre(IdOf(4)));
}

TEST_F(LossesTest, AnOverrideOfAHeldOneIsShownAndItsEndToo) {
  PutMany(3);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  const InstanceName name{"c", "s", IdOf(0)};
  catalog_.Apply({.revision = ++revision_, .events = {PutOf(OverrideKey(name).path(), R"({"reason": "jam"})", revision_, 0)}}, At(now_));
  ASSERT_NE(catalog_.FindInstance(name), nullptr);
  EXPECT_EQ(catalog_.FindInstance(name)->override->reason, "jam");
  catalog_.Apply({.revision = ++revision_, .events = {DeleteOf(OverrideKey(name).path(), revision_, EventCause::kWrite)}}, At(now_));
  ASSERT_NE(catalog_.FindInstance(name), nullptr);
  EXPECT_FALSE(catalog_.FindInstance(name)->override.has_value());
  EXPECT_EQ(Shown(Status::kOwnerLost).size(), 3U);
}

TEST_F(LossesTest, TheCatalogThatTakesThePlaceHoldsTheSame) {
  PutMany(5);
  Delete({IdOf(0), IdOf(1), IdOf(2)});
  Catalog next(Claims::Create(ShippedSchemas(), Bindings()).value(), 1);
  for (const int i : {1, 3, 4}) next.Fill(PutOf(PathOf(IdOf(i)), "80", 9).entry);
  next.FillUpTo(9);
  next.TakeLosses(catalog_, Catalog::Before::kComplete);
  const auto status_of = [&next, this](int i) {
    const InstancePtr found = next.FindInstance({"c", "s", IdOf(i)});
    return found == nullptr ? "none" : std::string(StatusText(found->status));
  };
  EXPECT_EQ(status_of(0), "OWNER_LOST");
  EXPECT_EQ(status_of(1), "UP");
  EXPECT_EQ(status_of(2), "OWNER_LOST");
  EXPECT_EQ(next.EndHolds(now_ + limits::kLossHeldMax).size(), 1U);
  EXPECT_EQ(status_of(0), "none");

  const Bindings moved = Bindings::Create({{"c", "s", "members"}}).value();
  Catalog other(Claims::Create(ShippedSchemas(), moved).value(), 2);
  other.TakeLosses(catalog_, Catalog::Before::kComplete);
  EXPECT_FALSE(other.HasLosses());
}

TEST_F(LossesTest, WhatBothHaveSeenIsJudgedByTheOneThatHasSeenMore) {
  PutMany(10);
  Delete({IdOf(0), IdOf(1)});
  Catalog next(Claims::Create(ShippedSchemas(), Bindings()).value(), 1);
  for (int i = 2; i < 10; ++i) next.Fill(PutOf(PathOf(IdOf(i)), "80", revision_).entry);
  next.FillUpTo(revision_);
  Batch batch{.revision = ++revision_};
  for (int i = 2; i < 5; ++i) batch.events.push_back(DeleteOf(PathOf(IdOf(i)), revision_, EventCause::kLeaseExpired));
  catalog_.Apply(batch, At(now_));
  next.Apply(batch, At(now_));
  ASSERT_EQ(catalog_.ConfirmLoss({"c", "s"}, {IdOf(3)}), 1);
  ASSERT_THAT(next.HeldOf({"c", "s"}, 9), ElementsAre(IdOf(2), IdOf(3), IdOf(4)));

  next.TakeLosses(catalog_, Catalog::Before::kComplete);
  EXPECT_THAT(next.HeldOf({"c", "s"}, 9), ElementsAre(IdOf(0), IdOf(1), IdOf(2), IdOf(4)));
  EXPECT_EQ(next.FindInstance({"c", "s", IdOf(3)}), nullptr);
  EXPECT_NE(next.FindInstance({"c", "s", IdOf(0)}), nullptr);
  EXPECT_EQ(next.Find("c", "s")->held(), 4U);
  // One that has seen less adds what it knows, and takes nothing away.
  Catalog behind(Claims::Create(ShippedSchemas(), Bindings()).value(), 2);
  next.TakeLosses(behind, Catalog::Before::kBehind);
  EXPECT_EQ(next.Find("c", "s")->held(), 4U);
  next.TakeLosses(behind, Catalog::Before::kComplete);
  EXPECT_EQ(next.Find("c", "s")->held(), 0U);
}

TEST_F(LossesTest, SixOfTenOfAThousandAreHeldInWhateverStepsTheyGo) {
  PutMany(1'000);
  for (int i = 0; i < 600; ++i) {
    now_ += absl::Milliseconds(2);
    Delete({IdOf(i)});
  }
  EXPECT_EQ(Shown(Status::kOwnerLost).size(), 600U);
  EXPECT_EQ(Shown(Status::kUp).size(), 400U);
  now_ += limits::kLossHeldMax;
  EndHolds();
  EXPECT_THAT(Shown(Status::kOwnerLost), IsEmpty());
  EXPECT_EQ(Shown(Status::kUp).size(), 400U);
}

TEST_F(LossesTest, AsTheModelSays) {
  std::mt19937_64 random(Seed());
  Model model;
  for (int step = 0; step < 3'000; ++step) {
    now_ += absl::Milliseconds(random() % 1'500);
    std::vector<std::string> ids;
    const int count = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < count; ++i) ids.push_back(IdOf(static_cast<int>(random() % 12)));
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    std::vector<std::string> there;
    for (const std::string& id : ids) {
      if (model.live().contains(id)) there.push_back(id);
    }
    if (random() % 2 == 0) EndHolds();
    switch (random() % 8) {
      case 0:
        for (const std::string& id : there) model.Gone(id);
        if (!there.empty()) Delete(there, EventCause::kWrite);
        break;
      case 1: {
        for (const std::string& id : ids) {
          if (!model.live().contains(id)) model.Gone(id);
        }
        catalog_.ConfirmLoss({"c", "s"}, ids);
        break;
      }
      case 2:
      case 3:
        if (there.empty()) break;
        model.Lose(there, now_);
        Delete(there);
        break;
      default:
        for (const std::string& id : ids) model.Live(id);
        Put(ids);
    }
    // What nobody looks at between is seen to be right later.
    if (random() % 3 == 0) continue;
    EndHolds();
    ASSERT_EQ(Shown(Status::kUp), model.live()) << "step " << step;
    ASSERT_EQ(Shown(Status::kOwnerLost), model.Held(now_)) << "step " << step;
    ASSERT_EQ(catalog_.instances(), model.live().size()) << "step " << step;
  }
}

TEST(LossBreakerTest, RemembersSoManyLosses) {
  LossBreaker breaker;
  for (int i = 0; i < limits::kLossesRememberedMax; ++i) {
    ASSERT_TRUE(breaker.Add({"c", absl::StrCat("s", i % 7), absl::StrCat(i)}, {}, absl::Seconds(1)));
  }
  EXPECT_FALSE(breaker.Add({"c", "s0", "another"}, {}, absl::Seconds(1)));
  EXPECT_TRUE(breaker.Add({"c", "s0", "0"}, {}, absl::Seconds(2)));
  EXPECT_THAT(breaker.Expire(absl::Seconds(61), 10), IsEmpty());
  EXPECT_EQ(breaker.size(), static_cast<size_t>(limits::kLossesRememberedMax) - 10);
  EXPECT_THAT(breaker.Expire(absl::Seconds(62), limits::kLossesRememberedMax), IsEmpty());
  EXPECT_EQ(breaker.size(), 0U);
}

// 100 services of 1,000, half of each lost, as fast as leases end: in no 10 s does one lose more than 100 of at least 500.
TEST(LossBreakerTest, ABacklogOfEndedLeasesIsOneEvent) {
  LossBreaker breaker;
  size_t held = 0;
  for (int i = 0; i < 50'000; ++i) {
    const ServiceName service{"c", absl::StrCat("s", i % 100)};
    const size_t live = 1'000 - static_cast<size_t>(i / 100) - 1;
    const Instant now = At(absl::Hours(1) + absl::Milliseconds(i));
    ASSERT_TRUE(breaker.Add({service.cluster, service.service, absl::StrCat(i)}, {}, now.since_boot));
    held += breaker.Judge(service, live, now).size();
  }
  EXPECT_EQ(held, 50'000U);
  // The same, slowly: each loss is one for itself.
  LossBreaker slow;
  for (int i = 0; i < 500; ++i) {
    const Instant now = At(absl::Hours(1) + absl::Seconds(i));
    ASSERT_TRUE(slow.Add({"c", "s", absl::StrCat(i)}, {}, now.since_boot));
    ASSERT_THAT(slow.Judge({"c", "s"}, 1'000 - static_cast<size_t>(i) - 1, now), IsEmpty()) << i;
    slow.Expire(now.since_boot, 10);
  }
}

TEST(LossBreakerTest, JudgesEachServiceByItself) {
  LossBreaker breaker;
  for (const char* id : {"1", "2", "3"}) {
    breaker.Add({"c", "s", id}, {}, absl::Seconds(1));
    breaker.Add({"c", "t", id}, {}, absl::Seconds(1));
  }
  EXPECT_THAT(breaker.Judge({"c", "s"}, 6, At(absl::Seconds(1))), UnorderedElementsAre("1", "2", "3"));
  EXPECT_THAT(breaker.Judge({"c", "t"}, 7, At(absl::Seconds(1))), IsEmpty());
  EXPECT_EQ(breaker.held({"c", "s"}), 3U);
  EXPECT_EQ(breaker.held({"c", "t"}), 0U);
  EXPECT_EQ(breaker.FindHeld({"c", "t", "1"}), nullptr);
}

}  // namespace
}  // namespace scoutlight::discovery
