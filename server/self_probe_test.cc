#include "server/self_probe.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>

namespace scoutlight::server {
namespace {

// A listener that nobody accepts from: the kernel takes its connections, and that is all.
class DeafListener {
 public:
  DeafListener() : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(fd_, 16), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length), 0);
    address_ = {"127.0.0.1", ntohs(address.sin_port)};
  }
  ~DeafListener() { close(fd_); }

  const ListenAddress& address() const { return address_; }

 private:
  const int fd_;
  ListenAddress address_;
};

TEST(SelfProbe, AListenerThatNobodyAcceptsFromIsDeaf) {
  const DeafListener listener;
  EXPECT_FALSE(AnswersConnections(listener.address(), absl::Milliseconds(50)));
}

TEST(SelfProbe, TellsOnceAfterFailuresInARow) {
  const DeafListener listener;
  std::promise<void> told;
  const SelfProbe probe(listener.address(), {.interval = absl::Milliseconds(1), .timeout = absl::Milliseconds(20), .failures_max = 3},
                        [&told] { told.set_value(); });  // A second call would throw.
  EXPECT_EQ(told.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
}

TEST(SelfProbe, EndsWhileItWaits) {
  const DeafListener listener;
  bool told = false;
  {
    const SelfProbe probe(listener.address(), {.interval = absl::Hours(1)}, [&told] { told = true; });
  }
  EXPECT_FALSE(told);
}

}  // namespace
}  // namespace scoutlight::server
