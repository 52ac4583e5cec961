#ifndef SCOUTLIGHT_STORAGE_ETCD_LOADED_STATE_H_
#define SCOUTLIGHT_STORAGE_ETCD_LOADED_STATE_H_

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "storage/local/state_reader.h"

namespace scoutlight::storage {

// The part of a state that was read from elsewhere. What was not read is not there. Not thread-safe; cursors become invalid with the next
// Put.
class LoadedState : public StateReader {
 public:
  // In the place of what `path` held.
  void Put(std::string path, std::string record) { records_.insert_or_assign(std::move(path), std::move(record)); }

  absl::StatusOr<std::optional<std::string>> Lookup(absl::string_view path) const override;
  std::unique_ptr<Cursor> NewCursor(std::string lower, std::string upper) const override;

 private:
  std::map<std::string, std::string, std::less<>> records_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_LOADED_STATE_H_
