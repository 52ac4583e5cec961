// A server dies under very many clients, and all of them come back at once. SCOUTLIGHT_TORTURE makes them more.
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {
namespace {

constexpr absl::Duration kTtl = absl::Seconds(60);
constexpr int kThreads = 8;

// One of them: a connection, a lease with a key, and a watch of what all want to know.
struct Member {
  std::unique_ptr<Client> client;
  std::unique_ptr<WatchReader> watch;
  int64_t lease_id = 0;
  int64_t seen = 0;  // Up to this revision.
};

class ReconnectStorm : public ServedTest {
 protected:
  // Calls `act` for each of them, from several threads.
  void ForEach(const std::function<void(Member& member, int number)>& act) {
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        for (size_t i = thread; i < members_.size(); i += kThreads) act(members_[i], static_cast<int>(i));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  // Connects, and goes on watching where it was.
  void Connect(Member& member) {
    member.client = std::make_unique<Client>(server().address());
    member.watch = std::make_unique<WatchReader>(*member.client, WatchOf("/news", wire::SCOPE_KEY, member.seen + 1));
  }

  std::vector<Member> members_;
};

TEST_F(ReconnectStorm, AllComeBackAndNobodyMissesAnythingOrLosesItsLease) {
  members_.resize(IsTorture() ? 5'000 : 400);
  RecordProperty("runs", static_cast<int>(members_.size()));
  const int64_t before = client().Revision();
  ForEach([&](Member& member, int number) {
    member.seen = before;
    Connect(member);
    member.lease_id = member.client->NewLease(kTtl);
    EXPECT_TRUE(member.client->PutOnLease(absl::StrCat("/member/", number), "here", member.lease_id).ok());
  });
  const auto told = client().Put("/news", "first");
  ASSERT_TRUE(told.ok());
  std::atomic<int> events_seen = 0;
  const auto read_news = [&](Member& member, const std::string& text, int64_t revision) {
    std::vector<wire::Event> events;
    if (!member.watch->ReadUpTo(revision, &events)) return;
    events_seen += static_cast<int>(events.size());
    for (const wire::Event& event : events) EXPECT_EQ(event.entry().text(), text);
    member.seen = member.watch->revision();
  };
  ForEach([&](Member& member, int) { read_news(member, "first", told->revision()); });
  EXPECT_EQ(events_seen, static_cast<int>(members_.size()));
  const size_t resident = server().resident_bytes();

  server().Kill();
  for (Member& member : members_) member.watch.reset();
  Start();
  const auto told_again = client().Put("/news", "second");
  ASSERT_TRUE(told_again.ok());
  const absl::Duration start = SteadyNow();
  events_seen = 0;
  ForEach([&](Member& member, int) {
    Connect(member);
    const auto renewed = member.client->Renew({member.lease_id});
    EXPECT_TRUE(renewed.ok() && renewed->results(0).outcome() == wire::RenewResult::OUTCOME_RENEWED) << "a lease is lost";
    read_news(member, "second", told_again->revision());
  });
  std::cout << members_.size() << " clients were back after " << SteadyNow() - start << std::endl;
  EXPECT_EQ(events_seen, static_cast<int>(members_.size())) << "each is told once what it missed";
  wire::ListRequest list = ListOf("/member");
  list.set_page_size(10'000);
  EXPECT_EQ(client().ListAll(list).size(), members_.size());
  if (kJudgeMemory) {
    EXPECT_LT(server().resident_bytes(), 2 * resident + (64 << 20));
  }
  members_.clear();
}

}  // namespace
}  // namespace scoutlight::testing
