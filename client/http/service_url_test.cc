#include "client/http/service_url.h"

#include <string>
#include <vector>

#include "client/http_request.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

struct UrlCase {
  std::string url;
  std::string service;
  std::string target;
};

TEST(ServiceUrl, NamesServiceAndTarget) {
  const std::vector<UrlCase> cases = {
      {"svc://Printer/path?x=1", "Printer", "/path?x=1"},
      {"svc://Printer", "Printer", "/"},
      {"svc://Printer?x=/1", "Printer", "/?x=/1"},
      {"SVC://Printer/a#part", "Printer", "/a"},
      {"svc://Printer#part", "Printer", "/"},
      {"svc://Color%20Printer%2f2/a%20b", "Color Printer/2", "/a%20b"},
      {"svc://Printer:80@x/", "Printer:80@x", "/"},
      {"svc:///path", "", "/path"},
  };
  for (const UrlCase& given : cases) {
    const absl::StatusOr<ServiceTarget> read = ReadServiceUrl(given.url);
    ASSERT_TRUE(read.ok()) << given.url << ": " << read.status();
    EXPECT_EQ(read->service, given.service) << given.url;
    EXPECT_EQ(read->target, given.target) << given.url;
  }
}

TEST(ServiceUrl, OthersAreRefused) {
  for (const std::string url : {"", "Printer", "http://Printer/", "svc:/Printer", "svc://Prin%2/", "svc://Prin%zz/", "svc://Prin%"}) {
    EXPECT_EQ(ReadServiceUrl(url).status().code(), absl::StatusCode::kInvalidArgument) << url;
  }
  EXPECT_FALSE(ReadServiceUrl("svc://a/" + std::string(kHttpTargetBytesMax + 1024, 'x')).ok());
}

TEST(ServiceUrl, TargetsStayBelowTheirEndpoint) {
  for (const std::string target : {"/", "/a/b?c=../d", "/a..b/..c", "/a/...", "/a/./b", "/%41"})
    EXPECT_EQ(TargetFault(target), "") << target;
  for (const std::string target :
       {"", "a", "/..", "/a/../b", "/a/%2e%2E/b", "/a/.%2e", "/a%2f..%2fb", "/a\\..\\b", "/a b", "/a\r\nb", "/#a", "/\x7f", "/\xc3\xa4"}) {
    EXPECT_NE(TargetFault(target), "") << target;
  }
  EXPECT_EQ(TargetFault("/" + std::string(kHttpTargetBytesMax - 1, 'x')), "");
  EXPECT_EQ(TargetFault("/" + std::string(kHttpTargetBytesMax, 'x')), "has 8193 bytes, at most 8192 are allowed");
}

TEST(ServiceUrl, EndpointPathGoesBeforeTheTarget) {
  struct Case {
    discovery::Url endpoint;
    std::string target;
    std::string url;
  };
  const std::vector<Case> cases = {
      {{"http", "10.0.0.1", 8001, ""}, "/a?b", "http://10.0.0.1:8001/a?b"},
      {{"https", "printer", 0, "/"}, "/a", "https://printer/a"},
      {{"https", "printer", 0, "/api/v1/?x#y"}, "/a", "https://printer/api/v1/a"},
      {{"", "::1", 80, "/api"}, "/", "http://[::1]:80/api/"},
  };
  for (const Case& given : cases) EXPECT_EQ(UrlAt(given.endpoint, given.target), given.url);
}

TEST(ServiceUrl, FirstHttpEndpointIsOneThatIsHttp) {
  const discovery::Properties amqp = {{"hostname", "a"}, {"port", "1"}, {"protocol", "amqp"}};
  EXPECT_FALSE(FirstHttpEndpoint(amqp).has_value());
  discovery::Properties both = amqp;
  both["endpoint.web"] = "https://b:2/x";
  ASSERT_TRUE(FirstHttpEndpoint(both).has_value());
  EXPECT_EQ(FirstHttpEndpoint(both)->name, "web");
  EXPECT_EQ(FirstHttpEndpoint({{"hostname", "a"}, {"port", "1"}})->url.scheme, "");
  EXPECT_FALSE(FirstHttpEndpoint({{"endpoint.pipe", "ipc:///run/x"}}).has_value());
}

}  // namespace
}  // namespace scoutlight::client
