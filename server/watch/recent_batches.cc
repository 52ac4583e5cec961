#include "server/watch/recent_batches.h"

#include <algorithm>
#include <utility>

namespace scoutlight::server {

size_t BatchBytes(const Batch& batch) {
  size_t bytes = sizeof(Batch);
  for (const Event& event : batch.events) {
    bytes += sizeof(Event) + EntryBytes(event.entry) + (event.previous.has_value() ? EntryBytes(*event.previous) : 0);
  }
  return bytes;
}

std::deque<RecentBatches::Kept> RecentBatches::Restart(Revision revision) {
  bytes_ = 0;
  after_ = last_ = revision;
  return std::exchange(batches_, {});
}

std::vector<BatchPtr> RecentBatches::Add(Kept next) {
  std::vector<BatchPtr> gone;
  last_ = next.batch->revision;
  bytes_ += next.bytes;
  batches_.push_back(std::move(next));
  while (batches_.size() > 1 && (batches_.size() > batches_max_ || bytes_ > bytes_max_)) {
    after_ = batches_.front().batch->revision;
    bytes_ -= batches_.front().bytes;
    gone.push_back(std::move(batches_.front().batch));
    batches_.pop_front();
  }
  return gone;
}

void RecentBatches::Reach(Revision revision) { last_ = std::max(last_, revision); }

BatchRun RecentBatches::Take(Revision from, Revision to, size_t batches_max, size_t bytes_max) const {
  BatchRun run{.from = from, .to = to, .batches = {}};
  auto kept = std::lower_bound(batches_.begin(), batches_.end(), from,
                               [](const Kept& each, Revision revision) { return each.batch->revision < revision; });
  size_t bytes = 0;
  for (; kept != batches_.end() && kept->batch->revision <= to; ++kept) {
    if (!run.batches.empty() && (run.batches.size() >= batches_max || bytes >= bytes_max)) {
      run.to = run.batches.back()->revision;
      break;
    }
    bytes += kept->bytes;
    run.batches.push_back(kept->batch);
  }
  return run;
}

}  // namespace scoutlight::server
