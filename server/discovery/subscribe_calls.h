#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "base/reader_pool.h"
#include "server/admission.h"
#include "server/discovery/subscriber_hub.h"

namespace scoutlight::server {

// What a call of DiscoveryService/Subscribe needs. All outlive every call.
struct SubscribeCalls {
  const Admission* admission = nullptr;
  ReaderPool* readers = nullptr;  // For messages that are too long for gRPC's threads; it goes before the hub.
  SubscriberHub* hub = nullptr;
};

// What stands between gRPC and the hub.
grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* StartSubscribe(const grpc::CallbackServerContext& context,
                                                                            const SubscribeCalls& parts);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBE_CALLS_H_
