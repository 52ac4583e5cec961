#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

namespace scoutlight::storage {

// A real etcd of one member, for tests: the `etcd` on the PATH, on free loopback ports, with an empty data directory of its own. It goes
// with this object, and with the process at the latest. Not thread-safe.
class EtcdProcess {
 public:
  // Starts it and waits until it takes connections. Fails the test and gives nullptr when it does not. To be called on a thread that
  // lives as long as the result.
  static std::unique_ptr<EtcdProcess> Start();
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

 private:
  explicit EtcdProcess(std::string folder);

  bool Launch();
  bool Listens() const;
  bool HasExited();

  const std::string folder_;
  int client_port_ = 0;
  int peer_port_ = 0;
  std::string target_;
  pid_t pid_ = 0;  // 0: not running.
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_PROCESS_H_
