#ifndef SCOUTLIGHT_STORAGE_TESTING_FORWARDING_STORE_H_
#define SCOUTLIGHT_STORAGE_TESTING_FORWARDING_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "storage/store.h"

namespace scoutlight::storage {

// Hands every call on to another store. For tests that put something before a few of them. Thread-safe as that store is.
class ForwardingStore : public Store {
 public:
  explicit ForwardingStore(Store* store) : store_(*store) {}  // Outlives this.

  const Traits& traits() const override { return store_.traits(); }
  StoreId store_id() const override { return store_.store_id(); }
  void BeginServing() override { store_.BeginServing(); }
  void EndServing() override { store_.EndServing(); }
  void Commit(Transaction transaction, Done<CommitResult> done) override { store_.Commit(std::move(transaction), std::move(done)); }
  void Read(Query query, Done<Page> done) override { store_.Read(std::move(query), std::move(done)); }
  void History(Revision from, Revision to, KeyRange range, size_t bytes_max, Done<HistoryPage> done) override {
    store_.History(from, to, std::move(range), bytes_max, std::move(done));
  }
  void Follow(Revision after, std::shared_ptr<Sink> sink) override { store_.Follow(after, std::move(sink)); }
  void ShowUpTo(Revision revision) override { store_.ShowUpTo(revision); }
  void GrantLease(GrantRequest request, Done<LeaseResult> done) override { store_.GrantLease(std::move(request), std::move(done)); }
  void RevokeLease(RevokeRequest request, Done<CommitResult> done) override { store_.RevokeLease(std::move(request), std::move(done)); }
  void RenewLeases(std::vector<LeaseId> ids, uint64_t connection, Done<Renewals> done) override {
    store_.RenewLeases(std::move(ids), connection, std::move(done));
  }
  void GetLease(LeaseId id, Done<LeaseResult> done) override { store_.GetLease(id, std::move(done)); }
  void ListLeases(LeaseId after, int leases_max, Done<LeaseList> done) override { store_.ListLeases(after, leases_max, std::move(done)); }
  std::optional<int64_t> lease_count() const override { return store_.lease_count(); }
  void Compact(Revision oldest, Done<CompactResult> done) override { store_.Compact(oldest, std::move(done)); }
  StoreHealth health() const override { return store_.health(); }
  BackendFacts backend() const override { return store_.backend(); }
  absl::Duration behind() const override { return store_.behind(); }

 protected:
  Store& store_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_FORWARDING_STORE_H_
