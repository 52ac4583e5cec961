#include "bench/bare_streams.h"

#include <atomic>
#include <utility>

namespace scoutlight::bench {
namespace {

namespace wire = registry::v1;

grpc::ByteBuffer Serialized(const google::protobuf::MessageLite& message) {
  const grpc::Slice slice(message.SerializeAsString());
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer StartedFrame() {
  wire::WatchResponse frame;
  frame.set_kind(wire::WatchResponse::KIND_STARTED);
  return Serialized(frame);
}

}  // namespace

// Deletes itself when its call is over. Writes and ends are started under BareStreams::mu_: gRPC never calls back from within these.
class BareStreams::Stream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Stream(BareStreams* all) : all_(*all) {
    MutexLock lock(&all_.mu_);
    if (all_.ended_) {
      End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server stops"));
    } else {
      all_.streams_.insert(this);
      Send(StartedFrame());
    }
  }

  void Send(const grpc::ByteBuffer& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(all_.mu_) {
    if (ended_) return;
    if (writing_.exchange(true, std::memory_order_acquire))
      return End(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "the last frame is not written yet"));
    frame_ = frame;
    StartWrite(&frame_);
  }

  void End(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(all_.mu_) {
    if (!std::exchange(ended_, true)) Finish(status);
  }

 private:
  void OnWriteDone(bool ok) override {
    writing_.store(false, std::memory_order_release);
    if (ok) return;
    MutexLock lock(&all_.mu_);
    End(grpc::Status::CANCELLED);
  }
  void OnCancel() override {
    MutexLock lock(&all_.mu_);
    End(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    {
      MutexLock lock(&all_.mu_);
      all_.streams_.erase(this);
    }
    delete this;
  }

  BareStreams& all_;
  grpc::ByteBuffer frame_;            // The write's while one is under way.
  std::atomic<bool> writing_{false};  // Set before `frame_` is touched, and cleared when the write is over.
  bool ended_ ABSL_GUARDED_BY(all_.mu_) = false;
};

grpc::ServerWriteReactor<grpc::ByteBuffer>* BareStreams::Watch(grpc::CallbackServerContext*, const grpc::ByteBuffer*) {
  return new Stream(this);
}

grpc::ServerUnaryReactor* BareStreams::Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer* request,
                                           grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
  grpc::Slice bytes;
  wire::PutRequest put;
  if (!request->DumpToSingleSlice(&bytes).ok() || !put.ParseFromArray(bytes.begin(), static_cast<int>(bytes.size()))) {
    reactor->Finish(grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no PutRequest"));
    return reactor;
  }
  wire::WatchResponse frame;
  frame.set_kind(wire::WatchResponse::KIND_CHANGES);
  wire::Event& event = *frame.add_events();
  event.set_kind(wire::Event::KIND_PUT);
  event.mutable_entry()->set_key(std::move(*put.mutable_key()));
  event.mutable_entry()->set_text(std::move(*put.mutable_text()));
  const grpc::ByteBuffer frame_bytes = Serialized(frame);
  {
    MutexLock lock(&mu_);
    for (Stream* const stream : streams_) stream->Send(frame_bytes);
  }
  // A ByteBuffer without a slice is no message at all, which gRPC answers with INTERNAL.
  const grpc::Slice empty;
  *response = grpc::ByteBuffer(&empty, 1);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

void BareStreams::EndAll() {
  MutexLock lock(&mu_);
  ended_ = true;
  for (Stream* const stream : streams_) stream->End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server stops"));
}

}  // namespace scoutlight::bench
