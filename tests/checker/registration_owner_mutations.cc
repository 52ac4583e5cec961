#include <optional>
#include <string>
#include <utility>

#include "discovery/system_records.h"
#include "tests/checker/registration_mutations.h"
#include "tests/checker/registration_timeline.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::InstanceRecord;
using Random = std::mt19937_64;
using State = SessionStream::State;

constexpr Nanos kMillisecond = 1'000'000;

// A change of an instance in the log of one store.
struct Place {
  StoreLog* store = nullptr;
  InstanceName name;
  InstanceState before;
  InstanceState state;

  LoggedBatch* batch() const { return &store->log[state.since - 2]; }
  Event* record() const {
    for (Event& event : batch()->batch.events) {
      if (event.key == discovery::InstanceRecordKey(name)) return &event;
    }
    return nullptr;
  }
};

// One that `fits`.
template <typename Fits>
std::optional<Place> PickPlace(RegistrationHistory* history, Random* random, Fits fits) {
  std::vector<Place> all;
  for (StoreLog& store : history->stores) {
    const Timeline timeline(store);
    for (const auto& [name, states] : timeline.instances()) {
      for (size_t i = 0; i < states.size(); ++i) all.push_back({&store, name, i == 0 ? InstanceState() : states[i - 1], states[i]});
    }
  }
  const Place* const place = PickThing(&all, random, fits);
  return place == nullptr ? std::nullopt : std::optional<Place>(*place);
}

bool GoesOn(const Place& place) {
  return place.before.present && place.state.present && place.before.epoch == place.state.epoch && place.record() != nullptr;
}
bool Begins(const Place& place) { return place.state.present && place.state.epoch == place.state.since && place.record() != nullptr; }
bool Expires(const Place& place) { return !place.state.present && place.state.cause == EventCause::kLeaseExpired; }

void Rewrite(const Place& place, const std::string& session, Revision epoch) {
  InstanceRecord record = *discovery::ParseInstanceRecord(place.record()->entry.value.bytes);
  record.session = session;
  record.epoch = epoch;
  place.record()->entry.value.bytes = discovery::EncodeInstanceRecord(record);
}

// An epoch of that name before, from which it has ended or been taken.
Revision EarlierEpoch(const Place& place) {
  const Timeline timeline(*place.store);
  Revision earlier = 0;
  for (const InstanceState& state : timeline.Of(place.name)) {
    if (state.since < place.state.since && state.epoch != place.state.epoch) earlier = std::max(earlier, state.epoch);
  }
  return earlier;
}

bool PassWithoutEpoch(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, GoesOn);
  if (place.has_value()) Rewrite(*place, "thief", place->state.epoch);
  return place.has_value();
}

bool TakeWithoutAsking(RegistrationHistory* history, Random* random) {
  const auto taken = PickPlace(history, random, [](const Place& place) { return Begins(place) && place.before.present; });
  if (!taken.has_value()) return false;
  for (RegistrationCall& call : history->calls) call.take_over = false;
  for (SessionStream& stream : history->sessions) {
    for (SessionStream::Declaration& declaration : stream.declarations) declaration.take_over = false;
  }
  return true;
}

bool RegisterForNobody(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, Begins);
  if (place.has_value()) Rewrite(*place, "nobody", 0);
  return place.has_value();
}

bool ReuseAnEpoch(RegistrationHistory* history, Random* random) {
  const auto place =
      PickPlace(history, random, [](const Place& one) { return Begins(one) && !one.before.present && EarlierEpoch(one) != 0; });
  if (place.has_value()) Rewrite(*place, place->state.session, EarlierEpoch(*place));
  return place.has_value();
}

SessionStream::Told* PickTold(RegistrationHistory* history, Random* random, State state) {
  std::vector<SessionStream::Told*> told;
  for (SessionStream& stream : history->sessions) {
    for (SessionStream::Told& one : stream.told) {
      if (one.state == state) told.push_back(&one);
    }
  }
  return told.empty() ? nullptr : told[std::uniform_int_distribution<size_t>(0, told.size() - 1)(*random)];
}

bool TellAForeignEpoch(RegistrationHistory* history, Random* random) {
  SessionStream::Told* const told = PickTold(history, random, State::kRegistered);
  if (told != nullptr) told->epoch = 1;
  return told != nullptr;
}

// Told of an epoch, and right behind that it is lost.
bool LoseWhatIsThere(RegistrationHistory* history, Random* random) {
  SessionStream* const stream = PickThing(&history->sessions, random, [&](const SessionStream& one) {
    if (one.told.empty() || one.told.back().state != State::kRegistered) return false;
    // It stays for long.
    const SessionStream::Told& last = one.told.back();
    return std::none_of(history->stores.begin(), history->stores.end(), [&](const StoreLog& log) {
      const Timeline timeline(log);
      const auto& states = timeline.Of(last.name);
      return log.store == one.store && std::any_of(states.begin(), states.end(), [&](const InstanceState& state) {
               return state.since > last.epoch && state.since < last.revision + 30 && (!state.present || state.epoch != last.epoch);
             });
    });
  });
  if (stream == nullptr) return false;
  SessionStream::Told lost = stream->told.back();
  lost.state = State::kLost;
  stream->told.push_back(lost);
  return true;
}

bool WriteAnOldEpoch(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, [](const Place& one) { return GoesOn(one) && EarlierEpoch(one) != 0; });
  if (place.has_value()) Rewrite(*place, place->state.session, EarlierEpoch(*place));
  return place.has_value();
}

template <CallKind kind>
bool AcceptAnOldEpoch(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call = PickThing(&history->calls, random, [](const RegistrationCall& one) {
    return one.kind == kind && one.outcome == Outcome::kOk && one.epoch > 2 && (kind != CallKind::kDeregister || one.found);
  });
  if (call != nullptr) call->epoch -= 1;
  return call != nullptr;
}

bool FenceTheOwner(RegistrationHistory* history, Random* random) {
  RegistrationCall* const call = PickThing(&history->calls, random, [&](const RegistrationCall& one) {
    if (one.kind != CallKind::kUpdate || one.outcome != Outcome::kOk || one.epoch == 0) return false;
    for (const StoreLog& log : history->stores) {
      if (log.store != one.store) continue;
      const Timeline timeline(log);
      // It is that of the owner for long before and after.
      const InstanceState* const after = timeline.PresentAt(one.name, one.revision + 20);
      return one.epoch < one.revision - 10 && after != nullptr && after->epoch == one.epoch;
    }
    return false;
  });
  if (call == nullptr) return false;
  call->outcome = Outcome::kFailed;
  call->reason = "FENCED";
  return true;
}

// A renewal is answered, and the lease ends right behind.
bool EndEarly(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, [&](const Place& one) {
    if (!Expires(one)) return false;
    // No pause or start hides it.
    const Nanos at = one.batch()->received;
    return std::none_of(history->lives.begin(), history->lives.end(),
                        [&](const ServerLife& life) { return life.stopping > at && life.stopping < at + 10 * kMillisecond; }) &&
           std::any_of(history->lives.begin(), history->lives.end(), [&](const ServerLife& life) {
             return life.serving < at && at < life.stopping &&
                    std::none_of(life.pauses.begin(), life.pauses.end(), [&](const ServerPause& pause) {
                      return pause.running > at - 5 * kMillisecond && pause.stopped < at + 10 * kMillisecond;
                    });
           });
  });
  if (!place.has_value()) return false;
  const Nanos at = place->batch()->received;
  SessionStream stream{.session = place->before.session, .ttl = absl::Milliseconds(50), .called = at - kMillisecond};
  stream.opened = at - kMillisecond / 2;
  stream.store = place->store->store;
  stream.lease_id = place->before.lease_id;
  stream.ended = at;
  history->sessions.push_back(std::move(stream));
  return true;
}

// As if its owner had asked for much less.
bool EndLate(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, [&](const Place& one) {
    const Nanos at = one.batch()->received;
    return Expires(one) && std::any_of(history->lives.begin(), history->lives.end(), [&](const ServerLife& life) {
             return life.serving < at - 60 * kMillisecond && at < life.stopping &&
                    std::none_of(life.pauses.begin(), life.pauses.end(),
                                 [&](const ServerPause& pause) { return pause.running > at - 60 * kMillisecond && pause.stopped < at; });
           });
  });
  if (!place.has_value()) return false;
  for (SessionStream& stream : history->sessions) {
    if (stream.session == place->before.session) stream.ttl = absl::Microseconds(10);
  }
  for (RegistrationCall& call : history->calls) {
    if (call.session == place->before.session && call.ttl != absl::ZeroDuration()) call.ttl = absl::Microseconds(10);
  }
  return true;
}

// The last call comes long after all owners have gone silent.
bool KeepTheDead(RegistrationHistory* history, Random* random) {
  StoreLog& store = history->stores.back();
  const auto leased = PickPlace(history, random, [&](const Place& one) {
    if (one.store != &store || one.state.lease_id == 0 || !one.state.present) return false;
    const Timeline timeline(store);
    return timeline.Of(one.name).back().since == one.state.since && one.state.epoch + 5 < timeline.latest();
  });
  if (!leased.has_value()) return false;
  const Nanos at = history->reads.back().returned + 10'000 * kMillisecond;
  DiscoveryRead read{.kind = DiscoveryRead::Kind::kGet, .called = at, .returned = at + 1, .outcome = Outcome::kOk};
  read.service = {"default", "nothing"};
  read.id = "nobody";
  read.store = store.store;
  read.revision = store.log.back().batch.revision;
  history->reads.push_back(std::move(read));
  return true;
}

bool RemoveUnasked(RegistrationHistory* history, Random* random) {
  const auto place = PickPlace(history, random, [&](const Place& one) {
    if (!Expires(one) || one.before.session[0] != 'p') return false;
    return std::none_of(history->calls.begin(), history->calls.end(), [&](const RegistrationCall& call) {
      return call.kind == CallKind::kDeregister && call.outcome == Outcome::kUnknown && call.name == one.name;
    });
  });
  if (!place.has_value()) return false;
  for (Event& event : place->batch()->batch.events) event.cause = EventCause::kWrite;
  return true;
}

}  // namespace

std::vector<RegistrationMutation> OwnerMutations() {
  return {
      {"PassWithoutEpoch", Rule::kOneOwner, PassWithoutEpoch},
      {"TakeWithoutAsking", Rule::kOneOwner, TakeWithoutAsking},
      {"RegisterForNobody", Rule::kOneOwner, RegisterForNobody},
      {"ReuseAnEpoch", Rule::kOneOwner, ReuseAnEpoch},
      {"TellAForeignEpoch", Rule::kOneOwner, TellAForeignEpoch},
      {"LoseWhatIsThere", Rule::kOneOwner, LoseWhatIsThere},
      {"WriteAnOldEpoch", Rule::kFencing, WriteAnOldEpoch},
      {"AcceptAnOldEpochInUpdate", Rule::kFencing, AcceptAnOldEpoch<CallKind::kUpdate>},
      {"AcceptAnOldEpochInDeregister", Rule::kFencing, AcceptAnOldEpoch<CallKind::kDeregister>},
      {"AcceptAnOldEpochInDrain", Rule::kFencing, AcceptAnOldEpoch<CallKind::kDrain>},
      {"FenceTheOwner", Rule::kFencing, FenceTheOwner},
      {"EndEarly", Rule::kKept, EndEarly},
      {"EndLate", Rule::kKept, EndLate},
      {"KeepTheDead", Rule::kKept, KeepTheDead},
      {"RemoveUnasked", Rule::kKept, RemoveUnasked},
  };
}

}  // namespace scoutlight::checker
