#ifndef SCOUTLIGHT_STORAGE_TESTING_REFERENCE_MODEL_H_
#define SCOUTLIGHT_STORAGE_TESTING_REFERENCE_MODEL_H_

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/entry.h"
#include "base/key.h"
#include "storage/store.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// What a store with contiguous revisions must answer, in the plainest form: every state is kept as a map, every read looks at every
// entry. Statuses hold code and Reason, no fields. Knows no clock: leases end by Revoke alone. Not thread-safe.
class ReferenceModel {
 public:
  using State = std::map<Key, Entry>;  // has_children is false.

  // `transaction` has passed CheckTransaction. Its origin's request id is not looked at.
  CommitResult Commit(const Transaction& transaction);
  Page Read(const Query& query) const;
  // A store may go on with a list whose state it kept at hand, though it is compacted meanwhile. Keep() notes the state of a page that
  // asked for that (a thousand of them at most, the oldest ones go); ReadKept() is Read() of such a state, nullopt when it is not kept.
  void Keep(Revision revision);
  std::optional<Page> ReadKept(const Query& query) const;
  // The batches in [from, to], a range of revisions that are not compacted, as Store::History gives them.
  std::vector<Batch> History(Revision from, Revision to, const KeyRange& range) const;
  absl::Status Compact(Revision oldest);

  void Grant(LeaseId id) { leases_.insert(id); }
  CommitResult Revoke(LeaseId id);
  std::vector<Key> KeysOf(LeaseId id) const;
  const std::set<LeaseId>& leases() const { return leases_; }

  Revision latest() const { return latest_; }
  Revision oldest() const { return oldest_; }
  // `revision` is in [oldest(), latest()].
  const State& StateAt(Revision revision) const { return states_.at(revision); }

 private:
  Page ReadState(const State& state, const Query& query, Page page) const;
  // Makes `state` the latest one; its batch is the difference from the one before.
  void Publish(State state, EventCause cause);

  Revision latest_ = 1;
  Revision oldest_ = 1;
  std::map<Revision, State> states_ = {{1, {}}};
  std::map<Revision, Batch> batches_;  // Commit times are not filled.
  std::set<LeaseId> leases_;
  std::deque<std::pair<Revision, State>> kept_;
};

// For messages: everything that a test compares.
std::string Describe(const Entry& entry);
std::string Describe(const CommitResult& result);
std::string Describe(const Page& page);
std::string Describe(const Batch& batch);
std::string Describe(const Transaction& transaction);
std::string Describe(const Query& query);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_REFERENCE_MODEL_H_
