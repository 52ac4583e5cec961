#ifndef SCOUTLIGHT_CLIENT_GATES_NNG_PEERS_H_
#define SCOUTLIGHT_CLIENT_GATES_NNG_PEERS_H_

#include <nng/nng.h>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Which connections of one nng socket stand, by the events of nng_pipe_notify(3). A connection that is lost at once may be told as removed
// before it is told as added, by another thread; one of the wrong protocol is removed without having been added. Thread-safe.
class NngPeers {
 public:
  // Whether this changed count().
  bool Change(int pipe, nng_pipe_ev event) {
    MutexLock lock(&mu_);
    switch (event) {
      case NNG_PIPE_EV_ADD_PRE:
        pipes_.emplace(pipe, false);
        return false;
      case NNG_PIPE_EV_ADD_POST: {
        const auto found = pipes_.find(pipe);
        if (found == pipes_.end()) return false;
        found->second = true;
        ++count_;
        return true;
      }
      default: {
        const auto found = pipes_.find(pipe);
        if (found == pipes_.end()) return false;
        const bool counted = found->second;
        pipes_.erase(found);
        count_ -= counted;
        return counted;
      }
    }
  }

  int count() const {
    MutexLock lock(&mu_);
    return count_;
  }
  // Whether there is none, nor one that is about to be.
  bool IsEmpty() const {
    MutexLock lock(&mu_);
    return pipes_.empty();
  }

 private:
  mutable Mutex mu_;
  absl::flat_hash_map<int, bool> pipes_ ABSL_GUARDED_BY(mu_);  // Whether each has been added.
  int count_ ABSL_GUARDED_BY(mu_) = 0;                         // Of those that have.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_NNG_PEERS_H_
