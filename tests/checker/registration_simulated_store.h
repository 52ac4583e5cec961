#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_STORE_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_STORE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// An instance that is there, or held.
struct SimulatedInstance {
  discovery::Properties properties;
  std::string session;
  discovery::Status status = discovery::Status::kUp;
  LeaseId lease_id = 0;
  Revision epoch = 0;
  Revision mod_revision = 0;
  bool held = false;
};

// Instances, overrides and leases of one server, as they must be, with the log of what it commits. The caller says what time it is, and
// keeps the rules of who may do what. Not thread-safe.
class SimulatedRegistrations {
 public:
  // Begins anew, with another id and an empty log.
  void Wipe();

  const StoreId& store() const { return log_.store; }
  Revision revision() const { return revision_; }
  const StoreLog& log() const { return log_; }

  // The instances that are shown, with those that are held.
  const std::map<discovery::InstanceName, SimulatedInstance>& instances() const { return instances_; }
  // nullptr: it is not there; one that is held is not.
  const SimulatedInstance* Find(const discovery::InstanceName& name) const;
  ShownInstance Show(const discovery::InstanceName& name) const;
  bool IsGuarded(const discovery::ServiceName& service) const;

  // Each commits one batch. The same session keeps epoch and, if it `keeps_status`, status.
  void Register(Nanos now, const discovery::InstanceName& name, discovery::Properties properties, const std::string& session,
                LeaseId lease_id, bool keeps_status);
  void Update(Nanos now, const discovery::InstanceName& name, const std::string& property, const std::string& value);
  void Drain(Nanos now, const discovery::InstanceName& name);
  void Remove(Nanos now, const discovery::InstanceName& name);
  // Sets or takes back an override.
  void Override(Nanos now, const discovery::InstanceName& name, bool on);
  // The hold is over; false: it was not held.
  bool EndHold(const discovery::InstanceName& name);

  LeaseId Grant(Nanos now, Nanos ttl);
  // False: it has ended.
  bool Renew(Nanos now, LeaseId id);
  bool IsAlive(LeaseId id) const { return leases_.contains(id); }
  // Ends what is due; instances are held if `hold`.
  void Expire(Nanos now, bool hold);
  // It does not run for `pause`.
  void Pause(Nanos pause);
  void Restart(Nanos stopped, Nanos serving);

 private:
  struct Lease {
    Nanos ttl = 0;
    Nanos deadline = 0;
    int life = 0;  // In which it was renewed last.
  };

  void Commit(Nanos now, EventCause cause, std::vector<Event> events);
  Event Put(const Key& key, const std::string& text, LeaseId lease_id) const;
  Event PutRecord(const discovery::InstanceName& name, const SimulatedInstance& instance) const;
  void AddDeletes(const discovery::InstanceName& name, const SimulatedInstance& instance, std::vector<Event>* events) const;

  StoreLog log_;
  Revision revision_ = 1;
  std::map<discovery::InstanceName, SimulatedInstance> instances_;
  std::map<discovery::InstanceName, Revision> overrides_;
  std::map<LeaseId, Lease> leases_;
  LeaseId last_lease_ = 0;
  int life_ = 1;
  int wipes_ = 0;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_SIMULATED_STORE_H_
