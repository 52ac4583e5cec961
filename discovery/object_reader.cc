#include "discovery/object_reader.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "discovery/bounded_json.h"

namespace scoutlight::discovery {

using Json = nlohmann::json;

ObjectReader::ObjectReader(const Json& object, std::string path, std::vector<FieldViolation>* mistakes)
    : object_(object), path_(std::move(path)), mistakes_(*mistakes) {
  if (object.is_object()) return;
  mistakes_.push_back({path_.empty() ? "document" : path_, absl::StrCat("is ", object.type_name(), ", an object is wanted")});
}

std::optional<std::string> ObjectReader::String(absl::string_view name) {
  const Json* const value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  return Mistyped(name, *value, "a string");
}

bool ObjectReader::Bool(absl::string_view name, bool otherwise) {
  const Json* const value = Find(name);
  if (value == nullptr) return otherwise;
  if (!value->is_boolean()) Mistyped(name, *value, "true or false");
  return value->is_boolean() ? value->get<bool>() : otherwise;
}

std::optional<int64_t> ObjectReader::Integer(absl::string_view name) {
  const Json* const value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_number_integer() && (!value->is_number_unsigned() || value->get<uint64_t>() <= INT64_MAX)) return value->get<int64_t>();
  return Mistyped(name, *value, "an integer of 64 bits");
}

std::optional<std::string> ObjectReader::Scalar(absl::string_view name) {
  const Json* const value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return value->get<std::string>();
  if (value->is_number() || value->is_boolean()) return value->dump();
  return Mistyped(name, *value, "a string, number or boolean");
}

std::vector<std::string> ObjectReader::Strings(absl::string_view name) {
  const Json* const value = Find(name);
  std::vector<std::string> strings;
  if (value == nullptr) return strings;
  if (!value->is_array()) Mistyped(name, *value, "a list of strings");
  for (size_t i = 0; value->is_array() && i < value->size(); ++i) {
    if ((*value)[i].is_string()) {
      strings.push_back((*value)[i].get<std::string>());
    } else {
      Mistyped(absl::StrCat(name, "[", i, "]"), (*value)[i], "a string");
    }
  }
  return strings;
}

const Json* ObjectReader::Find(absl::string_view name) {
  known_.push_back(name);
  if (!object_.is_object()) return nullptr;
  const auto found = object_.find(std::string(name));
  return found == object_.end() ? nullptr : &*found;
}

const Json* ObjectReader::Require(absl::string_view name) {
  const Json* const found = Find(name);
  if (found == nullptr && object_.is_object()) AddMistake(name, "is missing");
  return found;
}

void ObjectReader::RefuseOthers() {
  if (!object_.is_object()) return;
  for (const auto& [name, value] : object_.items()) {
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) mistakes_.push_back({JsonMemberPath(path_, name), "is not known"});
  }
}

void ObjectReader::AddMistake(absl::string_view name, absl::string_view description) {
  mistakes_.push_back({absl::StrCat(path_, path_.empty() ? "" : ".", name), std::string(description)});
}

std::nullopt_t ObjectReader::Mistyped(absl::string_view name, const Json& value, absl::string_view wanted) {
  AddMistake(name, absl::StrCat("is ", value.type_name(), ", ", wanted, " is wanted"));
  return std::nullopt;
}

}  // namespace scoutlight::discovery
