#include "discovery/protobuf_serializer.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>
#include <google/protobuf/struct.pb.h>

#include <charconv>
#include <map>
#include <string>

#include "absl/strings/string_view.h"
#include "base/limits.h"

namespace scoutlight::discovery {
namespace {

using ProtoValue = google::protobuf::Value;

// The shortest text that reads as `number` again: "8001", "0.5".
std::string NumberText(double number) {
  char text[32];
  const std::to_chars_result end = std::to_chars(text, text + sizeof(text), number);
  return std::string(text, end.ptr);
}

// The text of a field; nullopt: it has none.
std::optional<std::string> FieldText(const ProtoValue& value) {
  switch (value.kind_case()) {
    case ProtoValue::kStringValue:
      return value.string_value();
    case ProtoValue::kNumberValue:
      return NumberText(value.number_value());
    case ProtoValue::kBoolValue:
      return value.bool_value() ? "true" : "false";
    default:
      return std::nullopt;
  }
}

}  // namespace

std::vector<Piece> ProtobufSerializer::Encode(const Properties& properties) const {
  google::protobuf::Struct message;
  for (const auto& [name, value] : properties) (*message.mutable_fields())[name].set_string_value(value);
  Piece piece = {std::nullopt, {Value::Form::kData, ""}};
  {
    google::protobuf::io::StringOutputStream out(&piece.value.bytes);
    google::protobuf::io::CodedOutputStream coded(&out);
    coded.SetSerializationDeterministic(true);  // Maps by key, so that equal properties are equal bytes.
    message.SerializeToCodedStream(&coded);
  }
  return {piece};
}

DecodedProperties ProtobufSerializer::Decode(absl::Span<const Piece> pieces) const {
  DecodedProperties decoded;
  for (const Piece& piece : pieces) {
    google::protobuf::Struct message;
    if (!message.ParseFromString(piece.value.bytes)) {
      decoded.problems.push_back({"", "has a value that is no google.protobuf.Struct"});
      decoded.unreadable = true;
      continue;
    }
    // By name: the message's own order differs each time, and so would which problems are told.
    std::map<absl::string_view, const ProtoValue*> fields;
    for (const auto& [name, value] : message.fields()) fields.insert({name, &value});
    for (const auto& [name, value] : fields) {
      if (std::optional<std::string> text = FieldText(*value); text.has_value()) {
        decoded.properties.insert_or_assign(std::string(name), *std::move(text));
      } else if (decoded.problems.size() < static_cast<size_t>(limits::kProblemsPerInstanceMax)) {
        decoded.problems.push_back({std::string(name), "is null, a struct or a list; a string, number or boolean is wanted"});
      }
    }
  }
  return decoded;
}

}  // namespace scoutlight::discovery
