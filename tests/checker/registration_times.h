#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMES_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMES_H_

#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "tests/checker/registration_history.h"

namespace scoutlight::checker {

// What the answers say of when each revision of one store came to be. A change is in the catalog before it is answered, so whoever calls
// after an answer sees at least its revision, and what is answered with a revision was called when no later one was there that it misses.
class RevisionTimes {
 public:
  RevisionTimes(const RegistrationHistory& history, const StoreLog& log);

  // The latest revision that somebody had been shown before `time`; reads called then show at least that.
  Revision FloorAt(Nanos time) const;
  // The moment at which somebody first knew that `revision` was there; kNever: nobody did.
  Nanos KnownBy(Revision revision) const;
  // A moment at which it was not there yet: the last that is known. 0: none is.
  Nanos NotYetAt(Revision revision) const;
  // Whether what somebody was shown at `time` may be of `revision`.
  bool MayBeShown(Revision revision, Nanos time) const { return NotYetAt(revision) <= time; }
  // When the last answer that tells something of this store was called.
  Nanos last_called() const { return last_called_; }

 private:
  using Points = std::vector<std::pair<Nanos, Revision>>;

  // Somebody was shown a state of at least `revision`, which a read that is called later shows as well.
  void Shown(Nanos at, Revision revision) { shown_.push_back({at, revision}); }
  // Somebody who called then was answered with `revision`.
  void Called(Nanos at, Revision revision) { called_.push_back({at, revision}); }
  void Index();

  Points shown_;   // By time, with the highest revision so far.
  Points known_;   // By revision, with the earliest time of this one and all above.
  Points called_;  // By revision, with the latest time of this one and all below.
  Nanos last_called_ = 0;
};

// When the server ran.
class ServerClock {
 public:
  // `history` outlives this.
  explicit ServerClock(const RegistrationHistory& history) : lives_(history.lives) {}

  // Of the time between two moments, the most and the least in which it may have run, or must have. Of a pause `unnoticed` counts as run.
  Nanos RunAtMost(Nanos from, Nanos to, absl::Duration unnoticed) const;
  Nanos RunAtLeast(Nanos from, Nanos to) const;
  // The start of the first life after `time`; kNever: there is none.
  Nanos StartAfter(Nanos time) const;
  // Lives that begin within.
  int StartsWithin(Nanos from, Nanos to) const;
  // The start of the life in which `time` lies.
  Nanos StartOf(Nanos time) const;

 private:
  const std::vector<ServerLife>& lives_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_TIMES_H_
