#ifndef SCOUTLIGHT_BASE_UTF8_H_
#define SCOUTLIGHT_BASE_UTF8_H_

#include <cstddef>
#include <optional>

#include "absl/strings/string_view.h"

namespace scoutlight {

// The offset of the first byte that is not part of a well-formed UTF-8 sequence (Unicode 15, table 3-7: no overlong forms, no
// surrogates, at most U+10FFFF); nullopt when all of `text` is well formed.
std::optional<size_t> FindInvalidUtf8(absl::string_view text);

// The offset of the first control character, U+0000..U+001F or U+007F..U+009F; nullopt when there is none. `text` is valid UTF-8.
std::optional<size_t> FindControlCharacter(absl::string_view text);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_UTF8_H_
