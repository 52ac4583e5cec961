#include "client/lease_keeper.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <utility>

#include "client/connection.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"
#include "client/events/run_and_wait.h"
#include "client/lease/lease_renewals.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

namespace wire = registry::v1;
using client::LeaseRenewals;

// Keepers of a connection whose stream is the test's.
class LeaseKeeperTest : public ::testing::Test {
 protected:
  LeaseKeeperTest() {
    renewals_ = connection_.wire()->Part<LeaseRenewals>([this] {
      return std::make_unique<LeaseRenewals>(
          LeaseRenewals::Options{.loop = &connection_.wire()->loop(), .open = calls_.opener(), .unit_random = [] { return 0.5; }});
    });
  }

  // Where everything that `calls_` does happens.
  void OnLoop(client::EventLoop::Task task) { client::RunAndWait(&connection_.wire()->loop(), std::move(task)); }
  // Callbacks that were posted have run when it returns.
  void AfterCallbacks() {
    client::RunAndWait(&connection_.wire()->callbacks(), [] {});
  }

  client::ManualLoop manual_;  // Runs inside the connection's.
  client::FakeStreams<wire::KeepAliveRequest, wire::KeepAliveResponse> calls_{&manual_};
  Connection connection_ = *Connection::Open({.endpoints = {"127.0.0.1:1"}});
  std::shared_ptr<LeaseRenewals> renewals_;
};

TEST_F(LeaseKeeperTest, AStreamsEndIsNoLossWhateverItsCode) {
  std::atomic<int> lost = 0;
  const LeaseKeeper keeper(connection_, 1, absl::Hours(1), [&](const absl::Status&) { ++lost; });
  OnLoop([this] { calls_.End(absl::InvalidArgumentError("not understood")); });
  AfterCallbacks();
  EXPECT_EQ(lost, 0);
  EXPECT_EQ(keeper.state().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(LeaseKeeperTest, WrongArgumentsAreToldAsALoss) {
  std::atomic<int> lost = 0;
  const LeaseKeeper keeper(connection_, 0, absl::Hours(1), [&](const absl::Status& status) {
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    ++lost;
  });
  OnLoop([this] { EXPECT_EQ(calls_.opened(), 0); });
  AfterCallbacks();
  EXPECT_EQ(lost, 1);
}

}  // namespace
}  // namespace scoutlight
