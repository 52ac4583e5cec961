#include "server/discovery/schema_users.h"

#include <memory>
#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/limits.h"
#include "discovery/system_records.h"

namespace scoutlight::server {
namespace {

constexpr size_t kPageBytes = 1 * limits::kMiB;

// One count, over its pages. Held by whoever it waits for.
class Count : public std::enable_shared_from_this<Count> {
 public:
  Count(storage::Store* store, std::string schema, absl::AnyInvocable<void(const SchemaUsers&) &&> done)
      : store_(*store), schema_(std::move(schema)), done_(std::move(done)) {}

  void Next() {
    storage::Query query;
    query.range = {discovery::InstanceRecordsTree(), Scope::kSubtree};
    query.revision = users_.revision;
    query.show_system = true;
    query.entries_max = limits::kPageEntriesDefault;
    query.bytes_max = kPageBytes;
    query.after = after_;
    query.expect_more_pages = true;
    store_.Read(std::move(query), [self = shared_from_this()](const storage::Page& page) { self->OnPage(page); });
  }

 private:
  void OnPage(const storage::Page& page) {
    users_.revision = page.revision;
    users_.status = page.status;
    for (const Entry& entry : page.entries) {
      if (users_.instances == limits::kSchemaUsersMax) break;
      if (!IsUser(entry)) continue;
      if (const std::optional<discovery::SystemKey> key = discovery::ReadSystemKey(entry.key); users_.instances++ == 0 && key.has_value()) {
        users_.first = absl::StrCat(key->cluster, "/", key->service, "/", key->name);
      }
    }
    if (!page.status.ok() || !page.more || page.entries.empty() || users_.instances == limits::kSchemaUsersMax) {
      return std::move(done_)(users_);
    }
    after_ = storage::Position{.key = page.entries.back().key};
    Next();
  }

  bool IsUser(const Entry& entry) const {
    // Most are not, which is seen without reading the JSON: no letter of a schema's name is ever escaped.
    if (!entry.has_value || !absl::StrContains(entry.value.bytes, schema_)) return false;
    const absl::StatusOr<discovery::InstanceRecord> record = discovery::ParseInstanceRecord(entry.value.bytes);
    return record.ok() && record->schema == schema_;
  }

  storage::Store& store_;
  const std::string schema_;
  absl::AnyInvocable<void(const SchemaUsers&) &&> done_;
  SchemaUsers users_;
  std::optional<storage::Position> after_;
};

}  // namespace

void CountSchemaUsers(storage::Store* store, std::string schema, absl::AnyInvocable<void(const SchemaUsers&) &&> done) {
  std::make_shared<Count>(store, std::move(schema), std::move(done))->Next();
}

}  // namespace scoutlight::server
