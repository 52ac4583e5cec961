#include "client/gate_options.h"

#include <algorithm>
#include <cstdint>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/shown.h"
#include "client/gate_endpoint.h"
#include "discovery/names.h"
#include "discovery/url.h"

namespace scoutlight {
namespace {

constexpr size_t kTopicsMax = 1'000;
constexpr size_t kTopicBytesMax = 1024;
constexpr size_t kEndpointsMax = 1'000;

using Violations = std::vector<FieldViolation>;

void CheckNumber(const char* field, uint64_t value, uint64_t min, uint64_t max, Violations* wrong) {
  if (value < min || value > max) wrong->push_back({field, absl::StrCat("is ", value, ", ", min, " to ", max, " are allowed")});
}

void CheckDuration(const char* field, absl::Duration value, absl::Duration min, absl::Duration max, Violations* wrong) {
  if (value >= min && value <= max) return;
  wrong->push_back({field, absl::StrCat("is ", absl::FormatDuration(value), ", ", absl::FormatDuration(min), " to ",
                                        absl::FormatDuration(max), " are allowed")});
}

void CheckPlaces(const GateOptions& options, Violations* wrong) {
  if (!options.queue.empty()) {
    const std::string fault = discovery::PropertyNameFault(options.queue);
    if (!fault.empty()) wrong->push_back({"queue", fault});
    if (options.queue.size() > topology::kQueueBytesMax) {
      wrong->push_back({"queue", absl::StrCat("has ", options.queue.size(), " bytes, at most ", topology::kQueueBytesMax, " are allowed")});
    }
  }
  if (!options.service.empty()) {
    const std::string fault = discovery::ServiceFault(options.service);
    if (!fault.empty()) wrong->push_back({"service", fault});
  }
  CheckNumber("endpoints", options.endpoints.size(), 0, kEndpointsMax, wrong);
  for (size_t i = 0; i < std::min(options.endpoints.size(), kEndpointsMax); ++i) {
    const std::string fault = DialFault(options.endpoints[i]);
    if (!fault.empty()) wrong->push_back({absl::StrCat("endpoints[", i, "]"), fault});
  }
  CheckNumber("addresses", options.addresses.size(), 0, topology::kAddressesOfLinkMax, wrong);
  if (!options.advertise.empty() && !discovery::IsHost(options.advertise)) {
    wrong->push_back({"advertise", absl::StrCat("is ", Shown(options.advertise), ", a host is wanted")});
  }
}

}  // namespace

absl::Status CheckOptions(const GateOptions& options) {
  Violations wrong;
  CheckPlaces(options, &wrong);
  CheckNumber("messages_max", options.messages_max, 1, 1'000'000, &wrong);
  CheckNumber("bytes_max", options.bytes_max, 1, uint64_t{16} << 30, &wrong);
  CheckNumber("message_bytes_max", options.message_bytes_max, 1, 256 << 20, &wrong);
  CheckNumber("unconfirmed_max", static_cast<uint64_t>(std::max(options.unconfirmed_max, 0)), 1, 10'000, &wrong);
  CheckDuration("confirm_timeout", options.confirm_timeout, absl::Milliseconds(10), absl::Hours(1), &wrong);
  CheckNumber("backlog_max", static_cast<uint64_t>(std::max(options.backlog_max, 0)), 1, 8'192, &wrong);
  CheckNumber("topics", options.topics.size(), 0, kTopicsMax, &wrong);
  for (size_t i = 0; i < std::min(options.topics.size(), kTopicsMax); ++i) {
    if (options.topics[i].size() <= kTopicBytesMax) continue;
    wrong.push_back({absl::StrCat("topics[", i, "]"),
                     absl::StrCat("has ", options.topics[i].size(), " bytes, at most ", kTopicBytesMax, " are allowed")});
  }
  CheckDuration("linger", options.linger, absl::ZeroDuration(), absl::Minutes(1), &wrong);
  if (options.delivery == Delivery::kAcked && options.type.has_value() && *options.type != LinkType::kPush &&
      *options.type != LinkType::kPull) {
    wrong.push_back(
        {"delivery", absl::StrCat("is acked, which ", topology::LinkTypeText(*options.type), " cannot be, PUSH and PULL alone")});
  }
  if (wrong.empty()) return absl::OkStatus();
  return InvalidFields(Reason::kInvalidField, std::move(wrong));
}

GateKind KindOf(LinkType type) {
  switch (type) {
    case LinkType::kPush:
    case LinkType::kPub:
      return GateKind::kOut;
    case LinkType::kPull:
    case LinkType::kSub:
      return GateKind::kIn;
    default:
      return GateKind::kInOut;
  }
}

}  // namespace scoutlight
