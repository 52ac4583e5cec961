// Leases as a client meets them: every method, every error, what watches show of their ends.
#include <gmock/gmock.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/bad_input.h"
#include "tests/support/deadline.h"
#include "tests/support/keep_alive_stream.h"
#include "tests/support/watch_reader.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kUnknown = 4711;  // No test grants it.
constexpr absl::Duration kLong = absl::Minutes(10);

class Leases : public ServedTest {
 protected:
  // Changes of `watch` until its revision is `revision` at least.
  static std::vector<wire::Event> EventsUpTo(WatchReader& watch, int64_t revision) {
    std::vector<wire::Event> events;
    watch.ReadUpTo(revision, &events);
    return events;
  }

  // All leases, `page_size` a page.
  std::vector<wire::Lease> ListAll(int page_size) {
    std::vector<wire::Lease> leases;
    wire::ListLeasesRequest request;
    request.set_page_size(page_size);
    do {
      const auto page = client().Send(request);
      EXPECT_TRUE(page.ok()) << page.status.error_message();
      EXPECT_LE(page->leases_size(), page_size);
      leases.insert(leases.end(), page->leases().begin(), page->leases().end());
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return leases;
  }
};

std::vector<int64_t> IdsOf(const std::vector<wire::Lease>& leases) {
  std::vector<int64_t> ids;
  for (const wire::Lease& lease : leases) ids.push_back(lease.lease_id());
  return ids;
}

std::vector<wire::RenewResult::Outcome> OutcomesOf(const google::protobuf::RepeatedPtrField<wire::RenewResult>& results) {
  std::vector<wire::RenewResult::Outcome> outcomes;
  for (const wire::RenewResult& result : results) outcomes.push_back(result.outcome());
  return outcomes;
}

TEST_F(Leases, GrantSaysWhatItMade) {
  const std::string store_id = client().List("/")->store_id();
  for (const int64_t id : {int64_t{0}, int64_t{77}, INT64_MAX}) {
    const auto granted = client().Send(GrantOf(absl::Milliseconds(90'500), id));
    ASSERT_TRUE(granted.ok()) << granted.status.error_message();
    EXPECT_GT(granted->lease().lease_id(), 0);
    if (id != 0) {
      EXPECT_EQ(granted->lease().lease_id(), id);
    }
    EXPECT_EQ(DurationOf(granted->lease().ttl()), absl::Milliseconds(90'500));
    EXPECT_LE(DurationOf(granted->lease().remaining()), absl::Milliseconds(90'500));
    EXPECT_GT(DurationOf(granted->lease().remaining()), absl::Seconds(60));
    EXPECT_EQ(granted->revision(), 1);
    EXPECT_EQ(granted->store_id(), store_id);
    EXPECT_FALSE(granted->replayed());
  }
  EXPECT_EQ(client().Revision(), 1) << "a lease takes no revision";
}

TEST_F(Leases, TtlsAreGrantedUpToTheirBounds) {
  for (const absl::Duration ttl : {absl::Seconds(1), absl::Hours(24)}) {
    const auto granted = client().Send(GrantOf(ttl));
    ASSERT_TRUE(granted.ok()) << granted.status.error_message();
    EXPECT_EQ(DurationOf(granted->lease().ttl()), ttl);
  }
}

TEST_F(Leases, DrawnIdsAreAllDifferent) {
  std::set<int64_t> ids;
  for (int i = 0; i < 100; ++i) ids.insert(client().NewLease(kLong));
  EXPECT_EQ(ids.size(), 100u);
}

TEST_F(Leases, RequestsThatBreakARule) {
  using Grant = wire::GrantRequest;
  using Revoke = wire::RevokeRequest;
  const auto grant = [](absl::Duration ttl, int64_t id = 0) {
    return [=](Client& client) { return client.Send(GrantOf(ttl, id)).status; };
  };
  const auto renew = [](const std::vector<int64_t>& ids) { return [=](Client& client) { return client.Renew(ids).status; }; };
  const auto keep_alive = [](const std::vector<int64_t>& ids) {
    return [=](Client& client) {
      KeepAliveStream stream(client);
      stream.Send(ids);
      return stream.End();
    };
  };
  Revoke revoke;
  revoke.set_lease_id(kUnknown);
  const std::string long_id(65, 'i');
  ExpectRefused(
      client(),
      {
          {"no ttl", [](Client& client) { return client.Send(Grant()).status; }, "INVALID_FIELD", {"ttl"}},
          {"ttl 0.999 s", grant(absl::Milliseconds(999)), "INVALID_FIELD", {"ttl"}},
          {"ttl 1 s less 1 ns", grant(absl::Seconds(1) - absl::Nanoseconds(1)), "INVALID_FIELD", {"ttl"}},
          {"ttl 24 h 1 ms", grant(absl::Hours(24) + absl::Milliseconds(1)), "INVALID_FIELD", {"ttl"}},
          {"ttl 24 h 1 ns", grant(absl::Hours(24) + absl::Nanoseconds(1)), "INVALID_FIELD", {"ttl"}},
          {"ttl of ages", With<Grant>({}, [](auto* r) { r->mutable_ttl()->set_seconds(INT64_MAX); }), "INVALID_FIELD", {"ttl"}},
          {"negative ttl", grant(-absl::Seconds(5)), "INVALID_FIELD", {"ttl"}},
          {"negative id", grant(kLong, -1), "INVALID_FIELD", {"lease_id"}},
          {"ttl and id", grant(absl::ZeroDuration(), INT64_MIN), "INVALID_FIELD", {"ttl", "lease_id"}},
          {"grant's long request id",
           With<Grant>(GrantOf(kLong), [&](auto* r) { r->set_request_id(long_id); }),
           "INVALID_FIELD",
           {"request_id"}},
          {"revoke 0", [](Client& client) { return client.Revoke(0).status; }, "INVALID_FIELD", {"lease_id"}},
          {"revoke -1", [](Client& client) { return client.Revoke(-1).status; }, "INVALID_FIELD", {"lease_id"}},
          {"revoke's long request id", With<Revoke>(revoke, [&](auto* r) { r->set_request_id(long_id); }), "INVALID_FIELD", {"request_id"}},
          {"get 0", [](Client& client) { return client.GetLease(0).status; }, "INVALID_FIELD", {"lease_id"}},
          {"get -1", [](Client& client) { return client.GetLease(-1).status; }, "INVALID_FIELD", {"lease_id"}},
          {"renew none", renew({}), "INVALID_FIELD", {"lease_ids"}},
          {"renew 10,001", renew(std::vector<int64_t>(10'001, kUnknown)), "INVALID_FIELD", {"lease_ids"}},
          {"renew 0 and -1", renew({kUnknown, 0, kUnknown, -1}), "INVALID_FIELD", {"lease_ids[1]", "lease_ids[3]"}},
          {"keep none alive", keep_alive({}), "INVALID_FIELD", {"lease_ids"}},
          {"keep 10,001 alive", keep_alive(std::vector<int64_t>(10'001, kUnknown)), "INVALID_FIELD", {"lease_ids"}},
          {"keep 0 alive", keep_alive({0}), "INVALID_FIELD", {"lease_ids[0]"}},
          {"negative page size", With<wire::ListLeasesRequest>({}, [](auto* r) { r->set_page_size(-1); }), "INVALID_FIELD", {"page_size"}},
      });
  EXPECT_THAT(ListAll(10), IsEmpty());
}

TEST_F(Leases, ManyWrongIdsAreAnErrorThatCanBeRead) {
  const grpc::Status status = client().Renew(std::vector<int64_t>(10'000, -1)).status;
  const Failure failure = FailureOf(status);
  EXPECT_EQ(failure.code, StatusCode::INVALID_ARGUMENT);
  EXPECT_EQ(failure.reason, "INVALID_FIELD");
  ASSERT_FALSE(failure.fields.empty());
  EXPECT_EQ(failure.fields.front(), "lease_ids[0]");
}

TEST_F(Leases, DurationsThatAreNone) {
  // As google.protobuf.Duration has it: nanos within a second, and of the sign of the seconds.
  for (const auto& [seconds, nanos] : {std::pair<int64_t, int32_t>{5, 1'000'000'000}, {5, -1}, {0, 2'000'000'000}}) {
    wire::GrantRequest request;
    request.mutable_ttl()->set_seconds(seconds);
    request.mutable_ttl()->set_nanos(nanos);
    SCOPED_TRACE(request.ShortDebugString());
    ExpectFailure(client().Send(request).status, StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"ttl"});
  }
}

TEST_F(Leases, UnknownLeases) {
  ExpectFailure(client().Revoke(kUnknown).status, StatusCode::NOT_FOUND, "LEASE_NOT_FOUND");
  ExpectFailure(client().GetLease(kUnknown).status, StatusCode::NOT_FOUND, "LEASE_NOT_FOUND");
  ExpectFailure(client().PutOnLease("/a", "1", kUnknown).status, StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND", {"lease_id"});
  EXPECT_EQ(FailureOf(client().Revoke(kUnknown).status).resource_name, absl::StrCat(kUnknown));
  const auto renewed = client().Renew({kUnknown});
  ASSERT_TRUE(renewed.ok());
  ASSERT_EQ(renewed->results_size(), 1);
  EXPECT_EQ(renewed->results(0).lease_id(), kUnknown);
  EXPECT_EQ(renewed->results(0).outcome(), wire::RenewResult::OUTCOME_NOT_FOUND);
  EXPECT_FALSE(renewed->results(0).has_ttl());
}

TEST_F(Leases, IdsInUseAreRefused) {
  const int64_t id = client().NewLease(kLong);
  for (const bool restart : {false, true}) {
    if (restart) KillAndRestart();
    const grpc::Status status = client().Send(GrantOf(kLong, id)).status;
    ExpectFailure(status, StatusCode::ALREADY_EXISTS, "LEASE_EXISTS");
    EXPECT_EQ(FailureOf(status).resource_name, absl::StrCat(id));
  }
  ASSERT_TRUE(client().Revoke(id).ok());
  EXPECT_TRUE(client().Send(GrantOf(kLong, id)).ok()) << "an id can be used again";
}

TEST_F(Leases, RenewAnswersEachIdInOrder) {
  const int64_t one = client().NewLease(absl::Seconds(100));
  const int64_t two = client().NewLease(absl::Seconds(200));
  ASSERT_TRUE(client().Put("/a", "1").ok());
  const auto renewed = client().Renew({two, kUnknown, one, two});
  ASSERT_TRUE(renewed.ok());
  EXPECT_THAT(OutcomesOf(renewed->results()), ElementsAre(wire::RenewResult::OUTCOME_RENEWED, wire::RenewResult::OUTCOME_NOT_FOUND,
                                                          wire::RenewResult::OUTCOME_RENEWED, wire::RenewResult::OUTCOME_RENEWED));
  EXPECT_EQ(renewed->results(0).lease_id(), two);
  EXPECT_EQ(DurationOf(renewed->results(0).ttl()), absl::Seconds(200));
  EXPECT_EQ(renewed->results(2).lease_id(), one);
  EXPECT_EQ(DurationOf(renewed->results(2).ttl()), absl::Seconds(100));
  EXPECT_EQ(renewed->revision(), 2);
  EXPECT_EQ(renewed->store_id(), client().List("/")->store_id());
}

TEST_F(Leases, TenThousandIdsInOneRenewal) {
  const int64_t id = client().NewLease(kLong);
  std::vector<int64_t> ids(10'000, kUnknown);
  ids.back() = id;
  const auto renewed = client().Renew(ids);
  ASSERT_TRUE(renewed.ok()) << renewed.status.error_message();
  ASSERT_EQ(renewed->results_size(), 10'000);
  EXPECT_EQ(renewed->results(0).outcome(), wire::RenewResult::OUTCOME_NOT_FOUND);
  EXPECT_EQ(renewed->results(9'999).outcome(), wire::RenewResult::OUTCOME_RENEWED);
}

TEST_F(Leases, GetLeaseShowsItsKeys) {
  const int64_t id = client().NewLease(kLong);
  for (const char* key : {"/z", "/a/b", "/a"}) ASSERT_TRUE(client().PutOnLease(key, "1", id).ok());
  EXPECT_EQ(client().Get("/z")->entry().lease_id(), id);
  const auto with_keys = client().GetLease(id, true);
  ASSERT_TRUE(with_keys.ok());
  EXPECT_THAT(with_keys->keys(), ElementsAre("/a", "/a/b", "/z"));
  EXPECT_EQ(with_keys->key_count(), 3);
  EXPECT_EQ(with_keys->lease().lease_id(), id);
  EXPECT_EQ(DurationOf(with_keys->lease().ttl()), kLong);
  EXPECT_GT(DurationOf(with_keys->lease().remaining()), kLong / 2);
  EXPECT_EQ(with_keys->revision(), 4);
  EXPECT_EQ(with_keys->store_id(), client().List("/")->store_id());
  const auto without = client().GetLease(id);
  ASSERT_TRUE(without.ok());
  EXPECT_THAT(without->keys(), IsEmpty());
  EXPECT_EQ(without->key_count(), 0);
}

TEST_F(Leases, LongListOfKeysIsCutAndCounted) {
  // 10,000 keys of some 900 bytes: more than an answer takes.
  constexpr int kKeys = 10'000;
  const int64_t id = client().NewLease(kLong);
  const std::string parent = "/" + std::string(900, 'p') + "/";
  for (int done = 0; done < kKeys;) {
    wire::TransactRequest transact;
    for (int i = 0; i < 1'000; ++i, ++done) {
      auto* put = transact.add_on_success()->mutable_put();
      put->set_key(absl::StrCat(parent, 1'000'000 + done));
      put->set_text("");
      put->set_lease_id(id);
    }
    const auto answer = client().Send(transact);
    ASSERT_TRUE(answer.ok()) << answer.status.error_message();
  }
  const auto lease = client().GetLease(id, true);
  ASSERT_TRUE(lease.ok()) << lease.status.error_message();
  EXPECT_EQ(lease->key_count(), kKeys);
  EXPECT_LE(lease->ByteSizeLong(), 3 * kMiB + kMiB / 2);
  ASSERT_GT(lease->keys_size(), 3'000);
  ASSERT_LT(lease->keys_size(), kKeys);
  EXPECT_EQ(lease->keys(0), absl::StrCat(parent, 1'000'000));
  EXPECT_EQ(lease->keys(3'000), absl::StrCat(parent, 1'003'000));
  // It is full.
  ExpectFailure(client().PutOnLease("/more", "", id).status, StatusCode::FAILED_PRECONDITION, "LEASE_KEYS_FULL", {"lease_id"});
  EXPECT_TRUE(client().PutOnLease(absl::StrCat(parent, 1'000'000), "again", id).ok()) << "a key that it holds is no more";
  const auto revoked = client().Revoke(id);
  ASSERT_TRUE(revoked.ok()) << revoked.status.error_message();
  EXPECT_EQ(revoked->deleted(), kKeys);
}

TEST_F(Leases, ListShowsEachOnceInOrderOfId) {
  std::set<int64_t> ids;
  for (int i = 0; i < 25; ++i) ids.insert(client().NewLease(absl::Seconds(100 + i)));
  for (const int page_size : {1, 7, 24, 25, 26}) {
    EXPECT_EQ(IdsOf(ListAll(page_size)), std::vector<int64_t>(ids.begin(), ids.end())) << page_size;
  }
  const auto all = client().Send(wire::ListLeasesRequest());
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->leases_size(), 25);
  EXPECT_EQ(all->next_page_token(), "");
  EXPECT_EQ(all->revision(), 1);
  EXPECT_EQ(all->store_id(), client().List("/")->store_id());
  for (const wire::Lease& lease : all->leases()) {
    EXPECT_GE(DurationOf(lease.ttl()), absl::Seconds(100));
    EXPECT_LE(DurationOf(lease.remaining()), DurationOf(lease.ttl()));
    EXPECT_GT(DurationOf(lease.remaining()), absl::Seconds(50));
  }
  wire::ListLeasesRequest large;
  large.set_page_size(INT32_MAX);
  EXPECT_EQ(client().Send(large)->leases_size(), 25);
}

TEST_F(Leases, PagesGoOnOverRestartsAndPastLeasesThatWent) {
  std::set<int64_t> ids;
  for (int i = 0; i < 5; ++i) ids.insert(client().NewLease(kLong));
  wire::ListLeasesRequest request;
  request.set_page_size(2);
  auto page = client().Send(request);
  ASSERT_EQ(page->leases_size(), 2);
  ASSERT_TRUE(client().Revoke(page->leases(1).lease_id()).ok());
  KillAndRestart();
  request.set_page_token(page->next_page_token());
  page = client().Send(request);
  ASSERT_TRUE(page.ok()) << page.status.error_message();
  ASSERT_EQ(page->leases_size(), 2);
  EXPECT_EQ(page->leases(0).lease_id(), *std::next(ids.begin(), 2));
}

TEST_F(Leases, TokensOfAnotherList) {
  for (int i = 0; i < 3; ++i) client().NewLease(kLong);
  for (const char* key : {"/a", "/b"}) ASSERT_TRUE(client().Put(key, "").ok());
  wire::ListLeasesRequest request;
  request.set_page_size(1);
  const std::string token = client().Send(request)->next_page_token();
  ASSERT_NE(token, "");
  wire::ListRequest entries = ListOf("/");
  entries.set_page_size(1);
  const std::string of_entries = client().Send(entries)->next_page_token();
  ASSERT_NE(of_entries, "");
  std::string changed = token;
  changed[changed.size() / 2] = changed[changed.size() / 2] == 'A' ? 'B' : 'A';
  for (const std::string& text :
       {std::string("x"), changed, token + "A", token.substr(0, token.size() - 4), of_entries, std::string(100'000, 'A')}) {
    SCOPED_TRACE(text.substr(0, 200));
    request.set_page_token(text);
    ExpectFailure(client().Send(request).status, StatusCode::INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", {"page_token"});
  }
  entries.set_page_token(token);
  ExpectFailure(client().Send(entries).status, StatusCode::INVALID_ARGUMENT, "INVALID_PAGE_TOKEN", {"page_token"});
  request.set_page_token(token);
  EXPECT_TRUE(client().Send(request).ok());
}

TEST_F(Leases, RevokeRemovesItsKeysAtOneRevision) {
  const int64_t id = client().NewLease(kLong);
  WatchReader watch(client(), WatchOf("/", wire::SCOPE_SUBTREE));
  ASSERT_TRUE(watch.NextOf(wire::WatchResponse::KIND_STARTED).has_value());
  for (const char* key : {"/a", "/b/c"}) ASSERT_TRUE(client().PutOnLease(key, "1", id).ok());
  ASSERT_TRUE(client().Put("/stays", "1").ok());
  const auto revoked = client().Revoke(id);
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(revoked->deleted(), 2);
  EXPECT_EQ(revoked->revision(), 5);
  EXPECT_EQ(revoked->store_id(), client().List("/")->store_id());
  EXPECT_FALSE(revoked->replayed());
  const std::vector<wire::Event> events = EventsUpTo(watch, 5);
  ASSERT_EQ(events.size(), 5u);
  for (size_t i = 3; i < 5; ++i) {
    EXPECT_EQ(events[i].kind(), wire::Event::KIND_DELETE);
    EXPECT_EQ(events[i].cause(), wire::EVENT_CAUSE_LEASE_REVOKED);
    EXPECT_EQ(events[i].entry().mod_revision(), 5);
  }
  EXPECT_THAT(KeysOf(client().ListAll(ListOf("/", wire::SCOPE_SUBTREE))), ElementsAre("/stays"));
  ExpectFailure(client().Revoke(id).status, StatusCode::NOT_FOUND, "LEASE_NOT_FOUND");
}

TEST_F(Leases, RevokeWithoutKeysTakesNoRevision) {
  const auto revoked = client().Revoke(client().NewLease(kLong));
  ASSERT_TRUE(revoked.ok());
  EXPECT_EQ(revoked->deleted(), 0);
  EXPECT_EQ(revoked->revision(), 1);
}

TEST_F(Leases, KeysGoAtOneRevisionWhenNobodyRenews) {
  const int64_t dying = client().NewLease(absl::Seconds(1));
  const int64_t living = client().NewLease(kLong);
  wire::WatchRequest request = WatchOf("/", wire::SCOPE_SUBTREE);
  request.set_include_previous(true);
  WatchReader watch(client(), request);
  ASSERT_TRUE(watch.NextOf(wire::WatchResponse::KIND_STARTED).has_value());
  wire::TransactRequest transact;
  for (const char* key : {"/gone/a", "/gone/b", "/gone/c", "/now/free", "/now/another"}) {
    auto* put = transact.add_on_success()->mutable_put();
    put->set_key(key);
    put->set_text("old");
    put->set_lease_id(dying);
  }
  ASSERT_TRUE(client().Send(transact).ok());
  ASSERT_TRUE(client().Put("/now/free", "new").ok());
  ASSERT_TRUE(client().PutOnLease("/now/another", "new", living).ok());
  // Revisions 2, 3, 4 are ours; 5 is the end.
  const std::vector<wire::Event> events = EventsUpTo(watch, 5);
  ASSERT_EQ(events.size(), 5u + 2 + 3);
  std::vector<std::string> gone;
  for (size_t i = 7; i < events.size(); ++i) {
    EXPECT_EQ(events[i].kind(), wire::Event::KIND_DELETE);
    EXPECT_EQ(events[i].cause(), wire::EVENT_CAUSE_LEASE_EXPIRED);
    EXPECT_EQ(events[i].entry().mod_revision(), 5);
    EXPECT_EQ(events[i].previous().lease_id(), dying);
    EXPECT_EQ(events[i].previous().text(), "old");
    gone.push_back(events[i].entry().key());
  }
  EXPECT_THAT(gone, ElementsAre("/gone/a", "/gone/b", "/gone/c"));
  EXPECT_THAT(KeysOf(client().ListAll(ListOf("/now"))), ElementsAre("/now/another", "/now/free"));
  EXPECT_EQ(client().Get("/now/free")->entry().lease_id(), 0);
  EXPECT_EQ(client().Get("/now/another")->entry().lease_id(), living);
  ExpectFailure(client().GetLease(dying).status, StatusCode::NOT_FOUND, "LEASE_NOT_FOUND");
  EXPECT_EQ(client().Renew({dying})->results(0).outcome(), wire::RenewResult::OUTCOME_NOT_FOUND);
  ExpectFailure(client().PutOnLease("/late", "", dying).status, StatusCode::FAILED_PRECONDITION, "LEASE_NOT_FOUND", {"lease_id"});
  EXPECT_EQ(client().Revision(), 5);
}

TEST_F(Leases, RemainingRunsDownAndBeginsAnew) {
  const int64_t id = client().NewLease(absl::Seconds(20));
  const auto remaining = [&] { return DurationOf(client().GetLease(id)->lease().remaining()); };
  ASSERT_TRUE(WaitUntil([&] { return remaining() < absl::Seconds(19.5); }));
  ASSERT_TRUE(client().Renew({id}).ok());
  EXPECT_GT(remaining(), absl::Seconds(19.5));
}

TEST_F(Leases, ADrawnLeaseIsFoundAgainByItsRequestId) {
  for (const absl::Duration ttl : {kLong, absl::Seconds(5) + absl::Microseconds(1'500)}) {
    const wire::GrantRequest request = GrantOf(ttl, 0, absl::StrCat("drawn", absl::FormatDuration(ttl)));
    const auto first = client().Send(request);
    ASSERT_TRUE(first.ok());
    EXPECT_FALSE(first->replayed());
    for (const bool restart : {false, true}) {
      SCOPED_TRACE(absl::StrCat(absl::FormatDuration(ttl), " restarted ", restart));
      if (restart) KillAndRestart();
      const auto again = client().Send(request);
      ASSERT_TRUE(again.ok()) << again.status.error_message();
      EXPECT_TRUE(again->replayed());
      EXPECT_EQ(again->lease().lease_id(), first->lease().lease_id());
      EXPECT_EQ(DurationOf(again->lease().ttl()), DurationOf(first->lease().ttl()));
      wire::GrantRequest other = request;
      *other.mutable_ttl() = WireDuration(ttl + absl::Seconds(1));
      ExpectFailure(client().Send(other).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
    }
  }
  EXPECT_EQ(ListAll(10).size(), 2u);
}

TEST_F(Leases, AChosenLeaseIsFoundAgainByItsRequestId) {
  const wire::GrantRequest request = GrantOf(kLong, 88, std::string(64, 'i'));
  ASSERT_TRUE(client().Send(request).ok());
  for (const bool restart : {false, true}) {
    if (restart) KillAndRestart();
    const auto again = client().Send(request);
    ASSERT_TRUE(again.ok()) << again.status.error_message();
    EXPECT_TRUE(again->replayed());
    EXPECT_EQ(again->lease().lease_id(), 88);
    ExpectFailure(client().Send(GrantOf(kLong, 88, "another")).status, StatusCode::ALREADY_EXISTS, "LEASE_EXISTS");
    const wire::GrantRequest other = GrantOf(kLong + absl::Seconds(1), 88, request.request_id());
    ExpectFailure(client().Send(other).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
  }
  const wire::GrantRequest fresh = GrantOf(kLong, 90, "fresh");
  ASSERT_TRUE(client().Send(fresh).ok());
  ExpectFailure(client().Send(GrantOf(kLong, 91, "fresh")).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
}

TEST_F(Leases, ARevocationIsAnsweredAgain) {
  const int64_t id = client().NewLease(kLong);
  for (const char* key : {"/a", "/b"}) ASSERT_TRUE(client().PutOnLease(key, "1", id).ok());
  wire::RevokeRequest request;
  request.set_lease_id(id);
  request.set_request_id("revoke");
  const auto first = client().Send(request);
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(first->replayed());
  ASSERT_TRUE(client().Put("/c", "1").ok());
  for (const bool restart : {false, true}) {
    if (restart) KillAndRestart();
    const auto again = client().Send(request);
    ASSERT_TRUE(again.ok()) << again.status.error_message();
    EXPECT_TRUE(again->replayed());
    EXPECT_EQ(again->deleted(), 2);
    EXPECT_EQ(again->revision(), first->revision());
    wire::RevokeRequest other = request;
    other.set_lease_id(kUnknown);
    ExpectFailure(client().Send(other).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
    wire::PutRequest put = PutOf("/d", "");
    put.set_request_id("revoke");
    ExpectFailure(client().Send(put).status, StatusCode::INVALID_ARGUMENT, "REQUEST_ID_REUSED", {"request_id"});
  }
}

TEST_F(Leases, TheyOutliveAKillWithTheirKeys) {
  const int64_t id = client().NewLease(kLong);
  ASSERT_TRUE(client().PutOnLease("/a", "1", id).ok());
  KillAndRestart();
  const auto lease = client().GetLease(id, true);
  ASSERT_TRUE(lease.ok()) << lease.status.error_message();
  EXPECT_EQ(DurationOf(lease->lease().ttl()), kLong);
  EXPECT_GT(DurationOf(lease->lease().remaining()), kLong - absl::Minutes(1)) << "it begins anew";
  EXPECT_THAT(lease->keys(), ElementsAre("/a"));
  EXPECT_EQ(client().Revoke(id)->deleted(), 1);
  KillAndRestart();
  EXPECT_EQ(client().GetLease(id).status.error_code(), StatusCode::NOT_FOUND);
  EXPECT_FALSE(client().Get("/a").ok());
}

TEST_F(Leases, TimeInWhichTheServerDrainsDoesNotCount) {
  const int64_t id = client().NewLease(absl::Seconds(1));
  ASSERT_TRUE(client().PutOnLease("/a", "1", id).ok());
  ASSERT_TRUE(client().Renew({id}).ok());
  // An idle client holds it up for longer than the lease would live.
  const absl::Duration start = SteadyNow();
  server().Signal(SIGTERM);
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  EXPECT_GT(SteadyNow() - start, absl::Milliseconds(1'500)) << "it does not show what it is to show";
  Start();
  EXPECT_EQ(client().Renew({id})->results(0).outcome(), wire::RenewResult::OUTCOME_RENEWED) << "its owner could not renew it";
  EXPECT_TRUE(client().Get("/a").ok());
}

TEST_F(Leases, BytesThatAreNoMessage) {
  const std::string service = wire::LeaseService::service_full_name();
  const std::string cut = GrantOf(kLong, 1, "a request's id").SerializeAsString();
  for (const char* method : {"Grant", "Revoke", "Renew", "GetLease", "ListLeases"}) {
    SCOPED_TRACE(method);
    for (const std::string& bytes : {cut.substr(0, cut.size() - 1), std::string("\xff"), std::string(1'000, '\xff')}) {
      ExpectFailure(client().SendBytes(method, bytes, service), StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST");
    }
    ExpectFailure(client().SendBytes(method, std::string(2 * kMiB + 1, 'x'), service), StatusCode::INVALID_ARGUMENT, "REQUEST_TOO_LARGE");
  }
  ExpectFailure(client().SendBytes("Grant", GrantOf(kLong, 0, "\xff").SerializeAsString(), service), StatusCode::INVALID_ARGUMENT,
                "MALFORMED_REQUEST", {"request_id"});
  wire::ListLeasesRequest list;
  list.set_page_token("\xff");
  ExpectFailure(client().SendBytes("ListLeases", list.SerializeAsString(), service), StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST",
                {"page_token"});
  // One message on a stream, as a unary call sends it.
  ExpectFailure(client().SendBytes("KeepAlive", "\xff", service), StatusCode::INVALID_ARGUMENT, "MALFORMED_REQUEST");
  ExpectFailure(client().SendBytes("KeepAlive", "", service), StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"lease_ids"});
  EXPECT_EQ(client().SendBytes("None", "", service).error_code(), StatusCode::UNIMPLEMENTED);
}

class KeepAlive : public Leases {};

TEST_F(KeepAlive, EachMessageIsAnsweredInOrderAndHalfCloseEndsWell) {
  const int64_t id = client().NewLease(kLong);
  KeepAliveStream stream(client());
  std::vector<int64_t> many(10'000, kUnknown);
  many.back() = id;
  for (const std::vector<int64_t>& ids : {std::vector<int64_t>{id}, many, std::vector<int64_t>{kUnknown, id}}) {
    ASSERT_TRUE(stream.Send(ids));
    const auto answer = stream.Next();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->results_size(), static_cast<int>(ids.size()));
    for (size_t i = 0; i < ids.size(); ++i) {
      const wire::RenewResult& result = answer->results(static_cast<int>(i));
      ASSERT_EQ(result.lease_id(), ids[i]);
      ASSERT_EQ(result.outcome(), ids[i] == id ? wire::RenewResult::OUTCOME_RENEWED : wire::RenewResult::OUTCOME_NOT_FOUND);
      ASSERT_EQ(DurationOf(result.ttl()), ids[i] == id ? kLong : absl::ZeroDuration());
    }
    EXPECT_EQ(answer->revision(), 1);
    EXPECT_EQ(answer->store_id(), client().List("/")->store_id());
  }
  ASSERT_TRUE(stream.WritesDone());
  EXPECT_FALSE(stream.Next().has_value());
  EXPECT_TRUE(stream.End().ok()) << stream.status().error_message();
}

TEST_F(KeepAlive, WhatWasSentBeforeTheHalfCloseIsAnswered) {
  const int64_t id = client().NewLease(kLong);
  KeepAliveStream stream(client());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream.Send({id}));
  ASSERT_TRUE(stream.WritesDone());
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(stream.Next().has_value()) << i;
  EXPECT_FALSE(stream.Next().has_value());
  EXPECT_TRUE(stream.End().ok());
}

TEST_F(KeepAlive, AWrongMessageEndsTheStreamAfterTheAnswersBefore) {
  const int64_t id = client().NewLease(kLong);
  KeepAliveStream stream(client());
  ASSERT_TRUE(stream.Send({id}));
  ASSERT_TRUE(stream.Send({id, -1}));
  EXPECT_TRUE(stream.Next().has_value());
  EXPECT_FALSE(stream.Next().has_value());
  ExpectFailure(stream.End(), StatusCode::INVALID_ARGUMENT, "INVALID_FIELD", {"lease_ids[1]"});
}

TEST_F(KeepAlive, AKeptLeaseLivesAndEndsOnceNobodyKeepsIt) {
  const int64_t id = client().NewLease(absl::Seconds(1));
  ASSERT_TRUE(client().PutOnLease("/kept", "1", id).ok());
  {
    KeepAliveStream stream(client());
    const Deadline three_ttls(absl::Seconds(3));
    // As fast as it goes: each answer says that the lease was there.
    while (!three_ttls.passed()) {
      ASSERT_TRUE(stream.Send({id}));
      const auto answer = stream.Next();
      ASSERT_TRUE(answer.has_value());
      ASSERT_EQ(answer->results(0).outcome(), wire::RenewResult::OUTCOME_RENEWED);
    }
    EXPECT_TRUE(client().Get("/kept").ok());
  }
  EXPECT_TRUE(WaitUntil([&] { return !client().Get("/kept").ok(); })) << "the end of a stream is no renewal";
}

TEST_F(KeepAlive, StoppingServerEndsStreams) {
  const int64_t id = client().NewLease(kLong);
  KeepAliveStream idle(client());
  ASSERT_TRUE(idle.Send({id}));
  ASSERT_TRUE(idle.Next().has_value());
  KeepAliveStream silent(client());
  Client slow(server().address());
  KeepAliveStream unread(slow);
  ASSERT_TRUE(unread.Send(std::vector<int64_t>(10'000, id)));
  server().Signal(SIGTERM);
  for (KeepAliveStream* stream : {&idle, &silent}) ExpectFailure(stream->End(), StatusCode::UNAVAILABLE, "DRAINING");
  // Its answer may have been on its way.
  ExpectFailure(unread.End(), StatusCode::UNAVAILABLE, "DRAINING");
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  Start();
}

TEST_F(KeepAlive, AClientThatDoesNotReadHoldsNobodyUp) {
  const int64_t id = client().NewLease(kLong);
  const std::vector<int64_t> many(10'000, id);
  Client slow(server().address());
  KeepAliveStream stalled(slow);
  // Until flow control lets nothing more through: the server reads on only when its answer is taken.
  int sent = 0;
  while (sent < 10'000 && stalled.Send(many, absl::Milliseconds(500))) ++sent;
  ASSERT_LT(sent, 10'000) << "the server reads on, whoever takes its answers";
  const size_t before = server().resident_bytes();
  KeepAliveStream other(client());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(other.Send(many));
    const auto answer = other.Next();
    ASSERT_TRUE(answer.has_value());
    ASSERT_EQ(answer->results_size(), 10'000);
  }
  EXPECT_TRUE(client().Put("/a", "1").ok());
  if (kJudgeMemory) {
    EXPECT_LT(server().resident_bytes(), before + 64 * kMiB);
  }
  server().Signal(SIGTERM);
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << "a client that does not read keeps the server from stopping";
  Start();
}

}  // namespace
}  // namespace scoutlight::testing
