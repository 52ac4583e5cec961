#ifndef SCOUTLIGHT_STORAGE_LOCAL_OVERLAY_H_
#define SCOUTLIGHT_STORAGE_LOCAL_OVERLAY_H_

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "storage/local/state_reader.h"

namespace scoutlight::storage {

// A state with changes over it that are not written yet: what the transactions of one batch see of those before them, and a transaction
// of itself. Not thread-safe. Cursors become invalid with the next change.
class Overlay : public StateReader {
 public:
  // `base` outlives the overlay.
  explicit Overlay(const StateReader* base) : base_(base) {}

  absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const override;
  std::unique_ptr<Cursor> NewCursor(std::string lower, std::string upper) const override;

  void Put(absl::string_view path, std::string record);
  void Delete(absl::string_view path);

  // What was changed and not undone. Nothing is changed after that.
  void ShowChanges(absl::FunctionRef<void(const std::string& path, std::optional<std::string> record)> show) &&;

  // A mark, and the way back to it: what was changed since is undone.
  size_t Mark() const { return undo_.size(); }
  void RollBack(size_t mark);

 private:
  // nullopt: deleted here.
  using Changes = std::map<std::string, std::optional<std::string>, std::less<>>;

  struct Undo {
    std::string path;
    bool was_changed = false;
    std::optional<std::string> record;
  };

  friend class OverlayCursor;
  void Set(absl::string_view path, std::optional<std::string> record);

  const StateReader* const base_;
  Changes changes_;
  std::vector<Undo> undo_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_OVERLAY_H_
