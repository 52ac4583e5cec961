// What is on disk, read and written again: a record that can be read is what its encoder makes, byte for byte; anything else is damage.
// Input: which kind of record, a revision, the record.
#include <optional>
#include <string>

#include "base/error.h"
#include "discovery/system_records.h"
#include "storage/local/layout.h"
#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/input.h"
#include "topology/topology_records.h"

namespace scoutlight::fuzz {
namespace {

namespace layout = storage::layout;

void RequireDamage(const absl::Status& status) {
  Require(status.code() == absl::StatusCode::kDataLoss && ReasonOf(status) == Reason::kDataCorrupted, status.ToString());
}

// `encode` gives the bytes of what `decoded` holds.
template <typename T, typename Encode>
void RequireExact(const absl::StatusOr<T>& decoded, absl::string_view record, const Encode& encode) {
  if (!decoded.ok()) return RequireDamage(decoded.status());
  Require(encode(*decoded) == record, "another record means the same");
}

void TryLeaseKeyBytes(absl::string_view record) {
  RequireExact(layout::DecodeLeaseKeyBytes(record), record,
               [](const std::optional<uint64_t>& bytes) { return bytes.has_value() ? layout::EncodeLeaseKeyBytes(*bytes) : ""; });
}

void TryEntry(absl::string_view record) {
  const absl::StatusOr<Entry> entry = layout::DecodeEntry(Key(), record);
  RequireExact(entry, record, layout::EncodeEntry);
  const absl::StatusOr<layout::EntryHeader> header = layout::DecodeEntryHeader(record);
  Require(header.ok() == entry.ok(), "an entry and its header are both damaged or both not");
  if (!entry.ok()) return;
  Require(header->value == entry->value.bytes && header->form == entry->value.form && header->version == entry->version &&
              header->create_revision == entry->create_revision && header->mod_revision == entry->mod_revision &&
              header->lease_id == entry->lease_id,
          "an entry and its header say the same");
}

void TryKeys(absl::string_view key) {
  RequireExact(layout::DecodePath(key), key, layout::EncodePath);
  RequireExact(layout::DecodeU32(key), key, layout::EncodeU32);
  RequireExact(layout::DecodeU64(key), key, layout::EncodeU64);
  RequireExact(layout::DecodeLogKey(key), key,
               [](const layout::LogPosition& position) { return layout::LogKey(position.revision, position.ordinal); });
  RequireExact(layout::DecodePastKey(key), key,
               [](const layout::PastPosition& position) { return layout::PastKey(position.path, position.revision); });
  RequireExact(layout::DecodeLeaseKey(key), key, layout::LeaseKey);
  RequireExact(layout::DecodeLeaseKeysKey(key), key,
               [](const layout::LeaseKeysPosition& position) { return layout::LeaseKeysKey(position.id, position.path); });
}

// A record that people may have written: what is read, written, and read again, is the same.
template <typename T>
void TryText(absl::string_view text, absl::StatusOr<T> (*parse)(absl::string_view), std::string (*encode)(const T&)) {
  const absl::StatusOr<T> record = parse(text);
  if (!record.ok()) {
    Require(record.status().code() == absl::StatusCode::kInvalidArgument, record.status().ToString());
    return;
  }
  const std::string written = encode(*record);
  const absl::StatusOr<T> again = parse(written);
  Require(again.ok(), written, ": ", again.status().ToString());
  Require(*again == *record, "written as ", written);
  Require(encode(*again) == written, "one form of ", written);
}

}  // namespace

void FuzzRecords(absl::string_view bytes) {
  Input input(bytes);
  const size_t kind = input.Byte() - size_t{'0'};
  const Revision revision = input.Byte();
  const absl::string_view record = input.Rest();
  switch (kind) {
    case 0:
      return TryKeys(record);
    case 1:
      return TryEntry(record);
    case 2:
      return RequireExact(layout::DecodeEvent(revision, record), record, layout::EncodeEvent);
    case 3:
      return RequireExact(layout::DecodeLease(record), record, layout::EncodeLease);
    case 4:
      return RequireExact(layout::DecodeBefore(record), record, layout::EncodeBefore);
    case 5:
      return TryLeaseKeyBytes(record);
    case 6:
      return TryText(record, discovery::ParseInstanceRecord, discovery::EncodeInstanceRecord);
    case 7:
      return TryText(record, discovery::ParseSessionRecord, discovery::EncodeSessionRecord);
    case 8:
      return TryText(record, discovery::ParseOverride, discovery::EncodeOverride);
    case 9:
      TryText(record, topology::ParseRecord, topology::EncodeRecord);
      return TryText(record, topology::ParseNewest, topology::EncodeNewest);
    default:
      return;
  }
}

}  // namespace scoutlight::fuzz
