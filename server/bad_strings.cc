#include "server/bad_strings.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/unknown_field_set.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/utf8.h"

namespace scoutlight::server {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr size_t kViolationsMax = 16;
constexpr int kDepthMax = 16;

void Walk(absl::string_view bytes, const Descriptor& type, const std::string& prefix, int depth, std::vector<FieldViolation>* found) {
  UnknownFieldSet fields;
  if (depth > kDepthMax || !fields.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  std::map<int, int> seen;  // How often each field number has come: the index of a repeated field.
  for (int i = 0; i < fields.field_count() && found->size() < kViolationsMax; ++i) {
    const UnknownField& field = fields.field(i);
    const FieldDescriptor* known = type.FindFieldByNumber(field.number());
    if (known == nullptr || field.type() != UnknownField::TYPE_LENGTH_DELIMITED) continue;
    std::string path = prefix + known->name();
    if (known->is_repeated()) absl::StrAppend(&path, "[", seen[field.number()]++, "]");
    const absl::string_view content = field.length_delimited();
    if (known->type() == FieldDescriptor::TYPE_MESSAGE) {
      Walk(content, *known->message_type(), path + ".", depth + 1, found);
    } else if (known->type() == FieldDescriptor::TYPE_STRING) {
      const std::optional<size_t> offset = FindInvalidUtf8(content);
      if (!offset.has_value()) continue;
      found->push_back(
          {path, absl::StrFormat("not valid UTF-8: byte 0x%02x at offset %d", static_cast<unsigned char>(content[*offset]), *offset)});
    }
  }
}

}  // namespace

std::vector<FieldViolation> FindBadStrings(absl::string_view bytes, const Descriptor& type) {
  std::vector<FieldViolation> found;
  Walk(bytes, type, "", 1, &found);
  return found;
}

}  // namespace scoutlight::server
