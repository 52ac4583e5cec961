#ifndef SCOUTLIGHT_SERVER_UNARY_CALL_H_
#define SCOUTLIGHT_SERVER_UNARY_CALL_H_

#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/slice.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "server/error_mapping.h"
#include "server/shared_slice.h"

namespace scoutlight::server {

// One call of a raw unary method, to be ended exactly once, by Answer() or Fail(), from any thread and also before the handler has
// returned. Copies are the same call. After its end gRPC may free everything it points to.
class UnaryCall {
 public:
  // `context` and `answer` are what gRPC gave the handler.
  UnaryCall(grpc::CallbackServerContext* context, grpc::ByteBuffer* answer)
      : context_(context), answer_(answer), reactor_(context->DefaultReactor()) {}

  // What the handler returns.
  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  const grpc::CallbackServerContext& context() const { return *context_; }

  // Ends the call with `message`.
  template <typename Message>
  void Answer(const Message& message) const {
    bool own_buffer = false;
    reactor_->Finish(grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, answer_, &own_buffer));
  }

  // Ends the call with a message that is these bytes.
  void AnswerBytes(std::string bytes) const {
    const grpc::Slice slice = SharedSlice(std::make_shared<const std::string>(std::move(bytes)));
    *answer_ = grpc::ByteBuffer(&slice, 1);
    reactor_->Finish(grpc::Status::OK);
  }

  // Ends the call with an error that speaks of `state`.
  grpc::ServerUnaryReactor* Fail(const absl::Status& status, const ShownState& state) const {
    // Read before: this may be gone when Finish() returns.
    grpc::ServerUnaryReactor* const reactor = reactor_;
    reactor->Finish(ToGrpcStatus(status, state));
    return reactor;
  }

 private:
  grpc::CallbackServerContext* context_;
  grpc::ByteBuffer* answer_;
  grpc::ServerUnaryReactor* reactor_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_UNARY_CALL_H_
