#ifndef SCOUTLIGHT_CLIENT_EVENTS_TRY_THREAD_H_
#define SCOUTLIGHT_CLIENT_EVENTS_TRY_THREAD_H_

#include <functional>
#include <system_error>
#include <thread>
#include <utility>

namespace scoutlight::client {

// Runs `work` on a thread of its own that nobody joins. False: the system has none, and `work` does not run.
inline bool TryThread(std::function<void()> work) {
  try {
    std::thread(std::move(work)).detach();
    return true;
  } catch (const std::system_error&) {
    return false;
  }
}
using ThreadStarter = std::function<bool(std::function<void()> work)>;

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_EVENTS_TRY_THREAD_H_
