#ifndef SCOUTLIGHT_TESTS_SUPPORT_WATCH_READER_H_
#define SCOUTLIGHT_TESTS_SUPPORT_WATCH_READER_H_

#include <grpcpp/support/async_stream.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/frame_reader.h"

namespace scoutlight::testing {

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
