#ifndef SCOUTLIGHT_TESTS_E2E_LIVE_PROGRAM_H_
#define SCOUTLIGHT_TESTS_E2E_LIVE_PROGRAM_H_

#include <atomic>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/connection.h"
#include "client/session.h"

namespace scoutlight::testing {

// What a program is that registers itself by the client library: a connection, a session, instances of the service "Printer". What no
// program may be told fails the test: an epoch below the one before.
class LiveProgram {
 public:
  struct Options {
    std::vector<std::string> endpoints;  // Of the registry's servers, or of what lies before them.
    std::string session_id;
    std::vector<std::string> ids;  // Of its instances.
    absl::Duration ttl;
    IfOwned if_owned = IfOwned::kRefuse;
  };

  explicit LiveProgram(Options options);
  ~LiveProgram();
  LiveProgram(const LiveProgram&) = delete;
  LiveProgram& operator=(const LiveProgram&) = delete;

  const Options& options() const { return options_; }
  Session& session() { return *session_; }
  discovery::InstanceName NameOf(const std::string& id) const { return {"default", "Printer", id}; }

  // By id, of those that are registered as far as the program knows.
  std::map<std::string, Revision> Epochs() const;
  bool IsWell() const { return Epochs().size() == options_.ids.size(); }
  // Whether all of it is in that state.
  bool Is(RegistrationState state) const;

  // Whether the store is being replaced by another, whose epochs begin anew.
  void SetStoreIsReplaced(bool is_replaced) { store_is_replaced_ = is_replaced; }

 private:
  void OnChange(const RegistrationReport& report);

  const Options options_;
  std::atomic<bool> store_is_replaced_{false};
  Mutex mu_;
  std::map<std::string, Revision> highest_ ABSL_GUARDED_BY(mu_);  // Epoch of each.
  // Last: what it calls is gone after it.
  std::optional<Session> session_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_LIVE_PROGRAM_H_
