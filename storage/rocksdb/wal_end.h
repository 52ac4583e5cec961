#ifndef SCOUTLIGHT_STORAGE_ROCKSDB_WAL_END_H_
#define SCOUTLIGHT_STORAGE_ROCKSDB_WAL_END_H_

#include <cstdint>

#include "rocksdb/file_system.h"

namespace scoutlight::storage {

// Where the records of a file of RocksDB's WAL end, and what lies behind them. The file (RocksDB's log_format.h, without the recycled
// types, which no database of ours has):
//
//   file     = block*                   of 32 KiB, at the end of the file maybe less
//   block    = fragment* padding        padding: fewer than 7 bytes, or zeros to the end of the file
//   fragment = le32 masked CRC-32C of type and payload, le16 byte length of payload, type, payload
//   type     = 1 full | 2 first | 3 middle | 4 last
//   record   = full | first middle* last     its payloads joined begin with its sequence number, le64
struct WalEnd {
  enum class Rest {
    kNothing,  // Or zeros, written ahead.
    kTorn,     // One write that a crash has cut short or torn.
    kDamaged,  // Anything else.
  };

  uint64_t bytes = 0;  // Of the whole records, from the start of the file.
  Rest rest = Rest::kNothing;
  uint64_t fault = 0;  // With kTorn and kDamaged: where the first fragment lies that is not as it should be.
};

// Reads `file` from its start to its end, a block at a time. Blocks.
//
// Told apart as etcd does (server/storage/wal/decoder.go, isTornEntry): the disk writes sectors of 512 bytes, so a torn write over zeros
// has left a sector that is all zeros, or it reaches beyond the end of the file; and a process that is killed may have written a header
// without its payload. Because every write to the WAL is synced before the
// next one begins, nothing that was written later lies behind it. A record that was whole once and lost a whole sector of its end cannot
// be told from a torn one: that is for the high-water mark to find.
rocksdb::IOStatus FindWalEnd(rocksdb::FSSequentialFile& file, WalEnd* end);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ROCKSDB_WAL_END_H_
