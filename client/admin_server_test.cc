#include "client/admin.h"

#include "client/registrations.h"
#include "client/registry.h"
#include "client/testing/server.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

TEST(AdminServerTest, AServerSaysHowItDoes) {
  const ::scoutlight::testing::Server server;
  const Connection connection = server.Connect();
  ASSERT_TRUE(Registry(connection).GrantLease(absl::Seconds(60)).ok());
  const Registrations registrations(connection);
  ASSERT_TRUE(registrations.Register({.service = "Printer", .id = "a", .properties = {{"hostname", "h"}}}, Permanent()).ok());
  const absl::StatusOr<ServerStatus> status = Admin(connection).Status();
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->serving, ServingState::kServing);
  EXPECT_TRUE(status->problems.empty());
  EXPECT_FALSE(status->version.empty());
  EXPECT_GT(status->uptime, absl::ZeroDuration());
  EXPECT_EQ(status->store.kind, "memory");
  EXPECT_EQ(status->store.leases, 1);
  EXPECT_EQ(status->state.revision, connection.revision());
  EXPECT_EQ(status->state.store_id, connection.store_id());
  ASSERT_TRUE(status->discovery.totals.has_value());
  EXPECT_EQ(status->discovery.totals->instances, 1);
  EXPECT_EQ(status->discovery.totals->resolvable, 1);
  EXPECT_EQ(status->limits.at("lease_ttl_max_ms"), 86'400'000);
}

}  // namespace
}  // namespace scoutlight
