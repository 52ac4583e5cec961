#ifndef SCOUTLIGHT_TESTS_SUPPORT_RAW_CONNECTION_H_
#define SCOUTLIGHT_TESTS_SUPPORT_RAW_CONNECTION_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

// A TCP connection on which a test says what no gRPC client would. Not thread-safe.
class RawConnection {
 public:
  // Connects to HOST:PORT, HOST an IPv4 address. Fails the test when nobody accepts.
  explicit RawConnection(const std::string& address);
  // Closes it.
  ~RawConnection();
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  // Sends as much as the peer takes within kSoon; whether that was all.
  bool Send(absl::string_view bytes);

  // Reads until the peer closes the connection; whether it did within `bound`.
  bool WaitUntilClosed(absl::Duration bound = kSoon);

 private:
  int fd_ = -1;
};

// The beginning of every HTTP/2 connection, with empty SETTINGS.
std::string Http2Start();

// One HTTP/2 frame.
std::string Http2Frame(char type, char flags, int stream, absl::string_view payload);

// HEADERS that begin a gRPC call of `method` ("/package.Service/Method") on stream 1.
std::string GrpcCallHeaders(absl::string_view method);

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_SUPPORT_RAW_CONNECTION_H_
