#ifndef SCOUTLIGHT_TOPOLOGY_LINK_TYPE_H_
#define SCOUTLIGHT_TOPOLOGY_LINK_TYPE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::topology {

// What a socket at one end of a link speaks: nng's scalability protocols (nng(7)). On the wire: numbers are never reused.
enum class LinkType : uint8_t { kPush = 1, kPull = 2, kPub = 3, kSub = 4, kReq = 5, kRep = 6, kPair = 7 };

// "PUSH" and so on. The parser takes exactly these. Thread-safe, as the next.
absl::string_view LinkTypeText(LinkType type);
std::optional<LinkType> ParseLinkType(absl::string_view text);
// "PUSH, PULL, ...", for messages.
std::string LinkTypeNames();

// What the other end speaks.
LinkType ComplementOf(LinkType type);

// What becomes of a message when an end of its link breaks.
enum class Delivery : uint8_t {
  kPlain = 1,  // As nng gives it.
  kAcked = 2,  // PUSH to PULL alone: sent again, to another instance, until one has confirmed it.
};
absl::string_view DeliveryText(Delivery delivery);
std::optional<Delivery> ParseDelivery(absl::string_view text);

}  // namespace scoutlight::topology

#endif  // SCOUTLIGHT_TOPOLOGY_LINK_TYPE_H_
