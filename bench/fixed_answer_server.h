#ifndef SCOUTLIGHT_BENCH_FIXED_ANSWER_SERVER_H_
#define SCOUTLIGHT_BENCH_FIXED_ANSWER_SERVER_H_

#include <sys/types.h>

namespace scoutlight::bench {

// An HTTP/1.1 server in a process of its own, on a port of 127.0.0.1, that answers each request, which has no body and fits into one
// packet, with the same few bytes: as little as a server can cost. It ends with this, and with the thread that made it.
class FixedAnswerServer {
 public:
  // Begins it, before the program has threads. Ends the program when that fails.
  FixedAnswerServer();
  ~FixedAnswerServer();
  FixedAnswerServer(const FixedAnswerServer&) = delete;
  FixedAnswerServer& operator=(const FixedAnswerServer&) = delete;

  int port() const { return port_; }

 private:
  int port_ = 0;
  pid_t child_ = -1;
};

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_FIXED_ANSWER_SERVER_H_
