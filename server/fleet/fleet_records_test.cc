#include "server/fleet/fleet_records.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::server {
namespace {

TEST(FleetRecords, AreReadAsTheyWereWritten) {
  const ServerRecord server{.address = "10.0.0.1:7400", .started_at = absl::UnixEpoch() + absl::Seconds(1)};
  EXPECT_EQ(*ParseServerRecord(EncodeServerRecord(server)), server);
  const DrainRecord drain{.name = {"c", "s", "\xC3\xA9"}, .revision = 1LL << 60, .timeout = absl::Minutes(10), .linger = absl::Seconds(1)};
  EXPECT_EQ(*ParseDrainRecord(EncodeDrainRecord(drain)), drain);
  DrainStanding standing{.settled = true, .outcome = {}};
  standing.outcome.complete = true;
  standing.outcome.laggards = {{.subscriber_id = "a", .peer = "ipv4:10.0.0.2:1", .gone = true}, {.subscriber_id = "b", .peer = ""}};
  standing.outcome.laggards_omitted = 3;
  standing.outcome.unconfirmable_watches = 4;
  standing.outcome.recent_resolvers = 5;
  const absl::StatusOr<DrainStanding> read = ParseStanding(EncodeStanding(standing));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(read->settled);
  EXPECT_TRUE(read->outcome.complete);
  ASSERT_EQ(read->outcome.laggards.size(), 2u);
  EXPECT_EQ(read->outcome.laggards[0].subscriber_id, "a");
  EXPECT_EQ(read->outcome.laggards[0].peer, "ipv4:10.0.0.2:1");
  EXPECT_TRUE(read->outcome.laggards[0].gone);
  EXPECT_FALSE(read->outcome.laggards[1].gone);
  EXPECT_EQ(read->outcome.laggards_omitted, 3);
  EXPECT_EQ(read->outcome.unconfirmable_watches, 4);
  EXPECT_EQ(read->outcome.recent_resolvers, 5);
}

TEST(FleetRecords, AStandingLeavesOutLaggardsThatDoNotFit) {
  DrainStanding standing{.settled = true, .outcome = {}};
  // A control character takes six bytes.
  for (int i = 0; i < limits::kLaggardsMax; ++i) {
    standing.outcome.laggards.push_back({.subscriber_id = std::string(limits::kSubscriberIdBytesMax, '\x01'), .peer = absl::StrCat(i)});
  }
  const std::string text = EncodeStanding(standing);
  EXPECT_LE(text.size(), kStandingBytesMax);
  EXPECT_GT(text.size(), kStandingBytesMax - limits::kKiB);
  const absl::StatusOr<DrainStanding> read = ParseStanding(text);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_GT(read->outcome.laggards_omitted, 0);
  EXPECT_EQ(read->outcome.laggards.size() + static_cast<size_t>(read->outcome.laggards_omitted), static_cast<size_t>(limits::kLaggardsMax));
}

TEST(FleetRecords, WhatIsNoneIsRefusedWithWhatIsWrong) {
  EXPECT_FALSE(ParseServerRecord("").ok());
  EXPECT_EQ(ParseServerRecord("[]").status().message(), "is no JSON object");
  EXPECT_EQ(ParseServerRecord(R"({"address": 1})").status().message(), "its member address is no text");
  EXPECT_EQ(ParseServerRecord(R"({"started_at": "now"})").status().message(), "its member started_at is no time of RFC 3339");
  EXPECT_EQ(ParseDrainRecord(R"({"timeout_ms": 600001})").status().message(), "its member timeout_ms is no number from 0 to 600000");
  EXPECT_EQ(ParseDrainRecord(R"({"revision": -1})").status().message(), "its member revision is no number from 0 to 9223372036854775807");
  EXPECT_EQ(ParseStanding(R"({"settled": "yes"})").status().message(), "its member settled is neither true nor false");
  EXPECT_EQ(ParseStanding(R"({"laggards": {}})").status().message(), "its member laggards is no list");
  EXPECT_FALSE(ParseStanding(R"({"laggards": [1]})").ok());
}

TEST(FleetRecords, MembersOfLaterVersionsAreLeftAlone) {
  EXPECT_EQ(ParseServerRecord(R"({"address": "h:1", "zone": {"x": []}})")->address, "h:1");
}

TEST(FleetRecords, KeysAreToldApart) {
  EXPECT_EQ(ServerKey("a").path(), "/.scoutlight/servers/a");
  EXPECT_EQ(DrainKey("d").path(), "/.scoutlight/drains/d");
  EXPECT_EQ(StandingKey("d", "a").path(), "/.scoutlight/drains/d/a");
  EXPECT_EQ(ReadFleetKey("/.scoutlight/servers/a")->server, "a");
  EXPECT_EQ(ReadFleetKey("/.scoutlight/drains/d")->kind, FleetKey::Kind::kDrain);
  const std::optional<FleetKey> standing = ReadFleetKey("/.scoutlight/drains/d/a");
  ASSERT_TRUE(standing.has_value());
  EXPECT_EQ(standing->kind, FleetKey::Kind::kStanding);
  EXPECT_EQ(standing->drain, "d");
  EXPECT_EQ(standing->server, "a");
  for (const char* other : {"/", "/.scoutlight", "/.scoutlight/servers", "/.scoutlight/servers/a/b", "/.scoutlight/drains/d/a/x",
                            "/other/servers/a", "/.scoutlight/sessions/a"}) {
    EXPECT_FALSE(ReadFleetKey(other).has_value()) << other;
  }
}

}  // namespace
}  // namespace scoutlight::server
