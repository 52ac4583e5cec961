#ifndef SCOUTLIGHT_STORAGE_LOCAL_LOCAL_STORE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_LOCAL_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "storage/local/engine.h"
#include "storage/store.h"

namespace scoutlight::storage {

struct LocalStoreOptions {
  Clock* clock = &Clock::System();              // Outlives the store.
  std::function<uint64_t()> random;             // For lease ids and jitter; must be set. Called from one thread at a time.
  absl::Duration history_age = absl::Hours(1);  // Older states are given up in the background ...
  uint64_t history_bytes_max = 1 << 30;         // ... and so are those that history over this many bytes holds.
  absl::Duration maintenance_interval = absl::Seconds(1);
  absl::Duration lease_tick = absl::Milliseconds(200);  // So often leases are looked at; at most LeaseClock::kStepMax.
  absl::Duration scrub_interval = absl::Hours(24);  // All that is stored is read and compared with its checksums at start, and so often.
  std::function<void(absl::string_view)> warn;      // Takes a line about trouble for the operator. May be empty. Must not call back.
};

// The Store over an Engine: one server, one process. Answers when made, with its leases' time standing still until BeginServing(); its
// destructor waits for the write in progress, ends what is queued, and leaves the engine ready to be destroyed.
// kDataLoss: what the engine holds is damaged or contradicts itself. kFailedPrecondition: it is of a newer format.
absl::StatusOr<std::unique_ptr<Store>> OpenLocalStore(std::unique_ptr<Engine> engine, LocalStoreOptions options);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_LOCAL_STORE_H_
