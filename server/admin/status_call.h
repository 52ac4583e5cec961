#ifndef SCOUTLIGHT_SERVER_ADMIN_STATUS_CALL_H_
#define SCOUTLIGHT_SERVER_ADMIN_STATUS_CALL_H_

#include <grpcpp/alarm.h>

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "base/mutex.h"
#include "server/admin/status_report.h"
#include "server/discovery/discovery_server.h"
#include "server/unary_call.h"
#include "storage/store.h"

namespace scoutlight::server {

// A call of AdminService/Status: asks the store and discovery, and answers once both have said, or after StatusFacts::answer_within, with
// what is known by then and who is late. Held by whoever it waits for. Thread-safe.
class StatusCall : public std::enable_shared_from_this<StatusCall> {
 public:
  // `facts`: what is known already.
  StatusCall(const UnaryCall& call, StatusFacts facts) : call_(call), facts_(std::move(facts)) {}

  // Once. Both outlive the call; their answers may come after its end, without effect.
  void Start(storage::Store* store, const DiscoveryServer* discovery);

 private:
  void OnRead(const storage::Page& page);
  void OnLooked(DiscoveryServer::Figures figures);
  void OnTime();
  // Whether it is the time to answer, which is so once.
  bool TakeAnswer(bool now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Answer();

  const UnaryCall call_;
  grpc::Alarm alarm_;

  Mutex mu_;
  StatusFacts facts_ ABSL_GUARDED_BY(mu_);
  bool read_ ABSL_GUARDED_BY(mu_) = false;
  bool looked_ ABSL_GUARDED_BY(mu_) = false;
  bool answered_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMIN_STATUS_CALL_H_
