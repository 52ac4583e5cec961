#ifndef SCOUTLIGHT_SERVER_WATCH_CALLS_H_
#define SCOUTLIGHT_SERVER_WATCH_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "server/admission.h"
#include "server/watch/watch_hub.h"

namespace scoutlight::server {

// How a watch ends, as its caller is told: with the revision up to which everything was sent, if it is one watch.
grpc::Status StatusOf(const WatchEnd& end);

// The streaming methods of RegistryService: what stands between gRPC and the hub. Both outlive every call.
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartWatch(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                                       const Admission& admission, WatchHub* hub);
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartWatchMany(const grpc::CallbackServerContext& context,
                                                                            const Admission& admission, WatchHub* hub);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_WATCH_CALLS_H_
