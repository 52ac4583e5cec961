#ifndef SCOUTLIGHT_SERVER_DISCOVERY_HUB_INBOX_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_HUB_INBOX_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "discovery/names.h"

namespace scoutlight::server {

// What other threads leave for a hub's, which alone takes it. Thread-safe; nothing but Take() blocks.
class HubInbox {
 public:
  using Task = absl::AnyInvocable<void() &&>;
  // Of more services it is only known that some have changed.
  static constexpr size_t kChangedServicesMax = 10'000;
  static constexpr absl::Duration kIdleLook = absl::Seconds(1);

  struct Round {
    std::vector<Task> tasks;  // In order.
    absl::flat_hash_set<discovery::ServiceName> changed;
    bool any_changed = false;  // Besides those of `changed` any others may have.
  };

  // Bounded by whoever posts: at most a few for each stream and call. After Close(): dropped, as what Close() finds.
  void Post(Task task);
  // Instances of these services have changed; empty: of any.
  void NoteChanged(const std::vector<discovery::ServiceName>& services);

  // All that was left since, once there is something, or `timeout` is over, at the latest after kIdleLook; nullopt: it was closed.
  std::optional<Round> Take(absl::Duration timeout);
  // Ends Take(). What is left is destroyed without having run: it may hold what holds this.
  void Close();

 private:
  bool IsEmpty() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return round_.tasks.empty() && round_.changed.empty() && !round_.any_changed; }

  Mutex mu_;
  CondVar wake_;
  Round round_ ABSL_GUARDED_BY(mu_);
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_HUB_INBOX_H_
