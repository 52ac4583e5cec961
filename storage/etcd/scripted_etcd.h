#ifndef SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_H_
#define SCOUTLIGHT_STORAGE_ETCD_SCRIPTED_ETCD_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/entry.h"
#include "compat/etcd/rpc.pb.h"

namespace scoutlight::storage {

// What a real etcd cannot be made to do on demand: to answer a transaction before its watch says so, or never. It carries out puts,
// compares of versions, ends of leases and reads of keys and ranges, keeps all states, and watches show it from any revision on. Serves on
// a port of its own until it is destroyed. Thread-safe.
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
  // The next transactions that put something are carried out, and answered only when told so; or the next one's answer is lost.
  void HoldNextAnswers(int answers);
  void ReleaseAnswers();
  void LoseNextAnswer();
  // Reads of the past that any member may answer wait, until they may go on; or so many of the next ones end like this.
  void HoldLookBacks();
  void ReleaseLookBacks();
  void RefuseLookBacks(int reads, absl::Status refusal);
  // That wait now.
  int held_look_backs() const;
  // A revision with the end of a lease that these keys were on.
  Revision EndLease(const std::vector<std::string>& keys);
  // Begun so far; and reads of the past that any member may answer.
  int watches() const;
  int look_backs() const;
  // Goes back to `revision`, as a cluster that was restored, and ends the watches; before anybody is answered it carries out `then`.
  void RestoreTo(Revision revision, const std::vector<etcdserverpb::TxnRequest>& then = {});
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
