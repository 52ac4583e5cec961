#ifndef SCOUTLIGHT_TESTS_HTTP_HOSTILE_SERVER_H_
#define SCOUTLIGHT_TESTS_HTTP_HOSTILE_SERVER_H_

#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "base/mutex.h"
#include "tests/support/loopback_listener.h"

namespace scoutlight::testing {

// A request as a server read it.
struct SeenRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
  int on_connection = 0;  // 0: the first of its connection.
};

// What a server does about a request.
struct Deed {
  enum class Then { kKeep, kClose, kReset, kStall };

  std::string bytes;  // Sent first.
  Then then = Then::kKeep;
};

// A proper answer, after which the connection is kept.
Deed Answer(int status, absl::string_view body = "", absl::string_view more_headers = "");

// An HTTP/1.1 server on a port of 127.0.0.1 that does as it is told, with a thread for each connection, and remembers what it was asked.
// Thread-safe but for starting and destroying.
class HostileServer {
 public:
  using Behaviour = std::function<Deed(const SeenRequest&)>;
  enum class Reads { kAll, kHeads, kNothing };  // kHeads: bodies stay unread.

  // `behave` is called by many threads. Ends the process when there is no port.
  explicit HostileServer(Behaviour behave, Reads reads = Reads::kAll);
  ~HostileServer() { Stop(); }
  HostileServer(const HostileServer&) = delete;
  HostileServer& operator=(const HostileServer&) = delete;

  int port() const { return listener_.port(); }
  std::vector<SeenRequest> seen() const;
  // How many requests it was asked of that method; of all if it is empty.
  int Count(absl::string_view method = "") const;
  // Accepted so far, and still open.
  int connections() const;
  int open() const;
  // Resets what is open, and refuses what comes.
  void Stop();

 private:
  void AcceptAll();
  void Serve(int fd);
  // False: the connection is over.
  bool ServeOne(int fd, int number, std::string* buffer);
  bool Do(int fd, const Deed& deed);
  void AwaitStop();

  const Behaviour behave_;
  const Reads reads_;
  const LoopbackListener listener_;
  mutable Mutex mu_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  int accepted_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<int> open_ ABSL_GUARDED_BY(mu_);
  std::vector<SeenRequest> seen_ ABSL_GUARDED_BY(mu_);
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(mu_);
  std::thread acceptor_;
};

// A port of 127.0.0.1 at which nobody listens, for a while.
int FreePort();

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_HTTP_HOSTILE_SERVER_H_
