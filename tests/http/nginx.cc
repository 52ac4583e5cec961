#include "tests/http/nginx.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/http/hostile_server.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {
namespace {

constexpr char kNginx[] = "/usr/sbin/nginx";

bool Accepts(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool accepted = connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return accepted;
}

std::string ConfigOf(const std::string& folder, int port, const Nginx::Options& options) {
  std::string temporary;
  for (const char* const kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
    absl::StrAppend(&temporary, "  ", kind, "_temp_path ", folder, "/", kind, ";\n");
  }
  return absl::StrCat(getuid() == 0 ? "user root;\n" : "", "daemon off;\nworker_processes 1;\npid ", folder,
                      "/pid;\nerror_log stderr warn;\nevents { worker_connections 512; }\nhttp {\n", temporary,
                      "  access_log off;\n  server {\n", "    listen 127.0.0.1:", port, options.listen_more, ";\n    root ", folder,
                      "/files;\n", options.server_lines,
                      "    keepalive_requests 100000;\n    location = /echo { return 200 $request_method; }\n  }\n}\n");
}

}  // namespace

Nginx::Nginx(const Options& options) {
  mkdir(folder_.File("files").c_str(), 0755);
  // Another program may take the port first.
  for (int tries = 0; tries < 5; ++tries) {
    port_ = FreePort();
    WriteFile(folder_.File("nginx.conf"), ConfigOf(folder_.path(), port_, options));
    process_ = std::make_unique<Process>(
        ProcessOptions{.command = {kNginx, "-e", "stderr", "-p", folder_.path(), "-c", folder_.File("nginx.conf")}});
    bool ended = false;
    const auto settled = [&] { return Accepts(port_) || (ended = process_->WaitForExit(absl::ZeroDuration()).has_value()); };
    if (WaitUntil(settled) && !ended) return;
  }
  ADD_FAILURE() << "nginx does not listen: " << process_->errors();
}

Nginx::~Nginx() {
  // The workers end with the master only if it tells them.
  process_->Signal(SIGTERM);
  process_->WaitForExit();
}

void Nginx::Serve(const std::string& name, const std::string& content) { WriteFile(folder_.File("files/" + name), content); }

void Nginx::Quit() {
  process_->Signal(SIGQUIT);
  EXPECT_TRUE(process_->WaitForExit().has_value());
}

}  // namespace scoutlight::testing
