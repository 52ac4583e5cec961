#ifndef SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_H_
#define SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_H_

#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include "base/clock.h"
#include "base/reader_pool.h"
#include "scoutlight/topology/v1/topology.grpc.pb.h"
#include "server/admission.h"
#include "server/topology/topology_editor.h"
#include "server/topology/topology_frames.h"
#include "server/watch/watch_hub.h"
#include "storage/store.h"

namespace scoutlight::server {

// So many documents over kInlineDocumentBytesMax wait to be read.
inline constexpr int kQueuedDocumentsMax = 256;

using RawTopologyService = topology::v1::TopologyService::WithRawCallbackMethod_Apply<
    topology::v1::TopologyService::WithRawCallbackMethod_Get<topology::v1::TopologyService::WithRawCallbackMethod_ListVersions<
        topology::v1::TopologyService::WithRawCallbackMethod_Rollback<topology::v1::TopologyService::WithRawCallbackMethod_Delete<
            topology::v1::TopologyService::WithRawCallbackMethod_Watch<topology::v1::TopologyService::Service>>>>>>;

// scoutlight.topology.v1.TopologyService over a Store and the hub that shows its changes. For authorization a topology stands where its
// records do, with all below. None of its handlers waits. Thread-safe.
class TopologyService final : public RawTopologyService {
 public:
  // All outlive the service and every call of it.
  struct Parts {
    storage::Store* store = nullptr;
    const Admission* admission = nullptr;
    WatchHub* hub = nullptr;
    Clock* clock = nullptr;
  };

  explicit TopologyService(Parts parts) : parts_(parts), editor_(parts.store, parts.clock, &reader_) {}

  grpc::ServerUnaryReactor* Apply(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* ListVersions(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                         grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Rollback(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes,
                                     grpc::ByteBuffer* answer) override;
  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes, grpc::ByteBuffer* answer) override;
  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* bytes) override;

 private:
  const Parts parts_;
  TopologyFrames frames_;  // Of the hub's thread.
  ReaderPool reader_{1, kQueuedDocumentsMax};
  TopologyEditor editor_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_TOPOLOGY_TOPOLOGY_SERVICE_H_
