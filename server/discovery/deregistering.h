#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DEREGISTERING_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DEREGISTERING_H_

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "discovery/schema.h"
#include "server/discovery/present_instance.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// One deregistration, over its tries. Held by whoever it waits for.
class Deregistering : public std::enable_shared_from_this<Deregistering> {
 public:
  // What is in `parts` outlives the answer.
  Deregistering(const Registrar::Parts& parts, Deregistration deregistration, Registrar::Done done)
      : parts_(parts), deregistration_(std::move(deregistration)), done_(std::move(done)) {
    deregistration_.origin.memory = storage::Memory::kChange;
  }

  void Try();

 private:
  void Begin(absl::StatusOr<PresentInstance> present);
  // Whatever the instance has in this layout, however much.
  void DeleteEntries(const discovery::Schema& schema, storage::Transaction* transaction) const;
  void OnCommitted(const storage::CommitResult& result);
  // What the instance had is gone since `revision`. `found`: this request took something away; `replayed`: it had done so before.
  void AnswerRemoved(Revision revision, bool found, bool replayed);
  // Unless the request was carried out before: then this may be why. OK: it was not there. `revision`: of the state that this speaks of;
  // 0: of the catalog.
  void End(const absl::Status& status, Revision revision);
  // Of one that is not there: whether it was held, as that of the epoch asked for. It is no longer.
  bool EndHold();
  void Answer(const absl::Status& status, Revision revision);

  const Registrar::Parts& parts_;
  Deregistration deregistration_;
  Registrar::Done done_;
  PresentInstance present_;
  LeaseId own_lease_ = 0;                // Made for the instance alone.
  std::optional<Revision> guard_found_;  // As ChangedInstance::guard_found.
  int tries_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DEREGISTERING_H_
