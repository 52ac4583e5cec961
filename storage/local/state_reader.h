#ifndef SCOUTLIGHT_STORAGE_LOCAL_STATE_READER_H_
#define SCOUTLIGHT_STORAGE_LOCAL_STATE_READER_H_

#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/entry.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// One state of the hierarchy: encoded paths and entry records (layout.h), whatever it is made of.
class StateReader {
 public:
  virtual ~StateReader() = default;

  // The record at `path`; nullopt: nothing is stored there.
  virtual absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const = 0;

  // Walks the paths in [lower, upper) at which something is stored; values are entry records. Does not outlive this reader.
  virtual std::unique_ptr<Cursor> NewCursor(std::string lower, std::string upper) const = 0;
};

// The latest state of a snapshot.
class LatestState : public StateReader {
 public:
  explicit LatestState(std::shared_ptr<const Snapshot> snapshot) : snapshot_(std::move(snapshot)) {}

  absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const override;
  std::unique_ptr<Cursor> NewCursor(std::string lower, std::string upper) const override;

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
};

// The state that a snapshot's store had at an earlier revision. The caller makes sure that the history after `revision` is complete.
//
// The state of a path at R is its first record in `past` behind R (what it held before that later revision), else its record in `live`.
// A walk merges both tables. Example, R = 5:
//
//   live: a -> mod 3, c -> mod 9       past: b@7 -> mod 4, c@9 -> nothing
//   a: no past record behind 5, so live (mod 3).  b: not live, but past b@7 (mod 4).  c: past c@9 says nothing: not there.
class PastState : public StateReader {
 public:
  // A movement of a cursor may pass any number of paths at which nothing was stored then; more than `passes_max` end it with
  // kResourceExhausted.
  PastState(std::shared_ptr<const Snapshot> snapshot, Revision revision, int passes_max = std::numeric_limits<int>::max())
      : snapshot_(std::move(snapshot)), revision_(revision), passes_max_(passes_max) {}

  absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const override;
  std::unique_ptr<Cursor> NewCursor(std::string lower, std::string upper) const override;

 private:
  const std::shared_ptr<const Snapshot> snapshot_;
  const Revision revision_;
  const int passes_max_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_STATE_READER_H_
