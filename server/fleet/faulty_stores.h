#ifndef SCOUTLIGHT_SERVER_FLEET_FAULTY_STORES_H_
#define SCOUTLIGHT_SERVER_FLEET_FAULTY_STORES_H_

#include <atomic>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>

#include "base/mutex.h"
#include "gtest/gtest.h"
#include "server/fleet/fleet_records.h"
#include "storage/testing/forwarding_store.h"

// Stores in which something goes wrong of what one server of a fleet asks.
namespace scoutlight::server {

// The record of this kind that `transaction` begins with putting; nullopt: none.
inline std::optional<FleetKey> PutOf(const storage::Transaction& transaction, FleetKey::Kind kind) {
  const auto* const put = transaction.on_success.empty() ? nullptr : std::get_if<storage::PutOperation>(&transaction.on_success.front());
  const std::optional<FleetKey> key = put == nullptr ? std::nullopt : ReadFleetKey(put->key.path());
  return key.has_value() && key->kind == kind ? key : std::nullopt;
}

// Answers with `status` what `store` is not given; as it would, not within the call.
inline void AnswerLater(storage::Store& store, absl::Status status, storage::Done<storage::CommitResult> done) {
  store.Read({.range = {ServersTree(), Scope::kKey}},
             [status = std::move(status), done = std::move(done)](const storage::Page& page) mutable {
               std::move(done)({.status = std::move(status), .revision = page.revision});
             });
}

// Lets a test do something before a read of one server, whose fleet waits for that as if the server had been stopped, or refuse the read.
class HeldReads final : public storage::ForwardingStore {
 public:
  // Of reads so far, this one too. Not OK: the answer.
  using OnRead = std::function<absl::Status(int reads)>;

  HeldReads(storage::Store* store, OnRead on_read) : ForwardingStore(store), on_read_(std::move(on_read)) {}

  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    absl::Status refused = on_read_(asked_.fetch_add(1) + 1);
    ForwardingStore::Read(std::move(query), [this, refused, done = std::move(done)](storage::Page page) mutable {
      if (!refused.ok()) page.status = std::move(refused);
      std::move(done)(std::move(page));
      answered_.fetch_add(1);
    });
  }
  int answered() const { return answered_; }

 private:
  const OnRead on_read_;
  std::atomic<int> asked_ = 0;
  std::atomic<int> answered_ = 0;
};

// Refuses what would put a server's record, until it is told to accept it.
class RefusedRecords final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    if (accepts_ || !PutOf(transaction, FleetKey::Kind::kServer).has_value()) return store_.Commit(std::move(transaction), std::move(done));
    AnswerLater(store_, absl::ResourceExhaustedError("etcd is full"), [this, done = std::move(done)](storage::CommitResult result) mutable {
      std::move(done)(std::move(result));
      refused_.fetch_add(1);
    });
  }
  void Accept() { accepts_ = true; }
  int refused() const { return refused_; }

 private:
  std::atomic<bool> accepts_ = false;
  std::atomic<int> refused_ = 0;
};

// Accepts the first server's record that is put, and answers that it has not.
class LostAnswer final : public storage::ForwardingStore {
 public:
  using ForwardingStore::ForwardingStore;

  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    const std::optional<FleetKey> key = PutOf(transaction, FleetKey::Kind::kServer);
    MutexLock lock(&mu_);
    if (!lost_.empty() || !key.has_value()) return store_.Commit(std::move(transaction), std::move(done));
    lost_ = key->server;
    store_.Commit(std::move(transaction), [done = std::move(done)](storage::CommitResult result) mutable {
      EXPECT_TRUE(result.status.ok()) << result.status;
      result.status = absl::UnavailableError("the answer was lost");
      std::move(done)(std::move(result));
    });
  }
  // The server whose record it was; empty: none yet.
  std::string lost() const {
    MutexLock lock(&mu_);
    return lost_;
  }

 private:
  mutable Mutex mu_;
  std::string lost_ ABSL_GUARDED_BY(mu_);
};

// Stalls the first put of a record of one kind: it is answered as one whose outcome is not known, and comes when the test says so.
class StalledPut final : public storage::ForwardingStore {
 public:
  StalledPut(storage::Store* store, FleetKey::Kind kind) : ForwardingStore(store), kind_(kind) {}

  void Commit(storage::Transaction transaction, storage::Done<storage::CommitResult> done) override {
    const bool is_of_kind = PutOf(transaction, kind_).has_value();
    MutexLock lock(&mu_);
    if (stalled_.has_value() || !is_of_kind) return store_.Commit(std::move(transaction), std::move(done));
    stalled_ = std::move(transaction);
    AnswerLater(store_, absl::UnknownError("the link is stalled"), [this, done = std::move(done)](storage::CommitResult result) mutable {
      std::move(done)(std::move(result));
      answered_ = true;
    });
  }
  void Read(storage::Query query, storage::Done<storage::Page> done) override {
    const std::optional<FleetKey> key = ReadFleetKey(query.range.key.path());
    const bool is_of_kind = key.has_value() && key->kind == kind_;
    ForwardingStore::Read(std::move(query), [this, is_of_kind, done = std::move(done)](storage::Page page) mutable {
      std::move(done)(std::move(page));
      if (is_of_kind) read_.fetch_add(1);
    });
  }
  // What was stalled; once it has been.
  storage::Transaction stalled() const {
    MutexLock lock(&mu_);
    EXPECT_TRUE(stalled_.has_value());
    return stalled_.value_or(storage::Transaction());
  }
  // Whether its caller has been told that the outcome is not known.
  bool answered() const { return answered_; }
  // Reads of such records that have been answered.
  int read() const { return read_; }

 private:
  const FleetKey::Kind kind_;
  mutable Mutex mu_;
  std::optional<storage::Transaction> stalled_ ABSL_GUARDED_BY(mu_);
  std::atomic<bool> answered_ = false;
  std::atomic<int> read_ = 0;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_FLEET_FAULTY_STORES_H_
