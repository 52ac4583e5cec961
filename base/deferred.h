#ifndef SCOUTLIGHT_BASE_DEFERRED_H_
#define SCOUTLIGHT_BASE_DEFERRED_H_

#include <vector>

#include "absl/functional/any_invocable.h"

namespace scoutlight {

// Lets an asynchronous interface keep its promise never to call back inside the call, without a thread switch.
//
// A thread that is about to call such an interface opens a scope; what the interface finishes at once it hands to Defer(), and it runs
// when the scope closes, on the same thread, after the interface's call has returned. Work deferred while the scope closes runs too,
// in order. Scopes do not nest: an inner one is inert and leaves its work to the outer one. Whoever opens a scope holds no lock when
// it closes, because callbacks run there.
class DeferScope {
 public:
  DeferScope();
  ~DeferScope();
  DeferScope(const DeferScope&) = delete;
  DeferScope& operator=(const DeferScope&) = delete;

  // Whether the calling thread is inside a scope.
  static bool IsOpen();

  // Runs `work` when the calling thread's scope closes. Requires IsOpen().
  static void Defer(absl::AnyInvocable<void() &&> work);

 private:
  const bool outermost_;
  std::vector<absl::AnyInvocable<void() &&>> work_;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_DEFERRED_H_
