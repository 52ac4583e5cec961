#ifndef SCOUTLIGHT_DISCOVERY_CATALOG_H_
#define SCOUTLIGHT_DISCOVERY_CATALOG_H_

#include <atomic>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/btree_map.h"
#include "absl/container/btree_set.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "base/instant.h"
#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/claims.h"
#include "discovery/loss_breaker.h"
#include "discovery/piece_size.h"
#include "discovery/service_snapshot.h"
#include "discovery/stored_instance.h"

namespace scoutlight::discovery {

// All instances, in memory, under one set of schemas and bindings: what a scan of the store at revision() would give, and those that are
// held though their leases have ended (loss_breaker.h). Filled entry by entry, then kept true batch by batch. A snapshot is made only when
// it is asked for, from what has changed since the one before.
// Thread-safe: one mutex, held for the changes of a batch or for reading a few instances of a service anew (more only while others keep
// changing as many: piece_size.h), and then left to whoever waits for it; nothing else blocks.
class Catalog {
 public:
  // `number`: greater than that of the catalog whose place it takes. `instances_at_a_time`: of a large service, so many are read anew
  // before others get their turn; at least 1.
  explicit Catalog(std::shared_ptr<const Claims> claims, uint64_t number = 0, size_t instances_at_a_time = 256)
      : claims_(std::move(claims)), nothing_(std::make_shared<const ServiceSnapshot>(number)), instances_at_a_time_(instances_at_a_time) {}

  const std::shared_ptr<const Claims>& claims() const { return claims_; }

  // While it is filled: an entry of the state at the revision that FillUpTo() will name. Entries that are not of discovery are passed over.
  void Fill(const Entry& entry);
  void FillUpTo(Revision revision);
  // Makes the snapshots of all services, so that nobody who asks first waits for one of many instances. While nobody else uses it.
  void MakeSnapshots();

  // The next batch: readers see all of it or nothing. What it says of schemas and bindings is not looked at: they are `claims()` as long
  // as this catalog lives.
  struct Applied {
    std::vector<ServiceName> services;  // Whose instances changed; each once.
    bool claims_changed = false;        // It touches schemas or bindings: a new catalog is due.
    bool lost = false;                  // Leases of instances have ended: EndHolds() will have something to do.
  };
  // `now`: when it happened, for what is lost by it.
  Applied Apply(const Batch& batch, Instant now = {});
  // Nothing else happened up to `revision`.
  void Advance(Revision revision);
  Revision revision() const;

  // The instances of a service; null: there are none. An instance whose service is bound to no schema is none.
  SnapshotPtr Find(absl::string_view cluster, absl::string_view service);

  // The instance as it is now; null: it is not there. Reads no other, however many have changed.
  InstancePtr FindInstance(const InstanceName& name) const;
  // As FindInstance; nullopt: it has changed, and would be read from over `entries_max` entries.
  std::optional<InstancePtr> FindInstanceIfRead(const InstanceName& name, size_t entries_max) const;

  // As Find; nullopt: it would read over `unread_max` instances, because so many have changed since it was asked for last, or those have
  // over limits::kInlineStoredMax entries.
  std::optional<SnapshotPtr> FindIfRead(absl::string_view cluster, absl::string_view service, size_t unread_max);

  // What is stored of an instance; nullopt: nothing. Of a value over Layout::value_bytes_max() one byte more than that.
  std::optional<StoredInstance> FindStored(const InstanceName& name) const;

  // Whose an instance is, without a copy of it; nullopt: there is no such instance.
  std::optional<Ownership> FindOwnership(const InstanceName& name) const;

  // Those that have instances, by name: at most `max` that come after `after`.
  std::vector<std::string> Clusters(absl::string_view after = "", int max = std::numeric_limits<int>::max()) const;
  struct ServiceCount {
    std::string service;
    size_t instances = 0;
    size_t resolvable = 0;
    size_t held = 0;
  };
  std::vector<ServiceCount> Services(absl::string_view cluster, absl::string_view after = "", int max = std::numeric_limits<int>::max());
  // As these; nullopt: it would look at over `looks_max` services, those without instances too, or read over so many instances, or over
  // limits::kInlineStoredMax entries of them. The mutex is given up in between.
  std::optional<std::vector<std::string>> ClustersIfFew(absl::string_view after, int max, size_t looks_max) const;
  std::optional<std::vector<ServiceCount>> ServicesIfFew(absl::string_view cluster, absl::string_view after, int max, size_t looks_max);

  // What there is of all services, each as it was when it was counted.
  struct Totals {
    size_t clusters = 0;
    size_t services = 0;
    size_t instances = 0;  // Those that are held too.
    size_t resolvable = 0;
    size_t held = 0;
    size_t unread = 0;  // At least so many instances have changed, and are in `resolvable` as they were before.
    struct Guarded {
      ServiceName service;
      size_t held = 0;
      absl::Time held_until;  // No hold of it lasts longer.
    };
    std::vector<Guarded> guarded;  // By name.
    size_t guarded_omitted = 0;
  };
  struct TotalsBounds {
    size_t services_max = std::numeric_limits<size_t>::max();
    size_t unread_max = 0;   // Of the instances that have changed, so many are read anew first.
    size_t guarded_max = 0;  // More are only counted.
  };
  // nullopt: there are over `services_max` services, those without instances counted. The mutex is given up in between.
  std::optional<Totals> CountIfFew(const TotalsBounds& bounds);

  // At most `overrides_max` overrides whose instance comes after `after`, in order of name; of one cluster or service if those are not
  // empty.
  struct NamedOverride {
    InstanceName name;
    Override override;
  };
  std::vector<NamedOverride> Overrides(absl::string_view cluster, absl::string_view service, const InstanceName& after,
                                       int overrides_max) const;

  // Who says how an instance does: its registration's owner; one that was written by hand has none.
  struct Owner {
    Revision epoch = 0;
    std::string session;
  };
  // Takes the place of an instance's soft values. False: there is no such instance, or it is another owner's; nothing has changed.
  bool SetSoftValues(const InstanceName& name, const Owner& owner, SoftValues soft);

  // Instances whose leases have ended, and which are held: shown as they were, with Status::kOwnerLost. Those are gone that need be held no
  // longer by now, at most limits::kLossesConfirmedMax at a time; the services that show them no more, each once.
  std::vector<ServiceName> EndHolds(absl::Duration now);
  // Whether there is anything to end, now or later; already by now.
  bool HasLosses() const;
  bool HasLossesDue(absl::Duration now) const;
  // At most `max` ids of those that are held.
  std::vector<std::string> HeldOf(const ServiceName& service, size_t max) const;
  // What is lost of these ids is gone, and counts no more. How many of them were held.
  int ConfirmLoss(const ServiceName& service, const std::vector<std::string>& ids);
  // Holds what `before` holds, whose place it takes, of services under the same schemas. kComplete: that one has seen all that this one
  // has, and what was confirmed besides: it holds nothing else.
  enum class Before { kComplete, kBehind };
  void TakeLosses(const Catalog& before, Before state);

  // In the store: those of services that are bound to no schema too, as far as they have records.
  size_t instances() const;

 private:
  struct Service {
    absl::btree_map<std::string, StoredInstance> stored;
    absl::btree_set<std::string> changed;  // Ids that `newest()` does not show yet as they are.
    SnapshotPtr snapshot;                  // Shown. Never null.
    SnapshotPtr pending;                   // The one that is being made of it, a piece at a time, which nobody is shown; null: none is.
    size_t instances = 0;

    const SnapshotPtr& newest() const { return pending != nullptr ? pending : snapshot; }
  };
  // Apart from the names, so that a name is found in few of the map's nodes.
  using Services_ = absl::btree_map<std::string, std::unique_ptr<Service>>;

  // Where an entry belongs. nullopt: it is none of discovery.
  struct Place {
    InstanceName name;
    enum class Part { kEntry, kRecord, kOverride } part = Part::kEntry;
    std::string property;
    size_t value_bytes_max = limits::kValueBytesMax;  // A longer one is wrong.
  };
  std::optional<Place> PlaceOf(const Key& key) const;
  void Set(const Place& place, StoredValue value) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Erase(const Place& place) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Drops what is not needed any more after Erase, or when an instance is held no longer.
  void Settle(const InstanceName& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Instances whose entries a batch takes with a lease that has expired, as they were before it; nullopt: they would not be held.
  using Lost = absl::btree_map<InstanceName, std::optional<StoredInstance>>;
  void NoteLost(const Place& place, Lost* lost) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Holds what is to be held. Whether anything is lost.
  bool JudgeLosses(Lost lost, Instant now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // It is held from now on, or no longer.
  void ShowAnew(const InstanceName& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The one that is there, or a new one.
  Service& ServiceOf(const InstanceName& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  const Service* FindService(absl::string_view cluster, absl::string_view service) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  Service* FindService(absl::string_view cluster, absl::string_view service) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a service's snapshot is to show under an id; null: nothing.
  InstancePtr Read(absl::string_view cluster, absl::string_view name, const Service& service, const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Reads `piece` of the changed ones anew. Whether the snapshot shows all as they are.
  bool Refresh(absl::string_view cluster, absl::string_view name, const PieceSize::Piece& piece, Service* service)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Goes on to the service behind `at`, by name; null: there is none.
  Service* NextService(ServiceName* at) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void AddTo(Totals* totals, const ServiceName& name, const Service& service, size_t guarded_max) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What must be read anew of a service, up to the bounds of what is short.
  struct Unread {
    size_t instances = 0;
    size_t entries = 0;

    bool IsOver(size_t instances_max) const;
  };
  Unread UnreadOf(absl::string_view cluster, absl::string_view name, const Service& service, size_t instances_max) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of how many entries Read() would read it.
  size_t EntriesOf(absl::string_view cluster, absl::string_view name, const Service& service, const std::string& id) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // Holds mu_. Whoever holds it for long sees that others wait for it, and lets them.
  class ABSL_SCOPED_LOCKABLE Turn {
   public:
    explicit Turn(const Catalog* catalog) ABSL_EXCLUSIVE_LOCK_FUNCTION(catalog->mu_);
    ~Turn() ABSL_UNLOCK_FUNCTION();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    const Catalog& catalog_;
  };
  // Between two pieces of long work: lets one of those go first who wait.
  void GiveWay() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  static void Count(bool existed, bool exists, Service* service, size_t* all);

  const std::shared_ptr<const Claims> claims_;
  const SnapshotPtr nothing_;  // Of a service without instances.
  const size_t instances_at_a_time_;

  mutable std::atomic<int> waiting_{0};  // Threads that wait for mu_. Orders nothing: a hint.
  mutable Mutex mu_;
  mutable CondVar passed_;  // A turn is over.
  Revision revision_ ABSL_GUARDED_BY(mu_) = 0;
  absl::btree_map<std::string, Services_> clusters_ ABSL_GUARDED_BY(mu_);
  absl::btree_set<InstanceName> overridden_ ABSL_GUARDED_BY(mu_);  // Those that have an override.
  LossBreaker losses_ ABSL_GUARDED_BY(mu_);
  size_t instances_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_CATALOG_H_
