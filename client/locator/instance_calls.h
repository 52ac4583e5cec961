#ifndef SCOUTLIGHT_CLIENT_LOCATOR_INSTANCE_CALLS_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_INSTANCE_CALLS_H_

#include <atomic>
#include <memory>

#include "client/locator/service_calls.h"
#include "client/pick.h"

namespace scoutlight::client {

// Where calls of one registration of an instance are told of, for who makes many of them: unlike Pick and Call it keeps no view, so holding
// it delays no drain. A cheap copy; thread-safe.
class InstanceCalls {
 public:
  explicit InstanceCalls(const Pick& pick);

  // The same for all picks of one registration, and of no other while an InstanceCalls of them lives.
  static const void* KeyOf(const Pick& pick);

  // Each that began is to end.
  void Began() const { record_->in_flight.fetch_add(1, std::memory_order_relaxed); }
  void Ended() const { record_->in_flight.fetch_sub(1, std::memory_order_relaxed); }
  // As Call's.
  void Succeeded() const { calls_->Succeeded(record_.get()); }
  void Failed() const { calls_->Failed(record_.get()); }

 private:
  std::shared_ptr<ServiceCalls> calls_;
  std::shared_ptr<CallRecord> record_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_INSTANCE_CALLS_H_
