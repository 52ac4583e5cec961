#include "server/topology/topology_reads.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "server/topology/topology_errors.h"

namespace scoutlight::server {
namespace {

using topology::VersionRecord;

storage::Query QueryFor(Key key, Scope scope, Revision at) {
  storage::Query query;
  query.range = {std::move(key), scope};
  query.revision = at;
  query.show_system = true;
  query.entries_max = limits::kInlineEntriesMax;
  query.bytes_max = limits::kAnswerBytesMax;
  return query;
}

template <typename T>
Found<T> FoundIn(const storage::Page& page) {
  return {.status = page.status, .revision = page.revision, .oldest_revision = page.oldest_revision};
}

// The version whose record and document are `entries`, in key order; nullopt: there are none.
absl::StatusOr<std::optional<MadeVersion>> VersionIn(const std::vector<Entry>& entries, const Key& key) {
  if (entries.empty()) return std::nullopt;
  const Entry& first = entries.front();
  if (!(first.key == key) || !first.has_value) return TopologyUnreadable(key, "has no record");
  absl::StatusOr<VersionRecord> record = topology::ParseRecord(first.value.bytes);
  if (!record.ok()) return TopologyUnreadable(key, record.status().message());
  MadeVersion made{.version = {.record = *std::move(record), .document = ""}, .revision = first.mod_revision};
  if (made.version.record.deleted) return made;
  if (entries.size() < 2) return TopologyUnreadable(key, "has no document");
  made.version.document = entries[1].value.bytes;
  return made;
}

absl::StatusOr<std::vector<MadeVersion>> VersionsIn(const std::vector<Entry>& entries) {
  std::vector<MadeVersion> all;
  for (const Entry& entry : entries) {
    absl::StatusOr<VersionRecord> record = topology::ParseRecord(entry.value.bytes);
    if (!record.ok()) return TopologyUnreadable(entry.key, record.status().message());
    all.push_back({.version = {.record = *std::move(record), .document = ""}, .revision = entry.mod_revision});
  }
  std::reverse(all.begin(), all.end());
  return all;
}

// Answers with `value`, or why there is none.
template <typename T>
void Answer(Found<T> found, absl::StatusOr<T> value, FoundDone<T> done) {
  if (value.ok()) {
    found.value = *std::move(value);
  } else {
    found.status = value.status();
  }
  std::move(done)(std::move(found));
}

}  // namespace

absl::StatusOr<MadeVersion> NewestIn(const Entry& entry) {
  absl::StatusOr<topology::StoredVersion> version = topology::ParseNewest(entry.value.bytes);
  if (!version.ok()) return TopologyUnreadable(entry.key, version.status().message());
  return MadeVersion{.version = *std::move(version), .revision = entry.mod_revision};
}

void ReadNewest(storage::Store* store, const std::string& cluster, Revision at, FoundDone<std::optional<MadeVersion>> done) {
  store->Read(QueryFor(topology::NewestKey(cluster), Scope::kKey, at), [done = std::move(done)](const storage::Page& page) mutable {
    auto found = FoundIn<std::optional<MadeVersion>>(page);
    // Without a value it is but the node above its versions.
    if (!page.status.ok() || page.entries.empty() || !page.entries.front().has_value) return std::move(done)(std::move(found));
    absl::StatusOr<MadeVersion> newest = NewestIn(page.entries.front());
    if (!newest.ok()) return Answer<std::optional<MadeVersion>>(std::move(found), newest.status(), std::move(done));
    Answer<std::optional<MadeVersion>>(std::move(found), *std::move(newest), std::move(done));
  });
}

void ReadVersion(storage::Store* store, const std::string& cluster, int64_t version, FoundDone<std::optional<MadeVersion>> done) {
  const Key key = topology::VersionKey(cluster, version);
  store->Read(QueryFor(key, Scope::kSubtree, 0), [key, done = std::move(done)](const storage::Page& page) mutable {
    auto found = FoundIn<std::optional<MadeVersion>>(page);
    if (!page.status.ok()) return std::move(done)(std::move(found));
    Answer(std::move(found), VersionIn(page.entries, key), std::move(done));
  });
}

void ReadVersions(storage::Store* store, const std::string& cluster, FoundDone<std::vector<MadeVersion>> done) {
  store->Read(QueryFor(topology::NewestKey(cluster), Scope::kChildren, 0), [done = std::move(done)](const storage::Page& page) mutable {
    auto found = FoundIn<std::vector<MadeVersion>>(page);
    if (!page.status.ok()) return std::move(done)(std::move(found));
    Answer(std::move(found), VersionsIn(page.entries), std::move(done));
  });
}

}  // namespace scoutlight::server
