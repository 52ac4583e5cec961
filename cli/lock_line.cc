#include "cli/lock_line.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/error.h"
#include "client/transaction.h"

namespace scoutlight::cli {

LockLine::LockLine(Connection connection, Options options)
    : connection_(std::move(connection)), registry_(connection_), options_(std::move(options)) {}

LockLine::~LockLine() = default;

absl::Status LockLine::Join() {
  watch_.reset();
  followed_.clear();
  lease_.reset();
  absl::StatusOr<std::unique_ptr<KeptLease>> lease = KeptLease::Grant(registry_, options_.ttl, options_.wake);
  if (!lease.ok()) return lease.status();
  const std::string key = absl::StrFormat("%s/%016x", options_.folder, (*lease)->id());
  const absl::StatusOr<PutResult> put = registry_.Put(key, TextValue(options_.value), {.lease_id = (*lease)->id(), .if_absent = true});
  if (!put.ok()) return put.status();
  lease_ = *std::move(lease);
  key_ = key;
  fence_ = put->create_revision;
  return absl::OkStatus();
}

absl::Status LockLine::Leave() {
  watch_.reset();
  return lease_ == nullptr ? absl::OkStatus() : lease_->Revoke();
}

bool LockLine::is_news() const {
  const MutexLock lock(&mu_);
  return is_news_ || !lease_->status().ok();
}

void LockLine::Tell(absl::Status watch_over) {
  {
    const MutexLock lock(&mu_);
    is_news_ = true;
    watch_over_.Update(std::move(watch_over));
  }
  options_.wake();
}

absl::StatusOr<std::optional<Entry>> LockLine::LookAhead() {
  if (absl::Status gone = lease_->status(); !gone.ok()) return gone;
  {
    const MutexLock lock(&mu_);
    if (!watch_over_.ok()) return watch_over_;
    is_news_ = false;
  }
  const absl::StatusOr<ListResult> line = registry_.Fetch(options_.folder, {.scope = Scope::kChildren, .order = ListOrder::kCreation});
  if (!line.ok()) {
    const MutexLock lock(&mu_);
    is_news_ = true;
    return line.status();
  }
  const auto own = std::find_if(line->entries.begin(), line->entries.end(),
                                [this](const Entry& entry) { return entry.key.path() == key_ && entry.create_revision == fence_; });
  if (own == line->entries.end()) {
    return MakeError(absl::StatusCode::kNotFound, absl::StrCat(key_, " is gone"), {.reason = Reason::kKeyNotFound, .resource = key_});
  }
  // Branches without a value come first.
  const bool is_first = own == line->entries.begin() || !std::prev(own)->has_value;
  Follow(is_first ? *own : *std::prev(own), line->state);
  return is_first ? std::nullopt : std::optional<Entry>(*std::prev(own));
}

void LockLine::Follow(const Entry& entry, const StoreState& state) {
  if (followed_ == entry.key.path()) return;
  followed_ = entry.key.path();
  watch_ = std::make_unique<Watch>(
      connection_, followed_, WatchOptions{.start_revision = state.revision + 1, .store_id = state.store_id},
      [this](const WatchEvent& event) { OnEvent(event); }, [this](const absl::Status& over) { Tell(over); });
}

void LockLine::OnEvent(const WatchEvent& event) {
  switch (event.kind) {
    case WatchEvent::Kind::kChanges:
      for (const Event& change : event.events) {
        if (change.kind == EventKind::kDelete) Tell();
      }
      return;
    case WatchEvent::Kind::kSnapshotEnd:
      // Something was missed.
      return Tell();
    case WatchEvent::Kind::kStarted:
    case WatchEvent::Kind::kReset:
    case WatchEvent::Kind::kSnapshot:
    case WatchEvent::Kind::kProgress:
      return;
  }
}

}  // namespace scoutlight::cli
