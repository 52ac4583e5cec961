#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMELINE_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMELINE_H_

#include <map>
#include <string>
#include <vector>

#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// What a store held of an instance from one change of it to the next.
struct InstanceState {
  Revision since = 0;
  bool present = false;
  EventCause cause = EventCause::kWrite;  // Of the change.
  Revision epoch = 0;
  std::string session;
  discovery::Status status = discovery::Status::kUp;
  LeaseId lease_id = 0;
  std::string properties;
  bool critical = false;  // Of health.
  bool overridden = false;
  Revision mod_revision = 0;
};

// All instances of one store at all revisions, by its log. Immutable.
class Timeline {
 public:
  struct Change {
    Revision revision = 0;
    discovery::InstanceName name;
  };
  using States = std::vector<InstanceState>;  // By revision; never empty.

  explicit Timeline(const StoreLog& log);

  const StoreId& store() const { return store_; }
  // The last of the log.
  Revision latest() const { return latest_; }
  const std::map<discovery::InstanceName, States>& instances() const { return instances_; }

  // Of one that never was: nothing.
  const States& Of(const discovery::InstanceName& name) const;
  // The index of the state at `revision`; -1: it is not there yet.
  static int IndexAt(const States& states, Revision revision);
  // nullptr: it never was before, or is not there.
  const InstanceState* PresentAt(const discovery::InstanceName& name, Revision revision) const;
  // Of a service, by revision.
  const std::vector<Change>& ChangesOf(const discovery::ServiceName& service) const;

 private:
  struct Stored;

  void Apply(const Batch& batch, std::map<discovery::InstanceName, Stored>* all);
  static void ApplyEvent(const Event& event, Stored* stored);
  static InstanceState StateOf(const Stored& stored, Revision revision, EventCause cause);

  StoreId store_;
  Revision latest_ = 1;
  std::map<discovery::InstanceName, States> instances_;
  std::map<discovery::ServiceName, std::vector<Change>> changes_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMELINE_H_
