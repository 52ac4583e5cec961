#include "storage/etcd/etcd_backlog.h"

#include <functional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "base/limits.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_opening.h"
#include "storage/etcd/scripted_etcd.h"
#include "storage/testing/await.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

class EtcdBacklogTest : public ::testing::Test {
 protected:
  void TearDown() override { client_.Shutdown(); }

  // On the client's thread.
  template <typename Task>
  void Run(Task task) {
    Waiter<bool> done;
    client_.thread().Post([&] {
      task();
      done.Take(true);
    });
    done.Wait();
  }
  bool AwaitReads() {
    return AwaitCondition([&] {
      bool reads = true;
      Run([&] { reads = backlog_.reads(); });
      return !reads;
    });
  }

  std::string Encoded(int i) const { return mapping_.Encode(K(absl::StrFormat("/leased%05d", i))); }

  // `keys` keys at once, every other one on a lease.
  Revision Put(int keys, const std::string& value = EtcdMapping::EncodeValue(Text("v"))) {
    etcdserverpb::TxnRequest request;
    for (int i = 0; i < keys; ++i) {
      etcdserverpb::PutRequest* put = request.add_success()->mutable_request_put();
      put->set_key(Encoded(i));
      put->set_value(value);
      put->set_lease(i % 2 == 0 ? 7 : 0);
    }
    return etcd_.Put(request);
  }
  // The end of a lease that all of them were on, as a watch brings it.
  EtcdChange EndOf(int keys, Revision revision) const {
    etcdserverpb::WatchResponse response;
    for (int i = 0; i < keys; ++i) {
      mvccpb::Event* event = response.add_events();
      event->set_type(mvccpb::Event::DELETE);
      event->mutable_kv()->set_key(Encoded(i));
      event->mutable_kv()->set_mod_revision(revision);
    }
    absl::StatusOr<std::vector<EtcdChange>> changes = EtcdEvents(mapping_).Add(response, /*after=*/0, absl::UnixEpoch());
    EXPECT_TRUE(changes.ok()) << changes.status();
    return changes->front();
  }
  EtcdChange EndLease(int keys) {
    std::vector<std::string> ended;
    for (int i = 0; i < keys; ++i) ended.push_back(Encoded(i));
    return EndOf(keys, etcd_.EndLease(ended));
  }

  const EtcdMapping mapping_{"p/"};
  ScriptedEtcd etcd_;
  EtcdStoreOptions options_{.endpoints = {etcd_.target()}};
  EtcdClient client_{ClientOptionsOf(options_)};
  // Touched on the client's thread.
  std::function<bool(const EtcdChange&)> wants_ = [](const EtcdChange&) { return true; };
  int lost_ = 0;
  std::vector<absl::Status> stopped_;
  EtcdBacklog backlog_{client_,
                       mapping_,
                       {.retry_after = absl::Milliseconds(1),
                        .read = [this] { backlog_.Complete(wants_); },
                        .lost = [this] { ++lost_; },
                        .stopped = [this](const absl::Status& why) { stopped_.push_back(why); }}};
};

// How many events of an end of a lease lack what was there, or say a wrong cause.
int WrongEnds(const EtcdChange& end) {
  int wrong = 0;
  for (const Event& event : end.batch->events) {
    const bool is_known = event.previous.has_value() && event.previous->key == event.key;
    const EventCause cause = is_known && event.previous->lease_id != 0 ? EventCause::kLeaseExpired : EventCause::kWrite;
    if (!is_known || event.cause != cause) ++wrong;
  }
  return wrong;
}

TEST_F(EtcdBacklogTest, WhatWasThereIsReadForManyKeysAtOnceAndTellsWhyTheyWent) {
  constexpr int kKeys = 3'000;
  Put(kKeys);
  const EtcdChange end = EndLease(kKeys);
  Run([&] {
    backlog_.Add({end}, 1);
    EXPECT_FALSE(backlog_.front_is_complete());
    backlog_.Complete(wants_);
    EXPECT_TRUE(backlog_.reads());
    EXPECT_FALSE(backlog_.front_is_complete());
  });
  ASSERT_TRUE(AwaitReads());
  Run([&] { EXPECT_TRUE(backlog_.front_is_complete()); });
  EXPECT_EQ(WrongEnds(end), 0);
  EXPECT_LT(etcd_.look_backs(), kKeys / 10);
}

TEST_F(EtcdBacklogTest, WhatIsNotWantedIsNotRead) {
  Put(1);
  const EtcdChange unwanted = EndLease(1);
  Put(1);
  const EtcdChange wanted = EndLease(1);
  wants_ = [&](const EtcdChange& change) { return change.revision == wanted.revision; };
  Run([&] {
    backlog_.Add({unwanted, wanted}, 1);
    backlog_.Complete(wants_);
    // Nor is what is being read already.
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitReads());
  EXPECT_EQ(WrongEnds(wanted), 0);
  EXPECT_FALSE(unwanted.batch->events[0].previous_known);
  EXPECT_EQ(etcd_.look_backs(), 1);
}

TEST_F(EtcdBacklogTest, NoMoreIsReadAtOnceThanTheBound) {
  constexpr int kKeys = 100;
  Put(kKeys);
  const EtcdChange end = EndLease(kKeys);
  etcd_.HoldLookBacks();
  Run([&] {
    backlog_.Add({end}, 1);
    backlog_.Complete(wants_);
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() == 32; }));
  etcd_.ReleaseLookBacks();
  ASSERT_TRUE(AwaitReads());
  EXPECT_EQ(WrongEnds(end), 0);
}

TEST_F(EtcdBacklogTest, WhatWasClearedWaitsForNoRead) {
  Put(1);
  const EtcdChange cleared = EndLease(1);
  etcd_.HoldLookBacks();
  Run([&] {
    backlog_.Add({cleared}, 1);
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitCondition([&] { return etcd_.held_look_backs() == 1; }));
  Run([&] {
    backlog_.Clear();
    EXPECT_TRUE(backlog_.empty());
    EXPECT_FALSE(backlog_.reads());
  });
  Put(1);
  const EtcdChange next = EndLease(1);
  etcd_.ReleaseLookBacks();
  Run([&] {
    backlog_.Add({next}, 1);
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitReads());
  EXPECT_EQ(WrongEnds(next), 0);
  EXPECT_FALSE(cleared.batch->events[0].previous_known);
}

TEST_F(EtcdBacklogTest, WhatIsShownMeanwhileEndsItsRead) {
  Put(1);
  const EtcdChange shown = EndLease(1);
  etcd_.HoldLookBacks();
  Run([&] {
    backlog_.Add({shown}, 1);
    backlog_.Complete(wants_);
    backlog_.DropFront();
    EXPECT_TRUE(backlog_.empty());
    EXPECT_TRUE(backlog_.reads());
  });
  etcd_.ReleaseLookBacks();
  EXPECT_TRUE(AwaitReads());
}

TEST_F(EtcdBacklogTest, ARevisionThatNoMemberKnowsIsLost) {
  const EtcdChange end = EndOf(1, etcd_.revision() + 10);
  Run([&] {
    backlog_.Add({end}, 1);
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitCondition([&] {
    int lost = 0;
    Run([&] { lost = lost_; });
    return lost == 1;
  }));
  EXPECT_EQ(etcd_.look_backs(), 1) << "the member that is asked next is up to date";
}

TEST_F(EtcdBacklogTest, WhatNoScoutLightWroteIsTold) {
  Put(1, "no value of ours");
  const EtcdChange end = EndLease(1);
  Run([&] {
    backlog_.Add({end}, 1);
    backlog_.Complete(wants_);
  });
  ASSERT_TRUE(AwaitCondition([&] {
    size_t stopped = 0;
    Run([&] { stopped = stopped_.size(); });
    return stopped == 1;
  }));
  EXPECT_EQ(stopped_[0].code(), absl::StatusCode::kDataLoss) << stopped_[0];
}

TEST_F(EtcdBacklogTest, ItIsFullByRevisionsAndByBytes) {
  constexpr int kChangesMax = 1'000;
  constexpr size_t kBytesMax = 4 * limits::kMiB;
  Run([&] {
    for (int i = 1; i <= kChangesMax; ++i) backlog_.Add({EndOf(1, i)}, 1);
    // Said twice.
    backlog_.Add({EndOf(1, kChangesMax)}, 1);
    EXPECT_FALSE(backlog_.is_full());
    backlog_.Add({EndOf(1, kChangesMax + 1)}, 1);
    EXPECT_TRUE(backlog_.is_full());
    EXPECT_EQ(backlog_.last_revision(), kChangesMax + 1);
    backlog_.Clear();

    for (const size_t more : {size_t{0}, size_t{1}}) {
      backlog_.Add({EndOf(1, 5)}, kBytesMax - 1);
      backlog_.Add({EndOf(1, 6)}, 1 + more);
      EXPECT_EQ(backlog_.is_full(), more == 1);
      backlog_.DropFront();
      backlog_.DropFront();
    }
    EXPECT_FALSE(backlog_.is_full());
  });
}

}  // namespace
}  // namespace scoutlight::storage
