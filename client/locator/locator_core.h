#ifndef SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_CORE_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_CORE_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/change_watch.h"
#include "client/events/callback_gate.h"
#include "client/locator/choice.h"
#include "client/locator/locator_feeds.h"
#include "client/locator/thread_views.h"
#include "client/locator_options.h"
#include "client/pick.h"

namespace scoutlight::client {

// A locator without gRPC: what the program's threads ask, over LocatorFeeds, which learns on the loop. Thread-safe. Lock order: `mu_`
// before those of Choice, ServiceState and ServiceCalls.
class LocatorCore {
 public:
  // Of one locator that are shared by threads; of more, the oldest is made anew when it is asked for again.
  static constexpr size_t kChoicesMax = 1'000;
  // For how long Close() waits for the server to take in the goodbye.
  static constexpr absl::Duration kGoodbyeTimeMax = absl::Milliseconds(500);

  struct Parts {
    Subscription::Parts subscription;  // Its loop is the core's.
    EventLoop* callbacks = nullptr;
    Clock* clock = nullptr;  // Outlives all picks.
    std::function<void(Revision, const StoreId&)> saw;
    uint64_t seed = 0;           // Of what picks draw.
    std::shared_ptr<void> keep;  // Owns the loops and what streams are opened by.
  };

  // `options` are valid. Reads the file.
  LocatorCore(Parts parts, LocatorOptions options);
  ~LocatorCore() { Close(); }

  enum class Wait { kForFirstAnswer, kNever };
  // See Locator.
  absl::StatusOr<Pick> Resolve(absl::string_view service, const ResolveOptions& options, const PickOptions& pick, Wait wait);
  absl::StatusOr<std::shared_ptr<Choice>> ChoiceFor(absl::string_view service, const ResolveOptions& options);
  absl::StatusOr<Pick> PickFrom(const std::shared_ptr<Choice>& choice, const PickOptions& pick, Wait wait);
  absl::Status Follow(const std::vector<std::string>& services);
  void Forget(absl::string_view service);
  absl::Duration AgeOf(absl::string_view service) const;
  discovery::SnapshotPtr SnapshotOf(absl::string_view service) const;
  absl::StatusOr<ChangeWatch> OnChange(absl::string_view service, ChangeCallback callback);

  // Says goodbye and ends. Waits at most kGoodbyeTimeMax for the server, not at all if called on the loop, and for a write of the file.
  // Picks fail from now on. Idempotent.
  void Close();

 private:
  struct Seed {
    discovery::SnapshotPtr snapshot;
    absl::Time current_at;
  };
  using StatePtr = std::shared_ptr<ServiceState>;
  // What the program is to be told: at most one waits, the newest.
  struct Problems {
    std::function<void(const absl::Status&)> tell;  // May be null. Constant.
    Mutex mu;
    std::optional<absl::Status> newest ABSL_GUARDED_BY(mu);
  };

  absl::StatusOr<Pick> PickFrom(ThreadViews::Slot* slot, const PickOptions& pick, Wait wait);
  absl::Status CheckName(absl::string_view service) const;
  // The state of a service, followed from now on if it was not.
  absl::StatusOr<StatePtr> StateOf(absl::string_view service) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  StatePtr FindState(absl::string_view service) const;
  // Waits until there is something better known, or nothing to be waited for any more.
  absl::Status AwaitFirstAnswer(const ServiceState& state);
  bool HasOldPicks(const std::string& service);
  LocatorFeeds::Events FeedEvents();
  void OnConnection(const absl::Status& status, LocatorFeeds::Events::Refused refused);
  void TellProblem(const absl::Status& problem);
  void ReadFile();
  // False: one that was given before still waits.
  bool SaveSoon(SavedServices saved);
  absl::Status WriteFile(const SavedServices& saved) const;
  // With the seeds of services that were not followed.
  SavedServices WithSeeds(SavedServices saved) const;

  const Parts parts_;
  const LocatorOptions options_;
  const uint64_t id_;                             // No two locators of the process have the same.
  absl::flat_hash_map<std::string, Seed> seeds_;  // From the file. Constant after construction.
  const std::shared_ptr<Problems> problems_;
  std::atomic<bool> save_waits_{false};   // Orders nothing: the gate's lock does.
  std::atomic<bool> save_failed_{false};  // The last write; likewise.
  CallbackGate gate_;
  std::unique_ptr<LocatorFeeds> feeds_;  // The loop's own.

  mutable Mutex mu_;
  CondVar changed_;  // Something was published, or refused, or this was closed.
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status refusal_ ABSL_GUARDED_BY(mu_);  // Why there is no stream, if trying again will hardly mend it.
  absl::flat_hash_map<std::string, StatePtr> services_ ABSL_GUARDED_BY(mu_);
  absl::flat_hash_map<uint64_t, std::shared_ptr<Choice>> choices_ ABSL_GUARDED_BY(mu_);  // By key.
  std::deque<uint64_t> choices_made_ ABSL_GUARDED_BY(mu_);                               // Their keys, the oldest first.
  uint64_t seeds_drawn_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_CORE_H_
