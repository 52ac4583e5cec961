#ifndef SCOUTLIGHT_CLIENT_SESSION_SESSION_LOGIC_H_
#define SCOUTLIGHT_CLIENT_SESSION_SESSION_LOGIC_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/entry.h"
#include "client/events/alarm.h"
#include "client/events/backoff.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "client/registration.h"
#include "client/session/declared_set.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::client {

// Heartbeats: a third of the ttl, and at most this far apart, so that a server that hangs does not go unnoticed. One that carries new soft
// values comes earlier, this long after the one before at the earliest.
inline constexpr absl::Duration kBeatMax = absl::Seconds(10);
inline constexpr absl::Duration kSoftPace = absl::Seconds(1);
// How long a server may leave a message unanswered: a heartbeat's interval, at most kAnswerFirst; twice as long each time that none came,
// up to kAnswerMax, so that servers under load are not asked again before they can answer.
inline constexpr absl::Duration kAnswerFirst = absl::Seconds(5);
inline constexpr absl::Duration kAnswerMax = absl::Seconds(20);
// A stream that another one has replaced is opened again: the other may be one of this session's own, late. After so many in a row, none
// of which stayed for Backoff::kGoodAfter, another process has the session.
inline constexpr int kFencedStreamsMax = 3;

// One session: opens a stream, declares what is wanted, sends heartbeats, and does it again whenever the stream ends. All waits are
// Backoff's, what it draws within the ttl. Of what ends a stream, this is told to the program of every instance and tried again at the
// slowest pace, for ever: kPermissionDenied, kUnauthenticated, kUnimplemented, kInvalidArgument. Only another process that opens the
// session ends it. Lives on the loop, with all its calls; it is not destroyed inside one of its own callbacks.
class SessionLogic {
 public:
  struct Parts {
    EventLoop* loop = nullptr;  // Outlives it.
    OpenStream<discovery::v1::SessionRequest, discovery::v1::SessionResponse> open;
    std::function<double()> unit_random;  // From [0, 1).
    DeclaredSet::Tell tell;
    // An answer showed this.
    std::function<void(Revision, const StoreId&)> saw;
  };
  struct Settings {
    std::string session_id;
    absl::Duration ttl;
    bool is_id_drawn = false;  // Nobody can have had the session before.
  };
  struct Wanted {
    discovery::InstanceName name;
    DeclaredSet::Properties properties;
    IfOwned if_owned = IfOwned::kRefuse;
  };
  // How many instances another session owned by then; or why it cannot leave.
  using LeaveDone = absl::AnyInvocable<void(absl::StatusOr<int>) &&>;

  SessionLogic(Parts parts, Settings settings);

  // The names and properties have passed CheckInstance, soft values CheckSoftValues. Opens the first stream.
  void Register(std::vector<Wanted> wanted);
  void Unregister(const discovery::InstanceName& name);
  void SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft);

  // Instances that are lost from now on do not come back, and what no server was told of is not wanted any more. Returns which may be
  // registered although no answer says so yet.
  std::vector<discovery::InstanceName> BeginLeaving();
  // Once: deregisters all there is, and ends. Tries for as long as it lives.
  void Leave(LeaveDone done);

 private:
  using Response = discovery::v1::SessionResponse;
  enum class Phase {
    kIdle,     // Nothing was ever wanted.
    kTaken,    // Another process has the session.
    kWaiting,  // Until it is tried again.
    kOpening,  // The stream's first answer has not come.
    kOpen,
    kLeft,
  };

  void Open();
  void OnMessage(const Response& response);
  void OnOpened(const Response::Opened& opened);
  void OnAlive();
  void OnLeft(int fenced);
  void OnEnd(const absl::Status& status);
  // How long until the next stream; nullopt: none is opened.
  std::optional<absl::Duration> AfterEnd(const absl::Status& status);

  // Sends a round if the server must be told something, and none is under way.
  void Pump();
  void SendRound();
  void SendLeave();
  void ScheduleBeat();
  // The message that was sent at `sent_at` was answered: the lease lives for a ttl from then.
  void OnRenewed(absl::Duration sent_at);
  void AwaitAnswer();
  void OnNoAnswer();
  absl::Duration answer_max() const;

  Parts parts_;
  const Settings settings_;
  EventLoop& loop_;
  DeclaredSet set_;
  Backoff backoff_;
  Phase phase_ = Phase::kIdle;
  absl::Duration beat_interval_;
  absl::Duration sent_at_;    // The newest message that is, or was, to be answered.
  absl::Duration opened_at_;  // The stream.
  bool ever_opened_ = false;
  bool round_under_way_ = false;
  bool declared_ = false;  // On this stream.
  bool leaving_ = false;
  LeaveDone leave_done_;
  int silent_streams_ = 0;  // Since any message came.
  int fenced_streams_ = 0;
  Alarm reopen_;
  Alarm answer_;  // While one is awaited.
  Alarm beat_;    // While the stream is open, and no round is under way.
  Alarm lapse_;   // A ttl after the newest heartbeat that was answered.
  std::unique_ptr<Stream<discovery::v1::SessionRequest, Response>> stream_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_SESSION_LOGIC_H_
