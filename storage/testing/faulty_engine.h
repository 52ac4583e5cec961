#ifndef SCOUTLIGHT_STORAGE_TESTING_FAULTY_ENGINE_H_
#define SCOUTLIGHT_STORAGE_TESTING_FAULTY_ENGINE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "base/mutex.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// An engine whose batches wait before they are made or written, whose writes and reopenings fail, that fails by itself, and that has so
// much room, as a test orders.
// Thread-safe.
class FaultyEngine final : public Engine {
 public:
  enum class Writes { kWork, kWait, kFail, kLandAndFail };

  explicit FaultyEngine(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}

  void SetWrites(Writes writes) {
    MutexLock lock(&mu_);
    writes_ = writes;
    changed_.NotifyAll();
  }
  // How many writes wait.
  int waiting() {
    MutexLock lock(&mu_);
    return waiting_;
  }
  // How many writes were begun.
  int written() {
    MutexLock lock(&mu_);
    return written_;
  }
  // From now on whoever begins a batch waits, until this is called with false.
  void HoldNewBatches(bool hold) {
    MutexLock lock(&mu_);
    new_batches_held_ = hold;
    changed_.NotifyAll();
  }
  // How many batches wait to begin.
  int held() {
    MutexLock lock(&mu_);
    return held_;
  }
  void SetReopens(absl::Status status) {
    MutexLock lock(&mu_);
    reopens_ = std::move(status);
  }
  // Fails in the background, until it is opened again.
  void FailByItself() {
    MutexLock lock(&mu_);
    failed_ = true;
  }
  void SetRoom(int64_t for_deletes_bytes) {
    MutexLock lock(&mu_);
    room_ = {.for_puts_bytes = 1 << 30, .for_deletes_bytes = for_deletes_bytes};
  }

  StoreId store_id() const override { return engine_->store_id(); }
  std::unique_ptr<WriteSet> NewWriteSet() override {
    {
      MutexLock lock(&mu_);
      ++held_;
      while (new_batches_held_) changed_.Wait(&mu_);
      --held_;
    }
    return engine_->NewWriteSet();
  }
  absl::Status Write(WriteSet& writes, Revision revision) override {
    bool land_and_fail = false;
    {
      MutexLock lock(&mu_);
      ++written_;
      ++waiting_;
      changed_.NotifyAll();
      while (writes_ == Writes::kWait) changed_.Wait(&mu_);
      --waiting_;
      if (writes_ == Writes::kFail) return absl::UnavailableError("a test breaks this write");
      land_and_fail = writes_ == Writes::kLandAndFail;
    }
    const absl::Status written = engine_->Write(writes, revision);
    return land_and_fail && written.ok() ? absl::UnavailableError("a test breaks what comes behind this write") : written;
  }
  std::shared_ptr<const Snapshot> TakeSnapshot() override { return engine_->TakeSnapshot(); }
  absl::Status Reopen() override {
    {
      MutexLock lock(&mu_);
      // One of its own: who else shares a status is counted where ThreadSanitizer does not see it.
      if (!reopens_.ok()) return absl::Status(reopens_.code(), reopens_.message());
      failed_ = false;
    }
    return engine_->Reopen();
  }
  void DropHistory(Revision oldest) override { engine_->DropHistory(oldest); }
  uint64_t LogBytes(Revision from, Revision to) override { return engine_->LogBytes(from, to); }
  uint64_t PastBytes() override { return engine_->PastBytes(); }
  std::optional<Room> FreeRoom() override {
    MutexLock lock(&mu_);
    return room_;
  }
  void SyncHighWater() override { engine_->SyncHighWater(); }
  void Maintain() override { engine_->Maintain(); }
  bool failed() const override {
    MutexLock lock(&mu_);
    return failed_;
  }
  absl::Status Probe() override { return absl::OkStatus(); }
  absl::Status Verify(const std::function<bool()>& stop) override { return engine_->Verify(stop); }

 private:
  const std::unique_ptr<Engine> engine_;
  mutable Mutex mu_;
  CondVar changed_;
  Writes writes_ ABSL_GUARDED_BY(mu_) = Writes::kWork;
  int waiting_ ABSL_GUARDED_BY(mu_) = 0;
  int written_ ABSL_GUARDED_BY(mu_) = 0;
  bool new_batches_held_ ABSL_GUARDED_BY(mu_) = false;
  int held_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status reopens_ ABSL_GUARDED_BY(mu_);
  bool failed_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<Room> room_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_FAULTY_ENGINE_H_
