#include "base/crc32c.h"

#include <array>
#include <cstddef>

namespace scoutlight {
namespace {

constexpr size_t kStep = 8;  // Bytes taken at a time ("slicing-by-8", Kounavis and Berry 2005).
using Tables = std::array<std::array<uint32_t, 256>, kStep>;

// tables[0] is what one byte does to the sum, tables[n] what it does with n more bytes behind it.
constexpr Tables MakeTables() {
  Tables tables{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78u : 0);
    tables[0][i] = crc;
  }
  for (size_t n = 1; n < kStep; ++n) {
    for (size_t i = 0; i < 256; ++i) tables[n][i] = (tables[n - 1][i] >> 8) ^ tables[0][tables[n - 1][i] & 0xff];
  }
  return tables;
}

constexpr Tables kSlices = MakeTables();

uint32_t Little32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 3; i >= 0; --i) value = (value << 8) | static_cast<uint8_t>(bytes[i]);
  return value;
}

}  // namespace

uint32_t Crc32c(absl::string_view bytes) {
  uint32_t crc = ~0u;
  for (; bytes.size() >= kStep; bytes.remove_prefix(kStep)) {
    const uint32_t low = crc ^ Little32(bytes.data());
    const uint32_t high = Little32(bytes.data() + 4);
    crc = kSlices[7][low & 0xff] ^ kSlices[6][(low >> 8) & 0xff] ^ kSlices[5][(low >> 16) & 0xff] ^ kSlices[4][low >> 24] ^
          kSlices[3][high & 0xff] ^ kSlices[2][(high >> 8) & 0xff] ^ kSlices[1][(high >> 16) & 0xff] ^ kSlices[0][high >> 24];
  }
  for (const char c : bytes) crc = (crc >> 8) ^ kSlices[0][(crc ^ static_cast<uint8_t>(c)) & 0xff];
  return ~crc;
}

}  // namespace scoutlight
