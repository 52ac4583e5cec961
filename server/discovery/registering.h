#ifndef SCOUTLIGHT_SERVER_DISCOVERY_REGISTERING_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_REGISTERING_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "server/discovery/present_instance.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// One registration, over its tries. Held by whoever it waits for.
class Registering : public std::enable_shared_from_this<Registering> {
 public:
  // What is in `parts` outlives the answer.
  Registering(const Registrar::Parts& parts, Registration registration, Registrar::Done done)
      : parts_(parts), registration_(std::move(registration)), done_(std::move(done)) {
    registration_.origin.memory = storage::Memory::kChange;
  }

  void Try();

 private:
  void Begin(absl::StatusOr<PresentInstance> present);
  void DrawId();
  absl::Status Owned() const;
  void RenewLease(LeaseId id);
  void GrantLease();
  void Commit(LeaseId lease_id);
  void OnCommitted(const storage::CommitResult& result);
  absl::Status LeaseGone() const;
  // A lease that came to no use.
  void DropGranted();
  // It is registered just so already.
  void AnswerUnchanged();
  // It was registered by this request before.
  void AnswerRepetition(Revision revision);
  // Unless the request was carried out before: then this may be why. `revision`: of the state that it speaks of; 0: of the catalog.
  void Fail(const absl::Status& status, Revision revision = 0);
  void AnswerError(const absl::Status& status, Revision revision);

  const Registrar::Parts& parts_;
  Registration registration_;
  Registrar::Done done_;
  PresentInstance present_;
  bool same_owner_ = false;
  discovery::Properties properties_;  // That it is to have.
  LeaseId granted_ = 0;
  LeaseId lease_used_ = 0;
  std::optional<Revision> guard_found_;  // As ChangedInstance::guard_found.
  int tries_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_REGISTERING_H_
