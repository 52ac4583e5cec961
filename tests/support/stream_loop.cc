#include "tests/support/stream_loop.h"

#include <chrono>

namespace scoutlight::testing {

StreamLoop::~StreamLoop() {
  void* tag = nullptr;
  bool ok = false;
  while (outstanding_ > 0 && queue_.Next(&tag, &ok)) Finish(tag, ok);
  queue_.Shutdown();
  while (queue_.Next(&tag, &ok)) {
  }
}

void* StreamLoop::TagOf(Done done) {
  ++outstanding_;
  return new Done(std::move(done));
}

void StreamLoop::Finish(void* tag, bool ok) {
  const std::unique_ptr<Done> done(static_cast<Done*>(tag));
  (*done)(ok);
  --outstanding_;
}

bool StreamLoop::RunUntil(const std::function<bool()>& condition, absl::Duration bound) {
  constexpr absl::Duration kLook = absl::Milliseconds(10);
  const Deadline deadline(bound);
  Deadline look(absl::ZeroDuration());
  while (true) {
    if (look.passed()) {
      if (condition()) return true;
      if (deadline.passed()) return false;
      look = Deadline(kLook);
    }
    void* tag = nullptr;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(look.left());
    if (queue_.AsyncNext(&tag, &ok, until) == grpc::CompletionQueue::GOT_EVENT) Finish(tag, ok);
  }
}

}  // namespace scoutlight::testing
