#ifndef SCOUTLIGHT_SERVER_KEEP_ALIVE_CALLS_H_
#define SCOUTLIGHT_SERVER_KEEP_ALIVE_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "server/admission.h"
#include "server/stream_places.h"
#include "storage/store.h"

namespace scoutlight::server {

// The calls of LeaseService/KeepAlive. Each reads a message, renews, answers, and only then reads the next: so a client that does not
// read its answers costs one of them. Thread-safe.
class KeepAliveCalls {
 public:
  // `store` and `admission` outlive this and every call. Each call takes a place of `places`.
  KeepAliveCalls(storage::Store* store, const Admission* admission, std::shared_ptr<StreamPlaces> places);
  ~KeepAliveCalls();

  // Takes a call. Without a place for it, it ends with RESOURCE_EXHAUSTED.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Open(const grpc::CallbackServerContext& context);

  // Ends every call, those that come later too, with UNAVAILABLE once the answer in progress is out. Does not block.
  void Drain();

 private:
  class Call;
  struct Calls;

  storage::Store& store_;
  const Admission& admission_;
  const std::shared_ptr<Calls> calls_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_KEEP_ALIVE_CALLS_H_
