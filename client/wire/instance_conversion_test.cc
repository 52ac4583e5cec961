#include "client/wire/instance_conversion.h"

#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

namespace wire = discovery::v1;

wire::Instance Message(int status, bool resolvable) {
  wire::Instance message;
  message.set_status(static_cast<wire::InstanceStatus>(status));
  message.set_health(wire::INSTANCE_HEALTH_PASSING);
  message.set_resolvable(resolvable);
  return message;
}

TEST(InstanceConversion, TakesWorkExactlyIfTheMessageSaysSo) {
  for (const int status : {0, 1, 2, 3, 99}) {
    for (const int health : {0, 1, 2, 3, 99}) {
      for (const bool has_override : {false, true}) {
        // What a server can say: draining, lost, critical and overridden ones take no work.
        const bool may = status != 2 && status != 3 && health != 3 && !has_override;
        for (const bool resolvable : {false, may}) {
          wire::Instance message = Message(status, resolvable);
          message.set_health(static_cast<wire::InstanceHealth>(health));
          if (has_override) message.mutable_override();
          EXPECT_EQ(ReadInstance(message).resolvable(), resolvable) << message.DebugString();
        }
      }
    }
  }
}

TEST(InstanceConversion, LostOneIsFitIfItHasNoProblems) {
  wire::Instance message = Message(wire::INSTANCE_STATUS_OWNER_LOST, false);
  EXPECT_TRUE(ReadInstance(message).IsFitButLost());
  message.add_problems()->set_property("port");
  EXPECT_FALSE(ReadInstance(message).IsFitButLost());
}

TEST(InstanceConversion, WhatIsNotSetIsNotKnown) {
  const discovery::Instance instance = ReadInstance(Message(wire::INSTANCE_STATUS_UP, true));
  EXPECT_EQ(instance.registered_at, absl::InfinitePast());
  EXPECT_FALSE(instance.held_until.has_value());
  EXPECT_FALSE(instance.override.has_value());
  EXPECT_EQ(instance.soft, discovery::SoftValues());
}

}  // namespace
}  // namespace scoutlight::client
