#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"

namespace scoutlight::checker {
namespace {

using discovery::InstanceName;
using discovery::Status;

// So many states are looked at from the one on at the floor: a call lasts no longer.
constexpr int kStatesMax = 10'000;

std::string Text(const ShownInstance& shown) {
  return absl::StrCat("epoch ", shown.epoch, ", changed at ", shown.mod_revision, ", ", std::string(discovery::StatusText(shown.status)),
                      shown.overridden ? ", overridden" : "", ", lease ", shown.lease_id, ", {", shown.properties, "}");
}

std::string Text(const InstanceState& state) {
  if (!state.present) return absl::StrCat("gone since ", state.since);
  return absl::StrCat("epoch ", state.epoch, ", changed at ", state.mod_revision, ", ", std::string(discovery::StatusText(state.status)),
                      state.overridden ? ", overridden" : "", ", lease ", state.lease_id, ", {", state.properties, "}");
}

bool IsHeld(const ShownInstance& shown) { return shown.held || shown.status == Status::kOwnerLost; }

bool Same(const InstanceState& state, const ShownInstance& shown) {
  return state.present && state.epoch == shown.epoch && state.mod_revision == shown.mod_revision && state.status == shown.status &&
         state.overridden == shown.overridden && state.lease_id == shown.lease_id && state.properties == shown.properties;
}

// A held one is as it was when its lease ended, but for its status.
bool FitsHeld(const Timeline::States& states, int index, const ShownInstance& shown) {
  if (index == 0 || states[index].present || states[index].cause != EventCause::kLeaseExpired) return false;
  const InstanceState& before = states[index - 1];
  return shown.held && shown.status == Status::kOwnerLost && before.epoch == shown.epoch && before.properties == shown.properties;
}

// Indices of the states that may be shown.
struct Span {
  int first = 0;  // -1: from before its first registration on.
  int end = 0;
};
Span SpanOf(const StoreFacts& store, const Timeline::States& states, const Moment& moment) {
  Span span{.first = Timeline::IndexAt(states, moment.floor), .end = 0};
  span.end = std::max(0, span.first + 1);
  const int most = std::min(static_cast<int>(states.size()), span.end + kStatesMax);
  while (span.end < most && store.times.MayBeShown(states[span.end].since, moment.time)) ++span.end;
  return span;
}

}  // namespace

std::string Text(const InstanceName& name) {
  return absl::StrCat(name.cluster == "default" ? "" : absl::StrCat(name.cluster, "/"), name.service, "/", name.id);
}

std::string FaultOfShown(const StoreFacts& store, const InstanceName& name, const ShownInstance& shown, const Moment& moment) {
  const Timeline::States& states = store.timeline.Of(name);
  const Span span = SpanOf(store, states, moment);
  for (int i = std::max(0, span.first); i < span.end; ++i) {
    if (IsHeld(shown) ? FitsHeld(states, i, shown) : Same(states[i], shown)) return "";
  }
  std::string fault = absl::StrCat(Text(name), " is shown as ", IsHeld(shown) ? "held, " : "", Text(shown), "; ");
  const auto same = std::find_if(states.begin(), states.end(), [&](const InstanceState& state) { return Same(state, shown); });
  if (same != states.end()) {
    const bool later = same - states.begin() >= span.end;
    const Revision over = later || same + 1 == states.end() ? 0 : (same + 1)->since;
    return absl::StrCat(fault, later ? "that was not so yet" : absl::StrCat("that was over at ", over, ", before ", moment.floor));
  }
  return absl::StrCat(fault,
                      span.first < 0 ? "it was not registered" : absl::StrCat("at ", moment.floor, " it was ", Text(states[span.first])));
}

std::string FaultOfAbsent(const StoreFacts& store, const InstanceName& name, const Moment& moment) {
  const Timeline::States& states = store.timeline.Of(name);
  const Span span = SpanOf(store, states, moment);
  if (span.first < 0) return "";
  for (int i = span.first; i < span.end; ++i) {
    if (!states[i].present) return "";
  }
  return absl::StrCat(Text(name), " is not shown; at ", moment.floor, " it was ", Text(states[span.first]));
}

}  // namespace scoutlight::checker
