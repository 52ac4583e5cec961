#include <gmock/gmock.h>

#include <set>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/failure.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using Kind = wire::WatchResponse;

// "/key=text@revision", or "-/key@revision" of a delete.
std::string Line(const wire::Event& event) {
  const bool put = event.kind() == wire::Event::KIND_PUT;
  return absl::StrCat(put ? "" : "-", event.entry().key(), put ? "=" + event.entry().text() : "", "@", event.entry().mod_revision());
}

std::vector<std::string> Lines(const std::vector<wire::Event>& events) {
  std::vector<std::string> lines;
  for (const wire::Event& event : events) lines.push_back(Line(event));
  return lines;
}

class WatchTest : public ServedTest {
 protected:
  int64_t Put(const std::string& key, const std::string& text) {
    const auto put = client().Put(key, text);
    EXPECT_TRUE(put.ok()) << put.status.error_message();
    return put->revision();
  }

  // What a watch shows of the changes from `request.start_revision` up to `revision`.
  std::vector<wire::Event> EventsUpTo(const wire::WatchRequest& request, int64_t revision) {
    WatchReader watch(client(), request);
    std::vector<wire::Event> events;
    watch.ReadUpTo(revision, &events);
    return events;
  }
};

TEST_F(WatchTest, ScopesShowWhatTheySay) {
  WatchReader key(client(), WatchOf("/a/b"));
  WatchReader children(client(), WatchOf("/a", wire::SCOPE_CHILDREN));
  WatchReader subtree(client(), WatchOf("/a", wire::SCOPE_SUBTREE));
  WatchReader root(client(), WatchOf("/", wire::SCOPE_SUBTREE));
  for (WatchReader* watch : {&key, &children, &subtree, &root}) {
    const auto started = watch->Next();
    ASSERT_TRUE(started.has_value());
    EXPECT_EQ(started->kind(), Kind::KIND_STARTED);
    EXPECT_EQ(started->revision(), 1);
  }
  Put("/a", "1");
  Put("/a/b", "2");
  Put("/a/b/c", "3");
  ASSERT_TRUE(client().Delete("/a/b", wire::SCOPE_SUBTREE).ok());
  std::vector<wire::Event> events;
  ASSERT_TRUE(root.ReadUpTo(5, &events));
  EXPECT_THAT(Lines(events), ElementsAre("/a=1@2", "/a/b=2@3", "/a/b/c=3@4", "-/a/b@5", "-/a/b/c@5"));
  events.clear();
  ASSERT_TRUE(subtree.ReadUpTo(5, &events));
  EXPECT_THAT(Lines(events), ElementsAre("/a=1@2", "/a/b=2@3", "/a/b/c=3@4", "-/a/b@5", "-/a/b/c@5"));
  events.clear();
  ASSERT_TRUE(children.ReadUpTo(5, &events));
  EXPECT_THAT(Lines(events), ElementsAre("/a/b=2@3", "-/a/b@5"));
  events.clear();
  ASSERT_TRUE(key.ReadUpTo(5, &events));
  EXPECT_THAT(Lines(events), ElementsAre("/a/b=2@3", "-/a/b@5"));
  EXPECT_EQ(events[0].cause(), wire::EVENT_CAUSE_WRITE);
  EXPECT_GT(events[0].commit_time().seconds(), 1'600'000'000);
}

TEST_F(WatchTest, PreviousValuesComeForWhoAsks) {
  wire::WatchRequest request = WatchOf("/a");
  request.set_include_previous(true);
  WatchReader watch(client(), request);
  ASSERT_TRUE(watch.NextOf(Kind::KIND_STARTED).has_value());
  Put("/a", "1");
  Put("/a", "2");
  ASSERT_TRUE(client().Delete("/a").ok());
  std::vector<wire::Event> events;
  ASSERT_TRUE(watch.ReadUpTo(4, &events));
  ASSERT_EQ(events.size(), 3u);
  EXPECT_TRUE(events[0].previous_known());
  EXPECT_FALSE(events[0].has_previous());
  EXPECT_EQ(events[1].previous().text(), "1");
  EXPECT_EQ(events[2].previous().text(), "2");
  EXPECT_EQ(events[2].previous().mod_revision(), 3);
}

TEST_F(WatchTest, ATransactionIsOneFrame) {
  WatchReader watch(client(), WatchOf("/t", wire::SCOPE_CHILDREN));
  ASSERT_TRUE(watch.NextOf(Kind::KIND_STARTED).has_value());
  wire::TransactRequest transact;
  for (int i = 0; i < 100; ++i) {
    transact.add_on_success()->mutable_put()->set_key(absl::StrCat("/t/", i));
    transact.mutable_on_success(i)->mutable_put()->set_text("x");
  }
  ASSERT_TRUE(client().Send(transact).ok());
  const auto changes = watch.NextOf(Kind::KIND_CHANGES);
  ASSERT_TRUE(changes.has_value());
  EXPECT_EQ(changes->events_size(), 100);
  EXPECT_FALSE(changes->fragment());
}

TEST_F(WatchTest, ResumedWatchGoesOnAfterACrashWithoutGapOrRepeat) {
  std::vector<wire::Event> events;
  wire::WatchRequest request = WatchOf("/a", wire::SCOPE_SUBTREE);
  {
    WatchReader watch(client(), request);
    ASSERT_TRUE(watch.NextOf(Kind::KIND_STARTED).has_value());
    for (int i = 0; i < 10; ++i) Put(absl::StrCat("/a/", i), "x");
    ASSERT_TRUE(watch.ReadUpTo(6, &events));
    request.set_start_revision(watch.revision() + 1);
    request.set_store_id(watch.store_id());
  }
  KillAndRestart();
  for (int i = 10; i < 20; ++i) Put(absl::StrCat("/a/", i), "x");
  WatchReader watch(client(), request);
  ASSERT_TRUE(watch.ReadUpTo(21, &events));
  ASSERT_EQ(events.size(), 20u);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(events[i].entry().key(), absl::StrCat("/a/", i));
}

TEST_F(WatchTest, AnotherStoreIsNamedOrShownFromItsState) {
  Put("/a", "1");
  wire::WatchRequest request = WatchOf("/a", wire::SCOPE_KEY, 2);
  request.set_store_id("ffffffffffffffffffffffffffffffff");
  WatchReader refused(client(), request);
  ExpectFailure(refused.End(), grpc::StatusCode::FAILED_PRECONDITION, "STORE_REPLACED", {"store_id"});
  request.set_include_snapshot(true);
  WatchReader shown(client(), request);
  const auto snapshot = shown.NextOf(Kind::KIND_SNAPSHOT);
  ASSERT_TRUE(snapshot.has_value());
  EXPECT_TRUE(snapshot->restart());
  EXPECT_THAT(KeysOf(snapshot->entries()), ElementsAre("/a"));
}

TEST_F(WatchTest, StartInTheFutureIsRefusedAndOneAheadIsNot) {
  Put("/a", "1");
  WatchReader next(client(), WatchOf("/a", wire::SCOPE_KEY, 3));
  ASSERT_TRUE(next.NextOf(Kind::KIND_STARTED).has_value());
  WatchReader future(client(), WatchOf("/a", wire::SCOPE_KEY, 4));
  const grpc::Status status = future.End();
  ExpectFailure(status, grpc::StatusCode::OUT_OF_RANGE, "FUTURE_REVISION", {"start_revision"});
  EXPECT_EQ(FailureOf(status).metadata["revision"], "2");
}

TEST_F(WatchTest, BadFieldsAreNamed) {
  wire::WatchRequest request = WatchOf("/a//b", static_cast<wire::Scope>(9), -1);
  request.mutable_heartbeat()->set_nanos(99'999'999);
  WatchReader watch(client(), request);
  ExpectFailure(watch.End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"scope", "key", "start_revision", "heartbeat"});
  WatchReader root(client(), WatchOf("/"));
  ExpectFailure(root.End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_KEY", {"key"});
  WatchManyStream many(client());
  ASSERT_TRUE(many.Create(5, request));
  const auto ended = many.NextEvent();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->watch_id(), 5);
  EXPECT_EQ(ended->frame().status().code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(ended->frame().status().message(), ::testing::HasSubstr("create.watch.key"));
  ASSERT_TRUE(many.Create(5, WatchOf("/a")));
  EXPECT_EQ(many.NextEvent()->frame().kind(), Kind::KIND_STARTED);
  ASSERT_TRUE(many.Send({}));
  EXPECT_EQ(many.NextEvent()->frame().kind(), Kind::KIND_ENDED);
  ExpectFailure(many.End(), grpc::StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"request"});
}

TEST_F(WatchTest, HeartbeatTellsHowFarWithoutChanges) {
  wire::WatchRequest request = WatchOf("/a");
  request.mutable_heartbeat()->set_nanos(100'000'000);
  WatchReader watch(client(), request);
  ASSERT_TRUE(watch.NextOf(Kind::KIND_STARTED).has_value());
  const int64_t other = Put("/b", "1");
  std::vector<wire::Event> events;
  ASSERT_TRUE(watch.ReadUpTo(other, &events));
  EXPECT_THAT(Lines(events), ElementsAre());
  const auto progress = watch.Next();
  ASSERT_TRUE(progress.has_value());
  EXPECT_EQ(progress->kind(), Kind::KIND_PROGRESS);
}

TEST_F(WatchTest, HalfClosedStreamOfManyGoesOn) {
  WatchManyStream many(client());
  ASSERT_TRUE(many.Create(1, WatchOf("/a")));
  ASSERT_TRUE(many.Create(2, SnapshotOf("/", wire::SCOPE_SUBTREE)));
  ASSERT_TRUE(many.WritesDone());
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(many.NextEvent().has_value());
  Put("/a", "1");
  std::set<int64_t> told;
  for (int i = 0; i < 2; ++i) {
    const auto frame = many.NextEvent();
    ASSERT_TRUE(frame.has_value());
    EXPECT_EQ(frame->frame().kind(), Kind::KIND_CHANGES);
    told.insert(frame->watch_id());
  }
  EXPECT_THAT(told, ElementsAre(1, 2));
}

TEST_F(WatchTest, DrainTellsWhereToGoOn) {
  WatchReader watch(client(), WatchOf("/a"));
  WatchManyStream many(client());
  ASSERT_TRUE(many.Create(3, WatchOf("/a")));
  ASSERT_TRUE(watch.NextOf(Kind::KIND_STARTED).has_value());
  ASSERT_TRUE(many.NextEvent().has_value());
  const int64_t last = Put("/a", "1");
  ASSERT_TRUE(watch.NextOf(Kind::KIND_CHANGES).has_value());
  ASSERT_TRUE(many.NextEvent().has_value());
  server().Signal(SIGTERM);
  const grpc::Status status = watch.End();
  ExpectFailure(status, grpc::StatusCode::UNAVAILABLE, "DRAINING");
  EXPECT_EQ(FailureOf(status).metadata["revision"], absl::StrCat(last));
  const auto ended = many.NextEvent();
  ASSERT_TRUE(ended.has_value());
  EXPECT_EQ(ended->watch_id(), 3);
  EXPECT_EQ(ended->frame().status().reason(), wire::ERROR_REASON_DRAINING);
  EXPECT_EQ(ended->frame().status().revision(), last);
  ExpectFailure(many.End(), grpc::StatusCode::UNAVAILABLE, "DRAINING");
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0});
  Start();
}

}  // namespace
}  // namespace scoutlight::testing
