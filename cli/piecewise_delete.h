#ifndef SCOUTLIGHT_CLI_PIECEWISE_DELETE_H_
#define SCOUTLIGHT_CLI_PIECEWISE_DELETE_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "cli/printer.h"
#include "client/registry.h"
#include "client/store_state.h"
#include "client/transaction.h"

namespace scoutlight::cli {

// Deletes what was at and below a key when Run() began, in transactions of at most kPieceKeysMax keys, in order of keys: for what is too
// much for one. What is put there meanwhile stays, unless it is over a key that was there. Not thread-safe.
class PiecewiseDelete {
 public:
  static constexpr int kPieceKeysMax = 1'000;
  // Of keys and values, with another entry: below what a transaction may have.
  static constexpr size_t kPieceBytesMax = 8 << 20;

  // Shows its progress.
  PiecewiseDelete(Registry registry, std::string key, OutputForm form);

  // Errors: as of Registry; what was deleted before stays so. Blocks.
  absl::Status Run();

  int64_t deleted() const { return deleted_; }
  // Which the last piece made; before one: that in which Run() began.
  const StoreState& state() const { return state_; }

 private:
  absl::Status DeletePiece(Transaction piece);

  const Registry registry_;
  const std::string key_;
  const OutputForm form_;
  int64_t deleted_ = 0;
  StoreState state_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_PIECEWISE_DELETE_H_
