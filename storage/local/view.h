#ifndef SCOUTLIGHT_STORAGE_LOCAL_VIEW_H_
#define SCOUTLIGHT_STORAGE_LOCAL_VIEW_H_

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/entry.h"
#include "base/mutex.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// One published state: everything in it is on disk. Immutable.
struct View {
  std::shared_ptr<const Snapshot> snapshot;
  Revision revision = 0;
  Revision oldest = 0;  // The oldest readable revision.
};

// The view that reads start from. Thread-safe. (gcc 12's atomic<shared_ptr> takes a lock inside too.)
class PublishedView {
 public:
  // Null while the engine is being reopened.
  std::shared_ptr<const View> Load() const {
    MutexLock lock(&mu_);
    return view_;
  }

  // Of the view, or while there is none, of the last one.
  Revision revision() const {
    MutexLock lock(&mu_);
    return revision_;
  }

  // Returns the view before, so that it is released outside of the lock.
  std::shared_ptr<const View> Exchange(std::shared_ptr<const View> view) {
    MutexLock lock(&mu_);
    if (view != nullptr) revision_ = view->revision;
    std::swap(view, view_);
    return view;
  }

 private:
  mutable Mutex mu_;
  Revision revision_ ABSL_GUARDED_BY(mu_) = 0;
  std::shared_ptr<const View> view_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_VIEW_H_
