#include "server/identity.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"

namespace scoutlight::server {
namespace {

TEST(Identity, HostIsThePeerWithoutItsPort) {
  EXPECT_EQ(HostOfPeer("ipv4:127.0.0.1:7400"), "127.0.0.1");
  EXPECT_EQ(HostOfPeer("ipv6:%5B::1%5D:7400"), "::1");
  EXPECT_EQ(HostOfPeer("ipv6:[2001:db8::1]:7400"), "2001:db8::1");
  EXPECT_EQ(HostOfPeer("unix:/run/x"), "unix:/run/x");
  EXPECT_EQ(HostOfPeer(""), "");
}

TEST(Identity, CallersOfDifferentKindsDiffer) {
  EXPECT_NE((Identity{Identity::Kind::kHost, "a", 1}.Caller()), (Identity{Identity::Kind::kCertificate, "a", 1}.Caller()));
}

TEST(Identity, LongNamesAreCutButStayApart) {
  const std::string common(limits::kCallerBytesMax, 'x');
  const std::string a = Identity{Identity::Kind::kCertificate, common + "a", 1}.Caller();
  const std::string b = Identity{Identity::Kind::kCertificate, common + "b", 1}.Caller();
  EXPECT_EQ(a.size(), limits::kCallerBytesMax);
  EXPECT_NE(a, b);
}

}  // namespace
}  // namespace scoutlight::server
