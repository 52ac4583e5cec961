#ifndef SCOUTLIGHT_CLIENT_SESSION_SESSION_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_SESSION_SESSION_FIXTURE_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "client/events/manual_loop.h"
#include "client/session/session_logic.h"
#include "client/session/session_model.h"
#include "gtest/gtest.h"

namespace scoutlight::client {

inline constexpr absl::Duration kBeat = absl::Seconds(3);
inline const absl::Duration kTtl = 3 * kBeat;

inline constexpr size_t kLargeBytes = limits::kInstanceBytesMax;

inline discovery::InstanceName Named(const std::string& id) { return {"default", "Printer", id}; }

// A session over streams that a test holds in its hands, and what the session told.
struct SessionFixture {
  ManualLoop loop;
  ModelStreams streams{&loop};
  double random = 0.5;
  std::map<discovery::InstanceName, RegistrationReport> reports;  // The newest of each.
  std::vector<RegistrationState> told;                            // All states, in order.
  std::optional<absl::StatusOr<int>> left;
  Revision saw = 0;
  std::unique_ptr<SessionLogic> logic = std::make_unique<SessionLogic>(PartsOf(), SessionLogic::Settings{ModelServer::kSession, kTtl});

  SessionLogic::Parts PartsOf() {
    return {.loop = &loop,
            .open = streams.opener(),
            .unit_random = [this] { return random; },
            .tell =
                [this](const RegistrationReport& report) {
                  reports[report.name] = report;
                  told.push_back(report.state);
                },
            .saw = [this](Revision revision, const StoreId&) { saw = revision; }};
  }

  void Register(const std::string& id, const std::string& port = "1", IfOwned if_owned = IfOwned::kRefuse) {
    RegisterAll({id}, port, if_owned);
  }
  void RegisterAll(const std::vector<std::string>& ids, const std::string& port = "1", IfOwned if_owned = IfOwned::kRefuse) {
    std::vector<SessionLogic::Wanted> wanted;
    const auto properties = std::make_shared<const discovery::Properties>(discovery::Properties{{"port", port}});
    for (const std::string& id : ids) wanted.push_back({Named(id), properties, if_owned});
    On([&] { logic->Register(std::move(wanted)); });
  }
  // `id` with numbers from 0, each with kLargeBytes of properties.
  void RegisterLarge(const std::string& id, int instances, IfOwned if_owned = IfOwned::kRefuse) {
    discovery::Properties large{{"port", "1"}};
    for (char name = 'a'; name < 'd'; ++name) large[std::string(1, name)] = std::string(limits::kPropertyValueBytesMax, 'x');
    large["d"] = std::string(kLargeBytes - discovery::PropertyBytes(large) - 1, 'x');
    const auto properties = std::make_shared<const discovery::Properties>(std::move(large));
    std::vector<SessionLogic::Wanted> wanted;
    for (int i = 0; i < instances; ++i) wanted.push_back({Named(absl::StrCat(id, i)), properties, if_owned});
    On([&] { logic->Register(std::move(wanted)); });
  }
  void Unregister(const std::string& id) {
    On([&] { logic->Unregister(Named(id)); });
  }
  void SetLoad(const std::string& id, int64_t count) {
    On([&] { logic->SetSoftValues(Named(id), {.counters = {{"calls", count}}}); });
  }
  void Leave() {
    On([&] { logic->Leave([this](absl::StatusOr<int> fenced) { left = std::move(fenced); }); });
  }
  // Runs `call` in a task of the loop.
  template <typename Call>
  void On(Call call) {
    loop.Post([&] { call(); });
    loop.RunUntilIdle();
  }

  RegistrationState State(const std::string& id) { return reports[Named(id)].state; }
};

// The same with a server.
class SessionTest : public ::testing::Test, protected SessionFixture {
 protected:
  void RunFor(absl::Duration duration) {
    const absl::Duration end = loop.Now() + duration;
    server.Run();
    while (loop.UntilNext().has_value() && loop.Now() + *loop.UntilNext() <= end) {
      loop.AdvanceToNext();
      server.Run();
    }
    loop.Advance(end - loop.Now());
    EXPECT_EQ(server.violation, "");
  }
  bool IsThere(const std::string& id) { return server.instances.contains(Named(id)); }
  std::vector<std::string> SetOf(const discovery::v1::SessionRequest& request) {
    std::vector<std::string> ids;
    for (const auto& one : request.declare().set()) ids.push_back(one.id());
    return ids;
  }

  ModelServer server{&streams};
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_SESSION_FIXTURE_H_
