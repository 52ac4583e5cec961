#ifndef SCOUTLIGHT_STORAGE_ETCD_ETCD_RESTORE_H_
#define SCOUTLIGHT_STORAGE_ETCD_ETCD_RESTORE_H_

#include <cstdint>
#include <istream>

#include "absl/status/statusor.h"
#include "storage/backup/backup_format.h"
#include "storage/etcd/etcd_store.h"

namespace scoutlight::storage {

struct EtcdRestored {
  backup::Header header;
  int64_t entries = 0;    // Written.
  int64_t on_leases = 0;  // Left out.
};

// Makes a new store of the backup that `backup` reads from its beginning (it must be able to go back there). Blocks.
//
// What hangs on leases is left out: etcd would end it while the rest is written, and whoever lives registers anew. The entries are new
// ones: their revisions and versions are those of this store, and those of one transaction count as made at once.
//
// The whole backup is read before anything is written. Until the end no store can be opened there; if that does not come, restoring again
// removes what was written and begins anew. kFailedPrecondition: a store is there already, or entries without one, or another restoration
// has taken over. Else errors as of BackupReader and OpenEtcdStore.
absl::StatusOr<EtcdRestored> RestoreIntoEtcd(const EtcdStoreOptions& options, std::istream* backup);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_ETCD_ETCD_RESTORE_H_
