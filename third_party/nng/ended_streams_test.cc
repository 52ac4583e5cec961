// A stopped aio that is given to a stream is called back: see ended_streams.cc.
#include <nng/nng.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "gtest/gtest.h"

namespace {

struct Operation {
  Operation() {
    EXPECT_EQ(nng_aio_alloc(
                  &aio, [](void* self) { static_cast<Operation*>(self)->ends.fetch_add(1); }, this),
              0);
  }
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation() { nng_aio_free(aio); }

  // Waits for the callback of what was started, if there is one to come.
  int AwaitResult() {
    nng_aio_wait(aio);
    return nng_aio_result(aio);
  }

  nng_aio* aio = nullptr;
  std::atomic<int> ends = 0;
};

// A connection to oneself, both of its ends.
class EndedStreams : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_EQ(nng_stream_listener_alloc(&listener_, GetParam().c_str()), 0);
    ASSERT_EQ(nng_stream_listener_listen(listener_), 0);
    ASSERT_EQ(nng_stream_dialer_alloc(&dialer_, BoundUrl().c_str()), 0);
    Operation dialling, accepting;
    nng_stream_listener_accept(listener_, accepting.aio);
    nng_stream_dialer_dial(dialer_, dialling.aio);
    ASSERT_EQ(dialling.AwaitResult(), 0);
    ASSERT_EQ(accepting.AwaitResult(), 0);
    ours_ = static_cast<nng_stream*>(nng_aio_get_output(dialling.aio, 0));
    theirs_ = static_cast<nng_stream*>(nng_aio_get_output(accepting.aio, 0));
  }
  void TearDown() override {
    for (nng_stream* const stream : {ours_, theirs_}) {
      if (stream != nullptr) nng_stream_free(stream);
    }
    if (dialer_ != nullptr) nng_stream_dialer_free(dialer_);
    if (listener_ != nullptr) nng_stream_listener_free(listener_);
  }

  // Where the listener is: what it was given, with the port that it got.
  std::string BoundUrl() {
    int port = 0;
    if (nng_stream_listener_get_int(listener_, NNG_OPT_TCP_BOUND_PORT, &port) != 0) return GetParam();
    return "tcp://127.0.0.1:" + std::to_string(port);
  }

  // Starts one byte by `start`, as a transport does that has not heard of the connection's end.
  void ExpectEndOf(void (*start)(nng_stream*, nng_aio*)) {
    Operation stopped;
    char byte = 'x';
    const nng_iov piece = {.iov_buf = &byte, .iov_len = 1};
    ASSERT_EQ(nng_aio_set_iov(stopped.aio, 1, &piece), 0);
    nng_aio_stop(stopped.aio);
    ASSERT_EQ(stopped.ends.load(), 0);
    start(ours_, stopped.aio);
    EXPECT_EQ(stopped.AwaitResult(), NNG_ECLOSED);
    EXPECT_EQ(stopped.ends.load(), 1);
  }

  nng_stream_listener* listener_ = nullptr;
  nng_stream_dialer* dialer_ = nullptr;
  nng_stream* ours_ = nullptr;
  nng_stream* theirs_ = nullptr;
};

TEST_P(EndedStreams, SendIsCalledBack) { ExpectEndOf(&nng_stream_send); }
TEST_P(EndedStreams, ReceiveIsCalledBack) { ExpectEndOf(&nng_stream_recv); }

INSTANTIATE_TEST_SUITE_P(Transports, EndedStreams,
                         ::testing::Values("tcp://127.0.0.1:0", "abstract://ended_streams_test_" + std::to_string(getpid())),
                         [](const auto& transport) { return transport.param.substr(0, transport.param.find(':')); });

}  // namespace
