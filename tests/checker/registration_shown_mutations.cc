#include <algorithm>
#include <string>
#include <utility>

#include "tests/checker/registration_mutations.h"
#include "tests/checker/registration_timeline.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::Status;
using Random = std::mt19937_64;
using ReadKind = DiscoveryRead::Kind;
using FrameKind = InstanceFrame::Kind;

const StoreLog* LogOf(const RegistrationHistory& history, const StoreId& store) {
  for (const StoreLog& log : history.stores) {
    if (log.store == store) return &log;
  }
  return nullptr;
}

InstanceName Named(const discovery::ServiceName& service, const std::string& id) { return {service.cluster, service.service, id}; }

// Whether what an instance was at `revision` was so for many revisions after.
bool Lasts(const RegistrationHistory& history, const StoreId& store, const InstanceName& name, Revision revision) {
  const Timeline timeline(*LogOf(history, store));
  const auto& states = timeline.Of(name);
  const int index = Timeline::IndexAt(states, revision);
  return index + 1 == static_cast<int>(states.size()) || states[index + 1].since > revision + 20;
}

template <typename Fits>
DiscoveryRead* PickRead(RegistrationHistory* history, Random* random, ReadKind kind, Fits fits) {
  return PickThing(&history->reads, random,
                   [&](const DiscoveryRead& read) { return read.kind == kind && read.outcome == Outcome::kOk && fits(read); });
}
DiscoveryRead* PickShowing(RegistrationHistory* history, Random* random, ReadKind kind) {
  return PickRead(history, random, kind, [](const DiscoveryRead& read) { return !read.shown.empty() && !read.shown[0].held; });
}

// What was shown before `read`, of an instance that is gone at its revision; nullptr: nothing was.
const ShownInstance* RemovedBefore(const RegistrationHistory& history, const DiscoveryRead& read) {
  const Timeline timeline(*LogOf(history, read.store));
  for (const DiscoveryRead& before : history.reads) {
    const bool earlier = before.store == read.store && before.service == read.service && before.revision + 5 < read.revision;
    if (!earlier || before.shown.empty() || before.shown[0].held) continue;
    const std::string& id = before.shown[0].id;
    if (read.kind == ReadKind::kGet && id != read.id) continue;
    if (timeline.PresentAt(Named(read.service, id), read.revision) == nullptr) return &before.shown[0];
  }
  return nullptr;
}

template <ReadKind kind>
bool ShowTheRemoved(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickRead(history, random, kind, [&](const DiscoveryRead& one) {
    return (kind != ReadKind::kGet || one.shown.empty()) && RemovedBefore(*history, one) != nullptr;
  });
  if (read == nullptr) return false;
  const ShownInstance old = *RemovedBefore(*history, *read);
  if (kind != ReadKind::kList) read->shown.clear();
  read->shown.push_back(old);
  return true;
}

template <ReadKind kind>
bool HideAnInstance(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickRead(history, random, kind, [&](const DiscoveryRead& one) {
    return !one.shown.empty() && !one.shown[0].held && Lasts(*history, one.store, Named(one.service, one.shown[0].id), one.revision);
  });
  if (read != nullptr) read->shown.erase(read->shown.begin());
  return read != nullptr;
}

template <ReadKind kind>
bool ShowOldProperties(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickShowing(history, random, kind);
  if (read != nullptr) read->shown[0].properties += "-of-before";
  return read != nullptr;
}

bool ShowALostOneAsUp(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read =
      PickRead(history, random, ReadKind::kGet, [](const DiscoveryRead& one) { return !one.shown.empty() && one.shown[0].held; });
  if (read == nullptr) return false;
  read->shown[0].held = false;
  read->shown[0].status = Status::kUp;
  return true;
}

bool HoldWhoIsThere(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickRead(history, random, ReadKind::kGet, [&](const DiscoveryRead& one) {
    return !one.shown.empty() && !one.shown[0].held && Lasts(*history, one.store, Named(one.service, one.id), one.revision);
  });
  if (read == nullptr) return false;
  read->shown[0].held = true;
  read->shown[0].status = Status::kOwnerLost;
  return true;
}

bool LoseAnAnsweredRegistration(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call = PickThing(
      &history->calls, random, [](const RegistrationCall& one) { return one.kind == CallKind::kRegister && one.outcome == Outcome::kOk; });
  if (call != nullptr) call->instance.properties += "-never-written";
  return call != nullptr;
}

bool RemoveNothing(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call = PickThing(&history->calls, random, [&](const RegistrationCall& one) {
    return one.kind == CallKind::kDeregister && one.outcome == Outcome::kOk && one.found &&
           LogOf(*history, one.store)->log[one.revision - 2].batch.events[0].cause == EventCause::kWrite;
  });
  if (call != nullptr) call->revision -= 1;
  return call != nullptr;
}

// An answer of before, to a call that came after what has changed since was known.
template <ReadKind kind>
bool AnswerFromThePast(RegistrationHistory* history, Random* random) {
  constexpr size_t kRevisions = 20;
  const auto known = [&](const DiscoveryRead& one) {
    const StoreLog& log = *LogOf(*history, one.store);
    const size_t later = one.revision - 2 + kRevisions;
    return later < log.log.size() ? log.log[later].received + 1'000'000 : 0;
  };
  DiscoveryRead* const read = PickRead(history, random, kind, [&](const DiscoveryRead& one) {
    if (one.shown.empty() || one.shown[0].held || known(one) == 0) return false;
    const Timeline timeline(*LogOf(*history, one.store));
    const auto& states = timeline.Of(Named(one.service, one.shown[0].id));
    const int index = Timeline::IndexAt(states, one.revision);
    return index + 1 < static_cast<int>(states.size()) && states[index + 1].since <= one.revision + 10;
  });
  if (read == nullptr) return false;
  const Nanos shift = known(*read) - read->called;
  read->called += shift;
  read->returned += shift;
  return true;
}

// A frame of a stream, and its place there.
struct FramePlace {
  ObserverStream* stream = nullptr;
  size_t index = 0;
  InstanceFrame* frame() const { return &stream->frames[index]; }
};
template <typename Fits>
FramePlace PickFrame(RegistrationHistory* history, Random* random, Fits fits) {
  std::vector<FramePlace> all;
  for (ObserverStream& stream : history->observers) {
    for (size_t i = 0; i < stream.frames.size(); ++i) all.push_back({&stream, i});
  }
  const FramePlace* const place = PickThing(&all, random, fits);
  return place == nullptr ? FramePlace() : *place;
}

bool SkipAChange(RegistrationHistory* history, Random* random) {
  const FramePlace place = PickFrame(history, random, [&](const FramePlace& one) {
    const InstanceFrame& frame = *one.frame();
    return frame.kind == FrameKind::kChanges && !frame.changed.empty() && !frame.changed[0].held &&
           Lasts(*history, frame.store, Named(frame.service, frame.changed[0].id), frame.revision);
  });
  if (place.stream == nullptr) return false;
  place.frame()->changed.erase(place.frame()->changed.begin());
  return true;
}

bool SkipARemoval(RegistrationHistory* history, Random* random) {
  const FramePlace place = PickFrame(history, random, [&](const FramePlace& one) {
    const InstanceFrame& frame = *one.frame();
    if (frame.kind != FrameKind::kChanges || frame.removed.empty()) return false;
    const Timeline timeline(*LogOf(*history, frame.store));
    const auto& states = timeline.Of(Named(frame.service, frame.removed[0]));
    const int index = Timeline::IndexAt(states, frame.revision);
    return index >= 0 && !states[index].present && states[index].cause == EventCause::kWrite;
  });
  if (place.stream == nullptr) return false;
  place.frame()->removed.erase(place.frame()->removed.begin());
  return true;
}

bool GoBack(RegistrationHistory* history, Random* random) {
  const FramePlace place = PickFrame(history, random, [](const FramePlace& one) {
    const bool later = one.frame()->kind == FrameKind::kChanges || one.frame()->kind == FrameKind::kProgress;
    return later && one.index > 3 && one.frame()->revision > 1;
  });
  if (place.stream == nullptr) return false;
  place.frame()->revision = 1;
  return true;
}

bool SkipTheSnapshot(RegistrationHistory* history, Random* random) {
  ObserverStream* const stream = PickThing(&history->observers, random, [](const ObserverStream& one) {
    return std::any_of(one.frames.begin(), one.frames.end(), [](const InstanceFrame& frame) { return frame.kind == FrameKind::kChanges; });
  });
  if (stream == nullptr) return false;
  std::erase_if(stream->frames,
                [](const InstanceFrame& frame) { return frame.kind == FrameKind::kSnapshot || frame.kind == FrameKind::kSnapshotEnd; });
  return true;
}

bool MixStores(RegistrationHistory* history, Random* random) {
  const FramePlace place = PickFrame(
      history, random, [&](const FramePlace& one) { return one.index > 3 && one.frame()->store != history->stores.front().store; });
  if (place.stream == nullptr) return false;
  place.frame()->store = history->stores.front().store;
  return true;
}

// The observer comes to an older store, or state, than it was told of.
bool ComeBackToThePast(RegistrationHistory* history, Random*) {
  const ObserverStream first = history->observers.front();
  const bool more = std::any_of(history->observers.begin() + 1, history->observers.end(), [&](const ObserverStream& stream) {
    return stream.observer == first.observer && !stream.frames.empty() && !first.frames.empty() &&
           stream.frames.back().store != first.frames.back().store;
  });
  if (more) history->observers.push_back(first);
  return more;
}

bool PickTheDraining(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickShowing(history, random, ReadKind::kResolve);
  if (read != nullptr) read->shown[0].status = Status::kDraining;
  return read != nullptr;
}

bool PickWhoTakesNoWork(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read = PickShowing(history, random, ReadKind::kResolve);
  if (read != nullptr) read->shown[0].resolvable = false;
  return read != nullptr;
}

bool PickHeldUnguarded(RegistrationHistory* history, Random* random) {
  DiscoveryRead* const read =
      PickRead(history, random, ReadKind::kResolve, [](const DiscoveryRead& one) { return !one.shown.empty() && one.shown[0].held; });
  if (read != nullptr) read->guarded = false;
  return read != nullptr;
}

// A complete drain and a subscriber that had been shown the instance at work before, and confirmed only since.
struct DrainPlace {
  RegistrationCall* call = nullptr;
  ObserverStream* subscriber = nullptr;
};
DrainPlace PickDrain(RegistrationHistory* history, Random* random) {
  std::vector<DrainPlace> all;
  for (RegistrationCall& call : history->calls) {
    if (!call.complete || call.outcome != Outcome::kOk) continue;
    for (ObserverStream& stream : history->observers) {
      const bool there = stream.subscriber && stream.called < call.called && stream.ended > call.returned;
      const bool shown = there && std::any_of(stream.frames.begin(), stream.frames.end(), [&](const InstanceFrame& frame) {
                           return frame.received < call.called && frame.service.service == call.name.service &&
                                  std::any_of(frame.changed.begin(), frame.changed.end(), [&](const ShownInstance& one) {
                                    return one.id == call.name.id && one.status == Status::kUp && one.mod_revision + 1 == call.revision;
                                  });
                         });
      if (shown) all.push_back({&call, &stream});
    }
  }
  const DrainPlace* const place = PickThing(&all, random, [](const DrainPlace&) { return true; });
  return place == nullptr ? DrainPlace() : *place;
}

bool CompleteTooSoon(RegistrationHistory* history, Random* random) {
  const DrainPlace place = PickDrain(history, random);
  if (place.call == nullptr) return false;
  std::erase_if(place.subscriber->sent,
                [&](const ObserverStream::Sent& sent) { return sent.confirmed != 0 && sent.sent > place.call->called; });
  return true;
}

// It ends right before the drain, without a goodbye, and does not come back.
bool ForgetWhoIsGone(RegistrationHistory* history, Random* random) {
  const DrainPlace place = PickDrain(history, random);
  if (place.call == nullptr) return false;
  const Nanos at = place.call->called;
  ObserverStream& stream = *place.subscriber;
  std::erase_if(stream.sent, [&](const ObserverStream::Sent& sent) { return sent.sent > at; });
  std::erase_if(stream.frames, [&](const InstanceFrame& frame) { return frame.received > at; });
  stream.ended = at;
  stream.goodbye = kNever;
  return true;
}

bool CompleteAfterAStart(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call =
      PickThing(&history->calls, random, [](const RegistrationCall& one) { return one.complete && one.outcome == Outcome::kOk; });
  if (call == nullptr) return false;
  for (ServerLife& life : history->lives) {
    if (life.spawned < call->called && call->returned < life.stopping) life.spawned = life.serving = call->called - 1'000'000;
  }
  return true;
}

bool DrainLater(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call = PickThing(
      &history->calls, random, [](const RegistrationCall& one) { return one.kind == CallKind::kDrain && one.outcome == Outcome::kOk; });
  if (call != nullptr) call->revision -= 1;
  return call != nullptr;
}

}  // namespace

std::vector<RegistrationMutation> ShownMutations() {
  return {
      {"GetTheRemoved", Rule::kShown, ShowTheRemoved<ReadKind::kGet>},
      {"ListTheRemoved", Rule::kShown, ShowTheRemoved<ReadKind::kList>},
      {"HideFromGet", Rule::kShown, HideAnInstance<ReadKind::kGet>},
      {"HideFromList", Rule::kShown, HideAnInstance<ReadKind::kList>},
      {"ShowOldProperties", Rule::kShown, ShowOldProperties<ReadKind::kGet>},
      {"ShowALostOneAsUp", Rule::kShown, ShowALostOneAsUp},
      {"HoldWhoIsThere", Rule::kShown, HoldWhoIsThere},
      {"LoseAnAnsweredRegistration", Rule::kShown, LoseAnAnsweredRegistration},
      {"RemoveNothing", Rule::kShown, RemoveNothing},
      {"SkipAChange", Rule::kShown, SkipAChange},
      {"SkipARemoval", Rule::kShown, SkipARemoval},
      {"GetFromThePast", Rule::kOwnWrites, AnswerFromThePast<ReadKind::kGet>},
      {"ListFromThePast", Rule::kOwnWrites, AnswerFromThePast<ReadKind::kList>},
      {"GoBack", Rule::kOrder, GoBack},
      {"SkipTheSnapshot", Rule::kOrder, SkipTheSnapshot},
      {"MixStores", Rule::kOrder, MixStores},
      {"ComeBackToThePast", Rule::kOrder, ComeBackToThePast},
      {"PickTheRemoved", Rule::kResolve, ShowTheRemoved<ReadKind::kResolve>},
      {"PickFromThePast", Rule::kResolve, AnswerFromThePast<ReadKind::kResolve>},
      {"PickNobody", Rule::kResolve, HideAnInstance<ReadKind::kResolve>},
      {"PickOldProperties", Rule::kResolve, ShowOldProperties<ReadKind::kResolve>},
      {"PickTheDraining", Rule::kResolve, PickTheDraining},
      {"PickWhoTakesNoWork", Rule::kResolve, PickWhoTakesNoWork},
      {"PickHeldUnguarded", Rule::kResolve, PickHeldUnguarded},
      {"CompleteTooSoon", Rule::kDrain, CompleteTooSoon},
      {"ForgetWhoIsGone", Rule::kDrain, ForgetWhoIsGone},
      {"CompleteAfterAStart", Rule::kDrain, CompleteAfterAStart},
      {"DrainLater", Rule::kDrain, DrainLater},
  };
}

std::vector<RegistrationMutation> RegistrationMutations() {
  std::vector<RegistrationMutation> all = OwnerMutations();
  const std::vector<RegistrationMutation> shown = ShownMutations();
  all.insert(all.end(), shown.begin(), shown.end());
  return all;
}

}  // namespace scoutlight::checker
