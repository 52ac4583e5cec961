#ifndef SCOUTLIGHT_SERVER_ADMIN_BACKUP_CALLS_H_
#define SCOUTLIGHT_SERVER_ADMIN_BACKUP_CALLS_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "absl/status/status.h"
#include "base/clock.h"
#include "server/admission.h"
#include "server/stream_places.h"
#include "storage/store.h"

namespace scoutlight::server {

// At a time: each reads the whole store.
inline constexpr int kBackupsMax = 2;

// The calls of AdminService/Backup. Each reads a page of the store, writes it, and only then reads the next: so a client that does not read
// costs one page. Thread-safe.
class BackupCalls {
 public:
  // All outlive this and every call. Each call takes a place of `places`.
  BackupCalls(storage::Store* store, const Admission* admission, Clock* clock, std::shared_ptr<StreamPlaces> places);
  ~BackupCalls();

  // Takes a call. Without a place for it, or with kBackupsMax under way, it ends with RESOURCE_EXHAUSTED; if `refused` is not OK, with
  // that.
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Open(const absl::Status& refused);

  // Ends every call, those that come later too, with UNAVAILABLE once the page in hand is out. Does not block.
  void Drain();

 private:
  class Call;
  struct Calls;

  storage::Store& store_;
  const Admission& admission_;
  Clock& clock_;
  const std::shared_ptr<Calls> calls_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMIN_BACKUP_CALLS_H_
