// Mends two faults of nng 1.5.2, as the linker's --wrap lets functions of an archive be called through others of our own.
//
// A connection that closes stops the aios that work on it. For who starts one of them after that nni_aio_begin fails, and whoever began it
// returns without a callback: the operation is forgotten.
//
// A transport writes and reads a message in pieces: the callback of one piece starts the next on the same aio (src/sp/transport/tcp/tcp.c:
// tcptran_pipe_send_cb, tcptran_pipe_recv_cb; ipc.c likewise). If the connection has been closed between the two, the stream forgets it
// (src/platform/posix/posix_tcpconn.c: tcp_send, tcp_recv). So the message never ends, and the one thread that ends connections waits for
// it for ever, and with it every later nng_close of the process. In receiving it is nng's issue 1636; in sending it is there up to
// nng 1.12. What nng does since 2.0 (src/core/aio.c: nni_aio_start) is done here: who starts an operation of a stream on a stopped aio is
// called back with an error.
//
// A protocol gives a message to a connection of whose end it has not heard (src/sp/protocol/pipeline0/push.c: push0_sock_send; all others
// likewise), and the transport forgets it (tcptran_pipe_send and its like): nobody has the message any more, nobody frees it. It is nng's
// issue 1713. What nng does since 1.6 is done here: it is freed.

#include <nng/nng.h>

#if NNG_MAJOR_VERSION != 1 || NNG_MINOR_VERSION != 5
#error "Whether this nng has the faults, and these functions, must be looked at anew."
#endif

extern "C" {

struct nni_pipe;
int __real_nni_aio_begin(nng_aio* aio);
void __real_nni_pipe_send(nni_pipe* pipe, nng_aio* aio);
void __real_nng_stream_recv(nng_stream* stream, nng_aio* aio);
void __real_nng_stream_send(nng_stream* stream, nng_aio* aio);
void nni_aio_finish_error(nng_aio* aio, int error);
}

namespace {

// What this thread is in the start of. Neither tells anybody of its end by itself, nor starts another of its kind: other threads do.
thread_local bool starts_stream = false;     // A stream's operation.
thread_local nng_aio* gives_from = nullptr;  // The giving of this aio's message to a connection.

}  // namespace

extern "C" {

int __wrap_nni_aio_begin(nng_aio* aio) {
  const int stopped = __real_nni_aio_begin(aio);
  if (stopped == 0) return 0;
  if (starts_stream) {
    nni_aio_finish_error(aio, NNG_ECLOSED);
  } else if (aio == gives_from) {
    nng_msg_free(nng_aio_get_msg(aio));
    nng_aio_set_msg(aio, nullptr);
  }
  return stopped;
}

void __wrap_nni_pipe_send(nni_pipe* pipe, nng_aio* aio) {
  gives_from = aio;
  __real_nni_pipe_send(pipe, aio);
  gives_from = nullptr;
}

void __wrap_nng_stream_recv(nng_stream* stream, nng_aio* aio) {
  starts_stream = true;
  __real_nng_stream_recv(stream, aio);
  starts_stream = false;
}

void __wrap_nng_stream_send(nng_stream* stream, nng_aio* aio) {
  starts_stream = true;
  __real_nng_stream_send(stream, aio);
  starts_stream = false;
}
}
