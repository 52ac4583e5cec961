#include "client/topology.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/error.h"
#include "base/mutex.h"
#include "client/testing/server.h"
#include "client/testing/silent_server.h"

namespace scoutlight {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr absl::Duration kSoon = absl::Seconds(60);

// A document in which `sink` waits at `port`.
std::string DocumentOf(int port) {
  return absl::StrCat(R"({"sink": {"links": [{"addresses": ["tcp://0.0.0.0:)", port, R"("], "queue": "q", "type": "PULL"}]}})");
}

// The updates of one watch, to be waited for.
class Updates {
 public:
  TopologyWatch::OnUpdate taker() {
    return [this](const TopologyUpdate& update) {
      const MutexLock lock(&mu_);
      all_.push_back(update);
      changed_.NotifyAll();
    };
  }
  TopologyWatch::OnEnd ender() {
    return [this](const absl::Status& why) {
      const MutexLock lock(&mu_);
      end_ = why;
      changed_.NotifyAll();
    };
  }
  // The next one; a default one, and a failed test, if none comes.
  TopologyUpdate Next() {
    const MutexLock lock(&mu_);
    const absl::Time deadline = absl::Now() + kSoon;
    while (all_.size() == taken_ && absl::Now() < deadline) changed_.WaitFor(&mu_, deadline - absl::Now());
    if (all_.size() > taken_) return all_[taken_++];
    ADD_FAILURE() << "no update came";
    return {};
  }
  absl::Status AwaitEnd() {
    const MutexLock lock(&mu_);
    const absl::Time deadline = absl::Now() + kSoon;
    while (!end_.has_value() && absl::Now() < deadline) changed_.WaitFor(&mu_, deadline - absl::Now());
    return end_.value_or(absl::OkStatus());
  }
  size_t left() const {
    const MutexLock lock(&mu_);
    return all_.size() - taken_;
  }

 private:
  mutable Mutex mu_;
  CondVar changed_;
  std::vector<TopologyUpdate> all_ ABSL_GUARDED_BY(mu_);
  size_t taken_ ABSL_GUARDED_BY(mu_) = 0;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
};

class TopologyServerTest : public ::testing::Test {
 protected:
  ::scoutlight::testing::Server server;
  Connection connection = server.Connect();
  Topologies topologies{connection};
};

TEST_F(TopologyServerTest, DocumentsAreAppliedReadRolledBackAndDeleted) {
  const absl::StatusOr<ChangeTopologyResult> first = topologies.Apply(DocumentOf(1), {.comment = "one sink"});
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_EQ(first->topology->version, 1);
  EXPECT_EQ(first->topology->comment, "one sink");
  EXPECT_EQ(first->topology->revision, first->state.revision);
  EXPECT_EQ(first->links_total, 1);
  EXPECT_THAT(first->links, ElementsAre(topology::LinkChange{"sink", topology::LinkEnd::kIn, "q", "",
                                                             R"({"addresses":["tcp://0.0.0.0:1"],"queue":"q","type":"PULL"})"}));
  EXPECT_EQ(connection.revision(), first->state.revision);
  EXPECT_TRUE(topologies.Apply(DocumentOf(1))->unchanged);

  const absl::StatusOr<ChangeTopologyResult> would = topologies.Apply(DocumentOf(2), {.expected_version = 1, .validate_only = true});
  ASSERT_TRUE(would.ok()) << would.status();
  EXPECT_EQ(would->topology->version, 2);
  EXPECT_EQ(topologies.Get()->topology.document, DocumentOf(1));
  ASSERT_TRUE(topologies.Apply(DocumentOf(2), {.expected_version = 1}).ok());
  const absl::Status late = topologies.Apply(DocumentOf(3), {.expected_version = 1}).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(late)) << late;
  EXPECT_EQ(ReasonOf(late), Reason::kConditionFailed);

  EXPECT_EQ(topologies.Rollback(1)->topology->restored_version, 1);
  EXPECT_EQ(topologies.Get({.version = 2})->topology.document, DocumentOf(2));
  EXPECT_FALSE(topologies.Delete()->unchanged);
  EXPECT_TRUE(topologies.Delete()->unchanged);
  EXPECT_TRUE(absl::IsNotFound(topologies.Get().status()));
  EXPECT_TRUE(topologies.Get({.version = 4})->topology.deleted);
  const absl::StatusOr<ListTopologyVersionsResult> versions = topologies.ListVersions();
  ASSERT_EQ(versions->versions.size(), 4u);
  EXPECT_EQ(versions->versions.front().version, 4);
  EXPECT_EQ(versions->versions.back().comment, "one sink");
  EXPECT_EQ(versions->versions.back().document, "");
  EXPECT_TRUE(topologies.ListVersions("elsewhere")->versions.empty());
}

TEST_F(TopologyServerTest, MistakesComeWithTheirPaths) {
  const absl::Status wrong = topologies.Apply(R"({"a": {"links": [{"queue": "q", "type": "pull"}]}})").status();
  EXPECT_TRUE(absl::IsInvalidArgument(wrong));
  const ErrorDetails details = *DetailsOf(wrong);
  ASSERT_EQ(details.violations.size(), 2u);
  EXPECT_EQ(details.violations[0].field, "a.links[0].type");
  EXPECT_THAT(topologies.Rollback(7).status().message(), HasSubstr("no version 7"));
}

TEST_F(TopologyServerTest, AWatchTellsWhatThereIsAndWhatComesOverRestarts) {
  Updates updates;
  const TopologyWatch watch(connection, "default", updates.taker());
  TopologyUpdate update = updates.Next();
  EXPECT_EQ(update.version.version, 0);
  EXPECT_TRUE(update.status.ok());
  ASSERT_NE(update.topology, nullptr);
  EXPECT_TRUE(update.topology->services.empty());

  ASSERT_TRUE(topologies.Apply(DocumentOf(1)).ok());
  update = updates.Next();
  EXPECT_EQ(update.version.version, 1);
  EXPECT_EQ(update.version.document, DocumentOf(1));
  EXPECT_EQ(update.topology->services.at("sink").in.at(0).addresses.at(0).port, 1);
  EXPECT_EQ(update.store_id, connection.store_id());

  server.Restart();
  ASSERT_TRUE(topologies.Apply(DocumentOf(2)).ok());
  EXPECT_EQ(updates.Next().version.version, 2) << "that which was told already is not told again";
  ASSERT_TRUE(topologies.Delete().ok());
  update = updates.Next();
  EXPECT_TRUE(update.version.deleted);
  EXPECT_TRUE(update.topology->services.empty());
  server.Wipe();
  update = updates.Next();
  EXPECT_EQ(update.version.version, 0) << "of another store";
  EXPECT_EQ(updates.left(), 0u);
  EXPECT_TRUE(watch.trouble().ok()) << watch.trouble();
}

TEST_F(TopologyServerTest, AWatchThatCannotGoOnEnds) {
  Updates updates;
  const TopologyWatch watch(connection, "a/b", updates.taker(), updates.ender());
  EXPECT_TRUE(absl::IsInvalidArgument(updates.AwaitEnd()));
  EXPECT_EQ(updates.left(), 0u);
}

TEST_F(TopologyServerTest, ASlowProgramHearsOfTheNewest) {
  std::promise<void> let_go;
  Updates updates;
  const TopologyWatch watch(connection, "default", [&, held = let_go.get_future().share()](const TopologyUpdate& update) {
    held.wait();
    updates.taker()(update);
  });
  constexpr int kMany = 70;
  for (int i = 1; i <= kMany; ++i) ASSERT_TRUE(topologies.Apply(DocumentOf(i)).ok());
  let_go.set_value();
  int64_t last = -1;
  while (last < kMany) {
    const TopologyUpdate update = updates.Next();
    ASSERT_GT(update.version.version, last) << "each once, in order";
    last = update.version.version;
  }
}

TEST_F(TopologyServerTest, AWatchMayBeDestroyedInItsCallbackAndWhereTheServerHangs) {
  std::promise<void> destroyed;
  std::unique_ptr<TopologyWatch> watch;
  std::promise<void> made;
  watch = std::make_unique<TopologyWatch>(connection, "default", [&, ready = made.get_future().share()](const TopologyUpdate&) {
    ready.wait();
    watch.reset();
    destroyed.set_value();
  });
  made.set_value();
  EXPECT_EQ(destroyed.get_future().wait_for(absl::ToChronoSeconds(kSoon)), std::future_status::ready);

  const ::scoutlight::testing::SilentServer silent;
  const absl::StatusOr<Connection> hanging = Connection::Open({.endpoints = {silent.address()}});
  ASSERT_TRUE(hanging.ok());
  const absl::Time before = absl::Now();
  {
    const TopologyWatch waiting(*hanging, "default", [](const TopologyUpdate&) {});
  }
  EXPECT_LT(absl::Now() - before, absl::Seconds(5));
}

TEST(TopologyWatch, AServerThatIsNotThereIsTroubleAndThenIsThere) {
  ::scoutlight::testing::Server server;
  const Connection connection = server.Connect();
  server.Stop();
  Updates updates;
  const TopologyWatch watch(connection, "default", updates.taker());
  const absl::Time deadline = absl::Now() + kSoon;
  Mutex mu;
  CondVar never;
  while (watch.trouble().ok() && absl::Now() < deadline) {
    const MutexLock lock(&mu);
    never.WaitFor(&mu, absl::Milliseconds(2));
  }
  EXPECT_TRUE(absl::IsUnavailable(watch.trouble())) << watch.trouble();
  server.Start();
  EXPECT_EQ(updates.Next().version.version, 0);
  EXPECT_TRUE(watch.trouble().ok());
}

}  // namespace
}  // namespace scoutlight
