#ifndef SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_H_
#define SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_H_

#include <memory>
#include <string>

#include "base/entry.h"
#include "compat/etcd/rpc.pb.h"

namespace scoutlight::storage {

// What a real etcd cannot be made to do on demand: to answer a transaction before its watch says so, or never. It carries out puts,
// compares of versions and reads of single keys, keeps all states, and watches show it from any revision on. Serves on a port of its own
// until it is destroyed. Thread-safe.
class ScriptedEtcd {
 public:
  ScriptedEtcd();
  ~ScriptedEtcd();
  ScriptedEtcd(const ScriptedEtcd&) = delete;
  ScriptedEtcd& operator=(const ScriptedEtcd&) = delete;

  std::string target() const;

  // Watches show nothing that is not shown yet, until they may again.
  void HoldWatches();
  void ReleaseWatches();
  // The next transaction that puts something is carried out, and answered only when told so; or its answer is lost.
  void HoldNextAnswer();
  void ReleaseAnswer();
  void LoseNextAnswer();
  // A revision of another client, with all of these puts.
  Revision Put(const etcdserverpb::TxnRequest& puts);
  // Of the last put of anybody.
  Revision revision() const;

 private:
  class State;
  const std::unique_ptr<State> state_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_H_
