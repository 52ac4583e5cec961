#ifndef SCOUTLIGHT_TESTS_E2E_RESOLVE_LOOP_H_
#define SCOUTLIGHT_TESTS_E2E_RESOLVE_LOOP_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/locator.h"

namespace scoutlight::testing {

// A thread that resolves "Printer" all the time. Those that leave are "leaver-0", "leaver-1", ... in this order.
class ResolveLoop {
 public:
  static std::string LeaverId(int number);

  // The locator knows the service, and outlives this.
  explicit ResolveLoop(Locator* locator);
  ~ResolveLoop();
  ResolveLoop(const ResolveLoop&) = delete;
  ResolveLoop& operator=(const ResolveLoop&) = delete;

  // The next of those that leave has left: everybody has confirmed to send it no more work.
  void Left() { ++left_; }

  // Picks that began after their instance had left.
  int64_t wrong() const { return wrong_; }
  int64_t picks() const { return picks_; }
  // The call that took longest, whatever the machine did meanwhile.
  absl::Duration slowest() const { return absl::Nanoseconds(slowest_nanos_.load()); }
  // Calls that were not answered with an instance, by why.
  std::map<std::string, int64_t> failures() const;

 private:
  void Run();
  void Note(const absl::Status& failure);

  Locator& locator_;
  std::atomic<int> left_{0};
  std::atomic<bool> over_{false};
  std::atomic<int64_t> wrong_{0};
  std::atomic<int64_t> picks_{0};
  std::atomic<int64_t> slowest_nanos_{0};
  mutable Mutex mu_;
  std::map<std::string, int64_t> failures_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_RESOLVE_LOOP_H_
