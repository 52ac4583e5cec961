#ifndef SCOUTLIGHT_SERVER_OPEN_STREAMS_H_
#define SCOUTLIGHT_SERVER_OPEN_STREAMS_H_

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace scoutlight::server {

// The open streams of one kind, to end them when the server stops: gRPC waits for every stream to end. `Stream` has a method Stop(), which
// may be called from any thread and more than once, and calls Remove() as the last thing it does. Thread-safe.
template <typename Stream>
class OpenStreams {
 public:
  explicit OpenStreams(size_t streams_max) : streams_max_(streams_max) {}  // At most so many at a time.

  // Keeps `stream` until Remove(); stops it at once when closed. False: there were as many as there may be before, so the caller ends it.
  bool Add(const std::shared_ptr<Stream>& stream) {
    bool closed = false;
    bool fits = false;
    {
      const MutexLock lock(&mu_);
      fits = streams_.size() < streams_max_;
      streams_.emplace(stream.get(), stream);
      closed = closed_;
    }
    if (closed) stream->Stop();
    return fits;
  }

  // The reference that Add() took: whoever drops it last deletes the stream, not under the lock. Once for each stream.
  std::shared_ptr<Stream> Remove(Stream* stream) {
    const MutexLock lock(&mu_);
    const auto found = streams_.find(stream);
    std::shared_ptr<Stream> removed = std::move(found->second);
    streams_.erase(found);
    return removed;
  }

  // Stops every stream, those that come later too.
  void Close() {
    std::vector<std::shared_ptr<Stream>> streams;
    {
      const MutexLock lock(&mu_);
      closed_ = true;
      for (const auto& [key, stream] : streams_) streams.push_back(stream);
    }
    for (const auto& stream : streams) stream->Stop();
  }

 private:
  const size_t streams_max_;
  Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<Stream*, std::shared_ptr<Stream>> streams_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_OPEN_STREAMS_H_
