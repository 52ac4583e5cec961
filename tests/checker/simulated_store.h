#ifndef SCOUTLIGHT_TESTS_CHECKER_SIMULATED_STORE_H_
#define SCOUTLIGHT_TESTS_CHECKER_SIMULATED_STORE_H_

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "storage/testing/reference_model.h"
#include "tests/checker/history.h"

namespace scoutlight::checker {

// A store as it must be, over the reference model: with request ids, leases that end, restarts, compaction. The caller says what time it
// is. Not thread-safe.
class SimulatedStore {
 public:
  // Carries out `call` at `now` and fills in outcome, failure and answer.
  void Execute(Nanos now, Call* call);

  // Ends one lease that is due; false: none is.
  bool ExpireOne(Nanos now);

  // Goes down at `stopped`, and serves again from `serving` on, with all that was acknowledged.
  void Restart(Nanos stopped, Nanos serving);
  // Does not run for `pause`.
  void Pause(Nanos pause);

  // Gives up the states before `oldest`.
  void Compact(Revision oldest);

  const storage::ReferenceModel& model() const { return model_; }

 private:
  struct Lease {
    Nanos ttl = 0;
    Nanos deadline = 0;
    int life = 0;  // In which it was refreshed last.
  };
  struct Remembered {
    Call call;
    bool changed = false;
  };

  void Do(Nanos now, const Write& write, Call* call);
  void Do(Nanos now, const Read& read, Call* call);
  void Do(Nanos now, const Grant& grant, Call* call);
  void Do(Nanos now, const Revoke& revoke, Call* call);
  void Do(Nanos now, const Renew& renew, Call* call);
  void Refuse(absl::StatusCode code, Reason reason, Call* call) const;
  bool Replay(Call* call) const;

  storage::ReferenceModel model_;
  std::map<LeaseId, Lease> leases_;
  std::map<std::string, Remembered> remembered_;  // By request id.
  LeaseId last_lease_ = 0;
  int life_ = 1;
};

}  // namespace scoutlight::checker

#endif  // SCOUTLIGHT_TESTS_CHECKER_SIMULATED_STORE_H_
