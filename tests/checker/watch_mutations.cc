#include <algorithm>
#include <utility>

#include "tests/checker/mutations.h"

namespace scoutlight::checker {
namespace {

using Random = std::mt19937_64;

// A frame, and where it is.
struct Place {
  WatchChain* chain = nullptr;
  WatchStream* stream = nullptr;
  size_t frame = 0;

  Frame& operator*() const { return stream->frames[frame]; }
  Frame* operator->() const { return &stream->frames[frame]; }
};

std::optional<Place> PickFrame(History* history, Random* random, const std::function<bool(const Place&)>& fits) {
  std::vector<Place> places;
  for (WatchChain& chain : history->watches) {
    for (WatchStream& stream : chain.streams) {
      for (size_t i = 0; i < stream.frames.size(); ++i) places.push_back({&chain, &stream, i});
    }
  }
  const auto picked = PickOne(
      places.size(), [&](size_t i) { return fits(places[i]); }, random);
  return picked.has_value() ? std::optional<Place>(places[*picked]) : std::nullopt;
}

bool IsWhole(const Place& place) {
  return place->kind == Frame::Kind::kChanges && !place->fragment &&
                 place->events.front().entry.mod_revision == place->events.back().entry.mod_revision
             ? place->events.size() == 1
             : place->kind == Frame::Kind::kChanges && !place->fragment;
}

void EraseFrame(const Place& place) { place.stream->frames.erase(place.stream->frames.begin() + static_cast<int64_t>(place.frame)); }

bool DropAnEvent(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && one->events.size() > 1; });
  if (place.has_value()) (*place)->events.erase((*place)->events.begin());
  return place.has_value();
}

// What comes after it tells more.
bool DropAFrame(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && one.frame + 1 < one.stream->frames.size(); });
  if (place.has_value()) EraseFrame(*place);
  return place.has_value();
}

bool RepeatAFrame(History* history, Random* random) {
  const auto place = PickFrame(history, random, IsWhole);
  if (!place.has_value()) return false;
  const Frame frame = **place;
  place->stream->frames.insert(place->stream->frames.begin() + static_cast<int64_t>(place->frame), frame);
  return true;
}

bool SwapEvents(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && one->events.size() > 1; });
  if (place.has_value()) std::swap((*place)->events[0], (*place)->events[1]);
  return place.has_value();
}

bool DropTheTail(History* history, Random*) {
  for (WatchChain& chain : history->watches) {
    auto& frames = chain.streams.back().frames;
    const auto last = std::find_if(frames.rbegin(), frames.rend(), [](const Frame& frame) { return frame.kind == Frame::Kind::kChanges; });
    if (last == frames.rend()) continue;
    // Nothing comes after it that would give it away; but the recorder waited for it.
    frames.erase(std::prev(last.base()), frames.end());
    return true;
  }
  return false;
}

bool SendWhatWasNotAskedFor(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && !one.chain->range.key.is_root(); });
  if (!place.has_value()) return false;
  for (const LoggedBatch& logged : history->log) {
    const Event& event = logged.batch.events.front();
    if (place->chain->range.Contains(event.key) || logged.batch.revision != (*place)->events.front().entry.mod_revision - 1) continue;
    (*place)->events.insert((*place)->events.begin(), event);
    return true;
  }
  return false;
}

bool SplitATransaction(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return one->kind == Frame::Kind::kChanges && !one->fragment && one->events.size() == 2 &&
           one->events[0].entry.mod_revision == one->events[1].entry.mod_revision;
  });
  if (!place.has_value()) return false;
  Frame first = **place;
  first.events.pop_back();
  (*place)->events.erase((*place)->events.begin());
  place->stream->frames.insert(place->stream->frames.begin() + static_cast<int64_t>(place->frame), std::move(first));
  return true;
}

bool LeaveOutTheEndOfATransaction(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return one->kind == Frame::Kind::kChanges && one->fragment; });
  if (place.has_value()) (*place)->fragment = false;
  return place.has_value();
}

bool NameWrongCause(History* history, Random* random) {
  const auto place = PickFrame(history, random, IsWhole);
  if (!place.has_value()) return false;
  EventCause& cause = (*place)->events[0].cause;
  cause = cause == EventCause::kWrite ? EventCause::kLeaseExpired : EventCause::kWrite;
  return true;
}

bool SendWrongValue(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && one->events[0].kind == EventKind::kPut; });
  if (place.has_value()) (*place)->events[0].entry.value.bytes += "x";
  return place.has_value();
}

bool SendWrongPrevious(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsWhole(one) && one->events[0].previous.has_value(); });
  if (place.has_value()) (*place)->events[0].previous->version += 1;
  return place.has_value();
}

// Of the state that it belongs to, the end was sent too: before that nobody relies on it.
bool IsOfCompleteState(const Place& place) {
  const auto& frames = place.stream->frames;
  return place->kind == Frame::Kind::kSnapshot && std::any_of(frames.begin() + static_cast<int64_t>(place.frame), frames.end(),
                                                              [](const Frame& frame) { return frame.kind == Frame::Kind::kSnapshotEnd; });
}

bool LeaveEntryOutOfSnapshot(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return IsOfCompleteState(one) &&
           std::any_of(one->entries.begin(), one->entries.end(), [](const Entry& entry) { return entry.has_value; });
  });
  if (!place.has_value()) return false;
  std::erase_if((*place)->entries, [](const Entry& entry) { return entry.has_value; });
  return true;
}

bool SkipAtResume(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return one.stream != &one.chain->streams.front() && one.frame == 1 && IsWhole(one) && one.frame + 1 < one.stream->frames.size();
  });
  if (place.has_value()) EraseFrame(*place);
  return place.has_value();
}

bool ProgressTooFar(History* history, Random* random) {
  // Before a frame of changes.
  const auto place = PickFrame(history, random, [](const Place& one) {
    return one->kind == Frame::Kind::kProgress && one.frame + 1 < one.stream->frames.size() &&
           one.stream->frames[one.frame + 1].kind == Frame::Kind::kChanges;
  });
  if (place.has_value()) (*place)->revision = place->stream->frames[place->frame + 1].events.front().entry.mod_revision;
  return place.has_value();
}

bool ShowBeforeItIsCalled(History* history, Random* random) {
  const auto place = PickFrame(history, random, IsWhole);
  if (!place.has_value()) return false;
  const Revision revision = (*place)->events.back().entry.mod_revision;
  for (const Call& call : history->calls) {
    const auto* const answer = std::get_if<WriteAnswer>(&call.answer);
    if (call.outcome != Outcome::kOk || answer == nullptr || answer->revision != revision || answer->replayed) continue;
    const auto& branch = answer->succeeded ? std::get<Write>(call.request).on_success : std::get<Write>(call.request).on_failure;
    if (branch.empty() || !std::holds_alternative<storage::PutOperation>(branch[0])) continue;
    (*place)->received = call.called - 1;
    return true;
  }
  return false;
}

bool IsStarted(const Place& place) { return place.frame == 0 && place->kind == Frame::Kind::kStarted; }
// Its watch begins with the state, or with what comes.
bool BeginsWithState(const Place& place) { return place.stream->start_revision == 0 && place.stream->include_snapshot; }
bool BeginsNow(const Place& place) { return place.stream->start_revision == 0 && !place.stream->include_snapshot; }

bool LeaveOutStarted(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsStarted(one) && one.stream->frames.size() > 1; });
  if (place.has_value()) EraseFrame(*place);
  return place.has_value();
}

bool RepeatStarted(History* history, Random* random) {
  const auto place = PickFrame(history, random, IsStarted);
  if (!place.has_value()) return false;
  const Frame frame = **place;
  place->stream->frames.insert(place->stream->frames.begin(), frame);
  return true;
}

// It says that the watch goes on from there, and the state comes.
bool StartBesideTheState(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return IsStarted(one) && BeginsWithState(one) && one.stream->frames.size() > 1 && one.stream->frames[1].revision > 0;
  });
  if (place.has_value()) (*place)->revision = place->stream->frames[1].revision;
  return place.has_value();
}

// It says that the state comes, and no one asked for it.
bool StartWithoutRevision(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) { return IsStarted(one) && !one.stream->include_snapshot; });
  if (place.has_value()) (*place)->revision = 0;
  return place.has_value();
}

// It says that the state comes, and changes do.
bool StartWithStateThatDoesNotCome(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return IsStarted(one) && one.stream->include_snapshot && one.stream->start_revision != 0 && one.stream->frames.size() > 1 &&
           one.stream->frames[1].kind != Frame::Kind::kSnapshot && one.stream->frames[1].kind != Frame::Kind::kSnapshotEnd;
  });
  if (place.has_value()) (*place)->revision = 0;
  return place.has_value();
}

// Behind the first change that is due: the client would believe that it has it.
bool StartTooLate(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return IsStarted(one) && one->revision != 0 && one.stream->frames.size() > 1 && one.stream->frames[1].kind == Frame::Kind::kChanges;
  });
  if (place.has_value()) (*place)->revision = place->stream->frames[1].events.front().entry.mod_revision;
  return place.has_value();
}

// "From now on" from a state that is long past.
bool StartInThePast(History* history, Random* random) {
  constexpr Revision kBack = 50;
  const auto place =
      PickFrame(history, random, [](const Place& one) { return IsStarted(one) && BeginsNow(one) && one->revision > 2 * kBack; });
  if (place.has_value()) (*place)->revision -= kBack;
  return place.has_value();
}

// A stream that goes on from a revision, and is sent the state all the same.
std::optional<Place> PickLateState(History* history, Random* random) {
  return PickFrame(history, random,
                   [](const Place& one) { return one->kind == Frame::Kind::kSnapshot && one.stream->start_revision != 0; });
}

bool SendStateThatWasNotAskedFor(History* history, Random* random) {
  const auto place = PickLateState(history, random);
  if (place.has_value()) place->stream->include_snapshot = false;
  return place.has_value();
}

bool SendStateWithoutNeed(History* history, Random* random) {
  const auto place = PickLateState(history, random);
  if (place.has_value()) history->compactions.clear();
  return place.has_value();
}

// It says that changes are compacted away which can be had.
bool RefuseWhatIsKept(History* history, Random* random) {
  const auto place = PickFrame(history, random, [](const Place& one) {
    return one.frame + 1 == one.stream->frames.size() && one.stream->end.reason == Reason::kCompacted;
  });
  if (place.has_value()) place->stream->end.oldest_revision = place->stream->end.revision;
  return place.has_value();
}

}  // namespace

std::vector<Mutation> WatchMutations() {
  return {
      {"DropAnEvent", Rule::kWatch, DropAnEvent},
      {"DropAFrame", Rule::kWatch, DropAFrame},
      {"RepeatAFrame", Rule::kWatch, RepeatAFrame},
      {"SwapEvents", Rule::kWatch, SwapEvents},
      {"DropTheTail", Rule::kWatch, DropTheTail},
      {"SendWhatWasNotAskedFor", Rule::kWatch, SendWhatWasNotAskedFor},
      {"SplitATransaction", Rule::kWatch, SplitATransaction},
      {"LeaveOutTheEndOfATransaction", Rule::kWatch, LeaveOutTheEndOfATransaction},
      {"NameWrongCause", Rule::kWatch, NameWrongCause},
      {"SendWrongValue", Rule::kWatch, SendWrongValue},
      {"SendWrongPrevious", Rule::kWatch, SendWrongPrevious},
      {"LeaveEntryOutOfSnapshot", Rule::kWatch, LeaveEntryOutOfSnapshot},
      {"SkipAtResume", Rule::kWatch, SkipAtResume},
      {"ProgressTooFar", Rule::kWatch, ProgressTooFar},
      {"LeaveOutStarted", Rule::kWatch, LeaveOutStarted},
      {"RepeatStarted", Rule::kWatch, RepeatStarted},
      {"StartBesideTheState", Rule::kWatch, StartBesideTheState},
      {"StartWithoutRevision", Rule::kWatch, StartWithoutRevision},
      {"StartWithStateThatDoesNotCome", Rule::kWatch, StartWithStateThatDoesNotCome},
      {"StartTooLate", Rule::kWatch, StartTooLate},
      {"StartInThePast", Rule::kRealTime, StartInThePast},
      {"SendStateThatWasNotAskedFor", Rule::kWatch, SendStateThatWasNotAskedFor},
      {"SendStateWithoutNeed", Rule::kWatch, SendStateWithoutNeed},
      {"RefuseWhatIsKept", Rule::kWatch, RefuseWhatIsKept},
      {"ShowBeforeItIsCalled", Rule::kRealTime, ShowBeforeItIsCalled},
  };
}

}  // namespace scoutlight::checker
