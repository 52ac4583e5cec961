#include "server/discovery/run_on_reader.h"

#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/store_errors.h"

namespace scoutlight::server {

absl::Status RunOnReader(ReaderPool* readers, ReaderPool::Work work) {
  if (readers->TryRun(work)) return absl::OkStatus();
  return storage::Overloaded(absl::StrCat(limits::kQueuedReadsMax, " long calls of discovery wait already, which is the most"));
}

absl::Status RunOverClaims(const discovery::Claims& claims, ReaderPool* readers, ReaderPool::Work work) {
  if (claims.schemas().size() + claims.bindings().all().size() <= static_cast<size_t>(limits::kInlineEntriesMax)) {
    std::move(work)();
    return absl::OkStatus();
  }
  return RunOnReader(readers, std::move(work));
}

}  // namespace scoutlight::server
