#include "storage/memory/memory_engine.h"

#include <algorithm>
#include <array>
#include <deque>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "storage/local/layout.h"
#include "storage/local/new_store.h"
#include "storage/memory/versions.h"

namespace scoutlight::storage {
namespace {

// So many keys are cleaned under one hold of the lock, so that readers do not wait long.
constexpr int kKeysCleanedMax = 1'000;

struct Change {
  Table table;
  std::string key;
  std::shared_ptr<const std::string> value;  // nullptr: delete.
};

class MemoryWriteSet final : public WriteSet {
 public:
  void Put(Table table, absl::string_view key, absl::string_view value) override {
    changes_.push_back({table, std::string(key), std::make_shared<const std::string>(value)});
    bytes_ += key.size() + value.size();
  }
  void Delete(Table table, absl::string_view key) override {
    changes_.push_back({table, std::string(key), nullptr});
    bytes_ += key.size();
  }
  size_t bytes() const override { return bytes_; }

  std::vector<Change>& changes() { return changes_; }

 private:
  std::vector<Change> changes_;
  size_t bytes_ = 0;
};

// All tables, shared by the engine and its snapshots. Thread-safe; readers do not exclude each other.
class MemoryTables {
 public:
  void Apply(std::vector<Change>& changes) {
    const std::unique_lock<std::shared_mutex> lock(mu_);
    ++sequence_;
    for (Change& change : changes) ApplyOne(change);
    // More than a write can leave behind, so that the garbage shrinks whenever no snapshot holds it.
    CleanSome(static_cast<int>(2 * changes.size()) + 1);
  }

  // Cleans all that no snapshot needs any more.
  void Clean() {
    for (bool more = true; more;) {
      const std::unique_lock<std::shared_mutex> lock(mu_);
      more = CleanSome(kKeysCleanedMax);
    }
  }

  // Removes history without regard to snapshots, as Engine::DropHistory allows.
  void DropHistory(Revision oldest) {
    for (bool more = true; more;) {
      const std::unique_lock<std::shared_mutex> lock(mu_);
      more = DropSome(oldest);
    }
  }

  Sequence Register() {
    const std::unique_lock<std::shared_mutex> lock(mu_);
    snapshots_.insert(sequence_);
    return sequence_;
  }
  void Unregister(Sequence sequence) {
    const std::unique_lock<std::shared_mutex> lock(mu_);
    snapshots_.erase(snapshots_.find(sequence));
  }
  bool HasSnapshots() const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    return !snapshots_.empty();
  }

  std::shared_ptr<const std::string> Find(Table table, absl::string_view key, Sequence sequence) const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    const VersionMap& map = tables_[static_cast<int>(table)];
    const auto it = map.find(key);
    if (it == map.end()) return nullptr;
    const std::shared_ptr<const std::string>* const value = FindVisible(it->second, sequence);
    return value == nullptr ? nullptr : *value;
  }

  struct Found {
    std::string key;
    std::shared_ptr<const std::string> value;  // nullptr: nothing found.
  };
  enum class From { kAt, kBehind };
  // The first key at or behind `from` and before `upper` (empty: no end).
  Found FindNext(Table table, From where, absl::string_view from, absl::string_view upper, Sequence sequence) const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    const VersionMap& map = tables_[static_cast<int>(table)];
    for (auto it = where == From::kAt ? map.lower_bound(from) : map.upper_bound(from); it != map.end(); ++it) {
      if (!upper.empty() && absl::string_view(it->first) >= upper) break;
      if (const auto* value = FindVisible(it->second, sequence); value != nullptr) return {it->first, *value};
    }
    return {};
  }
  // The last key in [lower, upper).
  Found FindLast(Table table, absl::string_view lower, absl::string_view upper, Sequence sequence) const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    const VersionMap& map = tables_[static_cast<int>(table)];
    for (auto it = upper.empty() ? map.end() : map.lower_bound(upper); it != map.begin();) {
      --it;
      if (absl::string_view(it->first) < lower) break;
      if (const auto* value = FindVisible(it->second, sequence); value != nullptr) return {it->first, *value};
    }
    return {};
  }

  uint64_t LogBytes(Revision from, Revision to) const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    uint64_t bytes = 0;
    for (auto it = log_bytes_.lower_bound(from); it != log_bytes_.end() && it->first <= to; ++it) bytes += it->second;
    return bytes;
  }
  uint64_t PastBytes() const {
    const std::shared_lock<std::shared_mutex> lock(mu_);
    return past_bytes_;
  }

 private:
  // A key that held more versions than one after the write `sequence`.
  struct Garbage {
    Sequence sequence;
    Table table;
    std::string key;
  };

  VersionMap& map(Table table) { return tables_[static_cast<int>(table)]; }

  void ApplyOne(Change& change) {
    VersionMap& keys = map(change.table);
    Count(change);
    const auto it = keys.try_emplace(change.key).first;
    Versions& versions = it->second;
    if (!versions.empty() && versions.back().sequence == sequence_) versions.pop_back();
    versions.push_back({sequence_, std::move(change.value)});
    PruneVersions(snapshots_, versions);
    if (versions.empty()) {
      keys.erase(it);
    } else if (versions.size() > 1) {
      garbage_.push_back({sequence_, change.table, std::move(change.key)});
    }
  }

  // Notes the size of a record of history and when it goes. History is only ever added, then dropped.
  void Count(const Change& change) {
    if (change.value == nullptr) return;
    const uint64_t bytes = change.key.size() + change.value->size();
    if (change.table == Table::kLog) {
      if (const auto position = layout::DecodeLogKey(change.key); position.ok()) log_bytes_[position->revision] += bytes;
    } else if (change.table == Table::kPast) {
      if (const auto position = layout::DecodePastKey(change.key); position.ok()) past_keys_.emplace(position->revision, change.key);
      past_bytes_ += bytes;
    }
  }

  bool CleanSome(int keys_max) {
    const Sequence oldest = snapshots_.empty() ? sequence_ : *snapshots_.begin();
    for (; !garbage_.empty() && garbage_.front().sequence <= oldest; garbage_.pop_front()) {
      if (keys_max-- == 0) return true;
      VersionMap& keys = map(garbage_.front().table);
      const auto it = keys.find(garbage_.front().key);
      if (it == keys.end()) continue;
      PruneVersions(snapshots_, it->second);
      if (it->second.empty()) keys.erase(it);
    }
    return false;
  }

  bool DropSome(Revision oldest) {
    int keys_left = kKeysCleanedMax;
    VersionMap& log = map(Table::kLog);
    const std::string log_end = layout::EncodeU64(static_cast<uint64_t>(oldest) + 1);
    while (!log.empty() && log.begin()->first < log_end) {
      if (keys_left-- == 0) return true;
      log.erase(log.begin());
    }
    log_bytes_.erase(log_bytes_.begin(), log_bytes_.upper_bound(oldest));
    VersionMap& past = map(Table::kPast);
    while (!past_keys_.empty() && past_keys_.begin()->first <= oldest) {
      if (keys_left-- == 0) return true;
      if (const auto it = past.find(past_keys_.begin()->second); it != past.end()) {
        if (it->second.back().value != nullptr) past_bytes_ -= it->first.size() + it->second.back().value->size();
        past.erase(it);
      }
      past_keys_.erase(past_keys_.begin());
    }
    return false;
  }

  // Guards everything below. Not base/mutex.h: readers share it.
  mutable std::shared_mutex mu_;
  std::array<VersionMap, kTables> tables_;
  Sequence sequence_ = 0;
  std::multiset<Sequence> snapshots_;               // The living ones.
  std::deque<Garbage> garbage_;                     // Ascending. Bounded by the writes since the oldest living snapshot.
  std::map<Revision, uint64_t> log_bytes_;          // Of each revision's log records.
  std::multimap<Revision, std::string> past_keys_;  // Which keys of kPast go with which revision.
  uint64_t past_bytes_ = 0;
};

class MemorySnapshot final : public Snapshot, public std::enable_shared_from_this<MemorySnapshot> {
 public:
  explicit MemorySnapshot(std::shared_ptr<MemoryTables> tables) : tables_(std::move(tables)), sequence_(tables_->Register()) {}
  ~MemorySnapshot() override { tables_->Unregister(sequence_); }
  MemorySnapshot(const MemorySnapshot&) = delete;
  MemorySnapshot& operator=(const MemorySnapshot&) = delete;

  absl::StatusOr<bool> Get(Table table, absl::string_view key, std::string* value) const override {
    const std::shared_ptr<const std::string> found = tables_->Find(table, key, sequence_);
    if (found == nullptr) return false;
    *value = *found;
    return true;
  }
  std::unique_ptr<Cursor> NewCursor(Table table, std::string lower, std::string upper) const override;

  const MemoryTables& tables() const { return *tables_; }
  Sequence sequence() const { return sequence_; }

 private:
  const std::shared_ptr<MemoryTables> tables_;
  const Sequence sequence_;
};

// Holds copies of where it stands and finds its place anew on each step, so writers may change the map in between.
class MemoryCursor final : public Cursor {
 public:
  MemoryCursor(std::shared_ptr<const MemorySnapshot> snapshot, Table table, std::string lower, std::string upper)
      : snapshot_(std::move(snapshot)), table_(table), lower_(std::move(lower)), upper_(std::move(upper)) {}

  void Seek(absl::string_view key) override {
    const absl::string_view from = std::max(key, absl::string_view(lower_));
    at_ = snapshot_->tables().FindNext(table_, MemoryTables::From::kAt, from, upper_, snapshot_->sequence());
  }
  void SeekToLast() override { at_ = snapshot_->tables().FindLast(table_, lower_, upper_, snapshot_->sequence()); }
  void Next() override { at_ = snapshot_->tables().FindNext(table_, MemoryTables::From::kBehind, at_.key, upper_, snapshot_->sequence()); }
  bool Valid() const override { return at_.value != nullptr; }
  absl::string_view key() const override { return at_.key; }
  absl::string_view value() const override { return *at_.value; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  const std::shared_ptr<const MemorySnapshot> snapshot_;
  const Table table_;
  const std::string lower_;
  const std::string upper_;
  MemoryTables::Found at_;
};

std::unique_ptr<Cursor> MemorySnapshot::NewCursor(Table table, std::string lower, std::string upper) const {
  return std::make_unique<MemoryCursor>(shared_from_this(), table, std::move(lower), std::move(upper));
}

class MemoryEngine final : public Engine {
 public:
  explicit MemoryEngine(StoreId store_id) : store_id_(std::move(store_id)) {
    MemoryWriteSet writes;
    PutNewStore(store_id_, writes);
    tables_->Apply(writes.changes());
  }

  StoreId store_id() const override { return store_id_; }
  std::unique_ptr<WriteSet> NewWriteSet() override { return std::make_unique<MemoryWriteSet>(); }
  absl::Status Write(WriteSet& writes, Revision) override {
    tables_->Apply(static_cast<MemoryWriteSet&>(writes).changes());
    return absl::OkStatus();
  }
  std::shared_ptr<const Snapshot> TakeSnapshot() override { return std::make_shared<MemorySnapshot>(tables_); }
  absl::Status Reopen() override {
    if (!tables_->HasSnapshots()) return absl::OkStatus();
    return absl::FailedPreconditionError("the engine cannot be reopened while a snapshot or cursor is alive");
  }
  void DropHistory(Revision oldest) override { tables_->DropHistory(oldest); }
  uint64_t LogBytes(Revision from, Revision to) override { return tables_->LogBytes(from, to); }
  uint64_t PastBytes() override { return tables_->PastBytes(); }
  std::optional<Room> FreeRoom() override { return std::nullopt; }
  void SyncHighWater() override {}
  bool failed() const override { return false; }
  absl::Status Probe() override { return absl::OkStatus(); }
  void Maintain() override { tables_->Clean(); }
  absl::Status Verify(const std::function<bool()>&) override { return absl::OkStatus(); }

 private:
  const StoreId store_id_;
  const std::shared_ptr<MemoryTables> tables_ = std::make_shared<MemoryTables>();
};

}  // namespace

std::unique_ptr<Engine> NewMemoryEngine(StoreId store_id) { return std::make_unique<MemoryEngine>(std::move(store_id)); }

}  // namespace scoutlight::storage
