#ifndef SCOUTLIGHT_STORAGE_TESTING_DICE_H_
#define SCOUTLIGHT_STORAGE_TESTING_DICE_H_

#include <cstdint>
#include <functional>
#include <utility>

#include "base/entry.h"
#include "base/key.h"
#include "storage/store.h"
#include "storage/testing/reference_model.h"
#include "storage/transaction.h"

namespace scoutlight::storage {

// Draws calls over so few keys, values and leases that they meet. Revisions are drawn around those that can be read. Not thread-safe.
class Dice {
 public:
  // `draw` gives any number each time: a random one, or the next of a fuzzer's bytes. It must not give the same one for ever.
  explicit Dice(std::function<uint64_t()> draw) : draw_(std::move(draw)) {}

  int Below(int bound) { return static_cast<int>(draw_() % static_cast<uint64_t>(bound)); }
  bool Chance(int percent) { return Below(100) < percent; }

  Key AnyKey();
  Scope AnyScope();
  KeyRange AnyRange();
  Value AnyValue();
  Revision AnyRevision(const ReferenceModel& model);
  // 0: none; seldom one that is not there.
  LeaseId AnyLease(const ReferenceModel& model);
  // What a key's mod_revision is, or might be.
  Revision GuessedRevision(const ReferenceModel& model, const Key& key);

  PutOperation AnyPut(const ReferenceModel& model);
  DeleteOperation AnyDelete(const ReferenceModel& model);
  Operation AnyOperation(const ReferenceModel& model);
  Condition AnyCondition(const ReferenceModel& model);
  // One that CheckTransaction passes.
  Transaction AnyTransaction(const ReferenceModel& model, const Traits& traits);
  Query AnyQuery(const ReferenceModel& model);

 private:
  std::function<uint64_t()> draw_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_DICE_H_
