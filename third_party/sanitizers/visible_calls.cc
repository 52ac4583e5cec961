// Lets ThreadSanitizer see the order that gRPC gives to the callbacks of a call. gRPC is not instrumented, and these orders are made by its
// own atomics, not by a lock (for those see visible_locks.cc). Linked into thread-sanitized programs only: these definitions come before
// the library's own, tell the sanitizer, and call those. Each tells of one call's memory alone, so that two callbacks which gRPC leaves
// unordered stay unordered. The places named are those of gRPC 1.51.

#include <grpc/grpc.h>
#include <grpcpp/server.h>
#include <grpcpp/support/server_callback.h>

#include <utility>

#include "absl/status/status.h"
#include "third_party/sanitizers/original.h"

using scoutlight::sanitizers::Original;

// What was done before a batch, and by the thread that completed it, is seen by whoever takes its completion. A batch goes to the
// transport's thread through the call's and the transport's combiners, and its completion from there through the queue's events, all of
// them lists that are pushed to by an atomic exchange (src/core/lib/gprpp/mpscq.cc: Push, Pop; src/core/lib/surface/completion_queue.cc:
// cq_end_op_for_next). The tag is the same at all three places and has one batch at a time. Callbacks come this way too: their threads wait
// in grpc_completion_queue_next() and run the tag (src/cpp/common/completion_queue_cc.cc: CallbackAlternativeCQ).

extern "C" grpc_call_error grpc_call_start_batch(grpc_call* call, const grpc_op* ops, size_t ops_count, void* tag, void* reserved) {
  static auto* const original = Original<grpc_call_error(grpc_call*, const grpc_op*, size_t, void*, void*)>("grpc_call_start_batch");
  __tsan_release(tag);
  return original(call, ops, ops_count, tag, reserved);
}

struct grpc_cq_completion;
using EndOp = void(grpc_completion_queue* queue, void* tag, absl::Status error, void (*done)(void*, grpc_cq_completion*), void* done_arg,
                   grpc_cq_completion* storage, bool internal);
EndOp grpc_cq_end_op;

void grpc_cq_end_op(grpc_completion_queue* queue, void* tag, absl::Status error, void (*done)(void*, grpc_cq_completion*), void* done_arg,
                    grpc_cq_completion* storage, bool internal) {
  static auto* const original =
      Original<EndOp>("_Z14grpc_cq_end_opP21grpc_completion_queuePvN4absl7debian36StatusEPFvS1_P18grpc_cq_completionES1_S6_b");
  __tsan_release(tag);
  original(queue, tag, std::move(error), done, done_arg, storage, internal);
}

extern "C" grpc_event grpc_completion_queue_next(grpc_completion_queue* queue, gpr_timespec deadline, void* reserved) {
  static auto* const original = Original<grpc_event(grpc_completion_queue*, gpr_timespec, void*)>("grpc_completion_queue_next");
  const grpc_event event = original(queue, deadline, reserved);
  if (event.type == GRPC_OP_COMPLETE) __tsan_acquire(event.tag);
  return event;
}

namespace grpc::internal {
namespace {

// A reactor's OnCancel(), after which the reference that was taken for it is given back.
class Cancellation final : public ServerReactor {
 public:
  Cancellation(ServerReactor* reactor, void* references) : reactor_(*reactor), references_(references) {}

  void OnDone() override {}
  // Called once, and nothing after it.
  void OnCancel() override {
    reactor_.OnCancel();
    __tsan_release(references_);
    delete this;
  }

 private:
  ServerReactor& reactor_;
  void* const references_;
};

}  // namespace

// A call's counts go down by an atomic fetch_sub() that releases and acquires, and whoever brings one to its end goes on
// (include/grpcpp/support/server_callback.h: MaybeDone, MaybeCallOnCancel). Most of these are compiled into our code, where they are seen.
// Those in the library are not:
// - The callback of RECV_CLOSE, when it is the later of two to allow OnCancel() (src/cpp/server/server_context.cc:
//   CompletionOp::FinalizeResult); the earlier one was the return of our handler.
// - The end of OnCancel(), which gives back its reference to the call (src/cpp/server/server_callback.cc: CallOnCancel).

void ServerCallbackCall::CallOnCancel(ServerReactor* reactor) {
  static auto* const original =
      Original<void(ServerCallbackCall*, ServerReactor*)>("_ZN4grpc8internal18ServerCallbackCall12CallOnCancelEPNS0_13ServerReactorE");
  __tsan_acquire(&on_cancel_conditions_remaining_);
  // One that is called at once takes no reference.
  original(this, reactor->InternalInlineable() ? reactor : new Cancellation(reactor, &callbacks_outstanding_));
}

// No reference is left.
void ServerCallbackCall::ScheduleOnDone(bool inline_ondone) {
  static auto* const original = Original<void(ServerCallbackCall*, bool)>("_ZN4grpc8internal18ServerCallbackCall14ScheduleOnDoneEb");
  __tsan_acquire(&callbacks_outstanding_);
  original(this, inline_ondone);
}

}  // namespace grpc::internal

namespace grpc {

// What was done in a call's callbacks, OnDone() the last of them, is seen by whoever has waited for the server's end: each call gives back
// its reference to the server by an atomic fetch_sub(), of which only the last is followed by a lock (src/cpp/server/server_cc.cc).

void Server::UnrefWithPossibleNotify() {
  static auto* const original = scoutlight::sanitizers::Original<void(Server*)>("_ZN4grpc6Server23UnrefWithPossibleNotifyEv");
  __tsan_release(&shutdown_refs_outstanding_);
  original(this);
}

void Server::UnrefAndWaitLocked() {
  static auto* const original = scoutlight::sanitizers::Original<void(Server*)>("_ZN4grpc6Server18UnrefAndWaitLockedEv");
  original(this);
  __tsan_acquire(&shutdown_refs_outstanding_);
}

}  // namespace grpc
