#ifndef SCOUTLIGHT_BASE_STABLE_HASH_H_
#define SCOUTLIGHT_BASE_STABLE_HASH_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace scoutlight {

// A 64-bit hash of a sequence of fields that is the same in every process and release, because it is stored (request ids) and travels
// (page tokens). FNV-1a, with the finalizer of MurmurHash3. No protection against someone who looks for collisions. Not thread-safe.
class StableHash {
 public:
  // Fields do not run together: ("ab", "c") and ("a", "bc") differ.
  StableHash& Add(absl::string_view field) {
    Add(static_cast<uint64_t>(field.size()));
    for (const char c : field) AddByte(static_cast<unsigned char>(c));
    return *this;
  }
  StableHash& Add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) AddByte(number >> shift & 0xff);
    return *this;
  }

  uint64_t value() const {
    uint64_t hash = hash_;
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
    hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53U;
    return hash ^ hash >> 33;
  }

 private:
  void AddByte(uint64_t byte) { hash_ = (hash_ ^ byte) * 0x100000001b3U; }

  uint64_t hash_ = 0xcbf29ce484222325U;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_STABLE_HASH_H_
