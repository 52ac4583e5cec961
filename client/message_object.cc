// Protobuf messages as instances.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/message.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "client/value_object.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

// What a field is that cannot be a property; empty: it can.
std::string KindFault(const FieldDescriptor& field) {
  if (field.is_repeated()) return "is repeated: a property is one value";
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) return "";
  if (field.message_type() == google::protobuf::Duration::descriptor()) return "";
  return absl::StrCat("is a ", std::string(field.message_type()->full_name()), ": a property is a scalar, a string, an enum or a Duration");
}

// The text of a field that is set; adds to `fault` what is wrong with it.
std::string TextOf(const Message& message, const FieldDescriptor& field, std::string* fault) {
  const Reflection& reflection = *message.GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return WriteText(int64_t{reflection.GetInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_INT64:
      return WriteText(int64_t{reflection.GetInt64(message, &field)});
    case FieldDescriptor::CPPTYPE_UINT32:
      return WriteText(uint64_t{reflection.GetUInt32(message, &field)});
    case FieldDescriptor::CPPTYPE_UINT64:
      return WriteText(uint64_t{reflection.GetUInt64(message, &field)});
    case FieldDescriptor::CPPTYPE_DOUBLE:
      *fault = Unwritable(reflection.GetDouble(message, &field));
      return WriteText(reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_FLOAT:
      *fault = Unwritable(static_cast<double>(reflection.GetFloat(message, &field)));
      return WriteText(reflection.GetFloat(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return WriteText(reflection.GetBool(message, &field));
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.GetString(message, &field);
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int number = reflection.GetEnumValue(message, &field);
      const EnumValueDescriptor* const value = field.enum_type()->FindValueByNumber(number);
      if (value == nullptr) *fault = UnnamedValue(number);
      return value == nullptr ? "" : std::string(value->name());
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return WriteText(DurationOf(static_cast<const google::protobuf::Duration&>(reflection.GetMessage(message, &field))));
  }
  return "";
}

template <typename T, typename Set>
std::string ReadAndSet(absl::string_view text, Set set) {
  T value{};
  std::string fault = ReadText(text, &value);
  if (fault.empty()) set(std::move(value));
  return fault;
}

template <typename T, typename Set>
std::string ReadAndSetInteger(absl::string_view text, Set set) {
  using Limits = std::numeric_limits<T>;
  std::string fault;
  if constexpr (std::is_signed_v<T>) {
    int64_t value = 0;
    fault = ReadInteger(text, Limits::min(), Limits::max(), &value);
    if (fault.empty()) set(static_cast<T>(value));
  } else {
    uint64_t value = 0;
    fault = ReadInteger(text, Limits::max(), &value);
    if (fault.empty()) set(static_cast<T>(value));
  }
  return fault;
}

std::string SetEnum(absl::string_view text, const FieldDescriptor& field, Message* message) {
  const EnumValueDescriptor* const value = field.enum_type()->FindValueByName(std::string(text));
  if (value != nullptr) return message->GetReflection()->SetEnum(message, &field, value), "";
  std::vector<absl::string_view> names;
  for (int i = 0; i < field.enum_type()->value_count(); ++i) names.push_back(field.enum_type()->value(i)->name());
  return UnknownName(text, names);
}

// Answers what is wrong with `text`; empty: the field is set.
std::string SetField(absl::string_view text, const FieldDescriptor& field, Message* message) {
  const Reflection& reflection = *message->GetReflection();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return ReadAndSetInteger<int32_t>(text, [&](int32_t value) { reflection.SetInt32(message, &field, value); });
    case FieldDescriptor::CPPTYPE_INT64:
      return ReadAndSetInteger<int64_t>(text, [&](int64_t value) { reflection.SetInt64(message, &field, value); });
    case FieldDescriptor::CPPTYPE_UINT32:
      return ReadAndSetInteger<uint32_t>(text, [&](uint32_t value) { reflection.SetUInt32(message, &field, value); });
    case FieldDescriptor::CPPTYPE_UINT64:
      return ReadAndSetInteger<uint64_t>(text, [&](uint64_t value) { reflection.SetUInt64(message, &field, value); });
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return ReadAndSet<double>(text, [&](double value) { reflection.SetDouble(message, &field, value); });
    case FieldDescriptor::CPPTYPE_FLOAT:
      return ReadAndSet<float>(text, [&](float value) { reflection.SetFloat(message, &field, value); });
    case FieldDescriptor::CPPTYPE_BOOL:
      return ReadAndSet<bool>(text, [&](bool value) { reflection.SetBool(message, &field, value); });
    case FieldDescriptor::CPPTYPE_STRING:
      return reflection.SetString(message, &field, std::string(text)), "";
    case FieldDescriptor::CPPTYPE_ENUM:
      return SetEnum(text, field, message);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ReadAndSet<absl::Duration>(
          text, [&](absl::Duration value) { reflection.MutableMessage(message, &field)->CopyFrom(WireDuration(value)); });
  }
  return "";
}

}  // namespace

absl::StatusOr<discovery::Properties> MessageToProperties(const Message& message) {
  discovery::Properties properties;
  std::vector<FieldViolation> violations;
  std::vector<const FieldDescriptor*> set;
  message.GetReflection()->ListFields(message, &set);
  for (const FieldDescriptor* const field : set) {
    std::string fault = KindFault(*field);
    std::string text = fault.empty() ? TextOf(message, *field, &fault) : "";
    if (fault.empty()) {
      properties.insert_or_assign(std::string(field->name()), std::move(text));
    } else {
      violations.push_back({absl::StrCat("properties.", std::string(field->name())), std::move(fault)});
    }
  }
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  return properties;
}

absl::Status MessageFromProperties(const discovery::Properties& properties, Message* message) {
  std::vector<FieldViolation> violations;
  const Descriptor& descriptor = *message->GetDescriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    const std::string* const text = discovery::FindProperty(properties, std::string(field.name()));
    if (text == nullptr) continue;
    std::string fault = KindFault(field);
    if (fault.empty()) fault = SetField(*text, field, message);
    if (!fault.empty()) violations.push_back({absl::StrCat("properties.", std::string(field.name())), std::move(fault)});
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
}

}  // namespace scoutlight::client
