#ifndef SCOUTLIGHT_CLIENT_PICK_H_
#define SCOUTLIGHT_CLIENT_PICK_H_

#include <utility>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "discovery/endpoint.h"
#include "discovery/instance.h"

namespace scoutlight {

namespace client {
class InstanceCalls;
class ThreadView;
class ThreadViewRef;
}  // namespace client

class Call;

// An instance that a Locator picked, as it was then: it holds what was known, and outlives the locator if need be. While there are picks of
// before an instance left, a drain of it is confirmed up to 100 ms later: keep one for a call, not for longer. A cheap copy. One object is
// not thread-safe; copies are independent.
class Pick {
 public:
  Pick(const Pick& other);
  Pick(Pick&& other) noexcept : view_(std::exchange(other.view_, nullptr)), place_(other.place_) {}
  Pick& operator=(Pick other) noexcept {
    std::swap(view_, other.view_);
    std::swap(place_, other.place_);
    return *this;
  }
  ~Pick();

  // Valid as long as this, as the next.
  const discovery::Instance& instance() const;
  // The endpoint that was asked for; nullptr: none was, and the instance has none.
  const discovery::Endpoint* endpoint() const;
  // Whether not all of the service can be trusted to be there: the server holds instances whose owners were lost (they are picked only if
  // no other matches), or the registry was replaced, and some have not come back to it yet.
  bool guarded() const;

  // A call of the instance begins, which counts as in flight until it is told how it went. Takes a few nanoseconds, as its end.
  Call Begin() const;

 private:
  friend class client::InstanceCalls;
  friend class client::ThreadViewRef;
  friend class Call;

  // Takes over a reference to `view`.
  Pick(client::ThreadView* view, int place) : view_(view), place_(place) {}

  client::ThreadView* view_;  // Null: moved from.
  int place_;
};

// One call of a picked instance. What is told of it decides what is picked next: calls in flight by the strategies least loaded and power
// of two, failures by EjectionOptions. One object is not thread-safe; it may be told in any thread.
class Call {
 public:
  Call(Call&& other) noexcept = default;
  Call& operator=(Call&& other) noexcept {
    if (this != &other) {
      End();
      pick_ = std::move(other.pick_);
      told_ = other.told_;
    }
    return *this;
  }
  // A call of which nothing was told was cancelled: it says nothing about the instance.
  ~Call() { End(); }

  // The first of these counts.
  void Succeeded();
  // The instance is to blame: it did not answer, or with an error of its own.
  void Failed();

  const Pick& pick() const { return pick_; }

 private:
  friend class Pick;

  explicit Call(Pick pick);
  // It is not in flight any more.
  void End();

  Pick pick_;
  bool told_ = false;
};

// What differs from one pick to the next.
struct PickOptions {
  // Equal keys go to one instance by consistent hashing, and what is random in other strategies is drawn by it. At most 1 KiB; empty: none.
  // Need only live for the call, as `avoid`.
  absl::string_view affinity_key = {};
  // Those tried before: not these again. At most limits::kPickAvoidMax.
  absl::Span<const Pick> avoid = {};
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_PICK_H_
