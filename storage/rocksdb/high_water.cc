#include "storage/rocksdb/high_water.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"
#include "base/crc32c.h"

namespace scoutlight::storage {
namespace {

constexpr int kSlots = 2;
constexpr size_t kSlotBytes = 512;  // A sector: written whole or not at all on most disks; the checksum tells on the others.
constexpr size_t kSumOffset = kSlotBytes - 4;
constexpr absl::string_view kMagic = "SLHW";
constexpr size_t kFormatOffset = 4;
constexpr size_t kRevisionOffset = 8;
constexpr size_t kStoreIdOffset = 16;
static_assert(kStoreIdOffset + 1 + limits::kStoreIdBytesMax <= kSumOffset);

std::string EncodeSlot(const HighWater::Mark& mark) {
  std::string slot =
      absl::StrCat(kMagic, layout::EncodeU32(layout::kFormatVersion), layout::EncodeU64(static_cast<uint64_t>(mark.revision)));
  slot.push_back(static_cast<char>(mark.store_id.size()));
  slot.append(mark.store_id);
  slot.resize(kSumOffset, '\0');
  slot.append(layout::EncodeU32(Crc32c(slot)));
  return slot;
}

struct Slot {
  uint32_t format = 0;
  HighWater::Mark mark;
};

// nullopt: not whole.
std::optional<Slot> DecodeSlot(absl::string_view bytes) {
  if (bytes.size() != kSlotBytes || !absl::StartsWith(bytes, kMagic)) return std::nullopt;
  if (*layout::DecodeU32(bytes.substr(kSumOffset)) != Crc32c(bytes.substr(0, kSumOffset))) return std::nullopt;
  Slot slot;
  slot.format = *layout::DecodeU32(bytes.substr(kFormatOffset, 4));
  // The checksum stands in its place in every format; the rest may not.
  if (slot.format != layout::kFormatVersion) return slot;
  const size_t store_id_bytes = static_cast<uint8_t>(bytes[kStoreIdOffset]);
  if (store_id_bytes > limits::kStoreIdBytesMax) return std::nullopt;
  slot.mark.revision = static_cast<Revision>(*layout::DecodeU64(bytes.substr(kRevisionOffset, 8)));
  slot.mark.store_id = std::string(bytes.substr(kStoreIdOffset + 1, store_id_bytes));
  return slot;
}

struct Slots {
  bool exists = false;
  std::array<std::optional<Slot>, kSlots> slots;
};

absl::StatusOr<Slots> ReadSlots(const std::string& path) {
  const absl::StatusOr<std::optional<std::string>> bytes = ReadFile(path, kSlots * kSlotBytes);
  if (!bytes.ok()) return bytes.status();
  Slots read;
  read.exists = bytes->has_value();
  for (int i = 0; read.exists && i < kSlots; ++i) {
    const size_t offset = static_cast<size_t>(i) * kSlotBytes;
    if ((*bytes)->size() >= offset + kSlotBytes) read.slots[i] = DecodeSlot(absl::string_view(**bytes).substr(offset, kSlotBytes));
  }
  return read;
}

// Which slot was written last; -1: none is whole.
int LatestSlot(const Slots& read) {
  int latest = -1;
  for (int i = 0; i < kSlots; ++i) {
    if (!read.slots[i].has_value()) continue;
    if (latest < 0 || read.slots[i]->mark.revision > read.slots[latest]->mark.revision) latest = i;
  }
  return latest;
}

}  // namespace

absl::StatusOr<std::optional<HighWater::Mark>> HighWater::Read(const std::string& path) {
  const absl::StatusOr<Slots> read = ReadSlots(path);
  if (!read.ok()) return read.status();
  if (!read->exists) return std::optional<Mark>();
  for (const std::optional<Slot>& slot : read->slots) {
    if (slot.has_value() && slot->format > layout::kFormatVersion) {
      return absl::FailedPreconditionError(absl::StrCat(path, " has format version ", slot->format, ", this server reads up to version ",
                                                        layout::kFormatVersion, "; start a newer server on this data directory"));
    }
  }
  const int latest = LatestSlot(*read);
  if (latest < 0) {
    ErrorDetails details;
    details.reason = Reason::kDataCorrupted;
    return MakeError(absl::StatusCode::kDataLoss,
                     absl::StrCat(path,
                                  " is damaged: neither of its two records has a right checksum. It says up to where the database must "
                                  "reach; delete it to accept the database as it is, or restore the data directory from a backup"),
                     details);
  }
  return std::optional<Mark>(read->slots[latest]->mark);
}

HighWater::HighWater(std::string path, FileDescriptor file, StoreId store_id)
    : path_(std::move(path)), file_(std::move(file)), store_id_(std::move(store_id)) {}

absl::StatusOr<std::unique_ptr<HighWater>> HighWater::Open(const std::string& directory, const Mark& mark) {
  const std::string path = absl::StrCat(directory, "/", kFileName);
  absl::StatusOr<Slots> read = ReadSlots(path);
  if (!read.ok()) return read.status();
  if (!read->exists) {
    // By renaming: a crash must not leave a file without a whole slot.
    const std::string slot = EncodeSlot(mark);
    if (const absl::Status status = ReplaceFile(directory, std::string(kFileName), slot + slot); !status.ok()) return status;
    if (read = ReadSlots(path); !read.ok()) return read.status();
  }
  absl::StatusOr<FileDescriptor> file = OpenFile(path, O_RDWR);
  if (!file.ok()) return file.status();
  std::unique_ptr<HighWater> high_water(new HighWater(path, *std::move(file), mark.store_id));
  const int latest = LatestSlot(*read);
  {
    const MutexLock lock(&high_water->mu_);
    high_water->next_slot_ = (latest + 1) % kSlots;
    Revision revision = mark.revision;
    if (latest >= 0 && read->slots[latest]->mark.revision > revision) revision = read->slots[latest]->mark.revision;
    // Also makes the slot whole that a crash may have cut.
    if (const absl::Status status = high_water->WriteSlot(revision); !status.ok()) return status;
  }
  if (const absl::Status status = high_water->Sync(); !status.ok()) return status;
  return high_water;
}

absl::Status HighWater::Record(Revision revision) {
  const MutexLock lock(&mu_);
  return revision <= revision_ ? absl::OkStatus() : WriteSlot(revision);
}

Revision HighWater::revision() {
  const MutexLock lock(&mu_);
  return revision_;
}

absl::Status HighWater::WriteSlot(Revision revision) {
  const size_t offset = static_cast<size_t>(next_slot_) * kSlotBytes;
  if (const absl::Status status = WriteAt(file_, path_, offset, EncodeSlot({store_id_, revision})); !status.ok()) return status;
  revision_ = revision;
  next_slot_ = (next_slot_ + 1) % kSlots;
  synced_ = false;
  return absl::OkStatus();
}

absl::Status HighWater::Sync() {
  {
    const MutexLock lock(&mu_);
    if (synced_) return absl::OkStatus();
    // Before the sync: what is recorded while it runs may miss it.
    synced_ = true;
  }
  if (::fdatasync(file_.get()) == 0) return absl::OkStatus();
  return ErrnoStatus("sync", path_);
}

}  // namespace scoutlight::storage
