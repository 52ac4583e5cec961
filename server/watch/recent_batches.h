#ifndef SCOUTLIGHT_SERVER_WATCH_RECENT_BATCHES_H_
#define SCOUTLIGHT_SERVER_WATCH_RECENT_BATCHES_H_

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "base/entry.h"

namespace scoutlight::server {

using BatchPtr = std::shared_ptr<const Batch>;

// A piece of what happened: every batch with a revision in [from, to], in order.
struct BatchRun {
  Revision from = 1;
  Revision to = 0;  // Before `from`: there is nothing.
  std::vector<BatchPtr> batches;

  bool Covers(Revision revision) const { return from <= revision && revision <= to; }
};

// What happened lately: every batch after one revision up to the last, within bounds of number and bytes; the oldest go first. Not
// thread-safe.
class RecentBatches {
 public:
  // At least one batch is kept, however large.
  RecentBatches(size_t batches_max, size_t bytes_max) : batches_max_(batches_max), bytes_max_(bytes_max) {}

  // A batch and what it counts for, see BatchBytes().
  struct Kept {
    BatchPtr batch;
    size_t bytes = 0;
  };

  // What goes is given back, so that the caller destroys it where that holds up nobody.
  // Forgets everything; what is added next comes after `revision`.
  std::deque<Kept> Restart(Revision revision);

  // `next` is the one behind last().
  std::vector<BatchPtr> Add(Kept next);

  // Nothing happened up to `revision` that was not added.
  void Reach(Revision revision);

  // All that happened in (after(), last()] is here.
  Revision after() const { return after_; }
  Revision last() const { return last_; }
  size_t size() const { return batches_.size(); }
  size_t bytes() const { return bytes_; }

  // The batches in [from, to], until there are `batches_max` or they count over `bytes_max`, at least one. Requires after() < from and
  // to <= last().
  BatchRun Take(Revision from, Revision to, size_t batches_max, size_t bytes_max) const;

 private:
  const size_t batches_max_;
  const size_t bytes_max_;
  std::deque<Kept> batches_;
  size_t bytes_ = 0;
  Revision after_ = 0;
  Revision last_ = 0;
};

// What a batch counts for: its entries, old and new.
size_t BatchBytes(const Batch& batch);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_RECENT_BATCHES_H_
