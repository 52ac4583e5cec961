#ifndef SCOUTLIGHT_TESTS_SUPPORT_WATCH_READER_H_
#define SCOUTLIGHT_TESTS_SUPPORT_WATCH_READER_H_

#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/support/async_stream.h>
#include <grpcpp/support/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "tests/support/client.h"
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

// A RegistryService.Watch.
class WatchReader : public FrameReader<grpc::ClientAsyncReader<wire::WatchResponse>, wire::WatchResponse> {
 public:
  WatchReader(Client& client, const wire::WatchRequest& request);

  // The next frame of `kind`; those of KIND_STARTED and KIND_PROGRESS before it are skipped, another one fails the test.
  std::optional<wire::WatchResponse> NextOf(wire::WatchResponse::Kind kind, absl::Duration bound = kSoon);

  // As Next(), and remembers the frame for resume_revision().
  std::optional<wire::WatchResponse> Next(absl::Duration bound = kSoon);

  // Everything up to here was in the frames read: `start_revision` = one more goes on. Inside a snapshot or a fragment: where the
  // frames before it ended.
  int64_t revision() const { return revision_; }
  const std::string& store_id() const { return store_id_; }

  // Reads changes until the revision is at least `revision`; false, and a failed test, when that does not come within `bound`.
  bool ReadUpTo(int64_t revision, std::vector<wire::Event>* events, absl::Duration bound = kSoon);

 private:
  int64_t revision_ = 0;
  std::string store_id_;
};

// A RegistryService.WatchMany.
class WatchManyStream
    : public FrameReader<grpc::ClientAsyncReaderWriter<wire::WatchManyRequest, wire::WatchManyResponse>, wire::WatchManyResponse> {
 public:
  explicit WatchManyStream(Client& client);

  // False: the stream has ended.
  bool Create(int64_t watch_id, const wire::WatchRequest& watch);
  bool CancelWatch(int64_t watch_id);
  bool Send(const wire::WatchManyRequest& request);
  // Half-closes: no more is sent.
  bool WritesDone();

  // The next frame that is not of KIND_PROGRESS.
  std::optional<wire::WatchManyResponse> NextEvent(absl::Duration bound = kSoon);
};

// Requests, for tests that fill in further fields.
wire::WatchRequest WatchOf(const std::string& key, wire::Scope scope = wire::SCOPE_UNSPECIFIED, int64_t start_revision = 0);
wire::WatchRequest SnapshotOf(const std::string& key, wire::Scope scope = wire::SCOPE_UNSPECIFIED);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_WATCH_READER_H_
