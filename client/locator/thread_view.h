#ifndef SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEW_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEW_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "client/locator/service_calls.h"
#include "client/locator/view.h"
#include "client/pick.h"
#include "discovery/strategy/picker.h"

namespace scoutlight::client {

class ThreadViewRef;

// A view as one thread picks from it, until there is a newer one. Counts the picks that are out: only this thread makes picks, so no cache
// line is written by two threads that pick. Immutable but for the counts and the thread's randomness.
class ThreadView {
 public:
  struct Parts {
    std::shared_ptr<const View> view;
    std::shared_ptr<discovery::Picker> picker;  // Null with View::nobody.
    std::shared_ptr<ServiceCalls> calls;
    std::shared_ptr<const std::atomic<uint64_t>> newest;  // ServiceState::shared_version().
    uint64_t version = 0;                                 // Of `newest`, which the view shows.
    Clock* clock = nullptr;                               // Read by picks that depend on the time; null: none does.
    uint64_t seed = 0;
  };

  const View& view() const { return *parts_.view; }
  const ViewEntry& entry(int place) const { return *parts_.view->entries[static_cast<size_t>(place)]; }
  const std::shared_ptr<ServiceCalls>& calls() const { return parts_.calls; }
  uint64_t version() const { return parts_.version; }
  // Sequentially consistent; see ServiceState::version().
  bool IsCurrent() const { return parts_.newest->load(std::memory_order_seq_cst) == parts_.version; }

  // Picks that are out, with those that are just being made.
  uint64_t picks() const { return refs_.load(std::memory_order_seq_cst) & (kHolder - 1); }
  // Whether a single reference is left, and no pick.
  bool IsLast() const { return refs_.load(std::memory_order_acquire) == kHolder; }
  void AddPick() { refs_.fetch_add(1, std::memory_order_seq_cst); }
  void RemovePick() { Remove(1); }

 private:
  friend class ThreadViewRef;

  // One reference of who holds it for picks to come counts for so many.
  static constexpr uint64_t kHolder = uint64_t{1} << 32;

  explicit ThreadView(Parts parts) : parts_(std::move(parts)), random_(parts_.seed) {}

  // The last one to go takes it along.
  void Remove(uint64_t refs) {
    if (refs_.fetch_sub(refs, std::memory_order_acq_rel) == refs) delete this;
  }

  const Parts parts_;
  discovery::Random random_;  // The thread's own.
  std::atomic<uint64_t> refs_{kHolder};
};

// Holds a ThreadView, or none.
class ThreadViewRef {
 public:
  ThreadViewRef() = default;
  static ThreadViewRef Make(ThreadView::Parts parts) { return ThreadViewRef(new ThreadView(std::move(parts))); }
  ThreadViewRef(const ThreadViewRef& other) : view_(other.view_) {
    if (view_ != nullptr) view_->refs_.fetch_add(ThreadView::kHolder, std::memory_order_relaxed);
  }
  ThreadViewRef(ThreadViewRef&& other) noexcept : view_(std::exchange(other.view_, nullptr)) {}
  ThreadViewRef& operator=(ThreadViewRef other) noexcept {
    std::swap(view_, other.view_);
    return *this;
  }
  ~ThreadViewRef() {
    if (view_ != nullptr) view_->Remove(ThreadView::kHolder);
  }

  ThreadView* get() const { return view_; }
  ThreadView* operator->() const { return view_; }
  explicit operator bool() const { return view_ != nullptr; }

  // Picks, by the view's thread alone. kInvalidArgument: `options`. Else View::nobody; kUnavailable, NONE_RESOLVABLE: all are to be
  // avoided. nullopt: there is a newer view.
  std::optional<absl::StatusOr<Pick>> TryPick(const PickOptions& options) const;

 private:
  explicit ThreadViewRef(ThreadView* view) : view_(view) {}

  ThreadView* view_ = nullptr;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEW_H_
