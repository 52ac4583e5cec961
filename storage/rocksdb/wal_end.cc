#include "storage/rocksdb/wal_end.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/crc32c.h"

namespace scoutlight::storage {
namespace {

constexpr size_t kBlockBytes = 32 * 1024;
constexpr size_t kHeaderBytes = 7;
constexpr size_t kTypeOffset = 6;
constexpr size_t kSequenceBytes = 8;
constexpr size_t kSectorBytes = 512;
// A record behind another has a sequence number that is higher by at most so much, which what a client writes hits hardly by chance.
constexpr uint64_t kSequencesAhead = 1 << 24;

enum Type : uint8_t { kFull = 1, kFirst = 2, kMiddle = 3, kLast = 4 };

bool AllZeros(absl::string_view bytes) { return bytes.find_first_not_of('\0') == absl::string_view::npos; }

uint64_t LittleEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (auto it = bytes.rbegin(); it != bytes.rend(); ++it) value = (value << 8) | static_cast<uint8_t>(*it);
  return value;
}

// As RocksDB stores a sum, so that the sum of data with sums in it is none of its fixed points.
uint32_t Masked(uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xa282ead8u; }

// What a header says; the fragment itself may be cut or wrong.
struct Fragment {
  uint32_t sum = 0;
  size_t length = 0;
  uint8_t type = 0;

  size_t bytes() const { return kHeaderBytes + length; }
  bool ends_record() const { return type == kFull || type == kLast; }
};

// `bytes` begin with a header.
Fragment ParseHeader(absl::string_view bytes) {
  return {.sum = static_cast<uint32_t>(LittleEndian(bytes.substr(0, 4))),
          .length = static_cast<size_t>(LittleEndian(bytes.substr(4, 2))),
          .type = static_cast<uint8_t>(bytes[kTypeOffset])};
}

bool IsWhole(const Fragment& fragment, absl::string_view bytes) {
  return fragment.bytes() <= bytes.size() && fragment.sum == Masked(Crc32c(bytes.substr(kTypeOffset, 1 + fragment.length)));
}

// Whether one bit of the length is all that is wrong: a fragment that seems to reach into the zeros behind it looks torn. The sum does not
// cover the length.
bool IsWholeButForItsLength(Fragment fragment, absl::string_view bytes) {
  for (size_t bit = 1; bit < (1 << 16); bit <<= 1) {
    fragment.length ^= bit;
    if (IsWhole(fragment, bytes)) return true;
    fragment.length ^= bit;
  }
  return false;
}

// Whether a sector of `block`, or the part of it behind `from`, is all zeros, of those that reach into [from, to).
bool LostSector(absl::string_view block, size_t from, size_t to) {
  for (size_t at = from; at < std::min(to, block.size());) {
    const size_t next = (at / kSectorBytes + 1) * kSectorBytes;
    if (AllZeros(block.substr(at, next - at))) return true;
    at = next;
  }
  return false;
}

class Scan {
 public:
  // Takes the next block of the file, of which only the last may be short.
  void Take(absl::string_view block) {
    size_t at = 0;
    if (!fault_.has_value()) {
      at = TakeFragments(block);
      if (at == block.size()) {
        offset_ += block.size();
        return;
      }
      fault_ = offset_ + at;
      at = JudgeFault(block, at);
    }
    const absl::string_view rest = block.substr(std::min(at, block.size()));
    if (!AllZeros(rest)) {
      clean_ = false;
      if (write_ended_ || HasNewerRecord(block, at)) damaged_ = true;
    }
    offset_ += block.size();
  }

  WalEnd end() const {
    WalEnd end{.bytes = whole_bytes_, .rest = WalEnd::Rest::kNothing, .fault = fault_.value_or(offset_)};
    if (damaged_) {
      end.rest = WalEnd::Rest::kDamaged;
    } else if (in_record_ || !clean_) {
      end.rest = WalEnd::Rest::kTorn;
    }
    return end;
  }

 private:
  // Takes whole fragments that follow each other; returns where in the block the first other thing lies, or its size.
  size_t TakeFragments(absl::string_view block) {
    size_t at = 0;
    while (block.size() - at >= kHeaderBytes) {
      const absl::string_view bytes = block.substr(at);
      const Fragment fragment = ParseHeader(bytes);
      if (!MayFollow(fragment.type) || !IsWhole(fragment, bytes)) return at;
      at += fragment.bytes();
      if (!in_record_) first_payload_.clear();
      in_record_ = !fragment.ends_record();
      absl::StrAppend(&first_payload_, bytes.substr(kHeaderBytes, std::min(fragment.length, kSequenceBytes - first_payload_.size())));
      if (in_record_) continue;
      whole_bytes_ = offset_ + at;
      sequence_ = LittleEndian(first_payload_);
    }
    return block.size() == kBlockBytes || AllZeros(block.substr(at)) ? block.size() : at;
  }

  bool MayFollow(uint8_t type) const { return in_record_ ? type == kMiddle || type == kLast : type == kFull || type == kFirst; }

  // Looks at the fragment at `at`, which is not whole. Returns where what lies behind it begins.
  size_t JudgeFault(absl::string_view block, size_t at) {
    const absl::string_view bytes = block.substr(at);
    if (AllZeros(bytes)) return block.size();
    clean_ = false;
    const bool has_header = bytes.size() >= kHeaderBytes && !LostSector(block, at, at + kHeaderBytes);
    if (!has_header) return at + 1;
    const Fragment fragment = ParseHeader(bytes);
    const size_t end = at + fragment.bytes();
    const bool cut = block.size() < kBlockBytes && end > block.size();
    // RocksDB hands a large record to the file in pieces, and one may end between header and payload. A disk may lose the sectors of the
    // payload alone, and keep those of later fragments.
    const bool header_only = AllZeros(bytes.substr(kHeaderBytes, fragment.length));
    if (!MayFollow(fragment.type) || end > kBlockBytes || IsWholeButForItsLength(fragment, bytes)) damaged_ = true;
    if (!cut && !header_only && !LostSector(block, at, end)) damaged_ = true;
    // A length that reaches beyond the file may be what is wrong.
    if (cut) return at + 1;
    write_ended_ = fragment.ends_record();
    return end;
  }

  // Whether a record begins in `block`, at `from` or behind it, that was written after the last whole one.
  bool HasNewerRecord(absl::string_view block, size_t from) const {
    for (size_t at = from; at + kHeaderBytes <= block.size(); ++at) {
      const absl::string_view bytes = block.substr(at);
      const Fragment fragment = ParseHeader(bytes);
      if (fragment.type != kFull && fragment.type != kFirst) continue;
      if (fragment.type == kFirst && at + fragment.bytes() != kBlockBytes) continue;
      if (fragment.length >= kSequenceBytes) {
        const uint64_t ahead = LittleEndian(bytes.substr(kHeaderBytes, kSequenceBytes)) - sequence_.value_or(0);
        if (sequence_.has_value() && (ahead == 0 || ahead > kSequencesAhead)) continue;
      }
      if (IsWhole(fragment, bytes)) return true;
    }
    return false;
  }

  uint64_t offset_ = 0;  // Of the block.
  uint64_t whole_bytes_ = 0;
  std::optional<uint64_t> sequence_;  // Of the last whole record.
  bool in_record_ = false;            // Some of its fragments were taken, not the last.
  std::string first_payload_;         // Of the record being taken: its first 8 bytes.
  // From here on the file is only judged.
  std::optional<uint64_t> fault_;
  bool clean_ = true;         // Nothing but zeros from the fault on.
  bool write_ended_ = false;  // The fragment at the fault is the last of its write.
  bool damaged_ = false;
};

}  // namespace

rocksdb::IOStatus FindWalEnd(rocksdb::FSSequentialFile& file, WalEnd* end) {
  Scan scan;
  std::string buffer(kBlockBytes, '\0');
  for (bool more = true; more;) {
    rocksdb::Slice block;
    if (rocksdb::IOStatus status = file.Read(buffer.size(), {}, &block, buffer.data(), nullptr); !status.ok()) return status;
    scan.Take(absl::string_view(block.data(), block.size()));
    more = block.size() == kBlockBytes;
  }
  *end = scan.end();
  return rocksdb::IOStatus::OK();
}

}  // namespace scoutlight::storage
