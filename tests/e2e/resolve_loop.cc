#include "tests/e2e/resolve_loop.h"

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

constexpr absl::string_view kLeaver = "leaver-";

// -1: it does not leave.
int LeaverNumber(absl::string_view id) {
  int number = -1;
  return absl::ConsumePrefix(&id, kLeaver) && absl::SimpleAtoi(id, &number) ? number : -1;
}

}  // namespace

std::string ResolveLoop::LeaverId(int number) { return absl::StrCat(kLeaver, number); }

ResolveLoop::ResolveLoop(Locator* locator) : locator_(*locator), thread_([this] { Run(); }) {}

ResolveLoop::~ResolveLoop() {
  over_ = true;
  thread_.join();
}

std::map<std::string, int64_t> ResolveLoop::failures() const {
  const MutexLock lock(&mu_);
  return failures_;
}

void ResolveLoop::Note(const absl::Status& failure) {
  const MutexLock lock(&mu_);
  ++failures_[failure.ToString()];
}

void ResolveLoop::Run() {
  while (!over_) {
    const int left = left_;
    const absl::Duration called = SteadyNow();
    const absl::StatusOr<Pick> pick = locator_.Resolve("Printer");
    slowest_nanos_ = std::max<int64_t>(slowest_nanos_, absl::ToInt64Nanoseconds(SteadyNow() - called));
    ++picks_;
    if (!pick.ok()) {
      Note(pick.status());
    } else if (const int number = LeaverNumber(pick->instance().name.id); number >= 0 && number < left) {
      ++wrong_;
    }
    // The machine has others to run.
    std::this_thread::yield();
  }
}

}  // namespace scoutlight::testing
