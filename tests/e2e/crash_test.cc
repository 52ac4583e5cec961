// kill -9 under load. SCOUTLIGHT_SEED repeats a run's choices; SCOUTLIGHT_TORTURE makes it long.
#include <gmock/gmock.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <optional>

#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"

namespace scoutlight::testing {
namespace {

constexpr int kWriters = 8;  // Each with one call in flight, and keys of its own.
constexpr int kKeysPerWriter = 3;

// What a writer has been told is stored.
struct Acknowledged {
  std::string key;
  std::string text;
  int64_t revision = 0;
};

// The acknowledgements of all writers. Thread-safe.
class Ledger {
 public:
  void Add(std::vector<Acknowledged> writes) {
    const MutexLock lock(&mu_);
    ++calls_;
    for (Acknowledged& write : writes) writes_.push_back(std::move(write));
    changed_.NotifyAll();
  }
  // Whether there were so many within kSoon.
  bool WaitForCalls(int calls) {
    const Deadline deadline(kSoon);
    const MutexLock lock(&mu_);
    while (calls_ < calls && !deadline.passed()) changed_.WaitFor(&mu_, deadline.left());
    return calls_ >= calls;
  }
  std::vector<Acknowledged> writes() {
    const MutexLock lock(&mu_);
    return writes_;
  }

 private:
  Mutex mu_;
  CondVar changed_;
  int calls_ ABSL_GUARDED_BY(mu_) = 0;
  std::vector<Acknowledged> writes_ ABSL_GUARDED_BY(mu_);
};

std::string PaddedNumber(int number) { return absl::StrCat(1'000'000'000 + number); }  // Texts compare as numbers.

// Writes ever higher numbers until the server is gone: most writers one key a call, some two in a transaction.
void Write(const std::string& address, int writer, int first, Ledger* ledger) {
  Client client(address);
  for (int number = first;; ++number) {
    const std::string text = PaddedNumber(number);
    const std::string key = absl::StrCat("/crash/", writer, "/", number % kKeysPerWriter);
    if (writer % 4 != 0) {
      const auto put = client.Put(key, text);
      if (!put.ok()) return;
      ledger->Add({{key, text, put->revision()}});
      continue;
    }
    wire::TransactRequest request;
    for (const char* twin : {"/left", "/right"}) {
      request.add_on_success()->mutable_put()->set_key(key + twin);
      request.mutable_on_success()->rbegin()->mutable_put()->set_text(text);
    }
    const auto done = client.Send(request);
    if (!done.ok()) return;
    ledger->Add({{key + "/left", text, done->revision()}, {key + "/right", text, done->revision()}});
  }
}

class CrashLoop : public ServedTest {
 protected:
  std::map<std::string, wire::Entry> ReadAll() {
    std::map<std::string, wire::Entry> stored;
    for (const wire::Entry& entry : client().ListAll(ListOf("/crash", wire::SCOPE_SUBTREE))) {
      if (entry.has_value()) stored[entry.key()] = entry;
    }
    return stored;
  }

  // Every acknowledged write is the state of its key, or a later one is; and it is what its own revision shows.
  void ExpectKept(const std::vector<Acknowledged>& writes, const std::map<std::string, wire::Entry>& stored) {
    for (const Acknowledged& write : writes) {
      const auto at = stored.find(write.key);
      ASSERT_NE(at, stored.end()) << write.key << " is lost";
      ASSERT_GE(at->second.text(), write.text) << write.key;
      ASSERT_GE(at->second.mod_revision(), write.revision) << write.key;
      ASSERT_EQ(client().TextAt(write.key, write.revision), write.text) << write.key << " at " << write.revision;
    }
  }

  static void ExpectTransactionsWhole(const std::map<std::string, wire::Entry>& stored) {
    for (const auto& [key, entry] : stored) {
      const size_t end = key.rfind("/left");
      if (end == std::string::npos) continue;
      const auto twin = stored.find(key.substr(0, end) + "/right");
      ASSERT_NE(twin, stored.end()) << key;
      ASSERT_EQ(twin->second.text(), entry.text()) << key;
      ASSERT_EQ(twin->second.mod_revision(), entry.mod_revision()) << key;
    }
  }
};

TEST_F(CrashLoop, NoAcknowledgedWriteIsLostAndNoRevisionUsedTwice) {
  Random random(Seed());
  const int cycles = IsTorture() ? 1000 : 20;
  int64_t revision_before = client().Revision();
  const std::string store_id = client().List("/")->store_id();
  for (int cycle = 0; cycle < cycles; ++cycle) {
    RecordProperty("runs", cycle + 1);
    SCOPED_TRACE(absl::StrCat("cycle ", cycle));
    Ledger ledger;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i, address = server().address()] { Write(address, i, cycle * 1'000'000, &ledger); });
    }
    const bool reached = ledger.WaitForCalls(Between(1, 300, &random));
    server().Kill();
    for (std::thread& writer : writers) writer.join();
    ASSERT_TRUE(reached);
    Start();

    const int64_t revision = client().Revision();
    const std::vector<Acknowledged> writes = ledger.writes();
    std::map<int64_t, std::string> texts;  // By revision: the twins of a transaction share one.
    for (const Acknowledged& write : writes) {
      ASSERT_GT(write.revision, revision_before) << "a revision is used twice";
      ASSERT_LE(write.revision, revision);
      const std::string call = absl::StrCat(write.key.substr(0, write.key.find("/left")), " ", write.text);
      if (write.key.find("/right") != std::string::npos) continue;
      ASSERT_TRUE(texts.emplace(write.revision, call).second) << "revision " << write.revision << " is used twice";
    }
    const std::map<std::string, wire::Entry> stored = ReadAll();
    ExpectKept(writes, stored);
    ExpectTransactionsWhole(stored);
    if (HasFatalFailure()) return;
    ASSERT_EQ(client().List("/")->store_id(), store_id);
    revision_before = revision;
  }
}

// One request of every kind that changes something, on keys of its own.
struct Request {
  std::optional<wire::PutRequest> put;
  std::optional<wire::DeleteRequest> removal;
  std::optional<wire::TransactRequest> transact;
};

// What came of it, alike for all kinds. The answer is without `replayed`.
struct Reply {
  bool ok = false;
  bool replayed = false;
  int64_t revision = 0;
  std::string answer;
  std::string error;
};

template <typename Message>
Reply ReplyOf(Answered<Message> answered) {
  Reply reply = {.ok = answered.ok(),
                 .replayed = answered->replayed(),
                 .revision = answered->revision(),
                 .answer = {},
                 .error = answered.status.error_message()};
  answered.message.clear_replayed();
  reply.answer = answered->DebugString();
  return reply;
}

Reply Send(Client& client, const Request& request) {
  if (request.put.has_value()) return ReplyOf(client.Send(*request.put));
  if (request.removal.has_value()) return ReplyOf(client.Send(*request.removal));
  return ReplyOf(client.Send(*request.transact));
}

Request NewRequest(const std::string& folder, int number) {
  Request request;
  const std::string id = absl::StrCat(folder, "#", number);
  const std::string key = absl::StrCat(folder, "/", number);
  switch (number % 4) {
    case 0:
      request.put = PutOf(key + "/new", "made");
      request.put->set_request_id(id);
      break;
    case 1:
      request.put = PutOf(key + "/old", "changed");
      request.put->set_return_previous(true);
      request.put->set_request_id(id);
      break;
    case 2:
      request.removal.emplace().set_key(key + "/old");
      request.removal->set_return_previous(true);
      request.removal->set_request_id(id);
      break;
    default: {
      auto& transact = request.transact.emplace();
      transact.set_request_id(id);
      auto& condition = *transact.add_conditions();
      condition.set_key(key + "/old");
      condition.set_version(1);  // Holds once.
      transact.add_on_success()->mutable_put()->set_key(key + "/old");
      transact.mutable_on_success(0)->mutable_put()->set_text("changed");
      transact.mutable_on_success(0)->mutable_put()->set_return_previous(true);
      transact.add_on_success()->mutable_put()->set_key(key + "/new");
      transact.mutable_on_success(1)->mutable_put()->set_text("made");
      break;
    }
  }
  return request;
}

class RequestIds : public ServedTest {
 protected:
  void PutOldEntries(const std::string& folder, int count) {
    wire::TransactRequest setup;
    for (int i = 0; i < count; ++i) {
      setup.add_on_success()->mutable_put()->set_key(absl::StrCat(folder, "/", i, "/old"));
      setup.mutable_on_success(i)->mutable_put()->set_text("before");
    }
    ASSERT_TRUE(client().Send(setup).ok());
  }

  // Whether the change that a request makes is there.
  bool IsApplied(const std::string& folder, int number) {
    const std::string key = absl::StrCat(folder, "/", number);
    if (number % 4 == 0) return client().Get(key + "/new").ok();
    if (number % 4 == 2) return !client().Get(key + "/old").ok();
    return client().TextAt(key + "/old") == "changed";
  }

  // That it was made once, by versions.
  void ExpectAppliedOnce(const std::string& folder, int number) {
    const std::string key = absl::StrCat(folder, "/", number);
    if (number % 4 != 2 && number % 4 != 0) {
      EXPECT_EQ(client().Get(key + "/old")->entry().version(), 2) << key;
    }
    if (number % 4 == 0 || number % 4 == 3) {
      EXPECT_EQ(client().Get(key + "/new")->entry().version(), 1) << key;
    }
    EXPECT_TRUE(IsApplied(folder, number)) << key;
  }
};

TEST_F(RequestIds, RequestsInFlightAtAKillAreCarriedOutOnce) {
  constexpr int kRequests = 64;
  Random random(Seed());
  int unanswered_but_applied = 0;
  const int cycles = IsTorture() ? 100 : 6;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    RecordProperty("runs", cycle + 1);
    SCOPED_TRACE(absl::StrCat("cycle ", cycle));
    const std::string folder = absl::StrCat("/ids/", cycle);
    PutOldEntries(folder, kRequests);
    std::vector<Reply> first(kRequests);
    Ledger ledger;
    std::vector<std::thread> senders;
    const std::string address = server().address();
    for (int sender = 0; sender < 16; ++sender) {
      senders.emplace_back([&, sender] {
        Client own(address);
        for (int i = sender; i < kRequests; i += 16) {
          first[i] = Send(own, NewRequest(folder, i));
          if (!first[i].ok) return;
          ledger.Add({});
        }
      });
    }
    const bool reached = ledger.WaitForCalls(Between(0, kRequests - 16, &random));
    server().Kill();
    for (std::thread& sender : senders) sender.join();
    ASSERT_TRUE(reached);
    Start();

    for (int i = 0; i < kRequests; ++i) {
      SCOPED_TRACE(absl::StrCat("request ", i));
      const bool was_applied = IsApplied(folder, i);
      EXPECT_TRUE(was_applied || !first[i].ok) << "an answered request is lost";
      if (was_applied && !first[i].ok) ++unanswered_but_applied;
      const Reply again = Send(client(), NewRequest(folder, i));
      ASSERT_TRUE(again.ok) << again.error;
      EXPECT_EQ(again.replayed, was_applied);
      if (first[i].ok) {
        EXPECT_EQ(again.answer, first[i].answer);
      }
      const Reply third = Send(client(), NewRequest(folder, i));
      EXPECT_TRUE(third.replayed);
      EXPECT_EQ(third.answer, again.answer);
      ExpectAppliedOnce(folder, i);
    }
  }
  std::cout << unanswered_but_applied << " requests were applied without an answer" << std::endl;
}

TEST_F(RequestIds, KillBetweenCommitAndAnswerLeavesTheFirstAnswer) {
  PutOldEntries("/one", 4);
  for (int i = 0; i < 4; ++i) {
    SCOPED_TRACE(i);
    const std::string address = server().address();
    // Whether this sender still gets its answer does not matter: it is not looked at.
    std::thread sender([&, i] {
      Client own(address);
      Send(own, NewRequest("/one", i));
    });
    const bool seen = WaitUntil([&] { return IsApplied("/one", i); });
    const int64_t revision = client().Revision();
    server().Kill();
    sender.join();
    ASSERT_TRUE(seen);
    Start();
    const Reply again = Send(client(), NewRequest("/one", i));
    ASSERT_TRUE(again.ok) << again.error;
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(again.revision, revision);
    EXPECT_EQ(client().Revision(), revision);
    ExpectAppliedOnce("/one", i);
  }
}

TEST_F(RequestIds, ReplayedAnswerIsTheFirstOneAlsoWhenTheStateHasMovedOn) {
  wire::PutRequest put = PutOf("/a", "one");
  put.set_request_id("first");
  put.set_return_previous(true);
  const auto first = client().Send(put);
  ASSERT_TRUE(client().Put("/a", "two").ok());
  for (const bool restart : {false, true}) {
    if (restart) KillAndRestart();
    const auto again = client().Send(put);
    ASSERT_TRUE(again.ok());
    EXPECT_TRUE(again->replayed());
    EXPECT_EQ(again->revision(), first->revision());
    EXPECT_EQ(again->version(), 1);
    EXPECT_FALSE(again->has_previous());
    EXPECT_EQ(client().TextAt("/a"), "two");
  }
}

TEST_F(RequestIds, ReuseForAnotherRequestIsRefusedAfterAKillToo) {
  wire::PutRequest put = PutOf("/a", "one");
  put.set_request_id("id");
  ASSERT_TRUE(client().Send(put).ok());
  KillAndRestart();
  put.set_text("two");
  EXPECT_EQ(client().Send(put).status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(client().TextAt("/a"), "one");
}

}  // namespace
}  // namespace scoutlight::testing
