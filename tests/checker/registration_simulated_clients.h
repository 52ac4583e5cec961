#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_CLIENTS_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_CLIENTS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <string>

#include "tests/checker/registration_history.h"
#include "tests/checker/registration_simulated_store.h"

namespace scoutlight::checker {

// What all clients of one simulation share.
struct SimulatedWorld {
  explicit SimulatedWorld(uint64_t seed) : random(seed) {}

  Nanos Between(Nanos low, Nanos high) { return std::uniform_int_distribution<Nanos>(low, high)(random); }
  // When a call was made that is carried out now, and when it is answered.
  Nanos Before() { return now - Between(1, 300'000); }
  Nanos After() { return now + Between(1, 300'000); }
  discovery::InstanceName AnyName();
  std::string Token();
  // Properties that no other registration has.
  discovery::Properties Fresh();

  std::mt19937_64 random;
  Nanos now = 1'000'000'000;
  SimulatedRegistrations store;
  RegistrationHistory history;

 private:
  int tokens_ = 0;
};

// A client of Session, with its server's side. At most one stream at a time.
class SimulatedSession {
 public:
  SimulatedSession(SimulatedWorld* world, std::string id) : world_(*world), id_(std::move(id)) {}

  void Step();
  // The stream ends.
  void Break();
  // The data is wiped.
  void Forget() { lease_ = 0; }

 private:
  void Open();
  void Declare();
  void Beat();
  void Leave();
  void Look();
  void Register(const discovery::InstanceName& name);
  void Remove(const discovery::InstanceName& name, Nanos received);
  void Tell(const discovery::InstanceName& name, SessionStream::State state, Revision epoch);

  SimulatedWorld& world_;
  const std::string id_;
  bool open_ = false;
  bool declared_ = false;  // On this stream.
  LeaseId lease_ = 0;
  std::map<discovery::InstanceName, discovery::Properties> wanted_;
  std::map<discovery::InstanceName, Revision> epochs_;  // Of those that are registered.
  SessionStream stream_;
};

// A client of Watch or Subscribe, with its server's side.
class SimulatedObserver {
 public:
  SimulatedObserver(SimulatedWorld* world, std::string id, bool subscriber) : world_(*world), id_(std::move(id)), subscriber_(subscriber) {}

  bool is_subscriber() const { return subscriber_; }

  void Step();
  void Break();
  // Of a subscriber: it is told what has changed, and confirms it, while time goes on; false: it cannot, and has been gone for less than
  // `grace`.
  bool TakeAndConfirm(Nanos grace);

 private:
  using View = std::map<std::string, ShownInstance>;

  void Open();
  void Take(const discovery::ServiceName& service);
  void Confirm();
  void AddFrame(InstanceFrame frame);
  View Shown(const discovery::ServiceName& service) const;

  SimulatedWorld& world_;
  const std::string id_;
  const bool subscriber_;
  bool open_ = false;
  std::optional<Nanos> gone_;  // Since its last stream ended without a goodbye.
  std::map<discovery::ServiceName, View> views_;
  ObserverStream stream_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_CLIENTS_H_
