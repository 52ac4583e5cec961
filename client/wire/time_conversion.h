#ifndef SCOUTLIGHT_CLIENT_WIRE_TIME_CONVERSION_H_
#define SCOUTLIGHT_CLIENT_WIRE_TIME_CONVERSION_H_

#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

#include "absl/time/time.h"

namespace scoutlight::client {

inline absl::Duration DurationOf(const google::protobuf::Duration& duration) {
  return absl::Seconds(duration.seconds()) + absl::Nanoseconds(duration.nanos());
}

// An infinite one is more than any bound.
inline google::protobuf::Duration WireDuration(absl::Duration duration) {
  google::protobuf::Duration out;
  out.set_seconds(absl::IDivDuration(duration, absl::Seconds(1), &duration));
  // What is left of an infinite one is infinite.
  out.set_nanos(duration == absl::InfiniteDuration() ? 0 : static_cast<int32_t>(absl::ToInt64Nanoseconds(duration)));
  return out;
}

inline absl::Time TimeOf(const google::protobuf::Timestamp& time) {
  return absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
}

inline google::protobuf::Timestamp WireTime(absl::Time time) {
  google::protobuf::Timestamp out;
  const int64_t seconds = absl::ToUnixSeconds(time);
  out.set_seconds(seconds);
  out.set_nanos(static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return out;
}

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_TIME_CONVERSION_H_
