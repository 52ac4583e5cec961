#include "server/discovery/catalog_feed.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"

namespace scoutlight::server {
namespace {

using discovery::Catalog;

// What a new catalog gets at once, while the store waits. Or one batch, which the store waits for in any case.
constexpr size_t kNearBatchesMax = 64;
constexpr size_t kNearBytesMax = 1 * limits::kMiB;
// At the time: so often at least, whatever clock it is.
constexpr absl::Duration kLook = absl::Milliseconds(100);
// Soft values are told so often at most.
constexpr absl::Duration kSoftRest = absl::Seconds(1);

absl::Status Loading(absl::string_view why) {
  ErrorDetails details;
  details.reason = Reason::kCatalogLoading;
  details.retry_after = absl::Milliseconds(200);
  return MakeError(absl::StatusCode::kUnavailable, why, details);
}

// When a batch of history happened: what is lost within a while is judged by that.
Instant InstantOf(const Batch& batch, Instant now) {
  now.since_boot -= std::max(now.calendar - batch.committed, absl::ZeroDuration());
  now.calendar = std::min(now.calendar, batch.committed);
  return now;
}

absl::Status TooManyWait() {
  ErrorDetails details;
  details.reason = Reason::kOverloaded;
  details.retry_after = absl::Seconds(1);
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat(limits::kCatalogWaitersMax, " calls wait for the catalog already, which is the most"), details);
}

}  // namespace

CatalogFeed::CatalogFeed(storage::Store* store, CatalogFeedOptions options, OnChanged on_changed)
    : store_(*store), options_(std::move(options)), on_changed_(std::move(on_changed)), recent_(kNearBatchesMax, kNearBytesMax) {}

CatalogFeed::~CatalogFeed() { Stop(); }

void CatalogFeed::Start() {
  loader_ = std::thread([this] { LoadLoop(); });
  answerer_ = std::thread([this] { AnswerLoop(); });
}

void CatalogFeed::EndWaits() {
  std::vector<Waiting> left;
  {
    MutexLock lock(&mu_);
    waits_ended_ = true;
    left = std::exchange(waiting_, {});
  }
  for (Waiting& waiting : left) std::move(waiting.done)(Loading("the server stops"));
}

void CatalogFeed::Stop() {
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  if (loader_.joinable()) loader_.join();
  if (answerer_.joinable()) answerer_.join();
  EndWaits();
}

void CatalogFeed::OnBatch(std::shared_ptr<const Batch> batch) {
  bool wake = false;
  std::vector<BatchPtr> gone;  // Ends outside of the lock.
  {
    MutexLock lock(&mu_);
    if (stopping_) return;
    if (loading_ && batch->revision > seen_) gone = recent_.Add({batch, BatchBytes(*batch)});
    seen_ = std::max(seen_, batch->revision);
    wake = !following_;
    following_ = true;
    // A follower that begins in the past shows what the catalog was read with.
    if (live_ && batch->revision > catalog_->revision()) {
      const Catalog::Applied applied = catalog_->Apply(*batch, Instant::Of(options_.clock));
      if (applied.claims_changed) {
        reload_ = true;
        claims_current_ = false;
      }
      if (applied.lost && !std::exchange(losses_, true)) wake = true;
      if (claims_current_) claims_at_ = batch->revision;
      wake = wake || reload_ || !waiting_.empty();
      // Under the lock, so that none comes after Stop().
      if (!applied.services.empty()) on_changed_(applied.services);
    }
  }
  if (wake) wake_.NotifyAll();
}

void CatalogFeed::OnProgress(Revision revision) {
  {
    MutexLock lock(&mu_);
    seen_ = std::max(seen_, revision);
    recent_.Reach(seen_);
    if (live_) catalog_->Advance(revision);
    if (live_ && claims_current_) claims_at_ = std::max(claims_at_, revision);
  }
  wake_.NotifyAll();
}

void CatalogFeed::OnGap(Revision oldest) {
  std::deque<RecentBatches::Kept> gone;  // Ends outside of the lock.
  {
    MutexLock lock(&mu_);
    seen_ = std::max(seen_, oldest);
    gone = recent_.Restart(seen_);
    live_ = false;
    reload_ = true;
    claims_current_ = false;
  }
  wake_.NotifyAll();
}

void CatalogFeed::OnFresh() {
  {
    MutexLock lock(&mu_);
    following_ = true;
  }
  wake_.NotifyAll();
}

std::shared_ptr<Catalog> CatalogFeed::catalog() const {
  MutexLock lock(&mu_);
  return catalog_;
}

bool CatalogFeed::loading() const {
  MutexLock lock(&mu_);
  return reload_ || loading_;
}

CatalogFeed::ClaimsAt CatalogFeed::claims() const {
  MutexLock lock(&mu_);
  if (catalog_ == nullptr) return {};
  return {.claims = catalog_->claims(), .revision = claims_at_, .catalog = catalog_};
}

void CatalogFeed::WhenAt(Revision revision, Waiter done) { Wait(revision, false, options_.wait_max, std::move(done)); }

void CatalogFeed::WhenClaimsAt(Revision revision, Waiter done) { Wait(revision, true, options_.wait_max, std::move(done)); }

void CatalogFeed::WhenApplied(Revision revision, Waiter done) { Wait(revision, true, options_.apply_wait_max, std::move(done)); }

bool CatalogFeed::Reached(const Waiting& waiting) const {
  if (catalog_ == nullptr) return false;
  return waiting.claims ? claims_at_ >= waiting.revision : catalog_->revision() >= waiting.revision;
}

void CatalogFeed::Wait(Revision revision, bool claims, absl::Duration bound, Waiter done) {
  absl::Status status;
  bool waits = false;
  {
    MutexLock lock(&mu_);
    Waiting waiting{.revision = revision, .until = {}, .claims = claims, .done = {}};
    if (catalog_ == nullptr) {
      status = Loading("the instances are being read");
    } else if (!Reached(waiting)) {
      if (waiting_.size() >= static_cast<size_t>(limits::kCatalogWaitersMax)) {
        status = TooManyWait();
      } else if (stopping_ || waits_ended_) {
        status = Loading("the server stops");
      } else {
        waiting.until = options_.clock->SinceBoot() + bound;
        waiting.done = std::move(done);
        waiting_.push_back(std::move(waiting));
        wake_.NotifyAll();
        waits = true;
      }
    }
  }
  // Nobody may write any more.
  if (waits) return store_.ShowUpTo(revision);
  std::move(done)(status);
}

void CatalogFeed::ServeWaiters() {
  std::vector<std::pair<Waiter, absl::Status>> ended;
  {
    MutexLock lock(&mu_);
    const absl::Duration now = options_.clock->SinceBoot();
    for (size_t i = 0; i < waiting_.size();) {
      Waiting& waiting = waiting_[i];
      if (Reached(waiting)) {
        ended.emplace_back(std::move(waiting.done), absl::OkStatus());
      } else if (waiting.until <= now) {
        ended.emplace_back(std::move(waiting.done),
                           Loading(absl::StrCat("the catalog has not come to revision ", waiting.revision, " yet")));
      } else {
        ++i;
        continue;
      }
      std::swap(waiting_[i], waiting_.back());
      waiting_.pop_back();
    }
  }
  for (auto& [done, status] : ended) std::move(done)(status);
}

bool CatalogFeed::AnyEnded() const {
  const absl::Duration now = options_.clock->SinceBoot();
  for (const Waiting& waiting : waiting_) {
    if (Reached(waiting) || waiting.until <= now) return true;
  }
  return false;
}

bool CatalogFeed::ServeDue() {
  if (stopping_) return false;
  const absl::Duration now = options_.clock->SinceBoot();
  std::vector<discovery::ServiceName> changed;
  if (losses_) {
    changed = catalog_->EndHolds(now);
    losses_ = catalog_->HasLosses();
  }
  if (!soft_changed_.empty() && soft_due_ <= now) {
    changed.insert(changed.end(), soft_changed_.begin(), soft_changed_.end());
    soft_changed_.clear();
  }
  // Under the lock, so that none comes after Stop().
  if (!changed.empty()) on_changed_(changed);
  return losses_ && catalog_->HasLossesDue(now);
}

void CatalogFeed::AnswerLoop() {
  while (true) {
    {
      MutexLock lock(&mu_);
      bool more = ServeDue();
      while (!stopping_ && !more && !AnyEnded()) {
        if (waiting_.empty() && !losses_ && soft_changed_.empty()) {
          wake_.Wait(&mu_);
        } else {
          wake_.WaitFor(&mu_, kLook);
        }
        more = ServeDue();
      }
      if (stopping_) return;
    }
    ServeWaiters();
  }
}

int CatalogFeed::ConfirmLoss(const discovery::ServiceName& service, const std::vector<std::string>& ids) {
  MutexLock lock(&mu_);
  if (catalog_ == nullptr) return 0;
  const int confirmed = catalog_->ConfirmLoss(service, ids);
  if (confirmed > 0 && !stopping_) on_changed_({service});
  return confirmed;
}

int CatalogFeed::ConfirmLosses(const discovery::ServiceName& service) {
  int confirmed = 0;
  // What is lost meanwhile is confirmed too, but not for ever.
  while (confirmed < limits::kLossesRememberedMax) {
    const std::shared_ptr<Catalog> known = catalog();
    if (known == nullptr) break;
    const std::vector<std::string> ids = known->HeldOf(service, limits::kLossesConfirmedMax);
    if (ids.empty()) break;
    const int now = ConfirmLoss(service, ids);
    if (now == 0 && known == catalog()) break;
    confirmed += now;
  }
  return confirmed;
}

bool CatalogFeed::SetSoftValues(const discovery::InstanceName& name, const Catalog::Owner& owner, discovery::SoftValues soft) {
  bool wake = false;
  {
    MutexLock lock(&mu_);
    if (catalog_ == nullptr || !catalog_->SetSoftValues(name, owner, std::move(soft))) return false;
    wake = soft_changed_.empty();
    if (wake) soft_due_ = options_.clock->SinceBoot() + kSoftRest;
    soft_changed_.insert({name.cluster, name.service});
  }
  if (wake) wake_.NotifyAll();
  return true;
}

void CatalogFeed::PauseAfterFailure() {
  const absl::Duration until = options_.clock->SinceBoot() + options_.retry_after;
  while (!stopping_) {
    const absl::Duration left = until - options_.clock->SinceBoot();
    if (left <= absl::ZeroDuration()) return;
    wake_.WaitFor(&mu_, std::min(left, kLook));
  }
}

void CatalogFeed::LoadLoop() {
  LoadEnd last = LoadEnd::kInPlace;
  while (true) {
    {
      MutexLock lock(&mu_);
      if (last == LoadEnd::kFailed) PauseAfterFailure();
      while (!stopping_ && !(reload_ && following_)) wake_.Wait(&mu_);
      if (stopping_) return;
    }
    last = Load();
    std::deque<RecentBatches::Kept> gone;  // Ends outside of the lock.
    MutexLock lock(&mu_);
    loading_ = false;
    gone = recent_.Restart(seen_);
  }
}

CatalogFeed::LoadEnd CatalogFeed::Load() {
  {
    MutexLock lock(&mu_);
    // What changes from here on is seen by the reading, or asks for another.
    reload_ = false;
    loading_ = true;
    recent_.Restart(seen_);
  }
  StoreReader reader(&store_, [this] {
    MutexLock lock(&mu_);
    return stopping_;
  });
  const absl::StatusOr<Revision> revision = reader.Pin();
  absl::Status status = revision.status();
  LoadEnd end = LoadEnd::kFailed;
  if (status.ok()) {
    absl::StatusOr<std::shared_ptr<const discovery::Claims>> claims = LoadClaims(&reader, options_.warn);
    status = claims.status();
    if (status.ok()) {
      const absl::StatusOr<std::shared_ptr<Catalog>> catalog = LoadCatalog(&reader, ++loads_, *std::move(claims), *revision);
      status = catalog.status();
      if (status.ok()) (*catalog)->MakeSnapshots();
      if (status.ok()) end = BringUp(*catalog, *revision);
      if (end == LoadEnd::kInPlace) return end;
    }
  }
  if (!status.ok() && !absl::IsCancelled(status))
    options_.warn(absl::StrCat("the instances could not be read, which is tried again: ", status.message()));
  MutexLock lock(&mu_);
  reload_ = true;
  return end;
}

CatalogFeed::LoadEnd CatalogFeed::BringUp(const std::shared_ptr<Catalog>& catalog, Revision claims_at) {
  StoreReader reader(&store_, [] { return false; });  // Each round looks itself.
  for (int round = 0;; ++round) {
    Revision to = 0;
    std::shared_ptr<Catalog> old;  // Ends outside of the lock: with many instances that takes long.
    {
      MutexLock lock(&mu_);
      if (stopping_) return LoadEnd::kInPlace;
      if (catalog->revision() >= recent_.after()) return PutInPlace(catalog, claims_at, &old);
      to = seen_;
    }
    if (round == options_.bring_up_rounds_max) break;
    const storage::HistoryPage page = reader.History(catalog->revision() + 1, to);
    if (!page.status.ok()) return LoadEnd::kFailed;
    const Instant now = Instant::Of(options_.clock);
    for (const std::shared_ptr<const Batch>& batch : page.batches) {
      if (!catalog->Apply(*batch, InstantOf(*batch, now)).claims_changed) continue;
      // These schemas are old already.
      return LoadEnd::kOutdated;
    }
    catalog->Advance(page.next - 1);
    while (catalog->HasLossesDue(now.since_boot)) catalog->EndHolds(now.since_boot);
  }
  options_.warn(absl::StrCat("the store changes faster than its instances can be read: after ", options_.bring_up_rounds_max,
                             " pieces of what has happened meanwhile they are read anew"));
  return LoadEnd::kFailed;
}

CatalogFeed::LoadEnd CatalogFeed::PutInPlace(const std::shared_ptr<Catalog>& catalog, Revision claims_at, std::shared_ptr<Catalog>* old) {
  const Instant now = Instant::Of(options_.clock);
  if (catalog->revision() < recent_.last()) {
    for (const BatchPtr& batch : recent_.Take(catalog->revision() + 1, recent_.last(), kNearBatchesMax, kNearBytesMax).batches) {
      if (catalog->Apply(*batch, InstantOf(*batch, now)).claims_changed) return LoadEnd::kOutdated;
    }
  }
  catalog->Advance(seen_);
  if (catalog_ != nullptr) catalog->TakeLosses(*catalog_, live_ ? Catalog::Before::kComplete : Catalog::Before::kBehind);
  losses_ = true;
  *old = std::exchange(catalog_, catalog);
  claims_current_ = !reload_;
  claims_at_ = claims_current_ ? catalog->revision() : claims_at;
  live_ = true;
  on_changed_({});
  wake_.NotifyAll();
  return LoadEnd::kInPlace;
}

}  // namespace scoutlight::server
