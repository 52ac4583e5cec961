#include "cli/piecewise_delete.h"

#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "base/entry.h"
#include "cli/progress.h"
#include "client/transaction.h"

namespace scoutlight::cli {

PiecewiseDelete::PiecewiseDelete(Registry registry, std::string key, OutputForm form)
    : registry_(std::move(registry)), key_(std::move(key)), form_(form) {}

absl::Status PiecewiseDelete::Run() {
  const absl::StatusOr<ListResult> now = registry_.List(key_, {.scope = Scope::kKey});
  if (!now.ok()) return now.status();
  state_ = now->state;
  Progress progress("deleting", Progress::Unit::kEntries, form_);
  Transaction piece;
  size_t bytes = 0;
  absl::Status done;
  const auto visit = [&](Entry entry) {
    if (!entry.has_value) return true;
    const bool is_full = piece.on_success.size() == static_cast<size_t>(kPieceKeysMax) || bytes + EntryBytes(entry) > kPieceBytesMax;
    if (is_full && !piece.on_success.empty()) {
      done = DeletePiece(std::exchange(piece, {}));
      bytes = 0;
      progress.Show(deleted_);
    }
    bytes += EntryBytes(entry);
    piece.Then(Operation::Delete{.key = entry.key.path()});
    return done.ok();
  };
  const absl::StatusOr<StoreState> state = registry_.ForEach(key_, visit, {.scope = Scope::kSubtree, .revision = now->state.revision});
  if (!done.ok()) return done;
  if (!state.ok()) return state.status();
  return piece.on_success.empty() ? absl::OkStatus() : DeletePiece(std::move(piece));
}

absl::Status PiecewiseDelete::DeletePiece(Transaction piece) {
  const absl::StatusOr<TransactResult> result = registry_.Transact(piece);
  if (!result.ok()) return result.status();
  for (const OperationResult& one : result->results) {
    if (const auto* removed = std::get_if<OperationResult::Delete>(&one.what)) deleted_ += removed->deleted;
  }
  state_ = result->state;
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
