#ifndef SCOUTLIGHT_CLIENT_LOCATOR_SUBSCRIPTION_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_SUBSCRIPTION_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "client/events/backoff.h"
#include "client/events/event_loop.h"
#include "client/events/stream.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

namespace scoutlight::client {

// A Subscribe stream that is opened anew for as long as it takes, with the services that are wanted by then, and confirms what it has
// shown. The first one leaves its name to the server, which so knows that it comes from no other.
//
// Everything happens on `loop`: methods are called there, events come there. Once services are added, at most one stream is open;
// messages are sent in batches, at most kUnsentMax wait for the network. Not thread-safe.
class Subscription {
 public:
  using Request = discovery::v1::SubscribeRequest;
  using Response = discovery::v1::SubscribeResponse;

  static constexpr int kUnsentMax = 4;
  // How soon what could not be sent or confirmed yet is tried again.
  static constexpr absl::Duration kFlushPause = absl::Milliseconds(5);
  // A stream on which nothing came for so many heartbeats is given up.
  static constexpr int kSilentHeartbeats = 3;

  // All outlive the subscription.
  struct Parts {
    EventLoop* loop = nullptr;
    OpenStream<Request, Response> open;
    std::function<double()> unit_random;  // From [0, 1).
    std::function<std::string()> new_id;  // Of at most limits::kSubscriberIdBytesMax bytes, that nobody else has.
  };
  struct Options {
    std::string cluster;
    std::string subscriber_id;  // Empty: the server draws one, else this does.
    absl::Duration heartbeat;
  };
  struct Events {
    // A stream begins: of each service a snapshot comes first.
    std::function<void()> on_begin;
    // Of one service. When it returns, what the frame says is acted on. An error: the stream is begun anew.
    std::function<absl::Status(const std::string& service, const discovery::v1::WatchResponse& frame)> on_frame;
    // What was sent of all services is current, up to the frame's revision.
    std::function<void(const discovery::v1::WatchResponse& frame)> on_progress;
    // The server does not reach its store: what it has sent, and what it will until on_progress, may be old.
    std::function<void()> on_cut_off;
    // The stream is over, and the next will be opened in a while. `refused`: trying again will hardly mend it.
    enum class Refused { kNo, kYes };
    std::function<void(const absl::Status& status, Refused refused)> on_end;
    // Whether what has been received may be confirmed by now; asked again in kFlushPause.
    std::function<bool()> may_confirm;
  };

  Subscription(Parts parts, Options options, Events events);
  // No event comes any more. Without Goodbye(), a drain waits for what this one may still act on.
  ~Subscription();

  // At most limits::kSubscribedServicesMax are wanted at a time: the caller's to keep. `acts`: whether something is acted on of the service
  // that no stream of this subscription has told. A stream that came without a name is begun anew for that, with one.
  enum class Acts { kNo, kYes };
  void Add(const std::string& service, Acts acts = Acts::kNo);
  void Remove(const std::string& service);

  // Ends the stream, if one is open, as if its server were silent: the next goes to another, if there is one. on_end comes inside the call.
  // Not called by an event.
  void GiveUp(const absl::Status& why);

  // Tells the server that nothing is acted on any more. `done`, once, when it has answered, or no stream is there; never inside the call.
  // No other event comes after this, and nothing is called but the destructor.
  void Goodbye(EventLoop::Task done);

 private:
  void Open();
  void OpenAfter(absl::Duration delay);
  void OnMessage(const Response& message);
  void OnEnd(const absl::Status& status);
  // Another stream, now: this one cannot be gone on with.
  void BeginAnew(absl::Duration delay);
  void FlushSoon();
  void Flush();
  void WatchSilence();
  void AddService(const std::string& service, Request* request) const;

  const Parts parts_;
  const Options options_;
  const Events events_;
  std::string subscriber_id_;  // Empty: it has none yet.
  Backoff backoff_;
  std::set<std::string> wanted_;
  std::set<std::string> asked_;    // Of this stream: added, and not removed.
  std::set<std::string> removed_;  // Of this stream, maybe more than once.
  bool nameless_ = false;          // This stream came without a name: its server takes it that nothing was known before.
  std::unique_ptr<Stream<Request, Response>> stream_;
  absl::Duration opened_at_;
  absl::Duration heard_at_;
  int64_t received_ = 0;
  int64_t confirmed_ = 0;
  bool goodbye_ = false;
  EventLoop::Task on_goodbye_;
  EventLoop::TimerId opening_ = 0;
  EventLoop::TimerId flushing_ = 0;
  EventLoop::TimerId silence_ = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_SUBSCRIPTION_H_
