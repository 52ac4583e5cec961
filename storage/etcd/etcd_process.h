#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace scoutlight::storage {

// A real etcd, for tests: the `etcd` on the PATH, on free loopback ports, with an empty data directory of its own. It goes
// with this object, and with the process at the latest. Not thread-safe.
class EtcdProcess {
 public:
  // Starts it and waits until it takes connections. Fails the test and gives nullptr when it does not. To be called on a thread that
  // lives as long as the result.
  // `flags`: beside those that it needs; with --cert-file=... it is spoken to over TLS.
  static std::unique_ptr<EtcdProcess> Start(std::vector<std::string> flags = {});
  // So many members of one cluster, which know each other; waits until they have a leader.
  static std::vector<std::unique_ptr<EtcdProcess>> StartCluster(int members);
  // Kills it and removes its data.
  ~EtcdProcess();
  EtcdProcess(const EtcdProcess&) = delete;
  EtcdProcess& operator=(const EtcdProcess&) = delete;

  // "127.0.0.1:PORT".
  const std::string& target() const { return target_; }

  // Kills it at once, as a power cut would; its data stays.
  void Kill();
  // Stops it in its tracks, connections open; and lets it go on.
  void Pause();
  void Resume();
  // Starts it again on the same port and data. False, and a failed test: it did not start.
  bool Restart();
  // Writes what it holds into the file `snapshot`; kills it and starts it again with what that file holds in the place of its data, at
  // first on another port, which `before` is told, then on its own. False, and a failed test: that did not go.
  bool SaveTo(const std::string& snapshot) const;
  bool RestoreFrom(const std::string& snapshot, const std::function<void(const std::string& target)>& before);
  // Whether it says that it leads its cluster; nullopt: it does not answer.
  std::optional<bool> Leads() const;
  bool IsLeader() const { return Leads().value_or(false); }
  // Whether the etcd that is installed is before 3.4.31, or 3.5.13: a leader that stood still ends leases when it goes on that have run out
  // by what it knew, whoever renewed them meanwhile.
  static bool OldLeadersEndLeases();

 private:
  explicit EtcdProcess(std::string folder);

  bool Launch();
  bool Listens() const;
  bool HasExited();

  void ChoosePorts();
  void SetClientPort(int port);
  std::string peer_url() const;
  std::string log() const;

  const std::string folder_;
  std::string name_ = "test";
  std::string initial_cluster_;  // Empty: itself alone.
  std::vector<std::string> flags_;
  int client_port_ = 0;
  int peer_port_ = 0;
  std::string target_;
  pid_t pid_ = 0;  // 0: not running.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_
