#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_MESSAGE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "discovery/names.h"
#include "server/discovery/subscriber_table.h"

namespace scoutlight::server {

// What a subscriber's message says, in the order in which it is done.
struct SubscriberMessage {
  std::string subscriber_id;  // Of the first one; empty: one is drawn.
  std::optional<absl::Duration> heartbeat;
  int64_t confirmed = 0;
  std::vector<discovery::ServiceName> remove;
  std::vector<discovery::ServiceName> add;
  bool goodbye = false;
};

// Whether a message may come now. `caller`: Identity::Caller() of its stream. `subscriber`: of its stream; null: this is the
// first one.
//   kInvalidArgument    it is against what came before, or was sent; or it names another caller's subscriber; or it would be over
//   limits::kSubscribedServicesMax services, or over
//                       twice as many with those that only streams before had
//   kResourceExhausted  WATCHES_FULL: it would be over SubscriberBounds::subscriptions_max services of all subscribers
absl::Status CheckMessage(const SubscriberMessage& message, const std::string& caller, const Subscriber* subscriber,
                          const SubscriberTable& table);

// A SubscribeResponse that names the subscriber.
std::string SubscriberNamed(const std::string& subscriber_id);
// The bytes of a SubscribeResponse before those of its frame of `frame_bytes`. `service` null: it speaks of all.
std::string SubscriberFrameHead(const discovery::ServiceName* service, size_t frame_bytes);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SUBSCRIBER_MESSAGE_H_
