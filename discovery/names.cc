#include "discovery/names.h"

#include <algorithm>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "base/utf8.h"

namespace scoutlight::discovery {
namespace {

std::string SegmentFault(absl::string_view name, size_t bytes_max) {
  if (name.empty()) return "is empty";
  // Whatever a pattern puts first, nothing of discovery lies in there.
  if (name == kSystemTree.substr(1)) return "is \".scoutlight\", the system tree";
  if (name.size() > bytes_max) return absl::StrCat("is ", name.size(), " bytes long, at most ", bytes_max, " are allowed");
  if (const std::optional<size_t> bad = FindInvalidUtf8(name); bad.has_value()) return absl::StrCat("is not valid UTF-8 at byte ", *bad);
  if (const std::optional<size_t> bad = FindControlCharacter(name); bad.has_value()) {
    return absl::StrCat("has a control character at byte ", *bad);
  }
  if (const size_t slash = name.find('/'); slash != absl::string_view::npos) return absl::StrCat("has a slash at byte ", slash);
  if (name == "." || name == "..") return absl::StrCat("is \"", name, "\", which no segment of a key is");
  return "";
}

}  // namespace

absl::Status ServiceNotFound(const ServiceName& name) {
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("service ", name.service, " has no instance in cluster ", name.cluster),
                   {.reason = Reason::kServiceNotFound, .resource = absl::StrCat(name.cluster, "/", name.service)});
}

std::string ClusterFault(absl::string_view name) {
  if (name == "*") return "is \"*\", which stands for all clusters";
  return SegmentFault(name, limits::kNameBytesMax);
}

std::string ServiceFault(absl::string_view name) {
  if (name == "*") return "is \"*\", which stands for all services";
  return SegmentFault(name, limits::kNameBytesMax);
}

std::string InstanceIdFault(absl::string_view name) { return SegmentFault(name, limits::kNameBytesMax); }

std::string PropertyNameFault(absl::string_view name) { return SegmentFault(name, limits::kPropertyNameBytesMax); }

std::string SchemaNameFault(absl::string_view name) {
  if (std::string fault = SegmentFault(name, limits::kNameBytesMax); !fault.empty()) return fault;
  if (name == "none") return "is \"none\", which switches discovery off";
  const auto bad = std::find_if(name.begin(), name.end(), [](unsigned char c) {  //
    return !absl::ascii_isalnum(c) && c != '.' && c != '_' && c != '-';
  });
  if (bad == name.end()) return "";
  return absl::StrCat("has another character than a-z, A-Z, 0-9, '.', '_' and '-' at byte ", bad - name.begin());
}

}  // namespace scoutlight::discovery
