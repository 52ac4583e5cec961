// Two clients' sessions that want one instance, over a model of the store (session_model.h): every sequence of steps up to a depth, from
// several beginnings. What must hold, whatever the order: an instance has one owner, epochs never go back, nothing of an older stream takes
// effect after a newer one has opened the session; and when all is quiet, each session's view is what the store has.
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/session_model.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;

const InstanceName kName{"c", "s", "i"};
constexpr int kClients = 2;
constexpr int kQuietRounds = 4;
constexpr int kLetMax = 200;  // Until all is quiet.

// Two clients, `a` and `b`, with their streams.
class Run {
 public:
  explicit Run(Guards guards) {
    store_.guards = guards;
    store_.changed = [this](const InstanceName& name) {
      for (const auto& stream : streams_) {
        if (!stream->lost() && !stream->ended()) stream->ChangeCame(name);
      }
    };
  }

  enum class Step {
    kReconnect,
    kOpenElsewhere,
    kLoseStream,
    kDeclare,
    kDeclareNothing,
    kDeclarePart,
    kTakeOver,
    kHeartbeat,
    kLeave,
    kExpire,
    kLet,
    kLetNewest
  };
  static constexpr int kSteps = 12;

  // False: it cannot be done now, and nothing has happened.
  bool Do(Step step, int client) {
    ModelStream* const stream = current_[client];
    switch (step) {
      case Step::kReconnect:
        if (stream != nullptr) stream->Lose();
        return Open(client);
      case Step::kOpenElsewhere:  // On another server; the stream before goes on, half open.
        return stream != nullptr && !stream->ended() && streams_.size() < 4 && Open(client);
      case Step::kLoseStream:
        if (stream == nullptr || stream->lost()) return false;
        stream->Lose();
        current_[client] = nullptr;
        return true;
      case Step::kExpire:
        if (store_.RecordRevision(IdOf(client)) == 0) return false;
        store_.Expire(store_.records[IdOf(client)].record.lease_id);
        return true;
      case Step::kLet:
        return Let(client, true);
      case Step::kLetNewest:
        return Let(client, false);
      default:
        return stream != nullptr && stream->may_send() && Send(step, stream);
    }
  }
  bool DeregisterByOperator() {
    if (!store_.instances.contains(kName)) return false;
    store_.Delete(kName);
    return true;
  }
  bool LetEverything() {
    bool any = false;
    for (const auto& stream : streams_) {
      for (int let = 0; stream->under_way() > 0 && let < kLetMax; ++let, any = true) stream->Let();
    }
    return any;
  }
  // Half-open streams of before send heartbeats too.
  bool HeartbeatOfOld() {
    bool any = false;
    for (const auto& stream : streams_) {
      if (stream.get() == current_[0] || stream.get() == current_[1] || stream->lost() || !stream->may_send()) continue;
      stream->Heartbeat();
      any = true;
    }
    return any;
  }

  // Lets everything happen that is under way, with heartbeats, and says what is wrong then; empty: nothing.
  std::string Settle() {
    for (int round = 0; round < kQuietRounds; ++round) {
      int lets = 0;
      for (bool any = true; any;) {
        any = false;
        for (size_t i = 0; i < streams_.size(); ++i) {
          while (streams_[i]->under_way() > 0) {
            if (++lets > kLetMax) return "it never becomes quiet";
            streams_[i]->Let();
            any = true;
          }
        }
      }
      if (round + 1 == kQuietRounds) break;
      for (const auto& stream : streams_) {
        if (!stream->lost() && stream->may_send()) stream->Heartbeat();
      }
    }
    return Wrong();
  }

 private:
  static std::string IdOf(int client) { return client == 0 ? "a" : "b"; }

  bool Open(int client) {
    if (streams_.size() == 5) return false;
    streams_.push_back(std::make_unique<ModelStream>(&store_, IdOf(client)));
    current_[client] = streams_.back().get();
    return true;
  }
  bool Send(Step step, ModelStream* stream) {
    switch (step) {
      case Step::kDeclare:
      case Step::kTakeOver:
        return stream->Declare({.set = {{kName, {}}}, .take_over = step == Step::kTakeOver}).ok();
      case Step::kDeclareNothing:
        stream->Want({});
        return stream->Declare({.replace = true}).ok();
      case Step::kDeclarePart:
        return stream->Declare({.more = true}).ok();
      case Step::kHeartbeat:
        return stream->Heartbeat(), true;
      default:
        return stream->Leave(), true;
    }
  }
  // The first or the last of what the streams of a client have under way, also of those that are lost.
  bool Let(int client, bool oldest) {
    for (size_t i = 0; i < streams_.size(); ++i) {
      ModelStream& stream = *streams_[oldest ? i : streams_.size() - 1 - i];
      if (stream.id() != IdOf(client) || stream.under_way() == 0) continue;
      if (!oldest && stream.under_way() == 1 && streams_.size() == 1) return false;  // As the oldest.
      stream.Let(oldest ? 0 : stream.under_way() - 1);
      return true;
    }
    return false;
  }

  std::string Wrong() const {
    if (!store_.violation.empty()) return store_.violation;
    const auto found = store_.instances.find(kName);
    const std::string owner = found == store_.instances.end() ? "nobody" : found->second.session;
    if (found != store_.instances.end() && !store_.leases.contains(found->second.lease_id)) return "an instance has outlived its lease";
    std::array<int, kClients> open = {};
    for (const auto& stream : streams_) {
      if (stream->lost() || stream->ended()) continue;
      ++open[stream->id() == "a" ? 0 : 1];
      // What the stream before has registered stays until it says what it wants.
      if (!stream->declared()) continue;
      const auto view = stream->session().registered();
      const auto mine = view.find(kName);
      if ((mine != view.end()) != (owner == stream->id()))
        return absl::StrCat(stream->id(), " sees otherwise than that it is ", owner, "'s");
      if (mine != view.end() && mine->second != found->second.epoch) return absl::StrCat(stream->id(), " has another epoch");
      if (stream->wanted().contains(kName) && mine == view.end()) return absl::StrCat(stream->id(), " wants it and does not have it");
      if (!stream->wanted().contains(kName) && mine != view.end()) return absl::StrCat(stream->id(), " has what it does not want");
    }
    for (int client = 0; client < kClients; ++client) {
      if (open[client] > 1) return "a session is open twice";
      const ModelStream* const stream = current_[client];
      if (open[client] == 0 && stream != nullptr && !stream->lost() && !stream->end().ok()) {
        return absl::StrCat(stream->id(), " was ended, though no other stream goes on in its place: ", stream->end().message());
      }
    }
    for (const auto& stream : streams_) {
      const int client = stream->id() == "a" ? 0 : 1;
      // A half-open stream of before whose client still beats may open the session again.
      if (stream->left().has_value() && stream.get() == current_[client] && open[client] == 0 && owner == stream->id()) {
        return "a session that has left owns it still";
      }
    }
    return "";
  }

  ModelStore store_;
  std::vector<std::unique_ptr<ModelStream>> streams_;
  std::array<ModelStream*, kClients> current_ = {};
};

using Step = Run::Step;
using Action = std::function<bool(Run&)>;
struct Named {
  std::string name;
  Action act;
};

Action Of(Step step, int client) {
  return [step, client](Run& run) { return run.Do(step, client); };
}

// What may happen at any time.
std::vector<Named> Actions() {
  constexpr const char* kNames[Run::kSteps] = {
      "reconnects", "opens elsewhere", "loses its stream", "declares", "declares nothing", "begins a declaration",
      "takes over", "beats",           "leaves",           "expires",  "goes on",          "goes on with the newest"};
  std::vector<Named> actions;
  for (int client = 0; client < kClients; ++client) {
    for (int step = 0; step < Run::kSteps; ++step) {
      // The first client does everything, the second what concerns the first.
      const Step of = static_cast<Step>(step);
      if (client == 1 && (of == Step::kOpenElsewhere || of == Step::kLoseStream || of == Step::kDeclareNothing ||
                          of == Step::kDeclarePart || of == Step::kLetNewest))
        continue;
      actions.push_back({absl::StrCat(client == 0 ? "a " : "b ", kNames[step]), Of(of, client)});
    }
  }
  actions.push_back({"an operator deregisters", [](Run& run) { return run.DeregisterByOperator(); }});
  actions.push_back({"everything goes on", [](Run& run) { return run.LetEverything(); }});
  actions.push_back({"old streams beat", [](Run& run) { return run.HeartbeatOfOld(); }});
  return actions;
}

const Action kSettle = [](Run& run) { return run.Settle().empty(); };

// From where the sequences go on.
std::vector<std::vector<Action>> Beginnings() {
  return {
      {},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0)},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0), kSettle, Of(Step::kOpenElsewhere, 0)},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0), kSettle, Of(Step::kReconnect, 1), kSettle},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kReconnect, 1), kSettle, Of(Step::kDeclare, 1), kSettle, Of(Step::kTakeOver, 0)},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0), kSettle, Of(Step::kExpire, 0), Of(Step::kHeartbeat, 0)},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0), Of(Step::kExpire, 0), Of(Step::kHeartbeat, 0), Of(Step::kLetNewest, 0),
       Of(Step::kLetNewest, 0), Of(Step::kLetNewest, 0)},
      {Of(Step::kReconnect, 0), kSettle, Of(Step::kDeclare, 0), kSettle, Of(Step::kLeave, 0)},
  };
}

struct Outcome {
  int runs = 0;
  std::string violation;  // With the sequence that led there; empty: none was found.
};

// Tries every sequence of up to `depth` steps after each beginning.
class Enumeration {
 public:
  Enumeration(Guards guards, int depth) : guards_(guards), depth_(depth) {}

  Outcome Try() {
    for (beginning_ = 0; beginning_ < beginnings_.size(); ++beginning_) {
      sequence_.clear();
      const int before = outcome_.runs;
      Extend();
      if (outcome_.runs == before && outcome_.violation.empty()) {
        outcome_.violation = absl::StrCat("beginning ", beginning_, " cannot be carried out");
      }
    }
    return outcome_;
  }

 private:
  // Carries out sequence_ and looks at it. False: its last step could not be done.
  bool Carry() {
    Run run(guards_);
    for (const Action& action : beginnings_[beginning_]) {
      if (!action(run)) return false;
    }
    for (size_t i : sequence_) {
      if (!actions_[i].act(run)) return false;
    }
    ++outcome_.runs;
    const std::string wrong = run.Settle();
    if (wrong.empty()) return true;
    outcome_.violation = absl::StrCat(wrong, "; beginning ", beginning_);
    for (size_t i : sequence_) absl::StrAppend(&outcome_.violation, "; ", actions_[i].name);
    return true;
  }
  void Extend() {
    if (!outcome_.violation.empty() || !Carry() || static_cast<int>(sequence_.size()) == depth_) return;
    for (size_t i = 0; i < actions_.size(); ++i) {
      sequence_.push_back(i);
      Extend();
      sequence_.pop_back();
    }
  }

  const Guards guards_;
  const int depth_;
  const std::vector<Named> actions_ = Actions();
  const std::vector<std::vector<Action>> beginnings_ = Beginnings();
  size_t beginning_ = 0;
  std::vector<size_t> sequence_;
  Outcome outcome_;
};

TEST(SessionInterleavings, NothingGoesWrongInAnyOrder) {
  const Outcome outcome = Enumeration(Guards::kOn, 4).Try();
  EXPECT_EQ(outcome.violation, "") << "after " << outcome.runs << " runs";
  EXPECT_GT(outcome.runs, 10'000);
  RecordProperty("runs", outcome.runs);
}

TEST(SessionInterleavings, WithoutTheGuardAnOldStreamIsCaught) {
  EXPECT_THAT(Enumeration(Guards::kOff, 4).Try().violation, ::testing::HasSubstr("wrote after another was opened"));
}

}  // namespace
}  // namespace scoutlight::server
