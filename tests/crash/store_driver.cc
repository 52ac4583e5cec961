// Writes without end until it is killed, and says on standard output what was acknowledged, one line each, after the acknowledgement.
//
//   store_driver store FOLDER GENERATION      a LocalStore over RocksDB; a line is "<path> <value> <revision>"
//   store_driver torn FOLDER GENERATION       the same, and some sectors of the last write are on the disk
//   store_driver leases FOLDER GENERATION     the same store with leases; lines as SayBegin and SayEnd write them
//   store_driver unsynced FOLDER GENERATION   RocksDB alone, with syncing turned off: loses what it acknowledges
//
// Files lose what is not synced when the process is killed (power_cut_file_system.h). Every key is written once: /p/<generation>-<number>
// by a put, or /t/<generation>-<number>/a and /b together by a transaction. Values name generation and number.

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/deferred.h"
#include "base/mutex.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/power_cut_file_system.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

constexpr int kThreads = 4;
constexpr int kInFlightPerThread = 6;

// One write(2), so that what is said is whole or not said. Whoever listened is gone: so is the reason to go on.
void Say(const std::string& lines) {
  if (write(STDOUT_FILENO, lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) _exit(0);
}

// Keeps several writes of one thread in flight.
class Writer {
 public:
  Writer(Store* store, std::string generation, std::atomic<int64_t>* numbers)
      : store_(*store), generation_(std::move(generation)), numbers_(*numbers) {}

  void Run() {
    for (;;) {
      {
        MutexLock lock(&mu_);
        while (in_flight_ == kInFlightPerThread) landed_.Wait(&mu_);
        ++in_flight_;
      }
      WriteOne();
    }
  }

 private:
  void WriteOne() {
    const int64_t number = numbers_.fetch_add(1, std::memory_order_relaxed);
    const std::string name = absl::StrCat(generation_, "-", number);
    std::vector<std::string> paths;
    if (number % 3 == 0) {
      paths = {absl::StrCat("/t/", name, "/a"), absl::StrCat("/t/", name, "/b")};
    } else {
      paths = {absl::StrCat("/p/", name)};
    }
    Transaction transaction;
    for (const std::string& path : paths) transaction.on_success.push_back(PutOf(K(path), name));
    DeferScope scope;
    store_.Commit(std::move(transaction), [this, name, paths](CommitResult result) {
      if (!result.status.ok()) {
        std::cerr << result.status << std::endl;
        _exit(1);
      }
      std::string lines;
      for (const std::string& path : paths) absl::StrAppend(&lines, path, " ", name, " ", result.revision, "\n");
      Say(lines);
      MutexLock lock(&mu_);
      --in_flight_;
      landed_.NotifyOne();
    });
  }

  Store& store_;
  const std::string generation_;
  std::atomic<int64_t>& numbers_;
  Mutex mu_;
  CondVar landed_;
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;
};

int DriveStore(const std::string& folder, const std::string& generation, std::shared_ptr<PowerCutFileSystem> files) {
  const std::unique_ptr<Store> store = OpenRocksdbStore(folder, Clock::System(), std::move(files));
  if (store == nullptr) return 1;
  std::atomic<int64_t> numbers = 0;
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) writers.push_back(std::make_unique<Writer>(store.get(), generation, &numbers));
  for (const auto& writer : writers) threads.emplace_back([&writer] { writer->Run(); });
  for (std::thread& thread : threads) thread.join();
  return 1;  // Not reached: the writers go on until the process is killed.
}

// Before a call: "begin <client> <kind> <lease> <when>". The time is CLOCK_MONOTONIC's, in nanoseconds.
void SayBegin(int client, char kind, LeaseId id) {
  const int64_t now = std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  Say(absl::StrCat("begin ", client, " ", std::string(1, kind), " ", id, " ", now, "\n"));
}

// After a call that succeeded: "end <client> <kind> <lease> <revision> <number>", the last being how many entries went or were renewed.
void SayEnd(int client, char kind, LeaseId id, Revision revision, int64_t number) {
  Say(absl::StrCat("end ", client, " ", std::string(1, kind), " ", id, " ", revision, " ", number, "\n"));
}

// One client: grants leases of a second and of an hour, each with the keys /l/<lease>/a and b, renews those of the generation before, and
// revokes some.
void UseLeases(Store* store, int client, int64_t generation) {
  constexpr int kClients = 10, kLeasesMax = 10'000;
  const SyncStore sync(store);
  const auto id_of = [client](int64_t generation, int64_t number) { return (generation * kLeasesMax + number) * kClients + client; };
  for (int64_t number = 1; number < kLeasesMax; ++number) {
    const LeaseId id = id_of(generation, number);
    SayBegin(client, 'g', id);
    const LeaseResult granted = sync.Grant(number % 3 == 0 ? absl::Seconds(1) : absl::Hours(1), id);
    if (!granted.status.ok()) _exit(1);
    SayEnd(client, 'g', id, granted.revision, 1);
    SayBegin(client, 'p', id);
    const std::string keys = absl::StrCat("/l/", id);
    const CommitResult put = sync.Commit(TransactionOf({PutOf(K(keys + "/a"), keys, id), PutOf(K(keys + "/b"), keys, id)}));
    // On a busy machine a lease of a second may have ended.
    if (put.status.ok()) SayEnd(client, 'p', id, put.revision, 2);
    if (generation > 0) {
      const LeaseId old = id_of(generation - 1, number);
      SayBegin(client, 'r', old);
      const RenewResult renewed = sync.Renew({old})[0];
      if (renewed.status.ok() || absl::IsNotFound(renewed.status)) SayEnd(client, 'r', old, sync.Latest(), renewed.status.ok() ? 1 : 0);
    }
    if (number % 5 != 0) continue;
    const LeaseId revoked = id_of(generation, number - 1);
    SayBegin(client, 'v', revoked);
    const CommitResult revocation = sync.Revoke(revoked);
    if (revocation.status.ok()) SayEnd(client, 'v', revoked, revocation.revision, revocation.results[0].deleted);
  }
}

int DriveLeases(const std::string& folder, const std::string& generation) {
  const std::unique_ptr<Store> store = OpenRocksdbStore(folder, Clock::System(), std::make_shared<PowerCutFileSystem>());
  if (store == nullptr) return 1;
  Say("serving\n");
  std::vector<std::thread> clients;
  for (int client = 1; client <= kThreads; ++client) {
    clients.emplace_back([&, client] { UseLeases(store.get(), client, std::stoll(generation)); });
  }
  for (std::thread& client : clients) client.join();
  return 1;  // Not reached: they are killed long before.
}

int DriveUnsynced(const std::string& folder, const std::string& generation) {
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(std::make_shared<PowerCutFileSystem>());
  rocksdb::Options options;
  options.create_if_missing = true;
  options.env = env.get();
  rocksdb::DB* db = nullptr;
  if (!rocksdb::DB::Open(options, folder, &db).ok()) return 1;
  for (int64_t number = 0;; ++number) {
    const std::string name = absl::StrCat(generation, "-", number);
    if (!db->Put(rocksdb::WriteOptions(), name, name).ok()) return 1;
    Say(absl::StrCat(name, " ", name, " 0\n"));
  }
}

}  // namespace
}  // namespace scoutlight::storage

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string mode = argv[1];
  using scoutlight::storage::PowerCutFileSystem;
  if (mode == "store") return scoutlight::storage::DriveStore(argv[2], argv[3], std::make_shared<PowerCutFileSystem>());
  if (mode == "torn") {
    return scoutlight::storage::DriveStore(argv[2], argv[3], std::make_shared<PowerCutFileSystem>(std::strtoull(argv[3], nullptr, 10)));
  }
  if (mode == "leases") return scoutlight::storage::DriveLeases(argv[2], argv[3]);
  if (mode == "unsynced") return scoutlight::storage::DriveUnsynced(argv[2], argv[3]);
  return 2;
}
