#ifndef SCOUTLIGHT_TESTS_E2E_SESSION_FLEET_H_
#define SCOUTLIGHT_TESTS_E2E_SESSION_FLEET_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/discovery/v1/registration.grpc.pb.h"
#include "tests/checker/registration_recorder.h"
#include "tests/e2e/service_observer.h"
#include "tests/e2e/session_client.h"
#include "tests/support/client.h"
#include "tests/support/random.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {

// Many sessions, each with one or two instances of a few services, and two that observe: a subscriber of all services and a watcher of the
// first. All on the calling thread, while it is in Run or Await. What no client may be told fails the test: one epoch of an instance told
// to two sessions, an epoch that is not above that of the registration before.
class SessionFleet {
 public:
  struct Options {
    int sessions = 0;
    int services = 0;
    absl::Duration ttl;
  };

  // All outlive it.
  SessionFleet(const Options& options, Random* random, checker::RegistrationRecorder* recorder);
  ~SessionFleet() { End(); }

  // Everybody turns to this server, over connections of their own; to none.
  void Connect(const std::string& address);
  void Disconnect();
  // Of a server that has ended: until every stream has too.
  bool AwaitStreamsEnd();
  // Ends every stream and connection, for good.
  void End();

  // One more, which wants these.
  SessionClient* Add(const std::vector<SessionClient::Name>& names);
  // Different ones, at random, of those that live and have instances; fewer if there are fewer.
  std::vector<SessionClient*> Some(int count);
  std::vector<SessionClient*> Living() const;
  SubscribeObserver& subscriber() { return subscriber_; }
  WatchObserver& watcher() { return watcher_; }

  void Run(absl::Duration bound);
  // Fails the test when it does not come to hold within `bound`; whether it did.
  bool Await(absl::string_view what, const std::function<bool()>& condition, absl::Duration bound);
  // Until every living session is well, and what they have registered is what both observers see, no more and no less. Prints the time it
  // took. Fails the test when it does not come so far within the ttl and kSoon.
  bool AwaitWell(absl::string_view what);

  // Over all sessions, the dead too.
  int Told(SessionClient::State::State state) const;
  // The stores that the living sessions and the observers were told last. Requires that all is well.
  std::set<std::string> Stores() const;

 private:
  void Tick();
  void OnResponse(const SessionClient& session, const SessionClient::Response& response);
  bool AllWell() const;
  // The first difference between what is registered and what is seen; empty: none.
  std::string DifferenceTo(const ServiceObserver& observer) const;

  const Options options_;
  Random& random_;
  checker::RegistrationRecorder& recorder_;
  StreamLoop loop_;
  // The present connections.
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<SessionClient::Stub>> stubs_;
  std::unique_ptr<ServiceObserver::Stub> observers_stub_;
  absl::Duration connected_;  // Steady time.

  std::vector<std::unique_ptr<SessionClient>> sessions_;
  SubscribeObserver subscriber_;
  WatchObserver watcher_;
  // What sessions were told of an instance in a store.
  struct Epochs {
    std::map<int64_t, std::string> owners;  // By epoch, the session.
    std::map<std::string, int64_t> told;    // By session, the last.
  };
  std::map<std::pair<std::string, SessionClient::Name>, Epochs> epochs_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SESSION_FLEET_H_
