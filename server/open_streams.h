#ifndef SCOUTLIGHT_SERVER_OPEN_STREAMS_H_
#define SCOUTLIGHT_SERVER_OPEN_STREAMS_H_

#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "server/stream_places.h"

namespace scoutlight::server {

// The open streams of one kind, to end them when the server stops: gRPC waits for every stream to end. `Stream` has a method Stop(), which
// may be called from any thread and more than once, and calls Remove() as the last thing it does. Thread-safe.
template <typename Stream>
class OpenStreams {
 public:
  // Each stream takes one of `places`, which others may share.
  explicit OpenStreams(std::shared_ptr<StreamPlaces> places) : places_(std::move(places)) {}

  // Keeps `stream` until Remove(); stops it at once when closed. An error: there is no place for it, so the caller ends it with that.
  absl::Status Add(const std::shared_ptr<Stream>& stream) {
    absl::Status full = places_->Take();
    bool closed = false;
    {
      const MutexLock lock(&mu_);
      streams_.emplace(stream.get(), Kept{stream, full.ok()});
      closed = closed_;
    }
    if (closed) stream->Stop();
    return full;
  }

  // The reference that Add() took: whoever drops it last deletes the stream, not under the lock. Once for each stream.
  std::shared_ptr<Stream> Remove(Stream* stream) {
    Kept removed;
    {
      const MutexLock lock(&mu_);
      const auto found = streams_.find(stream);
      removed = std::move(found->second);
      streams_.erase(found);
    }
    if (removed.has_place) places_->GiveBack();
    return std::move(removed.stream);
  }

  // Stops every stream, those that come later too.
  void Close() {
    std::vector<std::shared_ptr<Stream>> streams;
    {
      const MutexLock lock(&mu_);
      closed_ = true;
      for (const auto& [key, kept] : streams_) streams.push_back(kept.stream);
    }
    for (const auto& stream : streams) stream->Stop();
  }

 private:
  struct Kept {
    std::shared_ptr<Stream> stream;
    bool has_place = false;
  };

  const std::shared_ptr<StreamPlaces> places_;
  Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<Stream*, Kept> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_OPEN_STREAMS_H_
