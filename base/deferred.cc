#include "base/deferred.h"

#include <cstddef>
#include <utility>

namespace scoutlight {
namespace {

thread_local DeferScope* current = nullptr;

}  // namespace

DeferScope::DeferScope() : outermost_(current == nullptr) {
  if (outermost_) current = this;
}

DeferScope::~DeferScope() {
  if (!outermost_) return;
  // By index: running work may defer more.
  for (size_t i = 0; i < work_.size(); ++i) {
    absl::AnyInvocable<void()&&> work = std::move(work_[i]);
    std::move(work)();
  }
  current = nullptr;
}

bool DeferScope::IsOpen() { return current != nullptr; }

void DeferScope::Defer(absl::AnyInvocable<void() &&> work) { current->work_.push_back(std::move(work)); }

}  // namespace scoutlight
