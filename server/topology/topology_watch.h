#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_WATCH_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_WATCH_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/admission.h"
#include "server/topology/topology_frames.h"
#include "server/watch/watch_hub.h"

namespace scoutlight::server {

// TopologyService.Watch: what stands between gRPC and the hub, which watches the one key where the newest version lies. What it points to
// outlives every call.
grpc::ServerWriteReactor<grpc::ByteBuffer>* StartTopologyWatch(const grpc::CallbackServerContext& context, const grpc::ByteBuffer& bytes,
                                                               const Admission& admission, WatchHub* hub, TopologyFrames* frames);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_WATCH_H_
