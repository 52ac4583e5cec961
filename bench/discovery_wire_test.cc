#include "bench/discovery_wire.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "grpcpp/support/slice.h"
#include "scoutlight/discovery/v1/discovery.pb.h"
#include "scoutlight/discovery/v1/registration.pb.h"

namespace scoutlight::bench {
namespace {

namespace wire = discovery::v1;

template <typename Message>
Message Parsed(const grpc::ByteBuffer& bytes) {
  grpc::Slice slice;
  Message message;
  EXPECT_TRUE(bytes.DumpToSingleSlice(&slice).ok());
  EXPECT_TRUE(message.ParseFromArray(slice.begin(), static_cast<int>(slice.size())));
  return message;
}

const Fleet kFleet{.prefix = "f", .services = 30, .instances_per_service = 50};

TEST(DiscoveryWire, EveryInstanceHasANameOfItsOwn) {
  std::set<std::string> names;
  std::set<std::string> services;
  for (int instance = 0; instance < kFleet.instances(); ++instance) {
    const auto request = Parsed<wire::RegisterRequest>(RegisterBytes(kFleet, instance));
    services.insert(request.instance().service());
    names.insert(request.instance().service() + "/" + request.instance().id());
  }
  EXPECT_EQ(names.size(), 1'500);
  EXPECT_EQ(services.size(), 30);
  EXPECT_TRUE(services.contains(ServiceOf(kFleet, 0)));
  EXPECT_TRUE(services.contains(ServiceOf(kFleet, 29)));
}

TEST(DiscoveryWire, InstancesHaveSixPropertiesAndALease) {
  const auto request = Parsed<wire::RegisterRequest>(RegisterBytes(kFleet, 70));
  EXPECT_EQ(request.instance().properties_size(), 6);
  EXPECT_EQ(request.ttl().seconds(), 3600);
  EXPECT_GE(request.instance().ByteSizeLong(), AnswerBytesMin(1));
}

TEST(DiscoveryWire, RegisterAllTakesUpToAThousand) {
  const auto full = Parsed<wire::RegisterAllRequest>(RegisterAllBytes(kFleet, 0));
  const auto rest = Parsed<wire::RegisterAllRequest>(RegisterAllBytes(kFleet, 1'000));
  ASSERT_EQ(full.registrations_size(), 1'000);
  ASSERT_EQ(rest.registrations_size(), 500);
  EXPECT_EQ(rest.registrations(0).instance().service(), ServiceOf(kFleet, 20));
}

TEST(DiscoveryWire, AnUpdateNamesTheInstanceAndTellsItsTime) {
  const auto registered = Parsed<wire::RegisterRequest>(RegisterBytes(kFleet, 70)).instance();
  const auto update = Parsed<wire::UpdateRequest>(StampedUpdateBytes(kFleet, 70, absl::Nanoseconds(1'234)));
  EXPECT_EQ(update.name().service(), registered.service());
  EXPECT_EQ(update.name().id(), registered.id());
  EXPECT_EQ(*StampOf(update.set_properties().at("version")), absl::Nanoseconds(1'234));
  EXPECT_EQ(update.set_properties().at("version").size(), registered.properties().at("version").size());
}

TEST(DiscoveryWire, WhatWasRegisteredHasNoTime) {
  EXPECT_FALSE(StampOf(Parsed<wire::RegisterRequest>(RegisterBytes(kFleet, 0)).instance().properties().at("version")).ok());
  EXPECT_FALSE(StampOf("1.4.2").ok());
}

TEST(DiscoveryWire, ResolveAndWatchNameTheirService) {
  const auto resolve = Parsed<wire::ResolveRequest>(ResolveBytes("printer"));
  EXPECT_EQ(resolve.service(), "printer");
  EXPECT_EQ(resolve.strategy(), wire::STRATEGY_ROUND_ROBIN);
  EXPECT_EQ(Parsed<wire::WatchRequest>(WatchInstancesBytes("printer")).service(), "printer");
}

}  // namespace
}  // namespace scoutlight::bench
