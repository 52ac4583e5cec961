#include "storage/local/local_upkeep.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "storage/local/history.h"
#include "storage/local/layout.h"
#include "storage/local/open_state.h"

namespace scoutlight::storage {
namespace {

// Background compaction looks at the history's age and size at every so manyth round of maintenance.
constexpr int kRoundsPerCompaction = 10;
constexpr absl::Duration kReadersLeaveWait = absl::Seconds(5);
constexpr size_t kRecoveryPageBytes = 1 * limits::kMiB;

}  // namespace

void LocalUpkeep::Start() {
  maintenance_ = std::thread([this] { MaintenanceLoop(); });
  background_ = std::thread([this] { BackgroundLoop(); });
}

void LocalUpkeep::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (maintenance_.joinable()) maintenance_.join();
  if (background_.joinable()) background_.join();
}

void LocalUpkeep::KeepUptime() {
  const std::optional<absl::Duration> uptime = parts_.keeper->UptimeToKeep();
  const std::shared_ptr<const View> view = parts_.published->Load();
  if (!uptime.has_value() || view == nullptr || !parts_.committer->problem().empty()) return;
  const std::unique_ptr<WriteSet> writes = parts_.engine->NewWriteSet();
  writes->Put(Table::kMeta, layout::kMetaUptime, layout::EncodeU64(static_cast<uint64_t>(absl::ToInt64Milliseconds(*uptime))));
  if (absl::Status status = parts_.engine->Write(*writes, view->revision); !status.ok()) {
    Warn(absl::StrCat("how long this server has run could not be stored; dead owners' leases may live longer: ", status.message()));
  }
}

void LocalUpkeep::MaintenanceLoop() {
  while (true) {
    {
      MutexLock lock(&mu_);
      if (!stopping_) wake_.WaitFor(&mu_, parts_.options->maintenance_interval);
      if (stopping_) return;
    }
    MaintainOnce();
  }
}

void LocalUpkeep::MaintainOnce() {
  if (parts_.committer->problem().empty() && parts_.engine->failed()) parts_.committer->NoteFailure("the storage failed in the background");
  if (!parts_.committer->problem().empty()) Recover();
  if (!parts_.committer->problem().empty()) return;
  parts_.engine->SyncHighWater();
  parts_.pinned->Expire(parts_.options->clock->SinceBoot());
  if (++round_ % kRoundsPerCompaction == 0) CompactByAgeAndSize();
}

void LocalUpkeep::CompactByAgeAndSize() {
  const std::shared_ptr<const View> view = parts_.published->Load();
  if (view == nullptr || view->revision == view->oldest) return;
  absl::StatusOr<Revision> young = FirstCommittedAt(*view, view->oldest + 1, parts_.options->clock->Now() - parts_.options->history_age);
  if (!young.ok()) return Warn(absl::StrCat("cannot tell the age of the history: ", young.status().message()));
  Revision oldest = *young - 1;
  // A change weighs about as much in the past as in the log. What is compacted but not dropped yet does not count: giving up more would
  // not make it go sooner.
  const uint64_t bytes = 2 * parts_.engine->LogBytes(view->oldest + 1, view->revision);
  if (bytes > parts_.options->history_bytes_max) {
    // As if every revision were of the same size; the next rounds correct it.
    const double over = static_cast<double>(bytes - parts_.options->history_bytes_max) / static_cast<double>(bytes);
    oldest = std::max(oldest, view->oldest + static_cast<Revision>(over * static_cast<double>(view->revision - view->oldest)));
  }
  if (oldest <= view->oldest) return;
  parts_.committer->Compact(oldest, [](CompactResult) {});
}

bool LocalUpkeep::WaitUntilUnused(const std::weak_ptr<const Snapshot>& snapshot) {
  // Nobody tells when a snapshot ends, so this looks every few milliseconds; new readers find no view meanwhile.
  constexpr absl::Duration kLook = absl::Milliseconds(5);
  MutexLock lock(&mu_);
  for (absl::Duration waited; waited < kReadersLeaveWait && !stopping_ && !snapshot.expired(); waited += kLook) {
    wake_.WaitFor(&mu_, kLook);
  }
  return snapshot.expired();
}

void LocalUpkeep::Recover() {
  // Reads go on as they are until the disk takes writes again: opening needs some.
  const std::optional<Engine::Room> room = parts_.engine->FreeRoom();
  if ((room.has_value() && room->for_deletes_bytes <= 0) || !parts_.engine->Probe().ok()) return;
  if (!parts_.committer->BeginRecovery()) return;
  parts_.pinned->Clear();
  std::shared_ptr<const View> view = parts_.published->Exchange(nullptr);
  if (view != nullptr) {
    last_published_ = view->revision;
    last_oldest_ = view->oldest;
    const std::weak_ptr<const Snapshot> snapshot = view->snapshot;
    std::weak_ptr<const View> weak_view = view;
    view.reset();
    if (!WaitUntilUnused(snapshot)) {
      // A long read goes on; so do the others, until the next round.
      if (std::shared_ptr<const Snapshot> alive = snapshot.lock(); alive != nullptr) {
        parts_.published->Exchange(std::make_shared<const View>(View{std::move(alive), last_published_, last_oldest_}));
        return parts_.committer->EndRecovery(parts_.committer->problem());
      }
    }
  }
  absl::Status status = parts_.engine->Reopen();
  if (absl::IsFailedPrecondition(status)) {
    // Still in use, and so still open; a batch that failed may be in it.
    parts_.kept->ForgetAll(last_published_);
    parts_.published->Exchange(std::make_shared<const View>(View{parts_.engine->TakeSnapshot(), last_published_, last_oldest_}));
    return parts_.committer->EndRecovery(parts_.committer->problem());
  }
  if (status.ok()) status = PublishAndShowRecovered(last_published_);
  if (status.ok()) {
    Warn("the store has recovered and takes writes again");
  } else {
    Warn(absl::StrCat("the store cannot be opened again yet: ", status.message()));
  }
  parts_.committer->EndRecovery(status.ok() ? "" : std::string(status.message()));
}

absl::Status LocalUpkeep::PublishAndShowRecovered(Revision published) {
  const std::shared_ptr<const Snapshot> snapshot = parts_.engine->TakeSnapshot();
  absl::StatusOr<OpenState> state = ReadOpenState(snapshot, parts_.options->clock->Now() - limits::kRequestIdWindow);
  if (!state.ok()) return state.status();
  if (state->revision < published) {
    return absl::DataLossError(absl::StrCat("revision ", published, " was acknowledged, but only ", state->revision, " is on disk"));
  }
  auto view = std::make_shared<const View>(View{snapshot, state->revision, state->oldest});
  std::vector<std::shared_ptr<const Batch>> batches;
  for (Revision next = published + 1; next <= state->revision;) {
    HistoryPage page = ReadHistory(*view, next, state->revision, {Key(), Scope::kSubtree}, kRecoveryPageBytes);
    if (!page.status.ok()) return page.status;
    batches.insert(batches.end(), page.batches.begin(), page.batches.end());
    next = page.next;
  }
  for (const OpenState::Request& request : state->requests) {
    if (request.revision <= published) continue;
    parts_.committer->Remember(request.record.caller, request.record.request_id,
                               {.hash = request.record.request_hash, .before = request.revision - 1, .changed = true}, request.committed);
  }
  parts_.kept->ForgetAll(state->revision);
  parts_.keeper->Reload(*state, [&] { parts_.published->Exchange(view); });
  parts_.committer->ShowRecovered(batches);
  parts_.engine->DropHistory(parts_.committer->HistoryFloor(*view));
  return absl::OkStatus();
}

void LocalUpkeep::BackgroundLoop() {
  // A recovery must not wait for the scrub, which holds the engine open.
  const auto stop = [this] {
    MutexLock lock(&mu_);
    return stopping_ || !parts_.committer->problem().empty();
  };
  absl::Duration next_scrub = parts_.options->clock->SinceBoot();
  while (true) {
    if (parts_.options->clock->SinceBoot() >= next_scrub) {
      next_scrub += parts_.options->scrub_interval;
      const absl::Status status = parts_.engine->Verify(stop);
      if (absl::IsDataLoss(status)) NoteDamage(status);
    }
    parts_.engine->Maintain();
    MutexLock lock(&mu_);
    if (!stopping_) wake_.WaitFor(&mu_, parts_.options->maintenance_interval);
    if (stopping_) return;
  }
}

void LocalUpkeep::NoteDamage(const absl::Status& status) {
  {
    MutexLock lock(&mu_);
    if (!damage_.empty()) return;
    damage_ = absl::StrCat("stored data is damaged, restore it from a backup: ", status.message());
  }
  Warn(absl::StrCat("stored data is damaged, restore it from a backup: ", status.message()));
}

std::string LocalUpkeep::damage() const {
  MutexLock lock(&mu_);
  return damage_;
}

void LocalUpkeep::Warn(absl::string_view line) const {
  if (parts_.options->warn) parts_.options->warn(line);
}

}  // namespace scoutlight::storage
