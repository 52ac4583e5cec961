#include "server/discovery/ask_carried_out.h"

#include <utility>

namespace scoutlight::server {

void AskCarriedOut(storage::Store* store, const storage::Origin& origin, storage::Done<storage::CommitResult> done) {
  if (origin.request_id.empty()) return std::move(done)({});
  storage::Transaction question;
  question.origin = origin;
  question.origin.memory = storage::Memory::kChange;
  question.validate_only = true;
  store->Commit(std::move(question), std::move(done));
}

}  // namespace scoutlight::server
