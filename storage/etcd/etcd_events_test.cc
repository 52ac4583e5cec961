#include "storage/etcd/etcd_events.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace scoutlight::storage {
namespace {

constexpr absl::Time kSeen = absl::FromUnixSeconds(2'000);
constexpr absl::Time kWritten = absl::FromUnixSeconds(1'000);

class EtcdEventsTest : public ::testing::Test {
 protected:
  Key K(const char* path) const { return *Key::Parse(path); }

  mvccpb::Event Put(const std::string& etcd_key, const std::string& value, Revision revision) const {
    mvccpb::Event event;
    event.mutable_kv()->set_key(etcd_key);
    event.mutable_kv()->set_value(value);
    event.mutable_kv()->set_mod_revision(revision);
    event.mutable_kv()->set_version(1);
    return event;
  }
  mvccpb::Event PutNode(const char* path, Revision revision) const {
    return Put(mapping_.Encode(K(path)), EtcdMapping::EncodeValue({Value::Form::kText, "v"}), revision);
  }
  mvccpb::Event Mark(Revision revision, absl::Time committed = kWritten) const {
    return Put(mapping_.mark_key(), EtcdMapping::EncodeMark({EtcdMark::Kind::kWrite, committed}), revision);
  }
  mvccpb::Event DeleteOf(const std::string& etcd_key, Revision revision, LeaseId lease) const {
    mvccpb::Event event;
    event.set_type(mvccpb::Event::DELETE);
    event.mutable_kv()->set_key(etcd_key);
    event.mutable_kv()->set_mod_revision(revision);
    if (lease == 0) return event;
    event.mutable_prev_kv()->set_key(etcd_key);
    event.mutable_prev_kv()->set_value(EtcdMapping::EncodeValue({Value::Form::kText, "v"}));
    event.mutable_prev_kv()->set_lease(lease);
    return event;
  }

  std::vector<EtcdChange> Add(const std::vector<mvccpb::Event>& events, bool fragment = false) {
    etcdserverpb::WatchResponse response;
    for (const mvccpb::Event& event : events) *response.add_events() = event;
    response.set_fragment(fragment);
    absl::StatusOr<std::vector<EtcdChange>> changes = events_.Add(response, /*after=*/0, kSeen);
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes.ok() ? *std::move(changes) : std::vector<EtcdChange>();
  }

  const EtcdMapping mapping_{"p/"};
  EtcdEvents events_{mapping_};
};

TEST_F(EtcdEventsTest, AWriteIsOneBatchInKeyOrderWithTheTimeOfItsMark) {
  const std::vector<EtcdChange> changes = Add({PutNode("/b", 5), PutNode("/a", 5), Mark(5), PutNode("/c", 6), Mark(6)});
  ASSERT_EQ(changes.size(), 2u);
  ASSERT_EQ(changes[0].batch->events.size(), 2u);
  EXPECT_EQ(changes[0].batch->revision, 5);
  EXPECT_EQ(changes[0].batch->committed, kWritten);
  EXPECT_EQ(changes[0].batch->events[0].key, K("/a"));
  EXPECT_EQ(changes[1].batch->events[0].key, K("/c"));
}

TEST_F(EtcdEventsTest, AFenceIsARevisionWithoutABatch) {
  const std::vector<EtcdChange> changes = Add({Mark(7)});
  ASSERT_EQ(changes.size(), 1u);
  EXPECT_EQ(changes[0].revision, 7);
  EXPECT_EQ(changes[0].batch, nullptr);
}

TEST_F(EtcdEventsTest, WhyANodeWentIsToldByWhatWentWithIt) {
  const std::string node = mapping_.Encode(K("/a"));
  const struct {
    std::vector<mvccpb::Event> events;
    EventCause cause;
  } cases[] = {
      {{DeleteOf(node, 5, 1), Mark(5)}, EventCause::kWrite},
      {{DeleteOf(node, 6, 1)}, EventCause::kLeaseExpired},
      {{DeleteOf(mapping_.RevocationKey(1), 7, 1), DeleteOf(node, 7, 1)}, EventCause::kLeaseRevoked},
      {{DeleteOf(node, 8, 0)}, EventCause::kLeaseExpired},  // What was there is compacted away.
  };
  for (const auto& c : cases) {
    const std::vector<EtcdChange> changes = Add(c.events);
    ASSERT_EQ(changes.size(), 1u);
    ASSERT_EQ(changes[0].batch->events.size(), 1u);
    EXPECT_EQ(changes[0].batch->events[0].cause, c.cause) << changes[0].revision;
    EXPECT_EQ(changes[0].batch->committed, c.cause == EventCause::kWrite ? kWritten : kSeen);
  }
}

TEST_F(EtcdEventsTest, ARevisionThatFragmentsCutIsOneBatch) {
  EXPECT_EQ(Add({PutNode("/a", 5)}, /*fragment=*/true).size(), 0u);
  EXPECT_EQ(Add({PutNode("/b", 5)}, /*fragment=*/true).size(), 0u);
  const std::vector<EtcdChange> changes = Add({Mark(5), PutNode("/c", 6), Mark(6)});
  ASSERT_EQ(changes.size(), 2u);
  EXPECT_EQ(changes[0].batch->events.size(), 2u);
  EXPECT_EQ(changes[1].batch->events.size(), 1u);
}

TEST_F(EtcdEventsTest, AResponseInPartsIsTheSameAsAtOnce) {
  const std::vector<mvccpb::Event> events = {PutNode("/b", 5), PutNode("/a", 5), Mark(5),
                                             PutNode("/c", 6), Mark(6),          DeleteOf(mapping_.Encode(K("/a")), 7, 9)};
  const std::vector<EtcdChange> whole = Add(events);
  etcdserverpb::WatchResponse response;
  for (const mvccpb::Event& event : events) *response.add_events() = event;
  for (int part = 1; part < response.events_size(); ++part) {
    EtcdEvents in_parts(mapping_);
    std::vector<EtcdChange> changes;
    for (int from = 0; from < response.events_size(); from += part) {
      absl::StatusOr<std::vector<EtcdChange>> more =
          in_parts.Add(response, from, std::min(from + part, response.events_size()), /*after=*/0, kSeen);
      ASSERT_TRUE(more.ok()) << more.status();
      std::move(more->begin(), more->end(), std::back_inserter(changes));
    }
    ASSERT_EQ(changes.size(), whole.size()) << part;
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(*changes[i].batch, *whole[i].batch) << part;
      EXPECT_EQ(changes[i].marked, whole[i].marked) << part;
    }
  }
}

TEST_F(EtcdEventsTest, WhatNoScoutLightWroteIsNamed) {
  for (const mvccpb::Event& event : {Put(mapping_.Encode(K("/a")), "", 5), Put(mapping_.Encode(K("/a")), "x", 5),
                                     Put(mapping_.Encode(K("/a")) + "/x", "v", 5), Put(mapping_.mark_key(), "x", 5)}) {
    etcdserverpb::WatchResponse response;
    *response.add_events() = event;
    EXPECT_EQ(EtcdEvents(mapping_).Add(response, /*after=*/0, kSeen).status().code(), absl::StatusCode::kDataLoss)
        << event.ShortDebugString();
  }
}

TEST_F(EtcdEventsTest, KeysOfOthersBetweenOursAreNoChanges) {
  for (const std::string& key : {mapping_.identity_key() + "x", mapping_.mark_key() + "y", mapping_.mark_key() + "0123456789abcdeg"}) {
    const std::vector<EtcdChange> changes = Add({Put(key, "v", 5)});
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].batch, nullptr) << key;
    EXPECT_EQ(changes[0].identity, std::nullopt) << key;
  }
}

TEST_F(EtcdEventsTest, AnotherIdentityIsTold) {
  const std::string other = EtcdMapping::EncodeIdentity({.id = "0123456789abcdef0123456789abcdef"});
  EXPECT_EQ(Add({Put(mapping_.identity_key(), other, 5)})[0].identity, other);
  EXPECT_EQ(Add({DeleteOf(mapping_.identity_key(), 6, 0)})[0].identity, "");
}

TEST_F(EtcdEventsTest, AWriteThatWasTriedAgainDatesNoLaterEndOfALeaseBack) {
  const absl::Time late = kSeen + absl::Seconds(1);
  const absl::Time tried_again = late - absl::Seconds(2);
  const std::vector<EtcdChange> changes =
      Add({PutNode("/a", 5), Mark(5, late), PutNode("/b", 6), Mark(6, tried_again), DeleteOf(mapping_.Encode(K("/a")), 7, 9)});
  ASSERT_EQ(changes.size(), 3u);
  EXPECT_EQ(changes[1].batch->committed, tried_again);
  EXPECT_EQ(changes[1].marked, tried_again);
  EXPECT_EQ(changes[2].batch->committed, late);
}

TEST_F(EtcdEventsTest, AClockThatIsAheadDatesNoEndOfALeaseBehindTheWritesOfOthers) {
  const std::string node = mapping_.Encode(K("/a"));
  const absl::Time ahead = kSeen + absl::Minutes(5);
  const struct {
    absl::Time next;
    absl::Time end;
  } cases[] = {{ahead - absl::Seconds(5), ahead},  // It may be a try of before.
               {ahead - absl::Seconds(5) - absl::Milliseconds(1), ahead - absl::Seconds(5) - absl::Milliseconds(1)},
               {kSeen + absl::Seconds(1), kSeen + absl::Seconds(1)}};
  Revision revision = 5;
  for (const auto& c : cases) {
    const std::vector<EtcdChange> changes = Add({Mark(revision, ahead), Mark(revision + 1, c.next), DeleteOf(node, revision + 2, 9)});
    ASSERT_EQ(changes.size(), 3u);
    EXPECT_EQ(changes[2].batch->committed, c.end) << c.next;
    revision += 3;
  }
}

}  // namespace
}  // namespace scoutlight::storage
