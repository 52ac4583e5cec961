#include "discovery/key_pattern.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/shown.h"

namespace scoutlight::discovery {
namespace {

constexpr absl::string_view kPropertyPlaceholder = "/{property}";
constexpr absl::string_view kOptionalProperty = "[/{property}]";

absl::Status Wrong(absl::string_view message) { return absl::InvalidArgumentError(message); }

}  // namespace

KeySegments::KeySegments(const Key& key) {
  absl::string_view rest = key.path();
  while (rest.size() > 1 && size_ < limits::kKeySegmentsMax) {
    rest.remove_prefix(1);
    const size_t end = std::min(rest.find('/'), rest.size());
    segments_[size_++] = rest.substr(0, end);
    rest.remove_prefix(end);
  }
}

absl::StatusOr<KeyPattern> KeyPattern::Parse(absl::string_view text) {
  if (text.size() > limits::kKeyPatternBytesMax) {
    return Wrong(absl::StrCat("is ", text.size(), " bytes long, at most ", limits::kKeyPatternBytesMax, " are allowed"));
  }
  KeyPattern pattern;
  pattern.text_ = std::string(text);
  if (absl::ConsumeSuffix(&text, kOptionalProperty)) {
    pattern.property_ = Property::kOptional;
  } else if (absl::ConsumeSuffix(&text, kPropertyPlaceholder)) {
    pattern.property_ = Property::kAlways;
  }
  if (!absl::ConsumePrefix(&text, "/")) return Wrong("does not begin with a slash and a segment");
  if (absl::Status status = pattern.ReadSegments(text); !status.ok()) return status;
  return pattern;
}

absl::Status KeyPattern::ReadSegments(absl::string_view text) {
  for (const absl::string_view segment : absl::StrSplit(text, '/')) {
    const int place = depth();
    int* const placeholder = segment == "{cluster}"    ? &cluster_
                             : segment == "{service}"  ? &service_
                             : segment == "{instance}" ? &instance_
                                                       : nullptr;
    if (placeholder != nullptr) {
      if (*placeholder >= 0) return Wrong(absl::StrCat("has ", segment, " twice, so it could read one key two ways"));
      *placeholder = place;
      segments_.emplace_back();
      continue;
    }
    if (segment == "{property}") return Wrong("has {property} in another place than at the end");
    if (segment.find_first_of("{}[]") != absl::string_view::npos) {
      return Wrong(absl::StrCat("has the segment ", Shown(segment), ", which is neither a literal nor a placeholder"));
    }
    if (const std::string fault = InstanceIdFault(segment); !fault.empty()) {
      return Wrong(absl::StrCat("has a segment, number ", place + 1, ", that ", fault));
    }
    segments_.emplace_back(segment);
  }
  if (cluster_ < 0) return Wrong("has no {cluster}");
  if (service_ < 0) return Wrong("has no {service}");
  if (instance_ < 0) return Wrong("has no {instance}");
  if (segments_.front() == kSystemTree.substr(1)) return Wrong("lies in the system tree");
  const int segments = depth() + (has_property() ? 1 : 0);
  if (segments > limits::kKeySegmentsMax) {
    return Wrong(absl::StrCat("has ", segments, " segments, at most ", limits::kKeySegmentsMax, " are allowed"));
  }
  return absl::OkStatus();
}

std::optional<KeyReading> KeyPattern::Read(const KeySegments& key) const {
  if (!HasDepth(key.size())) return std::nullopt;
  for (int i = 0; i < depth(); ++i) {
    if (!segments_[i].empty() && segments_[i] != key[i]) return std::nullopt;
  }
  KeyReading reading = {key[cluster_], key[service_], key[instance_]};
  if (key.size() > depth()) reading.property = key[depth()];
  // Segments of keys are names but for their length and what is reserved.
  const auto too_long = [](absl::string_view name) { return name.size() > limits::kNameBytesMax; };
  if (too_long(reading.cluster) || too_long(reading.service) || too_long(reading.instance)) return std::nullopt;
  if (reading.property.has_value() && reading.property->size() > limits::kPropertyNameBytesMax) return std::nullopt;
  if (key[0] == kSystemTree.substr(1) || reading.cluster == kSystemTree.substr(1)) return std::nullopt;
  if (reading.cluster == "*" || reading.service == "*") return std::nullopt;
  return reading;
}

Key KeyPattern::InstanceKey(const InstanceName& name) const {
  std::string path;
  for (int i = 0; i < depth(); ++i) {
    absl::StrAppend(&path, "/", i == cluster_ ? name.cluster : i == service_ ? name.service : i == instance_ ? name.id : segments_[i]);
  }
  return Key::FromNormal(path).value();
}

Key KeyPattern::PropertyKey(const InstanceName& name, absl::string_view property) const {
  return Key::FromNormal(absl::StrCat(InstanceKey(name).path(), "/", property)).value();
}

KeyRange KeyPattern::ServiceRange(const ServiceName& name) const {
  std::string path;
  for (int i = 0; i < instance_; ++i) {
    absl::StrAppend(&path, "/", i == cluster_ ? name.cluster : i == service_ ? name.service : segments_[i]);
  }
  return {path.empty() ? Key() : Key::FromNormal(path).value(), Scope::kSubtree};
}

bool KeyPattern::HasDepth(int depth) const {
  const int own = this->depth();
  return (depth == own && has_own_key()) || (depth == own + 1 && has_property());
}

absl::string_view KeyPattern::LiteralAt(int i) const { return i < depth() ? absl::string_view(segments_[i]) : ""; }

std::optional<std::string> KeyPattern::FindAmbiguity(const KeyPattern& a, const KeyPattern& b) {
  if (a.cluster_ == b.cluster_ && a.service_ == b.service_) return std::nullopt;
  for (const int depth : {a.depth(), a.depth() + 1}) {
    if (!a.HasDepth(depth) || !b.HasDepth(depth)) continue;
    std::string example;
    for (int i = 0; i < depth; ++i) {
      const absl::string_view in_a = a.LiteralAt(i);
      const absl::string_view in_b = b.LiteralAt(i);
      if (!in_a.empty() && !in_b.empty() && in_a != in_b) {
        example.clear();
        break;
      }
      absl::StrAppend(&example, "/", !in_a.empty() ? in_a : !in_b.empty() ? in_b : "x");
    }
    if (!example.empty()) return example;
  }
  return std::nullopt;
}

}  // namespace scoutlight::discovery
