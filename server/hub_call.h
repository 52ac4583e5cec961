#ifndef SCOUTLIGHT_SERVER_HUB_CALL_H_
#define SCOUTLIGHT_SERVER_HUB_CALL_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/slice.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "server/shared_slice.h"

namespace scoutlight::server {

// A streaming call that a hub writes to and finishes, and gRPC's callbacks are handed over to: `Reactor` is gRPC's side of it, `Stream`
// what the hub knows it as. It lives until gRPC and the hub have let go of it.
template <typename Reactor, typename Stream, typename Hub>
class HubCall : public Reactor, public Stream {
 public:
  explicit HubCall(Hub* hub) : hub_(*hub) {}

  // Until OnDone; to be called before the hub hears of it.
  void HoldFor(std::shared_ptr<HubCall> self) { self_ = std::move(self); }

  // The hub did not take it: it ends with an error.
  void Fail(grpc::Status status) {
    known_to_hub_ = false;
    this->Reactor::Finish(std::move(status));
  }

  void OnWriteDone(bool ok) final {
    if (ok) {
      hub_.OnWritten(this);
    } else {
      hub_.OnCancelled(this);
    }
  }
  void OnCancel() final {
    if (known_to_hub_) hub_.OnCancelled(this);
  }
  void OnDone() final {
    if (known_to_hub_) hub_.OnClosed(this);
    self_.reset();
  }

 protected:
  // Writes these slices as one message.
  void StartFrame(const grpc::Slice* slices, size_t count) {
    written_ = grpc::ByteBuffer(slices, count);
    this->StartWrite(&written_);
  }
  void StartFrame(std::shared_ptr<const std::string> frame) {
    const grpc::Slice slice = SharedSlice(std::move(frame));
    StartFrame(&slice, 1);
  }

  Hub& hub_;

 private:
  grpc::ByteBuffer written_;  // Until OnWriteDone.
  bool known_to_hub_ = true;
  std::shared_ptr<HubCall> self_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_HUB_CALL_H_
