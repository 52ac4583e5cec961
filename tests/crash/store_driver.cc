// Writes without end until it is killed, and says on standard output what was acknowledged, one line each, after the acknowledgement.
//
//   store_driver store FOLDER GENERATION      a LocalStore over RocksDB; a line is "<path> <value> <revision>"
//   store_driver unsynced FOLDER GENERATION   RocksDB alone, with syncing turned off: loses what it acknowledges
//
// Files lose what is not synced when the process is killed (power_cut_file_system.h). Every key is written once: /p/<generation>-<number>
// by a put, or /t/<generation>-<number>/a and /b together by a transaction. Values name generation and number.

#include <unistd.h>

#include <atomic>
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

int DriveStore(const std::string& folder, const std::string& generation) {
  const std::unique_ptr<Store> store = OpenRocksdbStore(folder, Clock::System(), std::make_shared<PowerCutFileSystem>());
  if (store == nullptr) return 1;
  std::atomic<int64_t> numbers = 0;
  std::vector<std::unique_ptr<Writer>> writers;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) writers.push_back(std::make_unique<Writer>(store.get(), generation, &numbers));
  for (const auto& writer : writers) threads.emplace_back([&writer] { writer->Run(); });
  for (std::thread& thread : threads) thread.join();
  return 1;  // Not reached: the writers go on until the process is killed.
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
  if (mode == "store") return scoutlight::storage::DriveStore(argv[2], argv[3]);
  if (mode == "unsynced") return scoutlight::storage::DriveUnsynced(argv[2], argv[3]);
  return 2;
}
