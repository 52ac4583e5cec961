// What is started on a stopped aio is not forgotten: see ended_connections.cc.
#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "gtest/gtest.h"

// nng's own.
extern "C" {
struct nni_pipe;
int nni_pipe_find(nni_pipe** pipe, uint32_t id);
void nni_pipe_rele(nni_pipe* pipe);
void nni_pipe_send(nni_pipe* pipe, nng_aio* aio);
void nni_msg_clone(nng_msg* message);
bool nni_msg_shared(nng_msg* message);
}

namespace {

std::string AbstractUrl(const char* what) { return "abstract://ended_connections_test_" + std::to_string(getpid()) + what; }
std::string SchemeOf(const ::testing::TestParamInfo<std::string>& url) { return url.param.substr(0, url.param.find(':')); }

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

INSTANTIATE_TEST_SUITE_P(Transports, EndedStreams, ::testing::Values("tcp://127.0.0.1:0", AbstractUrl("_stream")), &SchemeOf);

// Two sockets that are connected.
class EndedPipes : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    ASSERT_EQ(nng_pair0_open(&ours_), 0);
    ASSERT_EQ(nng_pair0_open(&theirs_), 0);
    nng_listener listener;
    ASSERT_EQ(nng_listen(theirs_, GetParam().c_str(), &listener, 0), 0);
    int port = 0;
    const bool has_port = nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0;
    const std::string url = has_port ? "tcp://127.0.0.1:" + std::to_string(port) : GetParam();
    ASSERT_EQ(nng_dial(ours_, url.c_str(), nullptr, 0), 0);
  }
  void TearDown() override {
    nng_close(ours_);
    nng_close(theirs_);
  }

  // The connection that a message has come over.
  uint32_t ConnectionOf(nng_socket from, nng_socket to) {
    nng_msg* message = nullptr;
    EXPECT_EQ(nng_msg_alloc(&message, 1), 0);
    EXPECT_EQ(nng_sendmsg(from, message, 0), 0);
    EXPECT_EQ(nng_recvmsg(to, &message, 0), 0);
    const nng_pipe connection = nng_msg_get_pipe(message);
    nng_msg_free(message);
    return connection.id;
  }

  nng_socket ours_ = NNG_SOCKET_INITIALIZER;
  nng_socket theirs_ = NNG_SOCKET_INITIALIZER;
};

TEST_P(EndedPipes, MessageIsFreed) {
  nni_pipe* connection = nullptr;
  ASSERT_EQ(nni_pipe_find(&connection, ConnectionOf(theirs_, ours_)), 0);
  nng_msg* message = nullptr;
  ASSERT_EQ(nng_msg_alloc(&message, 1), 0);
  nni_msg_clone(message);  // One for the connection, one to see what becomes of that.
  Operation stopped;
  nng_aio_set_msg(stopped.aio, message);
  nng_aio_stop(stopped.aio);
  nni_pipe_send(connection, stopped.aio);
  nni_pipe_rele(connection);
  EXPECT_EQ(nng_aio_get_msg(stopped.aio), nullptr);
  EXPECT_FALSE(nni_msg_shared(message));
  EXPECT_EQ(stopped.ends.load(), 0) << "who stopped it has been told";
  nng_msg_free(message);
}

INSTANTIATE_TEST_SUITE_P(Transports, EndedPipes,
                         ::testing::Values("tcp://127.0.0.1:0", AbstractUrl("_pipe"), "inproc://ended_connections_test"), &SchemeOf);

}  // namespace
