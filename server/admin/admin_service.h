#ifndef SCOUTLIGHT_SERVER_ADMIN_ADMIN_SERVICE_H_
#define SCOUTLIGHT_SERVER_ADMIN_ADMIN_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "scoutlight/admin/v1/admin.grpc.pb.h"
#include "server/admin/backup_calls.h"
#include "server/admission.h"
#include "server/discovery/discovery_server.h"
#include "server/stream_places.h"
#include "server/watch/watch_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

using RawAdminService = admin::v1::AdminService::WithRawCallbackMethod_Status<admin::v1::AdminService::WithRawCallbackMethod_Backup<
    admin::v1::AdminService::WithRawCallbackMethod_Compact<admin::v1::AdminService::Service>>>;

// scoutlight.admin.v1.AdminService. None of its handlers waits. Thread-safe.
class AdminService final : public RawAdminService {
 public:
  // All outlive the service and every call of it.
  struct Parts {
    storage::Store* store = nullptr;
    const Admission* admission = nullptr;
    const DiscoveryServer* discovery = nullptr;
    const WatchHub* hub = nullptr;
    Clock* clock = nullptr;
    std::shared_ptr<StreamPlaces> places;
    int streams_max = 0;     // Of `places`.
    std::string store_kind;  // "rocksdb", "memory".
    // So long Status waits for what the store reads and discovery counts, and answers without.
    absl::Duration answer_within = absl::Seconds(2);
  };

  // The server has begun to serve now.
  explicit AdminService(Parts parts);

  // Ends what takes long, now and from now on, with UNAVAILABLE. Does not block.
  void Drain() { backups_.Drain(); }

  // Answered by a server that drains too, which tells so.
  grpc::ServerUnaryReactor* Status(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Backup(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) override;
  grpc::ServerUnaryReactor* Compact(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;

 private:
  const Parts parts_;
  const absl::Time started_at_;
  const absl::Duration started_;  // Since boot.
  BackupCalls backups_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMIN_ADMIN_SERVICE_H_
