#ifndef SCOUTLIGHT_TESTS_E2E_SERVED_CLUSTER_H_
#define SCOUTLIGHT_TESTS_E2E_SERVED_CLUSTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/etcd/etcd_process.h"
#include "tests/support/client.h"
#include "tests/support/random.h"
#include "tests/support/server_process.h"

namespace scoutlight::testing {

// Three members of an etcd and two servers over them, on loopback. What is wrong fails the test. Used by one thread, which outlives it.
class ServedCluster {
 public:
  static constexpr int kMembers = 3;
  static constexpr int kServers = 2;
  static constexpr int kNobody = -1;
  enum class Role : uint8_t { kFollower, kLeader };

  ServedCluster();

  // Whether all of them run: if not, the test has failed, and nothing else may be called.
  bool runs() const;

  // "HOST:PORT" of the servers: the same as long as this lives.
  const std::vector<std::string>& addresses() const { return addresses_; }
  // A caller of that server, over all its lives.
  Client& client(int server) { return *clients_[server]; }

  storage::EtcdProcess& member(int index) { return *members_[index]; }
  // The member that leads, `but` not asked; kNobody: none says so.
  int Leader(int but = kNobody) const;
  // Waits for it.
  int AwaitLeader(int but = kNobody) const;
  // Whether all answer, and exactly one of them says that it leads.
  bool AgreeOnLeader() const;
  // A member of that role, as long as it keeps it.
  int Pick(Role role, Random* random) const;

  void KillServer(int index) { servers_[index]->Kill(); }
  // On the same address.
  void StartServer(int index);
  // Ends both as an operator would: they must end well.
  void StopServers();

  // Waits until both servers answer reads from etcd and say that they serve; whether they did.
  bool AwaitServing();

 private:
  std::vector<std::unique_ptr<storage::EtcdProcess>> members_;
  std::string store_flag_;
  std::vector<std::unique_ptr<ServerProcess>> servers_;
  std::vector<std::string> addresses_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SERVED_CLUSTER_H_
