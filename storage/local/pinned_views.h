#ifndef SCOUTLIGHT_STORAGE_LOCAL_PINNED_VIEWS_H_
#define SCOUTLIGHT_STORAGE_LOCAL_PINNED_VIEWS_H_

#include <map>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/view.h"

namespace scoutlight::storage {

// Keeps the views of lists that have more pages, so that the next page reads the first page's state directly. At most `views_max`, each
// for `age_max`; a page whose view is gone is read from history instead. Thread-safe.
class PinnedViews {
 public:
  PinnedViews(size_t views_max, absl::Duration age_max) : views_max_(views_max), age_max_(age_max) {}

  // `now` is time since boot. With all places taken the one that was pinned first goes.
  void Pin(std::shared_ptr<const View> view, absl::Duration now);
  // Null: not kept.
  std::shared_ptr<const View> Find(Revision revision) const;
  void Expire(absl::Duration now);
  void Clear();

 private:
  struct Pinned {
    std::shared_ptr<const View> view;
    absl::Duration since;
  };

  const size_t views_max_;
  const absl::Duration age_max_;
  mutable Mutex mu_;
  std::map<Revision, Pinned> views_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_PINNED_VIEWS_H_
