#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RULES_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RULES_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "tests/checker/findings.h"
#include "tests/checker/registration_check.h"
#include "tests/checker/registration_history.h"
#include "tests/checker/registration_timeline.h"
#include "tests/checker/registration_times.h"

// What registration_check.h looks for, each rule a function of its own.
namespace scoutlight::checker {

// One store of the history.
struct StoreFacts {
  StoreFacts(const RegistrationHistory& history, const StoreLog& log) : timeline(log), times(history, log) {}

  // When `revision` was surely there; the history's end where nobody has told.
  Nanos KnownBy(Revision revision, Nanos end) const {
    const Nanos known = times.KnownBy(revision);
    return known == kNever ? end : known;
  }

  Timeline timeline;
  RevisionTimes times;
};

struct RegistrationFacts {
  RegistrationFacts(const RegistrationHistory& all, const RegistrationBounds& how);

  // nullptr: no log has this id.
  const StoreFacts* Find(const StoreId& store) const;

  const RegistrationHistory& history;  // Outlives this.
  const RegistrationBounds bounds;
  const ServerClock clock;
  std::vector<std::unique_ptr<StoreFacts>> stores;
  Nanos end = 0;  // The last moment that the history tells of.
};

// When a state of an instance is shown: not one that was over at revision `floor`, nor one that was not there yet at `time`.
struct Moment {
  Revision floor = 0;
  Nanos time = 0;
};
// What is wrong with showing `shown`, or with showing no instance `name`, at a moment; empty: nothing.
std::string FaultOfShown(const StoreFacts& store, const discovery::InstanceName& name, const ShownInstance& shown, const Moment& moment);
std::string FaultOfAbsent(const StoreFacts& store, const discovery::InstanceName& name, const Moment& moment);

// kHistory: what every other rule relies on. False: they would say nothing true.
bool CheckRecorded(const RegistrationFacts& facts, Findings* findings);

// kOneOwner: a registration begins with an epoch of its own, above all before of that name, by a session that asked for it; it changes
// hands only by take-over; what a session and its caller are told of epochs is so.
void CheckOneOwner(const RegistrationFacts& facts, Findings* findings);

// kFencing: nothing that names an older epoch, or stands for one, changes a newer registration; who names the present one is not fenced.
void CheckFencing(const RegistrationFacts& facts, Findings* findings);

// kKept: an instance goes only when somebody asked for it, or when its owner was silent for a ttl of the server's time; not much later than
// two of them either.
void CheckKept(const RegistrationFacts& facts, Findings* findings);

// kShown: what GetInstance, ListInstances, Register and Update show was so at their revision or later.
void CheckReads(const RegistrationFacts& facts, Findings* findings);

// kOwnWrites: a read shows at least what was answered or shown before it was called.
void CheckOwnWrites(const RegistrationFacts& facts, Findings* findings);

// kOrder: a stream begins with a snapshot, speaks of one store, and goes forward; the next stream of its observer goes on from there, or
// has a newer store. kShown: what its frames add up to was so.
void CheckObservers(const RegistrationFacts& facts, Findings* findings);

// kResolve: who is picked takes work, and no drain or deregistration of it was answered before; a lost owner's only if nobody else does.
void CheckResolves(const RegistrationFacts& facts, Findings* findings);

// kDrain: a drain is complete only if no subscriber that it has to wait for may still send work.
void CheckDrains(const RegistrationFacts& facts, Findings* findings);

// "service/id", with the cluster if it is not the default one.
std::string Text(const discovery::InstanceName& name);

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_RULES_H_
