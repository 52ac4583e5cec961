#ifndef SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_WORKLOAD_H_
#define SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_WORKLOAD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/checker/registration_recorder.h"

namespace scoutlight::checker {

struct RegistrationWorkloadOptions {
  uint64_t seed = 1;
  int callers = 8;  // Of Register, Update, Deregister, Drain, and of what reads.
  int sessions = 4;
  int watchers = 3;
  int subscribers = 5;
};

// Clients of discovery that contend for a few instances of the services kContended, all recorded, on a server that comes and goes. They
// also look at the service kMortal, in which they register nothing. Used by one thread.
class RegistrationWorkload {
 public:
  static constexpr const char* kContended[] = {"Printer", "Scanner"};
  static constexpr char kMortal[] = "Mortal";

  // A client, which goes on with what it remembers on the next server.
  class Client {
   public:
    virtual ~Client() = default;
    // Acts until the server at `address` is gone.
    virtual void Run(const std::string& address) = 0;
  };

  // The recorder outlives this.
  RegistrationWorkload(const RegistrationWorkloadOptions& options, RegistrationRecorder* recorder);
  ~RegistrationWorkload() { Join(); }
  RegistrationWorkload(const RegistrationWorkload&) = delete;
  RegistrationWorkload& operator=(const RegistrationWorkload&) = delete;

  // Lets all clients act on the server at `address`. Each stops when it is gone.
  void Start(const std::string& address);
  // Waits until all clients have stopped.
  void Join();

 private:
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::thread> threads_;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_REGISTRATION_WORKLOAD_H_
