// A program that registers itself by the client library and lives until a signal ends it, for tests that stop and kill it:
//
//   client_program REGISTRY SESSION_ID TTL_SECONDS INSTANCE
//
// Prints a line "STATE epoch" for each state of its instance of the service "Printer". SIGTERM: leaves, prints "left", and exits with 0.
#include <signal.h>

#include <cstdio>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/time/time.h"
#include "client/connection.h"
#include "client/session.h"

int main(int argc, char** argv) {
  int ttl_seconds = 0;
  if (argc != 5 || !absl::SimpleAtoi(argv[3], &ttl_seconds)) return 2;
  sigset_t ends;
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &ends, nullptr);

  const auto connection = scoutlight::Connection::Open({.endpoints = {argv[1]}});
  if (!connection.ok()) return 2;
  auto session = scoutlight::Session::Open(
      *connection,
      {.session_id = argv[2], .ttl = absl::Seconds(ttl_seconds), .on_change = [](const scoutlight::RegistrationReport& report) {
         std::printf("%s %lld\n", RegistrationStateText(report.state).data(), static_cast<long long>(report.epoch));
         std::fflush(stdout);
       }});
  if (!session.ok()) return 2;
  const auto name = session->Register({.service = "Printer", .id = argv[4], .properties = {{"hostname", "127.0.0.1"}, {"port", "8001"}}});
  if (!name.ok()) return 2;
  int signal = 0;
  sigwait(&ends, &signal);
  const auto left = session->Leave({.drain = scoutlight::DrainOptions{.timeout = absl::Seconds(30)}});
  if (!left.ok() || !left->status.ok()) return 1;
  // After its last state, which may be told once Leave() has returned.
  session = absl::CancelledError();
  std::printf("left\n");
  return 0;
}
