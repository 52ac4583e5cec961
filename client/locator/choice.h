#ifndef SCOUTLIGHT_CLIENT_LOCATOR_CHOICE_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_CHOICE_H_

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "client/locator/in_flight.h"
#include "client/locator/service_state.h"
#include "client/locator/thread_view.h"
#include "client/locator/view.h"
#include "client/resolve_options.h"
#include "discovery/strategy/make_strategy.h"
#include "discovery/strategy/picker.h"

namespace scoutlight::client {

// One way of picking from one service: what all threads that resolve it with equal options share. When the service has changed, the first
// who asks makes the view of all, and each lane makes tables of its own, which its threads pick from without meeting those of other lanes.
// Strategies that must know of all picks (least used, one of the program's own) have one lane. Thread-safe; nothing blocks but for another
// thread that makes the same.
class Choice {
 public:
  // Bounds the tables, whatever number of threads there is.
  static constexpr int kLanesMax = 16;

  struct Parts {
    uint64_t locator = 0;  // Which one's; no two have the same.
    std::shared_ptr<ServiceState> service;
    ResolveOptions options;
    discovery::StrategyOptions strategy;  // What `options` mean, as the next.
    StrategyMaker own_strategy = nullptr;
    Clock* clock = nullptr;  // Outlives all picks.
    uint64_t seed = 0;
  };

  // What KeyOf said of its name. Equal for equal ones.
  static uint64_t KeyOf(uint64_t locator, absl::string_view service, const ResolveOptions& options);

  // kInvalidArgument: every violated field of `options`.
  static absl::StatusOr<std::shared_ptr<Choice>> Make(Parts parts);

  bool Is(uint64_t locator, absl::string_view service, const ResolveOptions& options) const;
  uint64_t key() const { return key_; }
  const std::shared_ptr<ServiceState>& service() const { return parts_.service; }

  // The newest view, to pick from in one thread. `lane`: any number of that thread's.
  ThreadViewRef NewView(uint64_t lane);

  // Whether picks of a view before the newest state of the service are out.
  bool HasOldPicks();

 private:
  struct Lane {
    std::unique_ptr<discovery::Strategy> strategy;
    std::shared_ptr<discovery::Picker> picker;  // Of `view`.
    std::shared_ptr<const View> view;
  };

  Choice(Parts parts, std::unique_ptr<discovery::Strategy> first);

  absl::StatusOr<std::unique_ptr<discovery::Strategy>> NewStrategy() const;
  void MakeCurrent() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const std::shared_ptr<discovery::Picker>& PickerOf(Lane* lane) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The first turn of a lane is drawn, or the first instance would get the first pick of every thread and process.
  void DrawTurn(size_t size, discovery::Picker* picker) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of `out_` what no pick can come of any more.
  void DropOut() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Parts parts_;
  const uint64_t key_;
  const ViewTerms terms_;
  const bool counts_in_flight_;
  const int lanes_count_;

  Mutex mu_;
  ViewEntries entries_ ABSL_GUARDED_BY(mu_);  // Of all instances in `view_`'s snapshot.
  RecordsById records_ ABSL_GUARDED_BY(mu_);  // With counts_in_flight_.
  std::shared_ptr<const View> view_ ABSL_GUARDED_BY(mu_);
  uint64_t version_ ABSL_GUARDED_BY(mu_) = 0;  // Of `view_`.
  std::array<Lane, kLanesMax> lanes_ ABSL_GUARDED_BY(mu_);
  std::vector<ThreadViewRef> out_ ABSL_GUARDED_BY(mu_);  // One for each thread that has the newest, and those with picks.
  discovery::Random random_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_CHOICE_H_
