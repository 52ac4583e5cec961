#ifndef SCOUTLIGHT_BENCH_BARE_STREAMS_H_
#define SCOUTLIGHT_BENCH_BARE_STREAMS_H_

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "base/mutex.h"
#include "grpcpp/grpcpp.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"

namespace scoutlight::bench {

// The least that watches on this gRPC can cost: RegistryService's Watch and Put, raw. Whatever a Watch asks for, it is told that it has
// begun, and then gets each put as one frame, made once and written to all streams. It keeps nothing. Thread-safe.
class BareStreams final : public registry::v1::RegistryService::WithRawCallbackMethod_Watch<
                              registry::v1::RegistryService::WithRawCallbackMethod_Put<registry::v1::RegistryService::Service>> {
 public:
  BareStreams() = default;
  // No call is under way.
  ~BareStreams() override = default;

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Watch(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request) override;
  // A stream on which a frame is being written and another waits ends with RESOURCE_EXHAUSTED: whoever measures waits for all before the
  // next put, so that at most the word of the last write's end is still to come.
  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request, grpc::ByteBuffer* response) override;

  // Ends every stream, those that come later too.
  void EndAll();

 private:
  class Stream;

  Mutex mu_;
  absl::flat_hash_set<Stream*> streams_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_BARE_STREAMS_H_
