#ifndef SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_H_

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/catalog.h"
#include "server/discovery/load_catalog.h"
#include "server/discovery/store_reader.h"
#include "server/watch/recent_batches.h"
#include "storage/store.h"

namespace scoutlight::server {

struct CatalogFeedOptions {
  Clock* clock = &Clock::System();                       // Outlives the feed.
  absl::Duration wait_max = absl::Seconds(5);            // For a revision, by those who ask for it.
  absl::Duration apply_wait_max = absl::Seconds(10);     // For schemas and bindings to be in force.
  absl::Duration retry_after = absl::Milliseconds(200);  // From a load that failed to the next.
  int bring_up_rounds_max = limits::kBringUpRoundsMax;   // Of one load; at least 1.
  Warn warn = [](absl::string_view) {};
};

// Keeps a catalog true to a store. It is shown the store's changes as a Sink, and applies each within OnBatch, so that a catalog has every
// change before its commit is answered. At start, after a gap, and when schemas or bindings change, a thread reads a new catalog, brings
// it up from history and puts it in the place of the old one, which is kept true meanwhile. The last few batches before it is there it gets
// at once, while the store waits; if it has not come so near after `bring_up_rounds_max` pieces of history, because the store changes
// faster than it can be read, that is warned of and the reading begins anew: until one succeeds, the old catalog stays, or there is none.
// What ends by time alone, holds of lost instances, it ends too.
// Held by shared_ptr: the store may call it until it ends, after Stop() without effect. Thread-safe; only Stop() blocks.
class CatalogFeed final : public storage::Sink {
 public:
  // Told of the services whose instances have changed, mostly on the thread that commits, under the feed's lock: it must not block, nor
  // call the feed. An empty list: of any. Not after Stop().
  using OnChanged = std::function<void(const std::vector<discovery::ServiceName>&)>;

  // `store` outlives Stop().
  CatalogFeed(storage::Store* store, CatalogFeedOptions options, OnChanged on_changed);
  ~CatalogFeed() override;

  // Once, before the store shows it anything.
  void Start();
  // Everybody who waits hears kUnavailable, now and from now on; what is committed still comes into the catalog.
  void EndWaits();
  // As EndWaits, and the catalog stays as it is.
  void Stop();

  // storage::Sink.
  void OnBatch(std::shared_ptr<const Batch> batch) override;
  void OnProgress(Revision revision) override;
  void OnGap(Revision oldest) override;
  void OnStale() override {}
  void OnFresh() override;

  // Null: none has been read yet.
  std::shared_ptr<discovery::Catalog> catalog() const;

  // Whether one is being read, or is going to be: the first, or another because schemas or bindings have changed.
  bool loading() const;

  // As Catalog::ConfirmLoss, and whoever watches the service is told. 0 if there is no catalog.
  int ConfirmLoss(const discovery::ServiceName& service, const std::vector<std::string>& ids);
  // Likewise, of all that are held: not for a thread that must not take long, of which there may be limits::kLossesRememberedMax.
  int ConfirmLosses(const discovery::ServiceName& service);
  // As Catalog::SetSoftValues, and whoever watches the service is told about a second later, of all that has come by then. False if there
  // is no catalog.
  bool SetSoftValues(const discovery::InstanceName& name, const discovery::Catalog::Owner& owner, discovery::SoftValues soft);

  // The schemas and bindings in force, up to which revision they are those of the store, and the catalog under them. Null: none have been
  // read yet.
  struct ClaimsAt {
    std::shared_ptr<const discovery::Claims> claims;
    Revision revision = 0;
    std::shared_ptr<discovery::Catalog> catalog;
  };
  ClaimsAt claims() const;

  // Calls `done` once the catalog has come to `revision`: at once, inside the call, if it has; else on a thread of the feed's.
  // kUnavailable, Reason::kCatalogLoading: it has not after `wait_max`, or there is no catalog yet. At most limits::kCatalogWaitersMax
  // wait; more: kResourceExhausted.
  using Waiter = absl::AnyInvocable<void(absl::Status) &&>;
  void WhenAt(Revision revision, Waiter done);
  // As WhenAt, once schemas and bindings as of `revision` are in force, which claims() then shows.
  void WhenClaimsAt(Revision revision, Waiter done);
  // As WhenClaimsAt, for who has changed them: after `apply_wait_max` at the latest.
  void WhenApplied(Revision revision, Waiter done);

 private:
  struct Waiting {
    Revision revision = 0;
    absl::Duration until;  // Since boot.
    bool claims = false;
    Waiter done;
  };

  void LoadLoop();
  // Apart from the loads, so that nobody waits longer because of one.
  void AnswerLoop();
  // How a load ends: with a new catalog in place; with schemas or bindings that have changed since they were read, so that another is due
  // at once; or without one, so that another is tried after a pause.
  enum class LoadEnd { kInPlace, kOutdated, kFailed };
  LoadEnd Load();
  LoadEnd BringUp(const std::shared_ptr<discovery::Catalog>& catalog, Revision claims_at);
  // Gives out the one before. Requires that the new one has all that was shown before recent_.
  LoadEnd PutInPlace(const std::shared_ptr<discovery::Catalog>& catalog, Revision claims_at, std::shared_ptr<discovery::Catalog>* old)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Until `options_.retry_after` is over or it is stopped, whatever is shown meanwhile.
  void PauseAfterFailure() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Wait(Revision revision, bool claims, absl::Duration bound, Waiter done);
  bool Reached(const Waiting& waiting) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool AnyEnded() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Ends those who have waited enough.
  void ServeWaiters();
  // What is due by time: holds that end, soft values that are told. Whether more is due.
  bool ServeDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  storage::Store& store_;
  const CatalogFeedOptions options_;
  const OnChanged on_changed_;

  mutable Mutex mu_;
  CondVar wake_;
  std::shared_ptr<discovery::Catalog> catalog_ ABSL_GUARDED_BY(mu_);
  Revision claims_at_ ABSL_GUARDED_BY(mu_) = 0;       // The catalog's schemas and bindings are those of this revision.
  bool claims_current_ ABSL_GUARDED_BY(mu_) = false;  // And of all that were shown since.
  bool live_ ABSL_GUARDED_BY(mu_) = false;            // The catalog has each batch that was shown.
  bool following_ ABSL_GUARDED_BY(mu_) = false;       // Batches come.
  bool reload_ ABSL_GUARDED_BY(mu_) = true;
  Revision seen_ ABSL_GUARDED_BY(mu_) = 0;     // The last one shown.
  bool loading_ ABSL_GUARDED_BY(mu_) = false;  // A catalog is being read; `recent_` has what was shown last since.
  RecentBatches recent_ ABSL_GUARDED_BY(mu_);
  std::vector<Waiting> waiting_ ABSL_GUARDED_BY(mu_);
  bool losses_ ABSL_GUARDED_BY(mu_) = false;  // The catalog may have some.
  // Services with soft values that nobody was told of, and when all of them are: a second after the first.
  absl::flat_hash_set<discovery::ServiceName> soft_changed_ ABSL_GUARDED_BY(mu_);
  absl::Duration soft_due_ ABSL_GUARDED_BY(mu_);
  bool waits_ended_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t loads_ = 0;  // The loader's alone.
  std::thread loader_;
  std::thread answerer_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_CATALOG_FEED_H_
