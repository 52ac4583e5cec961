#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DRAINING_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DRAINING_H_

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "server/discovery/present_instance.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// One change of an instance's status to DRAINING, over its tries. Held by whoever it waits for.
class Draining : public std::enable_shared_from_this<Draining> {
 public:
  // What is in `parts` outlives the answer.
  Draining(const Registrar::Parts& parts, DrainChange change, Registrar::Done done)
      : parts_(parts), change_(std::move(change)), done_(std::move(done)) {
    change_.origin.memory = storage::Memory::kChange;
  }

  void Try();

 private:
  void Begin(absl::StatusOr<PresentInstance> present);
  void Commit();
  void OnCommitted(const storage::CommitResult& result);
  // It was draining already.
  void AnswerUnchanged();
  // This request made it so before.
  void AnswerRepetition(Revision revision);
  // A repetition: refused if the instance has another status by now; else the revision is of no state from before its newest change.
  void AnswerIfDraining(ChangedInstance changed);
  // Unless the request was carried out before: then this may be why. `revision`: of the state that it speaks of; 0: of the catalog.
  void Fail(const absl::Status& status, Revision revision = 0);
  void AnswerError(const absl::Status& status, Revision revision);

  const Registrar::Parts& parts_;
  DrainChange change_;
  Registrar::Done done_;
  PresentInstance present_;
  int tries_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DRAINING_H_
