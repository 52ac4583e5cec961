#include "tests/support/watch_reader.h"

#include <gtest/gtest.h>

#include <chrono>

namespace scoutlight::testing {

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

template class FrameReader<grpc::ClientAsyncReader<wire::WatchResponse>, wire::WatchResponse>;
template class FrameReader<grpc::ClientAsyncReaderWriter<wire::WatchManyRequest, wire::WatchManyResponse>, wire::WatchManyResponse>;

WatchReader::WatchReader(Client& client, const wire::WatchRequest& request) {
  Begin(kStart);
  stream_ = client.registry().AsyncWatch(&context_, request, &queue_, TagOf(kStart));
}

std::optional<wire::WatchResponse> WatchReader::Next(absl::Duration bound) {
  std::optional<wire::WatchResponse> frame = FrameReader::Next(bound);
  if (!frame.has_value()) return frame;
  store_id_ = frame->store_id();
  if (frame->kind() != wire::WatchResponse::KIND_SNAPSHOT && !frame->fragment()) revision_ = frame->revision();
  return frame;
}

std::optional<wire::WatchResponse> WatchReader::NextOf(wire::WatchResponse::Kind kind, absl::Duration bound) {
  const Deadline deadline(bound);
  while (true) {
    std::optional<wire::WatchResponse> frame = Next(deadline.left());
    if (!frame.has_value() || frame->kind() == kind) return frame;
    if (frame->kind() == wire::WatchResponse::KIND_STARTED || frame->kind() == wire::WatchResponse::KIND_PROGRESS) continue;
    ADD_FAILURE() << "another frame: " << frame->ShortDebugString().substr(0, 1000);
    return std::nullopt;
  }
}

bool WatchReader::ReadUpTo(int64_t revision, std::vector<wire::Event>* events, absl::Duration bound) {
  const Deadline deadline(bound);
  while (revision_ < revision) {
    std::optional<wire::WatchResponse> frame = Next(deadline.left());
    if (!frame.has_value()) {
      ADD_FAILURE() << "read up to revision " << revision_ << " of " << revision << (ended() ? ", then: " + status().error_message() : "");
      return false;
    }
    events->insert(events->end(), frame->events().begin(), frame->events().end());
  }
  return true;
}

WatchManyStream::WatchManyStream(Client& client) {
  Begin(kStart);
  stream_ = client.registry().AsyncWatchMany(&context_, &queue_, TagOf(kStart));
  Await(kStart, kSoon);
}

bool WatchManyStream::Send(const wire::WatchManyRequest& request) {
  Begin(kWrite);
  stream_->Write(request, TagOf(kWrite));
  return Await(kWrite, kSoon).value_or(false);
}

bool WatchManyStream::Create(int64_t watch_id, const wire::WatchRequest& watch) {
  wire::WatchManyRequest request;
  request.mutable_create()->set_watch_id(watch_id);
  *request.mutable_create()->mutable_watch() = watch;
  return Send(request);
}

bool WatchManyStream::CancelWatch(int64_t watch_id) {
  wire::WatchManyRequest request;
  request.mutable_cancel()->set_watch_id(watch_id);
  return Send(request);
}

bool WatchManyStream::WritesDone() {
  Begin(kWrite);
  stream_->WritesDone(TagOf(kWrite));
  return Await(kWrite, kSoon).value_or(false);
}

std::optional<wire::WatchManyResponse> WatchManyStream::NextEvent(absl::Duration bound) {
  const Deadline deadline(bound);
  while (true) {
    std::optional<wire::WatchManyResponse> frame = Next(deadline.left());
    if (!frame.has_value() || frame->frame().kind() != wire::WatchResponse::KIND_PROGRESS) return frame;
  }
}

wire::WatchRequest WatchOf(const std::string& key, wire::Scope scope, int64_t start_revision) {
  wire::WatchRequest request;
  request.set_key(key);
  request.set_scope(scope);
  request.set_start_revision(start_revision);
  return request;
}

wire::WatchRequest SnapshotOf(const std::string& key, wire::Scope scope) {
  wire::WatchRequest request = WatchOf(key, scope);
  request.set_include_snapshot(true);
  return request;
}

}  // namespace scoutlight::testing
