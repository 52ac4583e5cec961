// Uses a store over RocksDB until it panics at one place, and says on standard output what was acknowledged.
//
//   panic_driver FOLDER GENERATION PLACE PASSES   PLACE: one of panic_engine.h, or of the changes' way to who follows them: "shown" (about
//                                                 to be), "before-answer", "answered"
//
// Lines: "put PATH VALUE REVISION", "compact OLDEST". Every key is written once: /p/NAME by a put, /t/NAME/a and /b together by
// a transaction, /l/ID/a and /b together on a lease of a second that nobody renews. Names begin with GENERATION.
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "storage/local/local_store.h"
#include "storage/rocksdb/rocksdb_engine.h"
#include "storage/testing/sync_store.h"
#include "tests/crash/panic_engine.h"

namespace scoutlight::storage {
namespace {

constexpr int kWriters = 3;
constexpr absl::Duration kOften = absl::Milliseconds(2);

// One write(2), so that what is said is whole or not said.
void Say(const std::string& line) {
  if (write(STDOUT_FILENO, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(2);
}

void SayProblemAndExit(const absl::Status& status) {
  std::cerr << status << std::endl;
  _exit(1);
}

// Panics where changes are shown to who follows the store.
class PanicSink final : public Sink {
 public:
  explicit PanicSink(Panic* panic) : panic_(*panic) {}

  void OnBatch(std::shared_ptr<const Batch> /*batch*/) override { panic_.Pass("shown"); }
  void OnProgress(Revision /*revision*/) override {}
  void OnGap(Revision /*oldest*/) override {}
  void OnStale() override {}
  void OnFresh() override {}

 private:
  Panic& panic_;
};

// Callers of one store, each of which goes on for ever.
class Callers {
 public:
  Callers(Store* store, std::string generation, Panic* panic) : sync_(store), generation_(std::move(generation)), panic_(*panic) {}

  void Write() {
    for (;;) {
      const int number = numbers_.fetch_add(1);
      const std::string name = absl::StrCat(generation_, "-", number);
      std::vector<std::string> paths = {absl::StrCat("/p/", name)};
      if (number % 3 == 0) paths = {absl::StrCat("/t/", name, "/a"), absl::StrCat("/t/", name, "/b")};
      std::vector<Operation> puts;
      for (const std::string& path : paths) puts.push_back(PutOf(K(path), name));
      const CommitResult result = sync_.Commit(TransactionOf(std::move(puts)));
      if (!result.status.ok()) SayProblemAndExit(result.status);
      panic_.Pass("before-answer");
      for (const std::string& path : paths) Say(absl::StrCat("put ", path, " ", name, " ", result.revision, "\n"));
      panic_.Pass("answered");
    }
  }

  void UseLeases() {
    for (;;) {
      const LeaseResult granted = sync_.Grant(absl::Seconds(1));
      if (!granted.status.ok()) SayProblemAndExit(granted.status);
      const LeaseId id = granted.lease.id;
      const std::string keys = absl::StrCat("/l/", id);
      const CommitResult put = sync_.Commit(TransactionOf({PutOf(K(keys + "/a"), keys, id), PutOf(K(keys + "/b"), keys, id)}));
      // On a busy machine a lease of a second may have ended.
      if (!put.status.ok() && !absl::IsFailedPrecondition(put.status)) SayProblemAndExit(put.status);
    }
  }

  void Compact() {
    for (Revision given_up = 0;;) {
      const Revision oldest = sync_.Latest() - 20;
      if (oldest <= given_up) {
        std::this_thread::yield();
        continue;
      }
      const CompactResult result = sync_.Compact(oldest);
      if (!result.status.ok()) SayProblemAndExit(result.status);
      given_up = oldest + 50;
      Say(absl::StrCat("compact ", result.oldest_revision, "\n"));
    }
  }

 private:
  const SyncStore sync_;
  const std::string generation_;
  Panic& panic_;
  std::atomic<int> numbers_ = 0;
};

int Drive(const std::string& folder, const std::string& generation, Panic* panic) {
  RocksdbEngineOptions engine_options;
  engine_options.data_dir = folder;
  engine_options.new_store_id = "0123456789abcdef0123456789abcdef";
  absl::StatusOr<std::unique_ptr<Engine>> engine = OpenRocksdbEngine(std::move(engine_options));
  if (!engine.ok()) SayProblemAndExit(engine.status());
  LocalStoreOptions options;
  options.random = std::mt19937_64(std::stoull(generation));
  options.maintenance_interval = options.lease_tick = kOften;
  absl::StatusOr<std::unique_ptr<Store>> store =
      OpenLocalStore(std::make_unique<PanicEngine>(*std::move(engine), panic), std::move(options));
  if (!store.ok()) SayProblemAndExit(store.status());
  (*store)->Follow(SyncStore(store->get()).Latest(), std::make_shared<PanicSink>(panic));
  (*store)->BeginServing();
  Callers callers(store->get(), generation, panic);
  std::vector<std::thread> threads;
  for (int i = 0; i < kWriters; ++i) threads.emplace_back([&callers] { callers.Write(); });
  threads.emplace_back([&callers] { callers.UseLeases(); });
  threads.emplace_back([&callers] { callers.Compact(); });
  for (std::thread& thread : threads) thread.join();
  return 1;  // Not reached: it panics.
}

}  // namespace
}  // namespace scoutlight::storage

int main(int argc, char** argv) {
  if (argc != 5) return 2;
  scoutlight::storage::Panic panic(argv[3], std::stoi(argv[4]));
  return scoutlight::storage::Drive(argv[1], argv[2], &panic);
}
