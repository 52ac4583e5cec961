#include "client/admin.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "client/backup_check.h"
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

TEST(AdminServerTest, ABackupPassesWholeOrUntilItsSinkIsFull) {
  const ::scoutlight::testing::Server server;
  const Connection connection = server.Connect();
  const Registry registry(connection);
  // Several pieces.
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(registry.Put(absl::StrCat("/large/", i), std::string(1'000'000, 'x')).ok());
  const Admin admin(connection);
  std::string bytes;
  int pieces = 0;
  const absl::StatusOr<BackupSummary> whole = admin.Backup([&](absl::string_view piece) {
    absl::StrAppend(&bytes, piece);
    ++pieces;
    return absl::OkStatus();
  });
  ASSERT_TRUE(whole.ok()) << whole.status();
  EXPECT_GT(pieces, 2);
  EXPECT_EQ(whole->bytes, static_cast<int64_t>(bytes.size()));
  EXPECT_EQ(whole->header.revision, connection.revision());
  EXPECT_EQ(whole->header.store_id, connection.store_id());
  EXPECT_GE(whole->counts.entries, 5U);
  // In whatever pieces it comes.
  for (const size_t size : {size_t{101}, size_t{65'537}, bytes.size()}) {
    BackupCheck check;
    for (size_t at = 0; at < bytes.size(); at += size) ASSERT_TRUE(check.Take(absl::string_view(bytes).substr(at, size)).ok()) << at;
    EXPECT_TRUE(check.End().ok()) << size;
  }
  int taken = 0;
  const absl::Status full = absl::ResourceExhaustedError("the disk is full");
  EXPECT_EQ(admin
                .Backup([&](absl::string_view) {
                  ++taken;
                  return full;
                })
                .status(),
            full);
  EXPECT_EQ(taken, 1);
}

TEST(AdminServerTest, ABackupWithoutAServerFails) {
  ::scoutlight::testing::Server server;
  const Connection connection = server.Connect({.timeout = absl::Milliseconds(500)});
  server.Stop();
  const absl::StatusOr<BackupSummary> none = Admin(connection).Backup([](absl::string_view) { return absl::OkStatus(); });
  EXPECT_EQ(none.status().code(), absl::StatusCode::kUnavailable) << none.status();
}

}  // namespace
}  // namespace scoutlight
