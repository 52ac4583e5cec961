#ifndef SCOUTLIGHT_STORAGE_LOCAL_READ_QUEUE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_READ_QUEUE_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/deferred.h"
#include "base/limits.h"
#include "base/reader_pool.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {

// Runs `answer` after the current call: when the thread's DeferScope closes, else on a thread of the pool.
inline void AnswerLater(ReaderPool* pool, ReaderPool::Work answer) {
  if (DeferScope::IsOpen()) {
    DeferScope::Defer(std::move(answer));
  } else {
    pool->Run(std::move(answer));
  }
}

// What a read is answered with that the pool has no place for.
inline absl::Status ReadQueueFull() { return Overloaded(absl::StrCat("the read queue is full: ", limits::kQueuedReadsMax, " reads wait")); }

// What anything is while there is no view.
inline absl::Status BeingReopened() { return ReadOnly("the store is being opened again"); }

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_READ_QUEUE_H_
