// Histories of a store whose revisions others take too, and whose leader may change.
#include "tests/checker/gaps.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/checker/check.h"

namespace scoutlight::checker {
namespace {

constexpr Nanos kSecond = 1'000'000'000;
constexpr LeaseBounds kExact = {.late = absl::Seconds(1), .unnoticed_pause = absl::ZeroDuration()};
const char* const kValue = "v";

Entry EntryAt(Revision revision) {
  return {.key = Key::Parse("/a").value(),
          .value = {Value::Form::kText, kValue},
          .create_revision = revision,
          .mod_revision = revision,
          .version = 1,
          .has_value = true};
}

Call PutAt(Revision revision, Nanos called) {
  storage::PutOperation put;
  put.key = Key::Parse("/a").value();
  put.value = {Value::Form::kText, kValue};
  Call call{.client = 1, .called = called, .returned = called + 1, .outcome = Outcome::kOk};
  call.request = Write{.form = Write::Form::kPut, .conditions = {}, .on_success = {put}, .on_failure = {}};
  WriteAnswer answer{.revision = revision};
  answer.results = {{.entries = {}, .create_revision = revision, .version = 1}};
  call.answer = answer;
  return call;
}

Call GetAt(Revision revision, Nanos called, Revision entry) {
  Call call{.client = 2, .called = called, .returned = called + 1, .outcome = Outcome::kOk};
  call.request = Read{.is_get = true, .query = {.range = {Key::Parse("/a").value(), Scope::kKey}}};
  call.answer = ReadAnswer{.revision = revision, .entries = {EntryAt(entry)}};
  return call;
}

LoggedBatch PutLogged(Revision revision, Nanos received) {
  Event event{.key = Key::Parse("/a").value(), .entry = EntryAt(revision), .previous = std::nullopt, .previous_known = true};
  return {.batch = {.revision = revision, .committed = {}, .events = {event}}, .received = received};
}

// What is wrong, each with its rule.
std::vector<std::string> Wrong(History history) {
  FillGaps(&history);
  std::vector<std::string> wrong;
  for (const Violation& violation : Check(history, kExact)) {
    wrong.push_back(absl::StrCat(RuleName(violation.rule), ": ", violation.message));
  }
  return wrong;
}

TEST(Gaps, StatesAtWhichNothingChangedMayBeNamed) {
  History history;
  history.calls = {PutAt(5, 10), GetAt(7, 20, 5), GetAt(9, 30, 5)};
  history.log = {PutLogged(5, 15)};
  WatchStream stream{.called = 1, .start_revision = 3};
  stream.frames = {{.kind = Frame::Kind::kStarted, .received = 2, .revision = 4},
                   {.kind = Frame::Kind::kChanges, .received = 15, .revision = 6, .events = {history.log[0].batch.events[0]}},
                   {.kind = Frame::Kind::kProgress, .received = 40, .revision = 9}};
  WatchChain chain{.client = 3, .range = {Key(), Scope::kSubtree}, .include_previous = true, .streams = {stream}, .reached = 9};
  history.watches = {chain};
  EXPECT_EQ(Wrong(history), std::vector<std::string>{});
}

TEST(Gaps, NobodyHasWrittenThem) {
  History history;
  history.calls = {PutAt(5, 10), PutAt(6, 20)};
  history.log = {PutLogged(5, 15)};
  const std::vector<std::string> wrong = Wrong(history);
  ASSERT_FALSE(wrong.empty());
  EXPECT_EQ(wrong[0], absl::StrCat(RuleName(Rule::kContiguity), ": it claims revision 6, which changed nothing"));
}

TEST(Gaps, NoEntryIsOfThem) {
  History history;
  history.calls = {PutAt(5, 10), GetAt(7, 20, 6)};
  history.log = {PutLogged(5, 15)};
  EXPECT_EQ(Wrong(history).size(), 1u);
}

TEST(Gaps, TheirOrderIsThatOfTime) {
  History history;
  history.calls = {PutAt(5, 10), GetAt(9, 20, 5), GetAt(7, 30, 5)};
  history.log = {PutLogged(5, 15)};
  const std::vector<std::string> wrong = Wrong(history);
  ASSERT_EQ(wrong.size(), 1u);
  EXPECT_TRUE(absl::StartsWith(wrong[0], RuleName(Rule::kRealTime))) << wrong[0];
}

TEST(Gaps, AHistoryThatNamesTooHighARevisionIsNotFilled) {
  History history;
  history.calls = {PutAt(2, 10), GetAt(kFilledRevisionsMax + 1, 20, 2)};
  history.log = {PutLogged(2, 15)};
  EXPECT_EQ(Wrong(history).size(), 1u);
}

// A lease of 2 s with a key, granted at once, which ends when it says.
History LeaseThatEnds(Nanos end) {
  History history;
  Call grant{.client = 1, .called = 1, .returned = 2, .outcome = Outcome::kOk};
  grant.request = Grant{.id = 7, .ttl = absl::Seconds(2)};
  grant.answer = GrantAnswer{.id = 7, .ttl = absl::Seconds(2), .revision = 1};
  Call put = PutAt(2, 10);
  std::get<storage::PutOperation>(std::get<Write>(put.request).on_success[0]).lease_id = 7;
  history.calls = {grant, put};
  LoggedBatch logged = PutLogged(2, 15);
  logged.batch.events[0].entry.lease_id = 7;
  Event gone{.key = Key::Parse("/a").value(), .kind = EventKind::kDelete, .cause = EventCause::kLeaseExpired};
  gone.entry.key = gone.key;
  gone.entry.mod_revision = 3;
  gone.previous = logged.batch.events[0].entry;
  gone.previous_known = true;
  history.log = {logged, {.batch = {.revision = 3, .committed = {}, .events = {gone}}, .received = end}};
  return history;
}

TEST(NewLeader, GivesLeasesTheirTtlAnewAndNoLonger) {
  const Outage outage{
      .kind = Outage::Kind::kNewLeader, .stopped = kSecond, .halted = kSecond, .started = 2 * kSecond, .serving = 5 * kSecond};
  EXPECT_EQ(Wrong(LeaseThatEnds(7 * kSecond)).size(), 1u) << "without a new leader it is late";
  for (const auto& [end, wrong] : {std::pair{2 * kSecond + 1, 0u}, {8 * kSecond, 0u}, {8 * kSecond + kSecond / 10, 1u}, {kSecond, 1u}}) {
    History history = LeaseThatEnds(end);
    history.outages = {outage};
    EXPECT_EQ(Wrong(history).size(), wrong) << end;
  }
}

void AddRenewal(Nanos called, History* history) {
  Call renew{.client = 1, .called = called, .returned = called + 1, .outcome = Outcome::kOk};
  renew.request = Renew{{7}};
  renew.answer = RenewAnswer{{Outcome::kOk}, 2};
  history->calls.push_back(renew);
}

// The lease of LeaseThatEnds, renewed at 2.5 s, and an old leader that stood still from 1 s on and heard of the new one at 3 s.
History LeaseThatAnOldLeaderEnds(Nanos end) {
  History history = LeaseThatEnds(end);
  AddRenewal(5 * kSecond / 2, &history);
  history.outages = {
      {.kind = Outage::Kind::kOldLeader, .stopped = kSecond, .halted = kSecond, .started = 3 * kSecond - 1, .serving = 3 * kSecond}};
  return history;
}

TEST(OldLeader, EndsWhatHasRunOutByWhatItKnew) {
  const Nanos end = 3 * kSecond + kSecond / 2;
  EXPECT_EQ(Wrong(LeaseThatAnOldLeaderEnds(end)), std::vector<std::string>{});
  History history = LeaseThatAnOldLeaderEnds(end);
  history.outages.clear();
  EXPECT_EQ(Wrong(history).size(), 1u) << "nobody stood still";
  EXPECT_EQ(Wrong(LeaseThatAnOldLeaderEnds(3 * kSecond - 2)).size(), 1u) << "it stood still yet";
}

TEST(OldLeader, EndsNothingThatItKnewToLiveOn) {
  History history = LeaseThatAnOldLeaderEnds(3 * kSecond + kSecond / 2);
  history.outages[0].stopped = history.outages[0].halted = 5 * kSecond / 2 + 2;
  EXPECT_EQ(Wrong(history).size(), 1u) << "it led when the lease was renewed";
  history = LeaseThatAnOldLeaderEnds(3 * kSecond + kSecond / 2);
  history.outages[0].stopped = history.outages[0].halted = 0;
  EXPECT_EQ(Wrong(history).size(), 1u) << "the lease was granted by the new one";
}

TEST(OldLeader, EndsNothingBeforeWhatItKnewRanOut) {
  for (const auto& [end, wrong] : {std::pair{kSecond / 2 * 7 - 1, 1u}, {kSecond / 2 * 7 + 1, 0u}}) {
    History history = LeaseThatAnOldLeaderEnds(end);
    // It led until after a renewal at 1.5 s, and hears of the new one at 4 s.
    AddRenewal(3 * kSecond / 2, &history);
    std::swap(history.calls.back(), history.calls.end()[-2]);
    history.outages[0].stopped = history.outages[0].halted = 3 * kSecond / 2 + 2;
    history.outages[0].serving = 4 * kSecond;
    EXPECT_EQ(Wrong(history).size(), wrong) << end;
  }
}

TEST(OldLeader, EndsNothingThatIsRenewedLongAfterwards) {
  const Nanos bound = 3 * kSecond + absl::ToInt64Nanoseconds(kExact.old_leader);
  for (const auto& [renewed, wrong] : {std::pair{bound - 1, 0u}, {bound + 1, 1u}}) {
    // So long it lives by renewals, each of which is excused.
    History history = LeaseThatAnOldLeaderEnds(renewed + kSecond);
    for (Nanos called = 4 * kSecond; called < renewed; called += kSecond) AddRenewal(called, &history);
    AddRenewal(renewed, &history);
    EXPECT_EQ(Wrong(history).size(), wrong) << renewed;
  }
}

// A revocation that names revision 3, of a lease that lost its key to a put at 3 just before.
History RevocationThatCountsWhatWasBefore() {
  History history = LeaseThatEnds(kSecond);
  Call put = PutAt(3, 20);
  std::get<storage::PutOperation>(std::get<Write>(put.request).on_success[0]).value.bytes = "w";
  auto& answer = std::get<WriteAnswer>(put.answer);
  answer.results[0].create_revision = 2;
  answer.results[0].version = 2;
  Call revoke{.client = 2, .called = 15, .returned = 40, .outcome = Outcome::kOk};
  revoke.request = Revoke{.id = 7};
  revoke.answer = RevokeAnswer{.deleted = 1, .revision = 3};
  Call renew{.client = 3, .called = 50, .returned = 51, .outcome = Outcome::kOk};
  renew.request = Renew{{8}};
  renew.answer = RenewAnswer{{Outcome::kFailed}, 1};
  history.calls.insert(history.calls.end(), {put, revoke, renew});
  LoggedBatch logged = PutLogged(3, 30);
  Event& event = logged.batch.events[0];
  event.previous = history.log[0].batch.events[0].entry;
  event.entry = *event.previous;
  event.entry.value.bytes = "w";
  event.entry.mod_revision = 3;
  event.entry.version = 2;
  event.entry.lease_id = 0;
  history.log[1] = logged;
  return history;
}

TEST(OverEtcd, RevocationsCountWhatWasBeforeAndRenewalsNameAPastRevision) {
  History history = RevocationThatCountsWhatWasBefore();
  EXPECT_FALSE(Wrong(history).empty());
  history.over_etcd = true;
  EXPECT_EQ(Wrong(history), std::vector<std::string>{});
}

TEST(OverEtcd, NoOtherCallsLeaseIsRevoked) {
  History history = LeaseThatEnds(kSecond);
  history.over_etcd = true;
  history.log[1].batch.events[0].cause = EventCause::kLeaseRevoked;
  EXPECT_EQ(Wrong(history).size(), 1u) << "nobody revoked it";
  Call revoke{.client = 2, .called = 20, .returned = kSecond + 1, .outcome = Outcome::kOk};
  revoke.request = Revoke{.id = 7};
  revoke.answer = RevokeAnswer{.deleted = 0, .revision = 3};
  history.calls.push_back(revoke);
  EXPECT_EQ(Wrong(history), std::vector<std::string>{});
}

}  // namespace
}  // namespace scoutlight::checker
