#include "server/discovery/store_requests.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

void AskCarriedOut(storage::Store* store, const storage::Origin& origin, storage::Done<storage::CommitResult> done) {
  if (origin.request_id.empty()) return std::move(done)({});
  storage::Transaction question;
  question.origin = origin;
  question.origin.memory = storage::Memory::kChange;
  question.validate_only = true;
  store->Commit(std::move(question), std::move(done));
}

void RevokeLease(storage::Store* store, LeaseId id, uint64_t connection) {
  storage::RevokeRequest revoke{.id = id, .origin = {}};
  revoke.origin.connection = connection;
  store->RevokeLease(std::move(revoke), [](const storage::CommitResult&) {});
}

absl::Status NotShownYet(Revision revision, const absl::Status& why) {
  return storage::OutcomeUnknown(
      absl::StrCat("it was changed at revision ", revision, ", which this server does not show yet (", why.message(), ")"));
}

}  // namespace scoutlight::server
