#ifndef SCOUTLIGHT_BASE_SHOWN_H_
#define SCOUTLIGHT_BASE_SHOWN_H_

#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight {

// `text`, which may be any bytes, as it may stand in a message: in quotes, cut behind 80 bytes, with what is not printable escaped. Valid
// UTF-8 without control characters. Thread-safe.
std::string Shown(absl::string_view text);

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_SHOWN_H_
