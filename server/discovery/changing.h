#ifndef SCOUTLIGHT_SERVER_DISCOVERY_CHANGING_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_CHANGING_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/layout.h"
#include "discovery/schema.h"
#include "server/discovery/instance_change.h"
#include "server/discovery/present_instance.h"
#include "server/discovery/registrar.h"
#include "storage/store.h"

namespace scoutlight::server {

// One change of properties, over its tries. Held by whoever it waits for.
class Changing : public std::enable_shared_from_this<Changing> {
 public:
  // What is in `parts` outlives the answer.
  Changing(const Registrar::Parts& parts, Update update, Registrar::Done done)
      : parts_(parts), update_(std::move(update)), done_(std::move(done)) {
    update_.origin.memory = storage::Memory::kChange;
  }

  void Try();

 private:
  void Begin(absl::StatusOr<PresentInstance> present);
  // Those that the change begins with: none with `replace`. `moved`: those that are left under the schema of before, and come over.
  absl::Status ReadProperties(discovery::Properties* properties, std::vector<std::string>* moved) const;
  // `wrong`, saying of what is not set but stored that it is so.
  absl::Status WithStoredOnes(const absl::Status& wrong, const discovery::Properties& properties) const;
  void LeaveOthers(const discovery::Schema& schema, const std::vector<std::string>& moved, std::vector<discovery::KeyValue>* wanted,
                   EntriesByKey* stored) const;
  void Commit(const std::vector<discovery::KeyValue>& wanted, EntriesByKey stored);
  void OnCommitted(const storage::CommitResult& result);
  // It is so already.
  void AnswerUnchanged();
  // It was changed by this request before.
  void AnswerRepetition(Revision revision);
  // Unless the request was carried out before: then this may be why. `revision`: of the state that it speaks of; 0: of the catalog.
  void Fail(const absl::Status& status, Revision revision = 0);
  void AnswerError(const absl::Status& status, Revision revision);

  const Registrar::Parts& parts_;
  Update update_;
  Registrar::Done done_;
  PresentInstance present_;
  int tries_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_CHANGING_H_
