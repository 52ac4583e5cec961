#ifndef SCOUTLIGHT_TESTS_SUPPORT_KEEP_ALIVE_STREAM_H_
#define SCOUTLIGHT_TESTS_SUPPORT_KEEP_ALIVE_STREAM_H_

#include <grpcpp/support/async_stream.h>

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "scoutlight/registry/v1/lease.grpc.pb.h"
#include "tests/support/client.h"
#include "tests/support/deadline.h"
#include "tests/support/frame_reader.h"

namespace scoutlight::testing {

// A LeaseService.KeepAlive. Answers are read by Next(), as many as were sent messages.
class KeepAliveStream
    : public FrameReader<grpc::ClientAsyncReaderWriter<wire::KeepAliveRequest, wire::KeepAliveResponse>, wire::KeepAliveResponse> {
 public:
  explicit KeepAliveStream(Client& client);

  // False: the stream has ended, or does not take the message within `bound`; then nothing more can be sent.
  bool Send(const std::vector<int64_t>& lease_ids, absl::Duration bound = kSoon);
  // Half-closes: no more is sent.
  bool WritesDone();
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_KEEP_ALIVE_STREAM_H_
