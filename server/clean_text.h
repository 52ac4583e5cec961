#ifndef SCOUTLIGHT_SERVER_CLEAN_TEXT_H_
#define SCOUTLIGHT_SERVER_CLEAN_TEXT_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace scoutlight::server {

// `text` as a protobuf string may hold it: each byte that is not UTF-8 is a "?", and it is at most `bytes_max` long, cut between
// characters with "..." at the end. Requires bytes_max >= 3. Thread-safe.
std::string CleanText(absl::string_view text, size_t bytes_max);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_CLEAN_TEXT_H_
