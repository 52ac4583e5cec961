#ifndef SCOUTLIGHT_BASE_CRC32C_H_
#define SCOUTLIGHT_BASE_CRC32C_H_

#include <cstdint>

#include "absl/strings/string_view.h"

namespace scoutlight {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4), which RocksDB does not offer to others. About a gigabyte a second.
uint32_t Crc32c(absl::string_view bytes);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_CRC32C_H_
