#include "storage/local/new_store.h"

#include "storage/local/layout.h"

namespace scoutlight::storage {

void PutNewStore(const StoreId& store_id, WriteSet& writes) {
  writes.Put(Table::kMeta, layout::kMetaFormat, layout::EncodeU32(layout::kFormatVersion));
  writes.Put(Table::kMeta, layout::kMetaStoreId, store_id);
  writes.Put(Table::kMeta, layout::kMetaRevision, layout::EncodeU64(kFirstRevision));
  writes.Put(Table::kMeta, layout::kMetaOldest, layout::EncodeU64(kFirstRevision));
  writes.Put(Table::kMeta, layout::kMetaLife, layout::EncodeU64(0));
}

}  // namespace scoutlight::storage
