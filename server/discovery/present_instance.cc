#include "server/discovery/present_instance.h"

#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "discovery/claims.h"
#include "discovery/key_pattern.h"
#include "server/discovery/instance_conversion.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

using discovery::InstanceName;
using discovery::KeyPattern;
using Done = absl::AnyInvocable<void(absl::StatusOr<PresentInstance>) &&>;

absl::Status DiscoveryOff(const InstanceName& name) {
  ErrorDetails details;
  details.reason = Reason::kDiscoveryOff;
  details.resource = absl::StrCat(name.cluster, "/", name.service, "/", name.id);
  return MakeError(absl::StatusCode::kFailedPrecondition,
                   absl::StrCat("service ", name.service, " of cluster ", name.cluster, " is bound to no schema"), details);
}

// Reads what is left, range by range. Held by whoever it waits for.
class ReadingLeft : public std::enable_shared_from_this<ReadingLeft> {
 public:
  ReadingLeft(storage::Store* store, const InstanceName& name, PresentInstance present, Done done)
      : store_(*store), name_(name), present_(std::move(present)), done_(std::move(done)) {
    const KeyPattern& pattern = present_.written->layout.pattern();
    const Key node = pattern.InstanceKey(name);
    if (pattern.has_own_key()) ranges_.push_back({node, Scope::kKey});
    if (pattern.has_property()) ranges_.push_back({node, Scope::kChildren});
  }

  void Next() {
    if (ranges_.empty()) return std::move(done_)(std::move(present_));
    storage::Query query;
    query.range = std::move(ranges_.back());
    ranges_.pop_back();
    query.entries_max = limits::kOperationsMax;
    query.bytes_max = limits::kTransactionBytesMax;
    store_.Read(std::move(query), [self = shared_from_this()](const storage::Page& page) { self->OnPage(page); });
  }

 private:
  void OnPage(const storage::Page& page) {
    if (!page.status.ok()) return std::move(done_)(page.status);
    if (page.more) {
      return std::move(done_)(storage::TransactionTooLarge(
          absl::StrCat("instance ", name_.id, " has more than ", limits::kOperationsMax, " entries or ", limits::kTransactionBytesMax,
                       " bytes left under schema ", present_.written->name, ", at ",
                       present_.written->layout.pattern().InstanceKey(name_).path(), ": delete some")));
    }
    for (const Entry& entry : page.entries) {
      if (entry.has_value) Take(entry);
    }
    Next();
  }

  void Take(const Entry& entry) {
    const discovery::KeySegments segments(entry.key);
    const std::optional<discovery::KeyReading> reading = present_.written->layout.pattern().Read(segments);
    if (!reading.has_value() || BelongsToAnother(entry.key, reading->property.has_value())) return;
    present_.left.entries[std::string(reading->property.value_or(""))] = {
        .value = entry.value, .create_revision = entry.create_revision, .mod_revision = entry.mod_revision, .lease_id = entry.lease_id};
  }

  // Or to the instance as it is now.
  bool BelongsToAnother(const Key& key, bool is_property) const {
    const std::optional<discovery::Claim> claim = present_.catalog->claims()->Read(key);
    if (!claim.has_value()) return false;
    const InstanceName owner{std::string(claim->reading.cluster), std::string(claim->reading.service),
                             std::string(claim->reading.instance)};
    // Of several keys nobody knows which of them the registration wrote.
    if (owner == name_ || is_property) return true;
    const std::optional<discovery::StoredInstance> stored = present_.catalog->FindStored(owner);
    return stored.has_value() && stored->record.has_value();
  }

  storage::Store& store_;
  const InstanceName name_;
  PresentInstance present_;
  Done done_;
  std::vector<KeyRange> ranges_;  // Not read yet.
};

}  // namespace

void ReadPresentInstance(storage::Store* store, const CatalogFeed& feed, const InstanceName& name, Done done) {
  PresentInstance present;
  CatalogFeed::ClaimsAt at = feed.claims();
  if (at.catalog == nullptr) return std::move(done)(CatalogLoading());
  present.catalog = std::move(at.catalog);
  present.claims_revision = at.revision;
  present.revision = present.catalog->revision();
  const discovery::Claims& claims = *present.catalog->claims();
  present.schema = claims.SchemaOf(name.cluster, name.service);
  if (present.schema == nullptr) return std::move(done)(DiscoveryOff(name));
  present.stored = present.catalog->FindStored(name).value_or(discovery::StoredInstance());
  present.ownership = discovery::ReadOwnership(present.stored);
  const std::string& written = present.ownership.schema;
  if (!written.empty() && written != present.schema->name) present.written = claims.FindSchema(written);
  // Entries of one pattern are read as the instance's, whichever schema it is.
  if (present.written != nullptr && present.written->layout.pattern() == present.schema->layout.pattern()) present.written.reset();
  if (present.written == nullptr) return std::move(done)(std::move(present));
  std::make_shared<ReadingLeft>(store, name, std::move(present), std::move(done))->Next();
}

}  // namespace scoutlight::server
