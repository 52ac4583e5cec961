#ifndef SCOUTLIGHT_EXAMPLES_GATES_PROGRAM_H_
#define SCOUTLIGHT_EXAMPLES_GATES_PROGRAM_H_

#include <signal.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "client/connection.h"
#include "client/endpoint_resolver.h"
#include "client/gates/server_topology.h"
#include "client/gates/topology_source.h"
#include "client/locator.h"
#include "client/machine.h"
#include "client/session.h"

// What the three programs have in common: a machine for `service`, registered at HOST:PORT, linked by what operators apply there
// (`scoutctl topology apply`), or by the file TOPOLOGY.
//
//   PROGRAM [HOST:PORT [TOPOLOGY]]
class Program {
 public:
  Program(int argc, char** argv, const std::string& service)
      : registry_(argc > 1 ? argv[1] : "127.0.0.1:7400"),
        connection_(Need(scoutlight::Connection::Open({.endpoints = {registry_}}))),
        session_(Need(scoutlight::Session::Open(connection_))),
        locator_(Need(scoutlight::Locator::Open(connection_))),
        machine(Need(scoutlight::Machine::Open(
            {.service = service,
             .topology = argc > 2 ? scoutlight::FileTopology(argv[2]) : scoutlight::ServerTopology(connection_),
             .resolver = scoutlight::DiscoveryResolver(locator_),
             .session = &session_,
             .registry = registry_,
             .on_problem = [](const absl::Status& problem) { std::fprintf(stderr, "%s\n", problem.ToString().c_str()); }}))) {
    struct sigaction on_end = {};
    on_end.sa_handler = [](int) { ended_ = 1; };
    sigaction(SIGTERM, &on_end, nullptr);
    sigaction(SIGINT, &on_end, nullptr);
  }

  // Whether Ctrl-C was pressed.
  static bool ended() { return ended_ != 0; }
  // How long to wait before that is asked again.
  static constexpr absl::Duration kWait = absl::Milliseconds(200);

  // The value, or the end of the program with what is wrong.
  template <typename T>
  static T Need(absl::StatusOr<T> value) {
    if (value.ok()) return *std::move(value);
    std::fprintf(stderr, "%s\n", value.status().ToString().c_str());
    std::exit(2);
  }

 private:
  inline static volatile sig_atomic_t ended_ = 0;

  const std::string registry_;
  scoutlight::Connection connection_;
  scoutlight::Session session_;
  scoutlight::Locator locator_;

 public:
  scoutlight::Machine machine;
};

#endif  // SCOUTLIGHT_EXAMPLES_GATES_PROGRAM_H_
