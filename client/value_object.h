#ifndef SCOUTLIGHT_CLIENT_VALUE_OBJECT_H_
#define SCOUTLIGHT_CLIENT_VALUE_OBJECT_H_

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/error.h"
#include "discovery/instance.h"

namespace google::protobuf {
class Message;
}  // namespace google::protobuf

// A program's own type is the instance: what it says of itself are the type's fields, declared once.
//
//   enum class Paper { kA4, kLetter };
//   struct Printer {
//     std::string hostname;
//     uint16_t port = 0;
//     bool color = false;
//     std::optional<double> weight;
//     Paper paper = Paper::kA4;
//
//     static auto Fields() {
//       using scoutlight::Field;
//       return std::tuple(Field("hostname", &Printer::hostname), Field("port", &Printer::port), Field("color",
//       &Printer::color).OrDefault(),
//                         Field("weight", &Printer::weight), Field("paper", &Printer::paper).Names({{Paper::kA4, "a4"},
//                                                                                                   {Paper::kLetter, "letter"}}));
//     }
//   };
//
// A field is a string, an integer, a bool, a float or double, an absl::Duration (finite), an enum whose values have names, or a
// std::optional of one of these. Texts are those of schemas (discovery/property_type.h). Properties that no field names are passed over.
// Functions here are thread-safe.
//
// A protobuf message is one too: its fields by name, singular ones of scalar types, strings, enums by the names of their values, and
// google.protobuf.Duration. Those that are not set are no properties, and properties that are missing leave a field unset.
namespace scoutlight {

namespace client {

// How a value is written, and read again. Read answers what is wrong, in words that go on after the property's name; empty: nothing.
std::string WriteText(bool value);
std::string WriteText(int64_t value);
std::string WriteText(uint64_t value);
std::string WriteText(double value);  // The shortest that reads as the same.
std::string WriteText(float value);
std::string WriteText(absl::Duration value);
std::string ReadText(absl::string_view text, bool* value);
std::string ReadText(absl::string_view text, double* value);
std::string ReadText(absl::string_view text, float* value);
std::string ReadText(absl::string_view text, absl::Duration* value);
std::string ReadText(absl::string_view text, std::string* value);
std::string ReadInteger(absl::string_view text, int64_t min, int64_t max, int64_t* value);
std::string ReadInteger(absl::string_view text, uint64_t max, uint64_t* value);
// What cannot be written: numbers and durations that are not finite. Empty: it can.
std::string Unwritable(double value);
std::string Unwritable(absl::Duration value);
std::string UnnamedValue(int64_t value);
std::string UnknownName(absl::string_view text, const std::vector<absl::string_view>& names);

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
struct Plain {
  using Type = T;
};
template <typename T>
struct Plain<std::optional<T>> {
  using Type = T;
};

template <typename T>
concept FieldValue =
    std::integral<T> || std::floating_point<T> || std::is_enum_v<T> || std::same_as<T, std::string> || std::same_as<T, absl::Duration>;

}  // namespace client

// One field of T, a member of type M, and the property that it is. Must be there, unless M is std::optional or OrDefault() was said.
template <typename T, typename M>
class Field {
 public:
  using Value = typename client::Plain<M>::Type;
  static_assert(client::FieldValue<Value>, "a field is a string, number, bool, enum, absl::Duration, or std::optional of one");

  // `name` is a literal.
  Field(absl::string_view name, M T::*member) : name_(name), member_(member) {}

  // A property that is missing leaves the member as T's default constructor makes it.
  Field OrDefault() && {
    required_ = false;
    return std::move(*this);
  }
  // The names of an enum's values, each once; values without a name cannot be registered.
  Field Names(std::initializer_list<std::pair<Value, absl::string_view>> names) && requires std::is_enum_v<Value> {
    names_ = names;
    return std::move(*this);
  }

  absl::string_view name() const { return name_; }

  // Adds the property of `object`, or what is wrong with it.
  void Write(const T& object, discovery::Properties* properties, std::vector<FieldViolation>* violations) const {
    const M& member = object.*member_;
    if constexpr (client::kIsOptional<M>) {
      if (member.has_value()) WriteValue(*member, properties, violations);
    } else {
      WriteValue(member, properties, violations);
    }
  }
  // Sets the member, or adds what is wrong with the property.
  void Read(const discovery::Properties& properties, T* object, std::vector<FieldViolation>* violations) const {
    const std::string* const text = discovery::FindProperty(properties, name_);
    if (text == nullptr) {
      if (required_) violations->push_back({FieldPath(), "is missing"});
      return;
    }
    Value value{};
    std::string fault = ReadValue(*text, &value);
    if (fault.empty()) {
      object->*member_ = std::move(value);
    } else {
      violations->push_back({FieldPath(), std::move(fault)});
    }
  }

 private:
  std::string FieldPath() const { return "properties." + std::string(name_); }

  void WriteValue(const Value& value, discovery::Properties* properties, std::vector<FieldViolation>* violations) const {
    std::string fault;
    if constexpr (std::is_enum_v<Value>) {
      for (const auto& [named, text] : names_) {
        if (named == value) return properties->insert_or_assign(std::string(name_), std::string(text)), void();
      }
      fault = client::UnnamedValue(static_cast<int64_t>(value));
    } else if constexpr (std::same_as<Value, std::string>) {
      properties->insert_or_assign(std::string(name_), value);
    } else {
      if constexpr (std::floating_point<Value> || std::same_as<Value, absl::Duration>) fault = client::Unwritable(value);
      if (fault.empty()) properties->insert_or_assign(std::string(name_), client::WriteText(Widened(value)));
    }
    if (!fault.empty()) violations->push_back({FieldPath(), std::move(fault)});
  }

  static auto Widened(const Value& value) {
    if constexpr (std::same_as<Value, bool> || !std::integral<Value>) {
      return value;
    } else if constexpr (std::is_signed_v<Value>) {
      return static_cast<int64_t>(value);
    } else {
      return static_cast<uint64_t>(value);
    }
  }

  std::string ReadValue(absl::string_view text, Value* value) const {
    if constexpr (std::is_enum_v<Value>) {
      std::vector<absl::string_view> known;
      for (const auto& [named, name] : names_) {
        if (name == text) return *value = named, std::string();
        known.push_back(name);
      }
      return client::UnknownName(text, known);
    } else if constexpr (std::integral<Value> && !std::same_as<Value, bool>) {
      using Limits = std::numeric_limits<Value>;
      decltype(Widened(*value)) wide = 0;
      std::string fault;
      if constexpr (std::is_signed_v<Value>) {
        fault = client::ReadInteger(text, Limits::min(), Limits::max(), &wide);
      } else {
        fault = client::ReadInteger(text, Limits::max(), &wide);
      }
      if (fault.empty()) *value = static_cast<Value>(wide);
      return fault;
    } else {
      return client::ReadText(text, value);
    }
  }

  absl::string_view name_;
  M T::*member_;
  bool required_ = !client::kIsOptional<M>;
  std::vector<std::pair<Value, absl::string_view>> names_;
};

// Where the fields of T are declared: T::Fields(), a std::tuple of Field. To be specialized for a type that one cannot change.
template <typename T>
struct ValueObject {
  static auto Fields() { return T::Fields(); }
};

namespace client {

absl::StatusOr<discovery::Properties> MessageToProperties(const google::protobuf::Message& message);
absl::Status MessageFromProperties(const discovery::Properties& properties, google::protobuf::Message* message);

template <typename T>
concept IsMessage = std::is_base_of_v<google::protobuf::Message, T>;

}  // namespace client

// The properties that an instance has which is `object`. kInvalidArgument: every value that has no text, by field ("properties.weight").
template <typename T>
absl::StatusOr<discovery::Properties> ToProperties(const T& object) {
  if constexpr (client::IsMessage<T>) {
    return client::MessageToProperties(object);
  } else {
    discovery::Properties properties;
    std::vector<FieldViolation> violations;
    std::apply([&](const auto&... field) { (field.Write(object, &properties, &violations), ...); }, ValueObject<T>::Fields());
    if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
    return properties;
  }
}

// The object that an instance is. kInvalidArgument: every property that is missing or does not fit, by field ("properties.port").
template <typename T>
absl::StatusOr<T> FromProperties(const discovery::Properties& properties) {
  T object{};
  if constexpr (client::IsMessage<T>) {
    if (absl::Status wrong = client::MessageFromProperties(properties, &object); !wrong.ok()) return wrong;
  } else {
    std::vector<FieldViolation> violations;
    std::apply([&](const auto&... field) { (field.Read(properties, &object, &violations), ...); }, ValueObject<T>::Fields());
    if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  }
  return object;
}

// FromProperties of what was resolved: As<Printer>(pick->instance()).
template <typename T>
absl::StatusOr<T> As(const discovery::Instance& instance) {
  return FromProperties<T>(instance.properties);
}

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_VALUE_OBJECT_H_
