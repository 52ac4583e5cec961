#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_STORE_FOLDER_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_STORE_FOLDER_H_

// For tests that look at, or damage, the files of a store.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/local/engine.h"
#include "storage/local/layout.h"
#include "storage/rocksdb/rocksdb_engine.h"

namespace scoutlight::storage {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() {
    const char* const base = std::getenv("TEST_TMPDIR");
    std::string name = absl::StrCat(base == nullptr ? "/tmp" : base, "/store-XXXXXX");
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    path_ = name;
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline constexpr const char* kId = "0123456789abcdef0123456789abcdef";

inline RocksdbEngineOptions Options(const std::string& data_dir) {
  RocksdbEngineOptions options;
  options.data_dir = data_dir;
  options.new_store_id = kId;
  options.write_buffer_bytes = 1 << 20;
  options.block_cache_bytes = 1 << 20;
  return options;
}

// What the store does: the row, and the revision in the same batch.
inline absl::Status PutRevision(Engine& engine, Revision revision, absl::string_view value = "value") {
  const std::unique_ptr<WriteSet> writes = engine.NewWriteSet();
  writes->Put(Table::kLive, absl::StrCat("key", revision), value);
  writes->Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(static_cast<uint64_t>(revision)));
  return engine.Write(*writes, revision);
}

inline std::string ReadText(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

inline void WriteText(const fs::path& path, const std::string& text) { std::ofstream(path, std::ios::binary | std::ios::trunc) << text; }

inline void FlipBit(const fs::path& path, size_t at) {
  std::string bytes = ReadText(path);
  ASSERT_LT(at, bytes.size());
  bytes[at] ^= 0x10;
  WriteText(path, bytes);
}

// The largest file of `db/` that ends with `extension`.
inline fs::path LargestFile(const std::string& data_dir, const std::string& extension) {
  fs::path largest;
  for (const auto& file : fs::directory_iterator(data_dir + "/db")) {
    if (file.path().extension() != extension) continue;
    if (largest.empty() || fs::file_size(file) > fs::file_size(largest)) largest = file.path();
  }
  return largest;
}

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_STORE_FOLDER_H_
