#ifndef SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_
#define SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/btree_map.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/limits.h"
#include "client/registration.h"
#include "discovery/instance.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::client {

// Of one message: what a server takes, with room for what is around it.
inline constexpr size_t kDeclareBytesMax = limits::kRequestBytesMax - 64 * limits::kKiB;
inline constexpr size_t kSoftBytesMax = 512 * limits::kKiB;
// What the server will not take in ends the stream, and with it the other instances' heartbeats for a moment: it is tried again this late,
// twice as late each time.
inline constexpr absl::Duration kRejectedRetryMin = absl::Seconds(10);
inline constexpr absl::Duration kRejectedRetryMax = absl::Minutes(2);

// What an instance takes of kDeclareBytesMax.
size_t DeclaredBytes(const discovery::InstanceName& name, const discovery::Properties& properties);

// The instances of a session: what is wanted, what the server says of it, and what it must be told next. The server is told in rounds, one
// at a time: at most one declaration, and a heartbeat, whose answer says that both were taken in. Not thread-safe, holds no clock.
//
// The first declaration of a stream replaces what was declared before: what it does not name, the server deregisters. So it names all that
// may be registered, and only then what is not. That all fits into one is its caller's to see to: at most limits::kSessionInstancesMax, of
// kDeclareBytesMax as DeclaredBytes() counts them, of an instance that is being changed the larger.
class DeclaredSet {
 public:
  using Properties = std::shared_ptr<const discovery::Properties>;
  // Told of each instance whenever something about it changes. Must not call back.
  using Tell = std::function<void(const RegistrationReport&)>;

  explicit DeclaredSet(Tell tell) : tell_(std::move(tell)) {}

  // What the program wants.
  void Want(const discovery::InstanceName& name, Properties properties, IfOwned if_owned);
  void Unwant(const discovery::InstanceName& name);
  void UnwantAll();
  // Of one that is wanted; else nothing.
  void SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft);

  // From now on instances that are lost are not wanted any more.
  void LetLostGo() { let_lost_go_ = true; }

  // A stream begins: its server knows nothing of the set.
  void BeginStream();
  // The declaration of the next round; nullopt: none is needed, though has_due() may have said so. The first of a stream always is there,
  // and replaces. No round is under way.
  std::optional<discovery::v1::SessionRequest::Declare> TakeDeclare(absl::Duration now);
  // The heartbeat of the round, with as many of the soft values that the server does not have as go into one.
  discovery::v1::SessionRequest::Heartbeat TakeHeartbeat();
  bool has_due() const { return due_; }
  bool has_soft_due() const { return soft_due_; }

  // The server has taken the round in.
  void OnRoundTaken();
  void OnState(const discovery::v1::SessionResponse::InstanceState& state);
  // kInvalidArgument ended the stream: instances of the round's declaration are refused, or declared with fewer others. False: it had none,
  // or none that could be left out.
  bool OnRejected(const absl::Status& status, absl::Duration now);
  // No server has answered for a whole ttl: what is registered may be gone.
  void OnLapse(const absl::Status& status);
  // What is not registered has `status` for a reason.
  void OnUnreachable(const absl::Status& status);
  // The server refuses the session.
  void RefuseAll(const absl::Status& status);
  // The session is another's.
  void FenceAll(const absl::Status& status);
  // It has left: nothing of it is registered. What is another's stays told so.
  void RemoveAll();

  // When an instance is due again that the server would not take in; nullopt: none is.
  std::optional<absl::Duration> next_retry() const;
  void RetryRejected(absl::Duration now);

 private:
  struct Entry {
    Properties wanted;
    bool removing = false;   // It is to go.
    bool fenced = false;     // It is another's, and not declared any more.
    bool take_over = false;  // Until it is registered or fenced.
    bool due = true;         // To be declared, or removed, in the next round.
    bool sent_once = false;  // A server may know of it.
    bool sent_take_over = false;
    bool lapsed = false;  // It is told as kLost, because no server answers.
    Properties sent;      // In the round that is under way.
    Properties accepted;  // What a server took in last.
    Properties rejected;  // What a server did not take in; declared again at `retry_at`, until then `accepted` is declared in its place.
    absl::Duration retry_at;
    absl::Duration retry_after;
    std::optional<discovery::SoftValues> soft;
    bool soft_due = false;
    RegistrationReport told;
  };
  using Entries = absl::btree_map<discovery::InstanceName, Entry>;
  struct Draft;

  static bool IsHeld(const Entry& entry) { return entry.rejected != nullptr && entry.rejected == entry.wanted; }
  // What the server says of it is not said of what is wanted.
  static bool IsDeclaredOtherwise(const Entry& entry) { return IsHeld(entry) && entry.sent != entry.wanted; }
  static const Properties& Declared(const Entry& entry, absl::Duration now);
  // The server may have it on the session's lease.
  static bool MayBeRegistered(const Entry& entry) { return entry.told.epoch != 0 || entry.accepted != nullptr; }
  // It is looked for what the server does not take in.
  bool is_narrowed() const { return chunk_max_ < limits::kSessionInstancesMax; }
  bool IsForLater(const Draft& draft, const Entry& entry) const;
  void MarkDue(Entry* entry);
  void AddTo(Draft* draft, Entries::value_type* one, absl::Duration now);
  void Reject(const discovery::InstanceName& name, const absl::Status& status, absl::Duration now);
  void OnRegistered(Entry* entry, Revision epoch);
  void OnFenced(Entries::iterator entry, const absl::Status& status);
  void Say(Entry* entry, RegistrationState state, Revision epoch, const absl::Status& status);
  Entries::iterator SayRemoved(Entries::iterator entry);
  void EndRound();

  const Tell tell_;
  Entries entries_;
  bool let_lost_go_ = false;
  bool due_ = false;       // Some may be.
  bool soft_due_ = false;  // Some may be.
  bool declared_ = false;  // On this stream.
  // Of a declaration that does not replace. Fewer after an error that does not say where it is, until all is taken in.
  int chunk_max_ = limits::kSessionInstancesMax;
  // The declaration that is under way: `set` in order.
  std::vector<discovery::InstanceName> round_set_;
  size_t round_removals_ = 0;
  bool round_replaces_ = false;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_DECLARED_SET_H_
