#include "tests/support/watch_reader.h"

#include <gtest/gtest.h>

namespace scoutlight::testing {

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
