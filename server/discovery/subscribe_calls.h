#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "server/admission.h"
#include "server/discovery/subscriber_hub.h"

namespace scoutlight::server {

// A call of DiscoveryService/Subscribe: what stands between gRPC and the hub. Both outlive every call.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartSubscribe(const grpc::CallbackServerContext& context,
                                                                            const Admission& admission, SubscriberHub* hub);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_
