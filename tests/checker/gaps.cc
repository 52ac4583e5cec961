#include "tests/checker/gaps.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "tests/checker/pins.h"

namespace scoutlight::checker {
namespace {

Revision HighestNamed(const History& history) {
  Revision highest = history.log.empty() ? 1 : history.log.back().batch.revision;
  Findings ignored;
  for (const Pin& pin : PinCalls(history, &ignored)) highest = std::max(highest, pin.revision);
  for (const WatchChain& chain : history.watches) {
    highest = std::max(highest, chain.reached);
    for (const WatchStream& stream : chain.streams) {
      for (const Frame& frame : stream.frames) highest = std::max(highest, frame.revision);
    }
  }
  return highest;
}

}  // namespace

void FillGaps(History* history) {
  const Revision highest = HighestNamed(*history);
  history->has_gaps = true;
  if (highest > kFilledRevisionsMax) return;
  std::vector<LoggedBatch> whole;
  whole.reserve(static_cast<size_t>(highest));
  auto fill_to = [&whole, next = Revision{2}](Revision end) mutable {
    for (; next < end; ++next) whole.push_back({.batch = {.revision = next, .committed = {}, .events = {}}});
    next = std::max(next, end + 1);
  };
  // One that is out of order stays so, for the check to find.
  for (LoggedBatch& logged : history->log) {
    fill_to(logged.batch.revision);
    whole.push_back(std::move(logged));
  }
  fill_to(highest + 1);
  history->log = std::move(whole);
}

}  // namespace scoutlight::checker
