#ifndef SCOUTLIGHT_CLIENT_TESTING_SERVER_H_
#define SCOUTLIGHT_CLIENT_TESTING_SERVER_H_

#include <cstdint>
#include <memory>
#include <string>

#include "client/connection.h"

namespace scoutlight::testing {

// A registry inside the process, for tests of programs that use one: the real server over a store in memory, on a free port of 127.0.0.1.
// It answers everything, discovery too, when a method that starts it returns, which takes milliseconds. What cannot work in a test (no free
// port, no threads) ends the process with a line on stderr. Not thread-safe; its clients are.
//
//   scoutlight::testing::Server server;
//   scoutlight::Registry registry(server.Connect());
class Server {
 public:
  Server();
  // Cuts off all clients; what was stored is gone.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "127.0.0.1:PORT", the same as long as this lives.
  const std::string& address() const { return address_; }
  // A connection of its own to it. `options.endpoints` are not looked at.
  Connection Connect(ConnectionOptions options = {}) const;

  // Cuts off all clients, and refuses new ones until Start(). Leases stand still meanwhile. Stopped already: nothing.
  void Stop();
  // Serves what was stored, at the same port. Running already: nothing.
  void Start();
  // Stop() and Start(): what a restart of the server looks like to clients.
  void Restart();
  // Comes back with nothing stored, as another store (its id is another one): what clients see of lost data.
  void Wipe();
  // Restarts with what is stored but without its history (compacted, and nothing of it in memory): watches that are behind, and cannot
  // resume, begin anew with the state. Running.
  void Compact();

 private:
  struct Parts;

  const std::unique_ptr<Parts> parts_;
  std::string address_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_CLIENT_TESTING_SERVER_H_
