#include "server/discovery/subscriber_message.h"

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "google/protobuf/io/coded_stream.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::ServiceName;

absl::Status CheckOrder(const SubscriberMessage& message, const Subscriber* subscriber) {
  if (subscriber != nullptr && !message.subscriber_id.empty()) {
    return InvalidField(Reason::kInvalidField, "subscriber_id",
                        absl::StrCat("is ", Shown(message.subscriber_id), ", but only the first message names the subscriber"));
  }
  if (subscriber != nullptr && message.heartbeat.has_value()) {
    return InvalidField(
        Reason::kInvalidField, "heartbeat",
        absl::StrCat("is ", absl::FormatDuration(*message.heartbeat), ", but only the first message of a stream may set it"));
  }
  const int64_t sent = subscriber == nullptr ? 0 : subscriber->sent;
  if (message.confirmed > sent) {
    return InvalidField(Reason::kInvalidField, "confirmed",
                        absl::StrCat("is ", message.confirmed, ", but only ", sent, " messages of this stream have been sent"));
  }
  return absl::OkStatus();
}

absl::Status WatchesFull(int subscriptions_max) {
  ErrorDetails details;
  details.reason = Reason::kWatchesFull;
  details.retry_after = absl::Seconds(1);
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("all subscribers together would subscribe to more than ", subscriptions_max, " services"), details);
}

}  // namespace

absl::Status CheckMessage(const SubscriberMessage& message, const std::string& caller, const Subscriber* subscriber,
                          const SubscriberTable& table) {
  if (absl::Status wrong = CheckOrder(message, subscriber); !wrong.ok()) return wrong;
  const Subscriber* known = subscriber;
  if (known == nullptr) {
    const auto before = table.all().find(message.subscriber_id);
    if (before != table.all().end()) known = before->second.get();
  }
  if (known != nullptr && known->caller != caller) {
    return InvalidField(Reason::kInvalidField, "subscriber_id",
                        absl::StrCat("is ", Shown(message.subscriber_id), ", which is another caller's"));
  }
  if (message.goodbye || message.add.empty()) return absl::OkStatus();
  const absl::flat_hash_set<ServiceName> added(message.add.begin(), message.add.end());
  const absl::flat_hash_set<ServiceName> removed(message.remove.begin(), message.remove.end());
  size_t wanted = added.size();
  size_t all = added.size();
  size_t had = 0;
  if (known != nullptr) {
    had = known->subscriptions.size();
    for (const auto& [service, subscription] : known->subscriptions) {
      if (added.contains(service) || removed.contains(service)) continue;
      ++all;
      if (subscription->wanted && subscriber != nullptr) ++wanted;
    }
  }
  if (wanted > static_cast<size_t>(limits::kSubscribedServicesMax) || all > static_cast<size_t>(limits::kSubscriptionsOfOneMax)) {
    return InvalidField(Reason::kInvalidField, "add",
                        absl::StrCat("would make it ", wanted, " services, ", all, " with those that only its streams before had; at most ",
                                     limits::kSubscribedServicesMax, " and ", limits::kSubscriptionsOfOneMax, " are allowed"));
  }
  const int subscriptions_max = table.bounds().subscriptions_max;
  if (all > had && table.subscriptions() + (all - had) > static_cast<size_t>(subscriptions_max)) return WatchesFull(subscriptions_max);
  return absl::OkStatus();
}

std::string SubscriberNamed(const std::string& subscriber_id) {
  wire::SubscribeResponse response;
  response.set_subscriber_id(subscriber_id);
  return response.SerializeAsString();
}

std::string SubscriberFrameHead(const ServiceName* service, size_t frame_bytes) {
  wire::SubscribeResponse response;
  if (service != nullptr) {
    response.mutable_service()->set_cluster(service->cluster);
    response.mutable_service()->set_service(service->service);
  }
  std::string head = response.SerializeAsString();
  constexpr uint8_t kFrameTag = wire::SubscribeResponse::kFrameFieldNumber << 3 | 2;
  uint8_t tail[1 + 10];
  tail[0] = kFrameTag;
  const uint8_t* const end = google::protobuf::io::CodedOutputStream::WriteVarint64ToArray(frame_bytes, tail + 1);
  head.append(reinterpret_cast<const char*>(tail), end - tail);
  return head;
}

}  // namespace scoutlight::server
