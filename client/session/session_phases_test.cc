// Every event in every phase of a session, also those that no server would send: afterwards it works as before.
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/session/session_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

using Response = discovery::v1::SessionResponse;

struct Trial : SessionFixture {
  ModelServer server{&streams};

  void RunFor(absl::Duration duration) {
    const absl::Duration end = loop.Now() + duration;
    server.Run();
    while (loop.UntilNext().has_value() && loop.Now() + *loop.UntilNext() <= end) {
      loop.AdvanceToNext();
      server.Run();
    }
  }
  void Deliver(const Response& response) {
    if (streams.is_open()) streams.Deliver(response);
  }
  void End(const absl::Status& status) {
    if (streams.is_open()) streams.End(status);
  }
};

struct Step {
  std::string name;
  std::function<void(Trial&)> run;
};

std::vector<Step> Phases() {
  return {
      {"idle", [](Trial&) {}},
      {"opening", [](Trial& trial) { trial.Register("a"); }},
      {"in the first round",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Step();
         trial.server.Step();
       }},
      {"open",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
       }},
      {"in a later round",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
         trial.Register("b");
       }},
      {"in a heartbeat",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
         trial.loop.Advance(kBeat);
       }},
      {"removing",
       [](Trial& trial) {
         trial.RegisterAll({"a", "b"});
         trial.server.Run();
         trial.Unregister("b");
       }},
      {"waiting",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
         trial.server.Break(absl::UnavailableError("cut"));
       }},
      {"lapsed",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
         trial.server.ExpireLease();
         trial.server.Run();
       }},
      {"fenced",
       [](Trial& trial) {
         trial.Register("a");
         trial.server.Run();
         trial.server.Own(Named("a"), "another");
         trial.server.Run();
       }},
      {"refused", [](Trial& trial) { trial.Register("a", kRefusedPort), trial.server.Run(); }},
      {"not taken in", [](Trial& trial) { trial.Register("a", kMalformedPort), trial.RunFor(absl::Seconds(1)); }},
  };
}

Step Message(const std::string& name, const std::function<void(Response*)>& fill) {
  Response response;
  fill(&response);
  return {name, [response](Trial& trial) { trial.Deliver(response); }};
}

Step Ended(const absl::Status& status) {
  return {absl::StrCat("ended: ", status.ToString()), [status](Trial& trial) { trial.End(status); }};
}

void AddMessages(std::vector<Step>* events) {
  events->push_back(Message("nothing", [](Response*) {}));
  events->push_back(Message("opened", [](Response* response) { response->mutable_opened(); }));
  events->push_back(Message("alive", [](Response* response) { response->mutable_alive(); }));
  events->push_back(Message("left", [](Response* response) { response->mutable_left(); }));
  for (const std::string& id : {std::string("a"), std::string("b"), std::string("unknown"), std::string()}) {
    for (int state = 0; state <= InstanceState::State_MAX; ++state) {
      events->push_back(Message(absl::StrCat(id, " in state ", state), [&](Response* response) {
        InstanceState& told = *response->mutable_instances()->add_states();
        FillName(Named(id), told.mutable_name());
        told.set_state(static_cast<InstanceState::State>(state));
      }));
    }
  }
}

std::vector<Step> Events() {
  ErrorDetails fenced;
  fenced.reason = Reason::kFenced;
  std::vector<Step> events;
  AddMessages(&events);
  for (const absl::Status& status :
       {absl::OkStatus(), absl::UnavailableError("cut"), absl::ResourceExhaustedError("full"), absl::PermissionDeniedError("no"),
        absl::InvalidArgumentError("what?"), InvalidField(Reason::kInvalidField, "declare.set[0].id", "is wrong"),
        InvalidField(Reason::kInvalidField, "declare.set[99].id", "is wrong"), MakeError(absl::StatusCode::kAborted, "fenced", fenced)}) {
    events.push_back(Ended(status));
  }
  events.push_back({"silence", [](Trial& trial) { trial.loop.Advance(absl::Minutes(1)); }});
  events.push_back({"a is registered again", [](Trial& trial) { trial.Register("a", "2"); }});
  events.push_back({"a is taken over", [](Trial& trial) { trial.Register("a", "2", IfOwned::kTakeOver); }});
  events.push_back({"b is registered", [](Trial& trial) { trial.Register("b"); }});
  events.push_back({"a is unregistered", [](Trial& trial) { trial.Unregister("a"); }});
  events.push_back({"soft values", [](Trial& trial) { trial.SetLoad("a", 7); }});
  events.push_back({"wiped", [](Trial& trial) { trial.server.Wipe(); }});
  events.push_back({"deleted", [](Trial& trial) { trial.server.Delete(Named("a")); }});
  return events;
}

TEST(SessionPhasesTest, AfterAnyEventInAnyPhaseWhatIsWantedIsRegistered) {
  for (const Step& phase : Phases()) {
    for (const Step& event : Events()) {
      SCOPED_TRACE(absl::StrCat(phase.name, ", ", event.name));
      Trial trial;
      phase.run(trial);
      event.run(trial);
      trial.RunFor(absl::Seconds(30));
      // What a server was wrong about, the next stream puts right.
      trial.server.Break(absl::UnavailableError("cut"));
      trial.Register("a", "3", IfOwned::kTakeOver);
      trial.RunFor(absl::Seconds(30));
      EXPECT_EQ(trial.State("a"), RegistrationState::kRegistered);
      EXPECT_EQ(trial.server.instances[Named("a")].properties["port"], "3");
      EXPECT_EQ(trial.reports[Named("a")].epoch, trial.server.instances[Named("a")].epoch);
      EXPECT_EQ(trial.streams.open_count(), 1);
      // At the slowest pace while what it declares is not taken in.
      EXPECT_LE(trial.streams.opened(), absl::Seconds(30) / (Backoff::kMax / 2) + 10);
      trial.Leave();
      trial.server.Run();
      EXPECT_TRUE(trial.left.has_value());
      EXPECT_EQ(trial.streams.open_count(), 0);
    }
  }
}

}  // namespace
}  // namespace scoutlight::client
