#include "tests/support/keep_alive_stream.h"

namespace scoutlight::testing {

KeepAliveStream::KeepAliveStream(Client& client) {
  Begin(kStart);
  stream_ = client.leases().AsyncKeepAlive(&context_, &queue_, TagOf(kStart));
  Await(kStart, kSoon);
}

bool KeepAliveStream::Send(const std::vector<int64_t>& lease_ids, absl::Duration bound) {
  wire::KeepAliveRequest request;
  request.mutable_lease_ids()->Add(lease_ids.begin(), lease_ids.end());
  Begin(kWrite);
  stream_->Write(request, TagOf(kWrite));
  return Await(kWrite, bound).value_or(false);
}

bool KeepAliveStream::WritesDone() {
  Begin(kWrite);
  stream_->WritesDone(TagOf(kWrite));
  return Await(kWrite, kSoon).value_or(false);
}

}  // namespace scoutlight::testing
