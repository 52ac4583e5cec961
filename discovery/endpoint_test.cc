#include "discovery/endpoint.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

TEST(Endpoint, UnnamedOneComesFromThreeProperties) {
  const Endpoints read = ReadEndpoints({{"hostname", "192.168.1.101"}, {"port", "8001"}, {"protocol", "https"}});
  EXPECT_THAT(read.endpoints, ElementsAre(Endpoint{"", {"https", "192.168.1.101", 8001, ""}}));
  EXPECT_THAT(read.problems, IsEmpty());
  EXPECT_THAT(ReadEndpoints({{"hostname", "[::1]"}}).endpoints, ElementsAre(Endpoint{"", {"", "::1", 0, ""}}));
  EXPECT_THAT(ReadEndpoints({{"port", "1"}, {"protocol", "https"}}).endpoints, IsEmpty());
}

TEST(Endpoint, NamedOnesFollowByName) {
  const Endpoints read =
      ReadEndpoints({{"endpoint.mq", "amqp://b:5672"}, {"endpoint.api", "https://a/v1"}, {"hostname", "h"}, {"endpointx", "?"}});
  EXPECT_THAT(read.endpoints, ElementsAre(Endpoint{"", {"", "h", 0, ""}}, Endpoint{"api", {"https", "a", 0, "/v1"}},
                                          Endpoint{"mq", {"amqp", "b", 5672, ""}}));
  EXPECT_THAT(read.problems, IsEmpty());
}

TEST(Endpoint, WhatIsWrongHidesNothingElse) {
  const Endpoints read = ReadEndpoints(
      {{"hostname", "a b"}, {"port", "70000"}, {"endpoint.bad", "nowhere"}, {"endpoint.", "http://x"}, {"endpoint.good", "http://x"}});
  EXPECT_THAT(read.endpoints, ElementsAre(Field(&Endpoint::name, "good")));
  EXPECT_THAT(read.problems, ElementsAre(Field(&Problem::property, "hostname"), Field(&Problem::property, "port"),
                                         Field(&Problem::property, "endpoint."), Field(&Problem::property, "endpoint.bad")));
}

TEST(Endpoint, PickGoesByNameThenScheme) {
  const std::vector<Endpoint> endpoints = {{"", {"https", "h", 0, ""}}, {"http", {"amqp", "a", 0, ""}}, {"web", {"http", "w", 0, ""}}};
  EXPECT_EQ(PickEndpoint(endpoints, ""), &endpoints[0]);
  EXPECT_EQ(PickEndpoint(endpoints, "web"), &endpoints[2]);
  EXPECT_EQ(PickEndpoint(endpoints, "HTTPS"), &endpoints[0]);
  EXPECT_EQ(PickEndpoint(endpoints, "amqp"), &endpoints[1]);
  EXPECT_EQ(PickEndpoint(endpoints, "http"), &endpoints[1]) << "a name goes before a scheme";
  EXPECT_EQ(PickEndpoint(endpoints, "grpc"), nullptr);
  EXPECT_EQ(PickEndpoint({}, ""), nullptr);
}

}  // namespace
}  // namespace scoutlight::discovery
