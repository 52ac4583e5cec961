#include "server/admin/status_call.h"

#include <grpc/support/time.h>

#include <cstdint>
#include <utility>

#include "absl/time/time.h"
#include "base/deferred.h"

namespace scoutlight::server {
namespace {

// By a clock that nobody sets.
gpr_timespec After(absl::Duration wait) {
  const int64_t millis = absl::ToInt64Milliseconds(wait);
  return gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), gpr_time_from_millis(millis, GPR_TIMESPAN));
}

}  // namespace

void StatusCall::Start(storage::Store* store, const DiscoveryServer* discovery) {
  absl::Duration answer_within;
  {
    MutexLock lock(&mu_);
    answer_within = facts_.answer_within;
  }
  // gRPC keeps what it calls for as long as the alarm is there, which this has.
  alarm_.Set(After(answer_within), [self = shared_from_this()](bool /*due*/) mutable { std::exchange(self, nullptr)->OnTime(); });
  discovery->Look([self = shared_from_this()](DiscoveryServer::Figures figures) { self->OnLooked(std::move(figures)); });
  storage::Query root;
  root.bytes_max = 1;
  const DeferScope scope;
  store->Read(std::move(root), [self = shared_from_this()](const storage::Page& page) { self->OnRead(page); });
}

void StatusCall::OnRead(const storage::Page& page) {
  {
    MutexLock lock(&mu_);
    if (answered_) return;
    read_ = true;
    facts_.revision = page.revision;
    facts_.oldest_revision = page.oldest_revision;
    if (!TakeAnswer(looked_)) return;
  }
  alarm_.Cancel();
  Answer();
}

void StatusCall::OnLooked(DiscoveryServer::Figures figures) {
  {
    MutexLock lock(&mu_);
    if (answered_) return;
    looked_ = true;
    facts_.discovery = std::move(figures);
    if (!TakeAnswer(read_)) return;
  }
  alarm_.Cancel();
  Answer();
}

void StatusCall::OnTime() {
  {
    MutexLock lock(&mu_);
    if (!TakeAnswer(true)) return;
    facts_.store_late = !read_;
    facts_.discovery_late = !looked_;
  }
  Answer();
}

bool StatusCall::TakeAnswer(bool now) {
  if (!now || answered_) return false;
  answered_ = true;
  return true;
}

void StatusCall::Answer() {
  StatusFacts facts;
  {
    MutexLock lock(&mu_);
    facts = std::move(facts_);
  }
  call_.Answer(StatusResponseOf(facts));
}

}  // namespace scoutlight::server
