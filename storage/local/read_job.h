#ifndef SCOUTLIGHT_STORAGE_LOCAL_READ_JOB_H_
#define SCOUTLIGHT_STORAGE_LOCAL_READ_JOB_H_

#include <memory>

#include "storage/local/range_reader.h"
#include "storage/local/state_reader.h"
#include "storage/store.h"

namespace scoutlight::storage {

// Carries out one Query on one state, in steps. Not thread-safe, but may move between threads.
class ReadJob {
 public:
  ReadJob(std::shared_ptr<const StateReader> state, Query query);

  // Goes on for about `steps_max` entries. True: finished, or failed.
  bool Run(int steps_max);

  // When finished: entries, more and status.
  const absl::Status& status() const { return page_.status; }
  Page TakePage();

  const Query& query() const { return query_; }

 private:
  static RangeRequest RequestFor(const Query& query);
  // Creation order: chooses the page among all headers found, and reads its values.
  void SortAndFill();

  const std::shared_ptr<const StateReader> state_;
  const Query query_;
  RangeReader reader_;
  Page page_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_READ_JOB_H_
