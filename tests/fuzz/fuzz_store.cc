// A store that is called one thing after another, against the model of it. Input: what tests of the model draw at random, a byte a draw.
#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "base/clock.h"
#include "storage/local/local_store.h"
#include "storage/memory/memory_engine.h"
#include "storage/testing/dice.h"
#include "storage/testing/model_comparison.h"
#include "storage/testing/reference_model.h"
#include "storage/testing/sync_store.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input.h"

namespace scoutlight::fuzz {
namespace {

using namespace storage;

constexpr int kStepsMax = 200;

std::unique_ptr<Store> NewStore() {
  LocalStoreOptions options;
  options.clock = &Clock::System();
  options.random = std::mt19937_64(1);
  absl::StatusOr<std::unique_ptr<Store>> store = OpenLocalStore(NewMemoryEngine(std::string(32, 'f')), std::move(options));
  Require(store.ok(), store.status().ToString());
  (*store)->BeginServing();
  return *std::move(store);
}

// One store and its model.
class Pair {
 public:
  explicit Pair(absl::string_view bytes)
      : input_(bytes), dice_([this] { return input_.empty() ? after_input_() : input_.Byte(); }), store_(NewStore()), sync_(store_.get()) {}

  // Whether bytes are left for another.
  bool Step() {
    const int kind = dice_.Below(16);
    if (kind < 8) {
      Commit();
    } else if (kind < 12) {
      Read();
    } else if (kind < 14) {
      Lease();
    } else {
      Compact();
    }
    return !input_.empty();
  }

  // Everything, at the end.
  void CompareStates() {
    for (const Revision revision : {model_.oldest(), model_.latest()}) {
      Query query = QueryOf(Key(), Scope::kSubtree, revision);
      query.show_system = true;
      Compare(query);
    }
  }

 private:
  void Commit() {
    const Transaction transaction = dice_.AnyTransaction(model_, store_->traits());
    const CommitResult expected = model_.Commit(transaction);
    const CommitResult actual = sync_.Commit(transaction);
    Require(Same(Normalized(transaction, actual), Normalized(transaction, expected)), Describe(transaction), "\n  store ", Describe(actual),
            "\n  model ", Describe(expected));
  }

  void Read() { Compare(dice_.AnyQuery(model_)); }

  void Compare(Query query) {
    query.expect_more_pages = false;  // What is kept for later pages depends on when it was asked for.
    const Page expected = model_.Read(query);
    const Page actual = sync_.Read(query);
    Require(Same(actual, expected), Describe(query), "\n  store ", Describe(actual), "\n  model ", Describe(expected));
  }

  void Lease() {
    const LeaseId id = dice_.AnyLease(model_);
    if (id == 0) {
      if (model_.leases().size() >= 5) return;
      const LeaseResult granted = sync_.Grant(absl::Hours(20));
      Require(granted.status.ok(), granted.status.ToString());
      Require(model_.leases().count(granted.lease.id) == 0, "a lease is granted twice");
      return model_.Grant(granted.lease.id);
    }
    const CommitResult expected = model_.Revoke(id);
    const CommitResult actual = sync_.Revoke(id);
    Require(SameFailure(actual.status, expected.status) && actual.revision == expected.revision, "revocation\n  store ", Describe(actual),
            "\n  model ", Describe(expected));
  }

  void Compact() {
    const Revision oldest = dice_.AnyRevision(model_);
    if (oldest < 1) return;
    const absl::Status expected = model_.Compact(oldest);
    const CompactResult actual = sync_.Compact(oldest);
    Require(SameFailure(actual.status, expected), "compaction to ", oldest, ": ", actual.status.ToString());
    Require(actual.oldest_revision == model_.oldest(), "compaction to ", oldest, " left ", actual.oldest_revision);
  }

  Input input_;
  std::mt19937_64 after_input_{1};
  Dice dice_;
  ReferenceModel model_;
  std::unique_ptr<Store> store_;
  SyncStore sync_;
};

}  // namespace

void FuzzStore(absl::string_view bytes) {
  Pair pair(bytes);
  for (int step = 0; step < kStepsMax && pair.Step(); ++step) {
  }
  pair.CompareStates();
}

}  // namespace scoutlight::fuzz
