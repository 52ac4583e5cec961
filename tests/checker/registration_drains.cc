#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/checker/registration_rules.h"
#include "tests/checker/registration_views.h"

namespace scoutlight::checker {
namespace {

using discovery::ServiceName;
using discovery::Status;

// One drain that was said to be complete.
class CompleteDrain {
 public:
  CompleteDrain(const RegistrationFacts& facts, const RegistrationCall& call)
      : facts_(facts), call_(call), service_{call.name.cluster, call.name.service} {}

  // What a stream still acted on; empty: nothing that the drain must wait for.
  std::string HeldBy(const ObserverStream& stream) const {
    if (!stream.subscriber || stream.called > call_.returned || Released(stream)) return "";
    const int64_t confirmed = ConfirmedBy(stream);
    ServiceViews views(stream);
    Revision held = 0;  // Of the view that it may act on, with the instance at work.
    for (size_t i = 0; i < stream.frames.size(); ++i) {
      if (stream.frames[i].store != call_.store && stream.frames[i].kind != InstanceFrame::Kind::kStarted) return "";
      if (stream.frames[i].received > call_.returned) break;
      views.Take(stream.frames[i]);
      const auto& completed = views.completed();
      if (std::find(completed.begin(), completed.end(), service_) == completed.end()) continue;
      const Revision at_work = AtWork(views.Of(service_));
      // Each confirmed view takes the place of those before.
      const bool replaces = static_cast<int64_t>(i) < confirmed;
      if (replaces || at_work != 0) held = at_work;
    }
    if (held == 0) return "";
    return absl::StrCat("it acts on its view of ", held, ", ", confirmed, " of ", stream.frames.size(), " messages are confirmed");
  }

 private:
  // The revision at which a view shows the instance at work, if it is from before the drain; 0: it does not.
  Revision AtWork(const ServiceView& view) const {
    const auto it = view.instances.find(call_.name.id);
    const bool at_work = it != view.instances.end() && it->second->status == Status::kUp;
    return at_work && view.revision < call_.revision ? view.revision : 0;
  }

  int64_t ConfirmedBy(const ObserverStream& stream) const {
    int64_t confirmed = 0;
    for (const ObserverStream::Sent& sent : stream.sent) {
      if (sent.sent <= call_.returned) confirmed = std::max(confirmed, sent.confirmed);
    }
    return confirmed;
  }

  // It has said goodbye, removed the service, or ended long ago; or the stream after it has confirmed a view of its own.
  bool Released(const ObserverStream& stream) const {
    if (stream.goodbye <= call_.returned) return true;
    for (const ObserverStream::Sent& sent : stream.sent) {
      const bool removes = std::find(sent.remove.begin(), sent.remove.end(), service_) != sent.remove.end();
      if (removes && sent.sent <= call_.returned) return true;
    }
    if (stream.ended != kNever && stream.ended + absl::ToInt64Nanoseconds(facts_.bounds.grace) <= call_.returned) return true;
    return std::any_of(facts_.history.observers.begin(), facts_.history.observers.end(), [&](const ObserverStream& next) {
      const bool follows = next.subscriber && next.observer == stream.observer && next.called > stream.called;
      return follows && (next.goodbye <= call_.returned || HasConfirmedView(next));
    });
  }

  bool HasConfirmedView(const ObserverStream& stream) const {
    const int64_t confirmed = ConfirmedBy(stream);
    ServiceViews views(stream);
    for (size_t i = 0; i < stream.frames.size() && static_cast<int64_t>(i) < confirmed; ++i) {
      views.Take(stream.frames[i]);
      const auto& completed = views.completed();
      if (std::find(completed.begin(), completed.end(), service_) != completed.end()) return true;
    }
    return false;
  }

  const RegistrationFacts& facts_;
  const RegistrationCall& call_;
  const ServiceName service_;
};

std::string FaultOfDrained(const StoreFacts& store, const RegistrationCall& call) {
  const InstanceState* const state = store.timeline.PresentAt(call.name, call.revision);
  if (state != nullptr && state->status == Status::kDraining) return "";
  return absl::StrCat("it was not draining at ", call.revision);
}

}  // namespace

void CheckDrains(const RegistrationFacts& facts, Findings* findings) {
  for (const RegistrationCall& call : facts.history.calls) {
    const StoreFacts* const store = facts.Find(call.store);
    if (store == nullptr || call.kind != CallKind::kDrain || call.outcome != Outcome::kOk) continue;
    const auto add = [&](absl::string_view what) {
      findings->Add(Rule::kDrain, call.revision, {}, absl::StrCat(Text(call.name), ": drain of client ", call.client, ": ", what));
    };
    if (const std::string fault = FaultOfDrained(*store, call); !fault.empty()) add(fault);
    if (!call.complete) continue;
    const Nanos up = call.returned - facts.clock.StartOf(call.returned);
    if (up < absl::ToInt64Nanoseconds(facts.bounds.grace)) add(absl::StrCat("it is complete ", up / 1'000'000, " ms after a start"));
    const CompleteDrain drain(facts, call);
    for (const ObserverStream& stream : facts.history.observers) {
      if (const std::string held = drain.HeldBy(stream); !held.empty()) {
        add(absl::StrCat("it is complete, and of subscriber \"", stream.observer, "\": ", held));
      }
    }
  }
}

}  // namespace scoutlight::checker
