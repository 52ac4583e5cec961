#ifndef SCOUTLIGHT_TESTS_HTTP_NGINX_H_
#define SCOUTLIGHT_TESTS_HTTP_NGINX_H_

#include <memory>
#include <string>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {

// Debian's nginx on a free port of 127.0.0.1, which serves the files of a folder of its own, and answers `/echo` with the method. Not
// thread-safe.
class Nginx {
 public:
  // Goes into its `server` block, beside what it has.
  struct Options {
    std::string listen_more = {};  // " ssl http2".
    std::string server_lines = {};
  };

  // Waits until it listens; fails the test when it does not.
  Nginx() : Nginx(Options()) {}
  explicit Nginx(const Options& options);
  // Ends it at once.
  ~Nginx();

  int port() const { return port_; }
  // Makes a file that it serves.
  void Serve(const std::string& name, const std::string& content);
  // As `nginx -s quit`: takes no connection any more, and ends when all requests are answered. Waits for that.
  void Quit();

 private:
  const TempDir folder_;
  int port_ = 0;
  std::unique_ptr<Process> process_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_HTTP_NGINX_H_
