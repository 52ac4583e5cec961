// Mends nng 1.5.2, as the linker's --wrap lets functions of an archive be called through others of our own.
//
// A transport writes and reads a message in pieces: the callback of one piece starts the next on the same aio (src/sp/transport/tcp/tcp.c:
// tcptran_pipe_send_cb, tcptran_pipe_recv_cb; ipc.c likewise). If the connection has been closed between the two, that aio is stopped,
// nni_aio_begin fails, and the stream returns without a callback (src/platform/posix/posix_tcpconn.c: tcp_send, tcp_recv). So the message
// never ends, and the one thread that ends connections waits for it for ever, and with it every later nng_close of the process. In
// receiving it is nng's issue 1636; in sending it is there up to nng 1.12.
//
// What nng does since 2.0 (src/core/aio.c: nni_aio_start) is done here: who starts an operation of a stream on a stopped aio is called
// back with an error.

#include <nng/nng.h>

#if NNG_MAJOR_VERSION != 1 || NNG_MINOR_VERSION != 5
#error "Whether this nng has the fault, and these functions, must be looked at anew."
#endif

extern "C" {

int __real_nni_aio_begin(nng_aio* aio);
void __real_nng_stream_recv(nng_stream* stream, nng_aio* aio);
void __real_nng_stream_send(nng_stream* stream, nng_aio* aio);
void nni_aio_finish_error(nng_aio* aio, int error);
}

namespace {

// Whether this thread is in the start of a stream's operation. That tells nobody of its end by itself: other threads do.
thread_local bool starts_stream = false;

}  // namespace

extern "C" {

int __wrap_nni_aio_begin(nng_aio* aio) {
  const int stopped = __real_nni_aio_begin(aio);
  if (stopped != 0 && starts_stream) nni_aio_finish_error(aio, NNG_ECLOSED);
  return stopped;
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
