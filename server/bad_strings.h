#ifndef SCOUTLIGHT_SERVER_BAD_STRINGS_H_
#define SCOUTLIGHT_SERVER_BAD_STRINGS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "base/error.h"

namespace google::protobuf {
class Descriptor;
}

namespace scoutlight::server {

// The string fields of the encoded message `bytes` of type `type` that are not UTF-8, by path ("on_success[2].put.key"), which protobuf's
// own parser does not tell. At most 16, and not in messages nested deeper than 16. Empty: the bytes are wrong in another way, or right.
std::vector<FieldViolation> FindBadStrings(absl::string_view bytes, const google::protobuf::Descriptor& type);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_BAD_STRINGS_H_
