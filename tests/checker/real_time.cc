#include "tests/checker/real_time.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace scoutlight::checker {
namespace {

constexpr int kNoCall = -1;
constexpr Nanos kShownWithin = 10'000'000'000;  // Of History::over_etcd.

// A call or an answer. Where times are equal calls come first: then they overlap.
struct Step {
  enum class Kind : uint8_t { kCall, kLearn };

  Nanos time = 0;
  Kind kind = Kind::kCall;
  int64_t slot = 0;
  int call = kNoCall;

  friend bool operator<(const Step& a, const Step& b) { return std::tie(a.time, a.kind) < std::tie(b.time, b.kind); }
};

int64_t SlotOf(const Pin& pin) { return pin.kind == Pin::Kind::kWrite ? 2 * pin.revision : 2 * pin.revision + 1; }

int64_t SlotSeen(Revision revision) { return 2 * revision + 1; }

// Everything of which it is known up to where it has been sent by then.
Revision SeenBy(const Frame& frame) {
  Revision seen = frame.revision;
  for (const Event& event : frame.events) seen = std::max(seen, event.entry.mod_revision);
  return seen;
}

// KIND_STARTED of a watch that begins with the state leaves it to the snapshot.
bool NamesState(const Frame& frame) { return frame.revision != 0; }

template <typename Show>
void ForEachLearned(const History& history, const std::vector<Pin>& pins, Show show) {
  for (size_t i = 0; i < pins.size(); ++i) {
    const Call& call = history.calls[i];
    if (pins[i].kind == Pin::Kind::kNone || call.outcome == Outcome::kUnknown) continue;
    show(Step{call.returned, Step::Kind::kLearn, SlotOf(pins[i]), static_cast<int>(i)});
  }
  for (const LoggedBatch& logged : history.log) {
    // Nobody is sent a gap.
    if (logged.batch.events.empty()) continue;
    show(Step{logged.received, Step::Kind::kLearn, SlotSeen(logged.batch.revision), kNoCall});
  }
  for (const WatchChain& chain : history.watches) {
    for (const WatchStream& stream : chain.streams) {
      for (const Frame& frame : stream.frames) show(Step{frame.received, Step::Kind::kLearn, SlotSeen(SeenBy(frame)), kNoCall});
    }
  }
}

// What must not be behind what was known at the call.
std::vector<Step> CallsOf(const History& history, const std::vector<Pin>& pins) {
  std::vector<Step> steps;
  for (size_t i = 0; i < pins.size(); ++i) {
    if (pins[i].kind != Pin::Kind::kWrite && pins[i].kind != Pin::Kind::kRead) continue;
    steps.push_back({pins[i].called, Step::Kind::kCall, SlotOf(pins[i]), static_cast<int>(i)});
  }
  for (const WatchChain& chain : history.watches) {
    for (const WatchStream& stream : chain.streams) {
      // "From now on" begins with the state at the call, or a later one.
      if (stream.start_revision != 0) continue;
      const Nanos called = stream.called - (history.over_etcd ? kShownWithin : 0);
      const auto begin = std::find_if(stream.frames.begin(), stream.frames.end(), NamesState);
      if (begin != stream.frames.end()) steps.push_back({called, Step::Kind::kCall, SlotSeen(begin->revision), kNoCall});
    }
  }
  return steps;
}

std::string Message(const Step& step, const Step& known) {
  const Revision revision = step.slot / 2;
  return absl::StrCat(step.call == kNoCall ? "a watch begins with"
                      : step.slot % 2 == 0 ? "a write takes"
                                           : "a read shows",
                      " revision ", revision, ", called when revision ", known.slot / 2,
                      known.slot % 2 == 0 ? " was acknowledged" : " was seen");
}

}  // namespace

void CheckRealTime(const History& history, const std::vector<Pin>& pins, Findings* findings) {
  std::vector<Step> steps = CallsOf(history, pins);
  ForEachLearned(history, pins, [&steps](const Step& step) { steps.push_back(step); });
  std::stable_sort(steps.begin(), steps.end());
  Step known;  // The highest slot that anybody has learned of.
  for (const Step& step : steps) {
    if (step.kind == Step::Kind::kLearn) {
      if (step.slot > known.slot) known = step;
      continue;
    }
    // A write's slot is its own alone; a read may share one.
    const bool too_late = step.slot % 2 == 0 ? step.slot <= known.slot : step.slot < known.slot;
    if (!too_late) continue;
    std::vector<int> calls;
    if (step.call != kNoCall) calls.push_back(step.call);
    if (known.call != kNoCall) calls.push_back(known.call);
    findings->Add(Rule::kRealTime, step.slot / 2, std::move(calls), Message(step, known));
    if (findings->full(Rule::kRealTime)) return;
  }
}

std::vector<Nanos> KnownSince(const History& history, const std::vector<Pin>& pins) {
  std::vector<Nanos> known(history.log.size() + 2, kNever);
  ForEachLearned(history, pins, [&known](const Step& step) {
    const size_t revision = std::min<size_t>(step.slot / 2, known.size() - 1);
    known[revision] = std::min(known[revision], step.time);
  });
  for (size_t i = known.size() - 1; i > 0; --i) known[i - 1] = std::min(known[i - 1], known[i]);
  return known;
}

}  // namespace scoutlight::checker
