#ifndef SCOUTLIGHT_TESTS_CRASH_PANIC_ENGINE_H_
#define SCOUTLIGHT_TESTS_CRASH_PANIC_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "storage/local/engine.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {

// Where a process panics: the place that is named, when it is passed for the so manyth time. Thread-safe.
class Panic {
 public:
  Panic(std::string place, int passes) : place_(std::move(place)), passes_left_(passes) {}

  void Pass(absl::string_view place) {
    if (place == place_ && passes_left_.fetch_sub(1) == 1) std::abort();
  }

 private:
  const std::string place_;
  std::atomic<int> passes_left_;
};

// An engine that panics around what the store does with it, by what a batch is about: "write", "grant", "end" (of a lease), "compaction",
// each "before-" and "after-" it is on the disk. Places of their own: "new-batch", "snapshot" (written and not published yet),
// "high-water", "drop-history", "maintenance". Thread-safe.
class PanicEngine final : public Engine {
 public:
  PanicEngine(std::unique_ptr<Engine> engine, Panic* panic) : engine_(std::move(engine)), panic_(*panic) {}

  StoreId store_id() const override { return engine_->store_id(); }
  std::unique_ptr<WriteSet> NewWriteSet() override {
    panic_.Pass("new-batch");
    return std::make_unique<NotedWrites>(engine_->NewWriteSet());
  }
  absl::Status Write(WriteSet& writes, Revision revision) override {
    auto& noted = static_cast<NotedWrites&>(writes);
    panic_.Pass(absl::StrCat("before-", noted.about()));
    absl::Status written = engine_->Write(noted.writes(), revision);
    panic_.Pass(absl::StrCat("after-", noted.about()));
    return written;
  }
  std::shared_ptr<const Snapshot> TakeSnapshot() override {
    panic_.Pass("snapshot");
    return engine_->TakeSnapshot();
  }
  absl::Status Reopen() override { return engine_->Reopen(); }
  void DropHistory(Revision oldest) override {
    panic_.Pass("drop-history");
    engine_->DropHistory(oldest);
  }
  uint64_t LogBytes(Revision from, Revision to) override { return engine_->LogBytes(from, to); }
  uint64_t PastBytes() override { return engine_->PastBytes(); }
  std::optional<Room> FreeRoom() override { return engine_->FreeRoom(); }
  void SyncHighWater() override {
    panic_.Pass("high-water");
    engine_->SyncHighWater();
  }
  void Maintain() override {
    engine_->Maintain();
    panic_.Pass("maintenance");
  }
  bool failed() const override { return engine_->failed(); }
  absl::Status Probe() override { return engine_->Probe(); }
  absl::Status Verify(const std::function<bool()>& stop) override { return engine_->Verify(stop); }

 private:
  // Knows what a batch is about.
  class NotedWrites final : public WriteSet {
   public:
    explicit NotedWrites(std::unique_ptr<WriteSet> writes) : writes_(std::move(writes)) {}

    void Put(Table table, absl::string_view key, absl::string_view value) override {
      if (table == Table::kLeases) about_ = "grant";
      if (table == Table::kMeta && key == layout::kMetaOldest) about_ = "compaction";
      writes_->Put(table, key, value);
    }
    void Delete(Table table, absl::string_view key) override {
      if (table == Table::kLeases) about_ = "end";
      writes_->Delete(table, key);
    }
    size_t bytes() const override { return writes_->bytes(); }

    WriteSet& writes() { return *writes_; }
    absl::string_view about() const { return about_; }

   private:
    const std::unique_ptr<WriteSet> writes_;
    absl::string_view about_ = "write";
  };

  const std::unique_ptr<Engine> engine_;
  Panic& panic_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_TESTS_CRASH_PANIC_ENGINE_H_
