#ifndef SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_
#define SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_

#include <string>

#include "base/backup_records.h"
#include "base/entry.h"

// Writes the parts of a backup; the grammar stands in base/backup_records.h.
namespace scoutlight::storage::backup {

using Header = BackupHeader;
using Lease = BackupLease;
using Counts = BackupCounts;

// In the order of the grammar. Thread-safe.
std::string EncodeHeader(const Header& header);  // With what comes before it.
std::string EncodeEntry(const Entry& entry);
std::string EncodeLease(const Lease& lease);
std::string EncodeEnd(const Counts& counts);

}  // namespace scoutlight::storage::backup

#endif  // SCOUTLIGHT_STORAGE_BACKUP_BACKUP_FORMAT_H_
