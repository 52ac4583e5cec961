#include "discovery/layout.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/serializers.h"

namespace scoutlight::discovery {
namespace {

// Adds problems up to their bound.
class ProblemList {
 public:
  explicit ProblemList(std::vector<Problem>* problems) : problems_(*problems) {}

  void Add(absl::string_view property, std::string message) {
    if (problems_.size() >= static_cast<size_t>(limits::kProblemsPerInstanceMax)) return;
    // A name that is none may be any bytes.
    const bool named = PropertyNameFault(property).empty();
    problems_.push_back({named ? std::string(property) : "",
                         named ? std::move(message) : absl::StrCat("has a property ", Shown(property), " whose name ", message)});
  }

 private:
  std::vector<Problem>& problems_;
};

// The room that an instance has for properties.
class Room {
 public:
  // What is wrong with a property, or with having it beside those before it; empty: it is taken in.
  std::string Take(absl::string_view name, absl::string_view value) {
    if (std::string fault = PropertyNameFault(name); !fault.empty()) return fault;
    // Of what is too long maybe only a part is known.
    if (value.size() > limits::kPropertyValueBytesMax)
      return absl::StrCat("is over the ", limits::kPropertyValueBytesMax, " bytes allowed");
    if (std::string fault = PropertyValueFault(value); !fault.empty()) return fault;
    if (count_ >= limits::kPropertiesMax) return absl::StrCat("is one more than the ", limits::kPropertiesMax, " allowed");
    if (bytes_ + name.size() + value.size() > limits::kInstanceBytesMax) {
      return absl::StrCat("brings the instance over the ", limits::kInstanceBytesMax, " bytes allowed");
    }
    ++count_;
    bytes_ += name.size() + value.size();
    return "";
  }

 private:
  size_t bytes_ = 0;
  int count_ = 0;
};

std::string KnownSerializers() {
  return absl::StrJoin(AllSerializers(), ", ", [](std::string* out, const Serializer* one) { absl::StrAppend(out, one->name()); });
}

std::string SerializerFault(const Serializer* serializer, absl::string_view name, const absl::StatusOr<KeyPattern>& pattern) {
  if (serializer == nullptr) return absl::StrCat("is ", Shown(name), "; known are ", KnownSerializers());
  if (!pattern.ok() || serializer->key_per_property() == pattern->has_property()) return "";
  return serializer->key_per_property()
             ? absl::StrCat("is ", name, ", which needs {property} in the pattern")
             : absl::StrCat("is ", name, ", which keeps all properties in one key, so the pattern must not have {property}");
}

DecodedProperties TooLong(size_t bytes_max) {
  return {.properties = {}, .problems = {{"", absl::StrCat("has a value of over ", bytes_max, " bytes")}}, .unreadable = true};
}

}  // namespace

absl::StatusOr<Layout> Layout::Create(absl::string_view pattern_text, absl::string_view serializer_name) {
  absl::StatusOr<KeyPattern> pattern = KeyPattern::Parse(pattern_text);
  const Serializer* const serializer = FindSerializer(serializer_name);
  std::vector<FieldViolation> violations;
  if (!pattern.ok()) violations.push_back({"pattern", std::string(pattern.status().message())});
  if (std::string fault = SerializerFault(serializer, serializer_name, pattern); !fault.empty()) {
    violations.push_back({"serializer", std::move(fault)});
  }
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  return Layout(*std::move(pattern), serializer);
}

std::vector<KeyValue> Layout::Encode(const InstanceName& name, const Properties& properties) const {
  std::vector<KeyValue> entries;
  for (Piece& piece : serializer_->Encode(properties)) {
    entries.push_back(
        {piece.property.has_value() ? pattern_.PropertyKey(name, *piece.property) : pattern_.InstanceKey(name), std::move(piece.value)});
  }
  if (entries.empty() && pattern_.has_own_key()) entries.push_back({pattern_.InstanceKey(name), Value()});
  return entries;
}

DecodedProperties Layout::Decode(absl::Span<const Piece> pieces, const PropertyRules& rules) const {
  if (!serializer_->key_per_property()) {
    for (const Piece& piece : pieces) {
      if (piece.value.bytes.size() > value_bytes_max()) return TooLong(value_bytes_max());
    }
  }
  DecodedProperties decoded = serializer_->Decode(pieces);
  ProblemList problems(&decoded.problems);
  for (Problem& problem : decoded.problems) {
    if (!problem.property.empty() && !PropertyNameFault(problem.property).empty()) problem.property = "";
  }
  Room room;
  for (const bool defined : {true, false}) {
    for (auto it = decoded.properties.begin(); it != decoded.properties.end();) {
      std::string fault = rules.definitions.contains(it->first) == defined ? room.Take(it->first, it->second) : "";
      if (fault.empty()) {
        ++it;
      } else {
        problems.Add(it->first, std::move(fault));
        it = decoded.properties.erase(it);
      }
    }
  }
  std::stable_sort(decoded.problems.begin(), decoded.problems.end(),
                   [](const Problem& a, const Problem& b) { return a.property < b.property; });
  return decoded;
}

}  // namespace scoutlight::discovery
