#include "bench/bare_streams.h"

#include <optional>
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

// Deletes itself when its call is over. Lock order: BareStreams::mu_ before a stream's, which is all that the end of a write takes. Writes
// and ends are started under it: gRPC never calls back from within these.
class BareStreams::Stream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit Stream(BareStreams* all) : all_(*all) {
    MutexLock lock(&all_.mu_);
    all_.streams_.insert(this);
    if (all_.ended_) {
      End(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the server stops"));
    } else {
      Send(StartedFrame());
    }
  }

  void Send(const grpc::ByteBuffer& frame) {
    MutexLock lock(&mu_);
    if (ended_) return;
    if (!writing_) return Write(frame);
    if (next_.has_value()) return EndLocked(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "two frames are not written yet"));
    next_ = frame;
  }

  // Behind the write that is under way.
  void End(const grpc::Status& status) {
    MutexLock lock(&mu_);
    EndLocked(status);
  }

 private:
  void Write(const grpc::ByteBuffer& frame) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    writing_ = true;
    frame_ = frame;
    StartWrite(&frame_);
  }
  void EndLocked(const grpc::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (ended_) return;
    ended_ = true;
    status_ = status;
    if (!writing_) Finish(status_);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(&mu_);
    writing_ = false;
    if (ended_) {
      Finish(status_);
    } else if (!ok) {
      EndLocked(grpc::Status::CANCELLED);
    } else if (const std::optional<grpc::ByteBuffer> next = std::exchange(next_, std::nullopt)) {
      Write(*next);
    }
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    {
      MutexLock lock(&all_.mu_);
      all_.streams_.erase(this);
    }
    delete this;
  }

  BareStreams& all_;
  Mutex mu_;
  grpc::ByteBuffer frame_ ABSL_GUARDED_BY(mu_);  // gRPC's while it is written.
  std::optional<grpc::ByteBuffer> next_ ABSL_GUARDED_BY(mu_);
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  grpc::Status status_ ABSL_GUARDED_BY(mu_);  // Once ended.
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
