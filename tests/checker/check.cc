#include "tests/checker/check.h"

#include <algorithm>
#include <cstdlib>
#include <set>

#include "absl/strings/str_cat.h"
#include "tests/checker/claims.h"
#include "tests/checker/compaction_rules.h"
#include "tests/checker/describe.h"
#include "tests/checker/pins.h"
#include "tests/checker/real_time.h"
#include "tests/checker/replay.h"
#include "tests/checker/watch_rules.h"

namespace scoutlight::checker {
namespace {

constexpr size_t kWindowCalls = 20;
constexpr Revision kWindowRevisions = 3;  // Of the log, before and after.
constexpr size_t kReportedMax = 5;

// What the log shows around a violation.
std::string WindowOf(const History& history, const std::vector<Pin>& pins, const Violation& violation, Nanos epoch) {
  // The calls named, then those nearest to the revision.
  std::vector<int> near;
  for (size_t i = 0; i < pins.size(); ++i) {
    if (pins[i].kind != Pin::Kind::kNone) near.push_back(static_cast<int>(i));
  }
  const size_t count = std::min(kWindowCalls, near.size());
  const auto distance = [&](int call) { return std::llabs(pins[call].revision - violation.revision); };
  std::partial_sort(near.begin(), near.begin() + static_cast<int64_t>(count), near.end(),
                    [&](int a, int b) { return distance(a) < distance(b); });
  std::set<int> shown(near.begin(), near.begin() + static_cast<int64_t>(count));
  shown.insert(violation.calls.begin(), violation.calls.end());
  std::vector<int> by_time(shown.begin(), shown.end());
  std::sort(by_time.begin(), by_time.end(), [&](int a, int b) { return history.calls[a].called < history.calls[b].called; });

  std::string text;
  for (const int call : by_time) {
    const bool named = std::find(violation.calls.begin(), violation.calls.end(), call) != violation.calls.end();
    absl::StrAppend(&text, named ? "  > " : "    ", Describe(history.calls[call], epoch), "\n");
  }
  for (const LoggedBatch& logged : history.log) {
    if (std::llabs(logged.batch.revision - violation.revision) <= kWindowRevisions) {
      absl::StrAppend(&text, "    ", Describe(logged, epoch), "\n");
    }
  }
  return text;
}

}  // namespace

std::vector<Violation> Check(const History& history, const LeaseBounds& bounds) {
  Findings findings;
  std::vector<Pin> pins = PinCalls(history, &findings);
  const std::vector<int> writers = ClaimRevisions(history, &pins, &findings);
  // Without a log that is whole there is nothing to compare with.
  if (writers.empty()) return findings.Take();
  CheckRealTime(history, pins, &findings);
  const std::vector<Nanos> known = KnownSince(history, pins);
  const ReplayResult replayed = Replay(history, pins, writers, known, &findings);
  CheckOutOfRange(history, &findings);
  CheckWatches(history, &findings);
  CheckLeases(history, pins, known, replayed, bounds, &findings);
  return findings.Take();
}

std::string Report(const History& history, const std::vector<Violation>& violations) {
  Findings ignored;
  std::vector<Pin> pins = PinCalls(history, &ignored);
  ClaimRevisions(history, &pins, &ignored);
  Nanos epoch = kNever;
  for (const Call& call : history.calls) epoch = std::min(epoch, call.called);
  std::string text = absl::StrCat(violations.size(), " violations in ", history.calls.size(), " calls, ", history.log.size(),
                                  " revisions, ", history.watches.size(), " watches; times in ms\n");
  for (size_t i = 0; i < std::min(violations.size(), kReportedMax); ++i) {
    const Violation& violation = violations[i];
    std::set<int> clients;
    for (const int call : violation.calls) clients.insert(history.calls[call].client);
    absl::StrAppend(&text, "\n", std::string(RuleName(violation.rule)), ": ", violation.message);
    if (violation.revision != 0) absl::StrAppend(&text, " (revision ", violation.revision, ")");
    for (const int client : clients) absl::StrAppend(&text, " client ", client);
    absl::StrAppend(&text, "\n", WindowOf(history, pins, violation, epoch));
  }
  return text;
}

}  // namespace scoutlight::checker
