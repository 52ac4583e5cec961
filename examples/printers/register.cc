// A printer that registers itself, until a signal ends it:
//
//   register HOST:PORT [NAME]
#include <signal.h>

#include <cstdio>
#include <string>

#include "client/connection.h"
#include "client/session.h"

int main(int argc, char** argv) {
  const std::string registry = argc > 1 ? argv[1] : "127.0.0.1:7400";
  const std::string name = argc > 2 ? argv[2] : "laser";
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGINT);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  auto connection = scoutlight::Connection::Open({.endpoints = {registry}});
  if (!connection.ok()) return std::fprintf(stderr, "%s\n", connection.status().ToString().c_str()), 2;
  auto session = scoutlight::Session::Open(*connection);
  auto printer = session->Register({.service = "Printer", .id = name, .properties = {{"hostname", "127.0.0.1"}, {"port", "8001"}}});
  if (!printer.ok()) return std::fprintf(stderr, "%s\n", printer.status().ToString().c_str()), 2;

  // Not needed: the session goes on trying. This program wants to say how it went.
  if (absl::Status wrong = session->WaitUntilRegistered(); !wrong.ok()) {
    return std::fprintf(stderr, "%s\n", wrong.ToString().c_str()), 1;
  }
  std::printf("registered %s\n", printer->id.c_str());
  std::fflush(stdout);
  int signal = 0;
  sigwait(&ends, &signal);
  // Nobody sends work any more when this is answered; without it, the destructor deregisters at once.
  const auto left = session->Leave({.drain = scoutlight::DrainOptions{.timeout = absl::Seconds(5)}});
  std::printf("left %s\n", left.ok() && left->status.ok() ? "in peace" : "in a hurry");
  return 0;
}
