#ifndef SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_
#define SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "base/limits.h"
#include "client/registration.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::client {

// Of one message: what a server takes, with room for what is around it.
inline constexpr size_t kDeclareBytesMax = limits::kRequestBytesMax - 64 * limits::kKiB;
inline constexpr size_t kSoftBytesMax = 512 * limits::kKiB;

// The instances of a session: what is wanted, what the server says of it, and what it must be told next. The server is told in rounds, one
// at a time: at most one message of a declaration, and a heartbeat, whose answer says that both were taken in. So a declaration of many
// messages waits in the set, not on the network, and the lease is renewed meanwhile. Not thread-safe, holds no clock.
//
// Each declaration has a number, each instance that of the newest one that names it: a state of a lesser one says nothing of what is
// wanted now. A declaration has all that has changed, and the first one of a stream, which replaces what was declared before, all there is:
// so the server wants just what the program wants, whose bounds are its caller's to see to: at most limits::kSessionInstancesMax, with
// limits::kBytesPerLeaseMax of properties.
class DeclaredSet {
 public:
  using Properties = std::shared_ptr<const discovery::Properties>;
  using Declare = discovery::v1::SessionRequest::Declare;
  // Told of each instance whenever something about it changes. Must not call back.
  using Tell = std::function<void(const RegistrationReport&)>;

  explicit DeclaredSet(Tell tell) : tell_(std::move(tell)) {}

  // What the program wants.
  void Want(const discovery::InstanceName& name, Properties properties, IfOwned if_owned);
  void Unwant(const discovery::InstanceName& name);
  void UnwantAll();
  // Of one that is wanted; else nothing.
  void SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft);

  // From now on instances that are lost are not wanted any more, nor are those that no server was told of. Returns which may be registered
  // although no answer says so yet.
  std::vector<discovery::InstanceName> BeginLeaving();

  // A stream begins: its server knows nothing of the set.
  void BeginStream();
  // The next message of a declaration, a new one if none is unfinished; nullopt: none is needed, though has_due() may have said so. The
  // first declaration of a stream always is there, and replaces. No round is under way.
  std::optional<Declare> TakeDeclare();
  // The heartbeat of the round, with as many of the soft values that the server does not have as go into one.
  discovery::v1::SessionRequest::Heartbeat TakeHeartbeat();
  bool has_due() const { return due_ || !unsent_.empty(); }
  bool has_soft_due() const { return soft_due_; }

  // The server has taken the round in.
  void OnRoundTaken();
  void OnState(const discovery::v1::SessionResponse::InstanceState& state);
  // No server has answered for a whole ttl: what is registered may be gone.
  void OnLapse(const absl::Status& status);
  // What is not registered has `status` for a reason.
  void OnUnreachable(const absl::Status& status);
  // The server refuses the session, or what it declares, as a whole.
  void RefuseAll(const absl::Status& status);
  // The session is another's.
  void FenceAll(const absl::Status& status);
  // It has left: nothing of it is registered. What is another's stays told so.
  void RemoveAll();

 private:
  struct Entry {
    Properties wanted;
    bool removing = false;    // It is to go.
    bool fenced = false;      // It is another's, and not declared any more.
    bool take_over = false;   // Until it is registered or fenced.
    bool due = true;          // To be declared, or removed, by the next declaration.
    bool sent_once = false;   // A server may know of it.
    bool declared = false;    // Its stream's server wants it.
    bool lapsed = false;      // It is told as kLost, because no server answers.
    int64_t declaration = 0;  // The newest that names it.
    std::optional<discovery::SoftValues> soft;
    bool soft_due = false;
    RegistrationReport told;
  };
  using Entries = absl::btree_map<discovery::InstanceName, Entry>;
  // What of a declaration is not sent yet: the set as it was when it began.
  struct Unsent {
    int64_t number = 0;
    bool replace = false;
    bool take_over = false;
    std::deque<std::pair<discovery::InstanceName, Properties>> set;
    std::deque<discovery::InstanceName> remove;
  };

  void MarkDue(Entry* entry) { entry->due = due_ = true; }
  // What is due becomes `unsent_`: one declaration, and another of those that are to be taken over.
  void BeginDeclarations();
  void AddSet(Unsent* declaration, Entries::value_type* one);
  void AddRemovals(Unsent* declaration);
  // Whether what the server says of it was said before it knew what is wanted now.
  static bool IsStale(const Entry& entry, const discovery::v1::SessionResponse::InstanceState& state);
  void OnStale(Entries::iterator entry, const discovery::v1::SessionResponse::InstanceState& state);
  void OnRegistered(Entry* entry, Revision epoch);
  void OnFenced(Entries::iterator entry, const absl::Status& status);
  void OnLost(Entries::iterator entry);
  void Say(Entry* entry, RegistrationState state, Revision epoch, const absl::Status& status);
  Entries::iterator SayRemoved(Entries::iterator entry);

  const Tell tell_;
  Entries entries_;
  bool let_lost_go_ = false;
  bool due_ = false;           // Some may be.
  bool soft_due_ = false;      // Some may be.
  bool declared_ = false;      // On this stream.
  int64_t number_ = 0;         // Of the newest declaration.
  std::deque<Unsent> unsent_;  // At most two.
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_
