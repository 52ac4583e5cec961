#ifndef SCOUTLIGHT_STORAGE_TESTING_ENGINE_ROWS_H_
#define SCOUTLIGHT_STORAGE_TESTING_ENGINE_ROWS_H_

// Rows of an engine, written and read the short way.

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "storage/local/engine.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {

using Rows = std::vector<std::pair<std::string, std::string>>;

// As the store does, each write takes its revision along.
inline absl::Status PutOne(Engine& engine, Table table, absl::string_view key, absl::string_view value, Revision revision) {
  const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
  writes->Put(table, key, value);
  writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
  return engine.Write(*writes, revision);
}

inline absl::Status DeleteOne(Engine& engine, Table table, absl::string_view key, Revision revision) {
  const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
  writes->Delete(table, key);
  writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
  return engine.Write(*writes, revision);
}

inline Rows ReadRows(const Snapshot& snapshot, Table table, const std::string& lower = "", const std::string& upper = "") {
  Rows rows;
  const std::unique_ptr<Cursor> cursor = snapshot.NewCursor(table, lower, upper);
  for (cursor->Seek(lower); cursor->Valid(); cursor->Next()) rows.emplace_back(std::string(cursor->key()), std::string(cursor->value()));
  EXPECT_TRUE(cursor->status().ok()) << cursor->status();
  return rows;
}

inline std::string GetOr(const Snapshot& snapshot, Table table, absl::string_view key, const std::string& otherwise) {
  std::string value;
  const absl::StatusOr<bool> found = snapshot.Get(table, key, &value);
  EXPECT_TRUE(found.ok()) << found.status();
  return found.ok() && *found ? value : otherwise;
}

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_TESTING_ENGINE_ROWS_H_
