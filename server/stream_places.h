#ifndef SCOUTLIGHT_SERVER_STREAM_PLACES_H_
#define SCOUTLIGHT_SERVER_STREAM_PLACES_H_

#include <atomic>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::server {

// Bounds how many streams are open at a time, of whatever kind shares it. Thread-safe.
class StreamPlaces {
 public:
  explicit StreamPlaces(int streams_max) : streams_max_(streams_max) {}

  // A place for one stream, to be given back. kResourceExhausted, Reason::kStreamsFull: there is none.
  absl::Status Take() {
    if (taken_.fetch_add(1, std::memory_order_relaxed) < streams_max_) return absl::OkStatus();
    taken_.fetch_sub(1, std::memory_order_relaxed);
    ErrorDetails details;
    details.reason = Reason::kStreamsFull;
    details.retry_after = absl::Seconds(1);
    return MakeError(absl::StatusCode::kResourceExhausted, absl::StrCat(streams_max_, " streams are open, which is the most"), details);
  }
  void GiveBack() { taken_.fetch_sub(1, std::memory_order_relaxed); }

  int taken() const { return taken_.load(std::memory_order_relaxed); }

 private:
  const int streams_max_;
  std::atomic<int> taken_{0};  // Orders nothing.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_STREAM_PLACES_H_
