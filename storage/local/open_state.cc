#include "storage/local/open_state.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/history.h"
#include "storage/local/view.h"

namespace scoutlight::storage {
namespace {

absl::Status Contradiction(absl::string_view what) {
  ErrorDetails details;
  details.reason = Reason::kDataCorrupted;
  return MakeError(absl::StatusCode::kDataLoss, absl::StrCat("the store contradicts itself: ", what, "; restore it from a backup"),
                   details);
}

// `if_missing`: nullopt: it must be there.
absl::StatusOr<uint64_t> ReadNumber(const Snapshot& snapshot, absl::string_view name, std::optional<uint64_t> if_missing = std::nullopt) {
  std::string bytes;
  const absl::StatusOr<bool> found = snapshot.Get(Table::kMeta, name, &bytes);
  if (!found.ok()) return found.status();
  if (!*found && if_missing.has_value()) return *if_missing;
  if (!*found) return Contradiction(absl::StrCat("it has no ", name));
  return layout::DecodeU64(bytes);
}

// The log ends with the latest revision, unless all of it is compacted.
absl::Status CheckLogEnd(const Snapshot& snapshot, OpenState* state) {
  const std::unique_ptr<Cursor> cursor = snapshot.NewCursor(Table::kLog, "", "");
  cursor->SeekToLast();
  if (!cursor->status().ok()) return cursor->status();
  if (!cursor->Valid()) {
    return state->revision == state->oldest ? absl::OkStatus()
                                            : Contradiction(absl::StrCat("its log is empty at revision ", state->revision));
  }
  const absl::StatusOr<layout::LogPosition> last = layout::DecodeLogKey(cursor->key());
  if (!last.ok()) return last.status();
  absl::StatusOr<layout::EventRecord> record = layout::DecodeEvent(last->revision, cursor->value());
  if (!record.ok()) return record.status();
  if (last->revision != state->revision || !record->last) {
    return Contradiction(absl::StrCat("its log ends at revision ", last->revision, ", not at ", state->revision));
  }
  state->committed = record->committed;
  return absl::OkStatus();
}

// The log may reach further back than the oldest readable revision, just for these.
absl::Status FindRequests(const View& view, absl::Time since, OpenState* state) {
  const std::unique_ptr<Cursor> cursor = view.snapshot->NewCursor(Table::kLog, "", "");
  cursor->Seek("");
  if (!cursor->status().ok()) return cursor->status();
  if (!cursor->Valid()) return absl::OkStatus();
  const absl::StatusOr<layout::LogPosition> first = layout::DecodeLogKey(cursor->key());
  if (!first.ok()) return first.status();
  const absl::StatusOr<Revision> from = FirstCommittedAt(view, first->revision, since);
  if (!from.ok()) return from.status();
  return ReadRequests(view, *from, [state](Revision revision, absl::Time committed, const layout::RequestRecord& record) {
    state->requests.push_back({revision, committed, record});
    if (state->requests.size() > static_cast<size_t>(limits::kRequestIdsMax)) state->requests.pop_front();
  });
}

// What a key counts for on its lease.
absl::StatusOr<uint64_t> BytesOnLease(const Snapshot& snapshot, absl::string_view path, absl::string_view record) {
  const absl::StatusOr<std::optional<uint64_t>> bytes = layout::DecodeLeaseKeyBytes(record);
  if (!bytes.ok()) return bytes.status();
  if (bytes->has_value()) return **bytes;
  std::string entry;
  const absl::StatusOr<bool> found = snapshot.Get(Table::kLive, path, &entry);
  if (!found.ok()) return found.status();
  if (!*found) return Contradiction("a key hangs on a lease, but nothing is stored there");
  return path.size() + entry.size();
}

absl::Status FindLeases(const Snapshot& snapshot, OpenState* state) {
  const std::unique_ptr<Cursor> cursor = snapshot.NewCursor(Table::kLeases, "", "");
  const std::unique_ptr<Cursor> keys = snapshot.NewCursor(Table::kLeaseKeys, "", "");
  keys->Seek("");
  for (cursor->Seek(""); cursor->Valid(); cursor->Next()) {
    const absl::StatusOr<uint64_t> id = layout::DecodeU64(cursor->key());
    if (!id.ok()) return id.status();
    const absl::StatusOr<layout::LeaseRecord> record = layout::DecodeLease(cursor->value());
    if (!record.ok()) return record.status();
    OpenState::Lease lease{.id = static_cast<LeaseId>(*id), .record = *record, .load = {}};
    // Both tables are in order of the lease's id.
    for (; keys->Valid() && keys->key().substr(0, cursor->key().size()) == cursor->key(); keys->Next()) {
      const absl::StatusOr<uint64_t> bytes = BytesOnLease(snapshot, keys->key().substr(cursor->key().size()), keys->value());
      if (!bytes.ok()) return bytes.status();
      ++lease.load.keys;
      lease.load.bytes += static_cast<int64_t>(*bytes);
    }
    state->leases.push_back(lease);
  }
  if (!cursor->status().ok()) return cursor->status();
  if (!keys->status().ok()) return keys->status();
  if (keys->Valid()) return Contradiction("keys hang on a lease that is not there");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<OpenState> ReadOpenState(std::shared_ptr<const Snapshot> snapshot, absl::Time requests_since) {
  OpenState state;
  for (const auto& [name, number] : {std::pair{layout::kMetaRevision, &state.revision}, std::pair{layout::kMetaOldest, &state.oldest}}) {
    const absl::StatusOr<uint64_t> read = ReadNumber(*snapshot, name);
    if (!read.ok()) return read.status();
    *number = static_cast<Revision>(*read);
  }
  const absl::StatusOr<uint64_t> life = ReadNumber(*snapshot, layout::kMetaLife);
  if (!life.ok()) return life.status();
  state.life = *life;
  const absl::StatusOr<uint64_t> uptime = ReadNumber(*snapshot, layout::kMetaUptime, 0);
  if (!uptime.ok()) return uptime.status();
  state.uptime = absl::Milliseconds(static_cast<int64_t>(*uptime));
  if (state.revision < 1 || state.oldest < 1 || state.oldest > state.revision) {
    return Contradiction(absl::StrCat("revision ", state.revision, ", oldest ", state.oldest));
  }
  if (absl::Status status = CheckLogEnd(*snapshot, &state); !status.ok()) return status;
  const View view{snapshot, state.revision, state.oldest};
  if (absl::Status status = FindRequests(view, requests_since, &state); !status.ok()) return status;
  if (absl::Status status = FindLeases(*snapshot, &state); !status.ok()) return status;
  return state;
}

absl::StatusOr<std::vector<Key>> ReadKeysOfLease(const Snapshot& snapshot, LeaseId id) {
  std::vector<Key> keys;
  const std::string prefix = layout::LeaseKeysKey(id, "");
  const std::unique_ptr<Cursor> cursor = snapshot.NewCursor(Table::kLeaseKeys, prefix, layout::EncodeU64(static_cast<uint64_t>(id) + 1));
  for (cursor->Seek(prefix); cursor->Valid(); cursor->Next()) {
    absl::StatusOr<Key> key = layout::DecodePath(cursor->key().substr(prefix.size()));
    if (!key.ok()) return key.status();
    keys.push_back(*std::move(key));
  }
  if (!cursor->status().ok()) return cursor->status();
  return keys;
}

}  // namespace scoutlight::storage
