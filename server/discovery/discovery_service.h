#ifndef SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVICE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "base/reader_pool.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "server/admission.h"
#include "server/discovery/catalog_feed.h"
#include "server/discovery/catalog_reader.h"
#include "server/discovery/instance_hub.h"
#include "server/discovery/recent_resolvers.h"
#include "server/discovery/subscriber_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

using RawDiscoveryService =
    discovery::v1::DiscoveryService::WithRawCallbackMethod_ListClusters<discovery::v1::DiscoveryService::WithRawCallbackMethod_ListServices<
        discovery::v1::DiscoveryService::WithRawCallbackMethod_ListInstances<
            discovery::v1::DiscoveryService::WithRawCallbackMethod_GetInstance<
                discovery::v1::DiscoveryService::WithRawCallbackMethod_Resolve<discovery::v1::DiscoveryService::WithRawCallbackMethod_Watch<
                    discovery::v1::DiscoveryService::WithRawCallbackMethod_Subscribe<
                        discovery::v1::DiscoveryService::WithRawCallbackMethod_ListSubscribers<
                            discovery::v1::DiscoveryService::WithRawCallbackMethod_ListOverrides<
                                discovery::v1::DiscoveryService::Service>>>>>>>>>;

// scoutlight.discovery.v1.DiscoveryService, answered from the catalog. None of its handlers waits. Thread-safe.
class DiscoveryService final : public RawDiscoveryService {
 public:
  // All outlive the service and every call of it.
  struct Parts {
    const storage::Store* store = nullptr;
    const Admission* admission = nullptr;
    CatalogFeed* feed = nullptr;
    const CatalogReader* reader = nullptr;
    ReaderPool* readers = nullptr;  // For what is too long for gRPC's threads.
    InstanceHub* hub = nullptr;
    SubscriberHub* subscribers = nullptr;
    RecentResolvers* recent_resolvers = nullptr;  // Null: nobody asks who they are.
  };

  explicit DiscoveryService(Parts parts) : parts_(parts) {}

  grpc::ServerUnaryReactor* ListClusters(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListServices(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListInstances(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                          grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* GetInstance(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                        grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) override;
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Subscribe(grpc::CallbackServerContext* context) override;
  grpc::ServerUnaryReactor* ListSubscribers(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                            grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListOverrides(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                          grpc::ByteBuffer* answer) override;

 private:
  const Parts parts_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_DISCOVERY_SERVICE_H_
