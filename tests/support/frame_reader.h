#ifndef SCOUTLIGHT_TESTS_SUPPORT_FRAME_READER_H_
#define SCOUTLIGHT_TESTS_SUPPORT_FRAME_READER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/status.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/time.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

// The frames of one stream, read one at a time, and only when asked for: who does not ask is a client that does not read. Used by one
// thread. `Stream` is grpc::ClientAsyncReader or grpc::ClientAsyncReaderWriter.
template <typename Stream, typename Frame>
class FrameReader {
 public:
  FrameReader() = default;
  // Cancels what has not ended.
  ~FrameReader();
  FrameReader(const FrameReader&) = delete;
  FrameReader& operator=(const FrameReader&) = delete;

  // The next frame. nullopt: none came within `bound`, or the stream has ended.
  std::optional<Frame> Next(absl::Duration bound = kSoon);

  // Ends the stream from this side. Frames that had arrived can still be read.
  void Cancel() { context_.TryCancel(); }

  // Reads on to the end, which must come within `bound`, and gives its status.
  grpc::Status End(absl::Duration bound = kSoon);

  // Whether Next has met the end, and with what.
  bool ended() const { return ended_; }
  const grpc::Status& status() const { return status_; }

 protected:
  enum Tag : intptr_t { kStart = 1, kRead, kWrite, kFinish };
  static void* TagOf(Tag tag) { return reinterpret_cast<void*>(tag); }

  // Waits for the outcome of the operation `tag`, which is outstanding; nullopt: none yet.
  std::optional<bool> Await(Tag tag, absl::Duration bound);

  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<Stream> stream_;

 private:
  Frame frame_;
  bool outstanding_[kFinish + 1] = {};
  std::optional<bool> outcome_[kFinish + 1];
  bool ended_ = false;
  grpc::Status status_;

 protected:
  void Begin(Tag tag) { outstanding_[tag] = true; }
};

template <typename Stream, typename Frame>
FrameReader<Stream, Frame>::~FrameReader() {
  context_.TryCancel();
  if (!ended_ && stream_ != nullptr) End();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

template <typename Stream, typename Frame>
std::optional<bool> FrameReader<Stream, Frame>::Await(Tag tag, absl::Duration bound) {
  const Deadline deadline(bound);
  while (!outcome_[tag].has_value()) {
    void* got = nullptr;
    bool ok = false;
    const auto until = std::chrono::system_clock::now() + absl::ToChronoMicroseconds(deadline.left());
    if (queue_.AsyncNext(&got, &ok, until) != grpc::CompletionQueue::GOT_EVENT) return std::nullopt;
    outcome_[reinterpret_cast<intptr_t>(got)] = ok;
  }
  outstanding_[tag] = false;
  return std::exchange(outcome_[tag], std::nullopt);
}

template <typename Stream, typename Frame>
std::optional<Frame> FrameReader<Stream, Frame>::Next(absl::Duration bound) {
  if (ended_) return std::nullopt;
  const Deadline deadline(bound);
  if (outstanding_[kStart] && !Await(kStart, deadline.left()).has_value()) return std::nullopt;
  if (!outstanding_[kRead] && !outstanding_[kFinish]) {
    Begin(kRead);
    stream_->Read(&frame_, TagOf(kRead));
  }
  if (outstanding_[kRead]) {
    const std::optional<bool> read = Await(kRead, deadline.left());
    if (!read.has_value()) return std::nullopt;
    if (*read) return std::move(frame_);
    Begin(kFinish);
    stream_->Finish(&status_, TagOf(kFinish));
  }
  ended_ = Await(kFinish, deadline.left()).has_value();
  return std::nullopt;
}

template <typename Stream, typename Frame>
grpc::Status FrameReader<Stream, Frame>::End(absl::Duration bound) {
  const Deadline deadline(bound);
  while (!ended_ && !deadline.passed()) FrameReader::Next(deadline.left());
  EXPECT_TRUE(ended_) << "the stream goes on";
  return status_;
}

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_FRAME_READER_H_
