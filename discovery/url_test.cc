#include "discovery/url.h"

#include <string>

#include "base/limits.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

using ::testing::HasSubstr;

TEST(Url, HostsAreNamesAndAddresses) {
  const std::string label(63, 'a');
  for (const std::string& host :
       {std::string("localhost"), std::string("a.b-c.example."), std::string("my_service"), label + "." + label,
        std::string("192.168.1.101"), std::string("::1"), std::string("[2001:db8::7]"), std::string("1and1.de")}) {
    EXPECT_TRUE(IsHost(host)) << host;
  }
  for (const std::string& host :
       {std::string(), std::string("."), std::string("a..b"), std::string("-a"), std::string("a-"), label + "a",
        std::string("192.168.1.256"), std::string("1.2.3"), std::string("[::1"), std::string("[a]"), std::string("a b"), std::string("a/b"),
        std::string("["), std::string("[]"), std::string(254, 'a'), label + "." + label + "." + label + "." + label}) {
    EXPECT_FALSE(IsHost(host)) << host;
  }
}

TEST(Url, PortsAreOneTo65535) {
  EXPECT_EQ(ParsePort("1"), 1);
  EXPECT_EQ(ParsePort("65535"), 65535);
  for (const char* text : {"", "0", "65536", "+1", "-1", "01", " 1", "1 ", "1e3", "99999", "100000"}) EXPECT_EQ(ParsePort(text), 0) << text;
}

TEST(Url, PartsAreReadAndWrittenBack) {
  const struct {
    std::string text;
    Url url;
  } cases[] = {
      {"https://a.example:8443/x/y?z=1#f", {"https", "a.example", 8443, "/x/y?z=1#f"}},
      {"tcp://0.0.0.0:5678", {"tcp", "0.0.0.0", 5678, ""}},
      {"amqp://[::1]:5672", {"amqp", "::1", 5672, ""}},
      {"http://[::1]", {"http", "::1", 0, ""}},
      {"ipc:///run/x.sock", {"ipc", "", 0, "/run/x.sock"}},
      {"http://h?q", {"http", "h", 0, "?q"}},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Url> url = ParseUrl(c.text);
    ASSERT_TRUE(url.ok()) << c.text << " " << url.status();
    EXPECT_EQ(*url, c.url) << c.text;
    EXPECT_EQ(UrlText(*url), c.text);
  }
  EXPECT_EQ(ParseUrl("HTTPS://Host")->scheme, "https");
  EXPECT_EQ(ParseUrl("HTTPS://Host")->host, "Host");
}

TEST(Url, HostOfAnIpv6AddressIsInBrackets) {
  EXPECT_EQ(HostText({.host = "::1", .port = 80}), "[::1]:80");
  EXPECT_EQ(HostText({.host = "::1"}), "[::1]");
  EXPECT_EQ(HostText({.host = "10.0.0.1", .port = 80}), "10.0.0.1:80");
}

TEST(Url, FaultsSayWhatIsWrong) {
  const struct {
    std::string text;
    std::string says;
  } cases[] = {
      {"", "scheme"},
      {"host:80", "scheme"},
      {"://h", "scheme"},
      {"1a://h", "scheme"},
      {"http://", "neither host nor path"},
      {"http://user:secret@h", "names a user"},
      {"http://h:0", "port \"0\""},
      {"http://h:65536", "port \"65536\""},
      {"http://h:", "port \"\""},
      {"http://::1", "no valid host"},
      {"http://[::1", "no valid host"},
      {"http://[::1]x:1", "no valid host"},
      {"http://a b", "at byte 8"},
      {"http://\xC3\xA9", "at byte 7"},
      {"http://h/" + std::string(limits::kUrlBytesMax - 8, 'x'), "2049 bytes long, at most 2048"},
  };
  for (const auto& c : cases) {
    const absl::StatusOr<Url> url = ParseUrl(c.text);
    ASSERT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << c.text;
    EXPECT_THAT(std::string(url.status().message()), HasSubstr(c.says)) << c.text;
  }
  EXPECT_TRUE(ParseUrl("http://h/" + std::string(limits::kUrlBytesMax - 9, 'x')).ok());
}

}  // namespace
}  // namespace scoutlight::discovery
