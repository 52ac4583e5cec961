#ifndef SCOUTLIGHT_STORAGE_LOCAL_HISTORY_H_
#define SCOUTLIGHT_STORAGE_LOCAL_HISTORY_H_

#include <cstddef>
#include <functional>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/key.h"
#include "storage/local/layout.h"
#include "storage/local/view.h"
#include "storage/store.h"

namespace scoutlight::storage {

// Reads batches back from a view's log: those with revisions in [from, to] (`to` at most the view's), with their previous entries, only
// events in `range`, until they count over `bytes_max`; at least one revision is looked at. The caller has checked that `from` is not
// compacted. kDataLoss: the log is damaged or has a hole.
HistoryPage ReadHistory(const View& view, Revision from, Revision to, const KeyRange& range, size_t bytes_max);

// Shows the requests that made the revisions in [from, view.revision], oldest first, with their commit times. kDataLoss as above.
using OnRequest = std::function<void(Revision revision, absl::Time committed, const layout::RequestRecord& request)>;
absl::Status ReadRequests(const View& view, Revision from, const OnRequest& on_request);

// The first revision in [from, view.revision + 1] that was committed at or after `time`; the log holds all of them. Commit times never go
// back along the log, so this takes a few seeks.
absl::StatusOr<Revision> FirstCommittedAt(const View& view, Revision from, absl::Time time);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_HISTORY_H_
