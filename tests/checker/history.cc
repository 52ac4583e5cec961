#include "tests/checker/history.h"

#include <utility>

namespace scoutlight::checker {

void AddCollected(WatchChain chain, History* history) {
  bool goes_on = false;  // The last event's transaction was cut by a frame's end.
  for (const WatchStream& stream : chain.streams) {
    goes_on = false;
    for (const Frame& frame : stream.frames) {
      for (const Event& event : frame.events) {
        const Revision revision = event.entry.mod_revision;
        const bool same = !history->log.empty() && history->log.back().batch.revision == revision;
        const bool first_of_frame = &event == &frame.events.front();
        // The same revision in two frames that are no fragments stays two batches, for the check to find.
        if (!same || (first_of_frame && !goes_on)) {
          history->log.push_back({.batch = {.revision = revision, .committed = {}, .events = {}}, .received = frame.received});
        }
        history->log.back().batch.events.push_back(event);
      }
      if (!frame.events.empty()) goes_on = frame.fragment;
    }
    // A stream that breaks inside a transaction is resumed before it: what came of it comes again, whole.
    if (goes_on) history->log.pop_back();
  }
  history->watches.push_back(std::move(chain));
}

}  // namespace scoutlight::checker
