#ifndef SCOUTLIGHT_DISCOVERY_OBJECT_READER_H_
#define SCOUTLIGHT_DISCOVERY_OBJECT_READER_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "base/error.h"

namespace scoutlight::discovery {

// Reads the members of one JSON object and notes what is wrong with them: what is there but of another type than asked for is a mistake,
// and reads as if it were missing. Not thread-safe.
class ObjectReader {
 public:
  // `path`: of `object`, empty for the document. A value that is no object is a mistake, and has no members. Both are kept alive by the
  // caller, as the names that are asked for.
  ObjectReader(const nlohmann::json& object, std::string path, std::vector<FieldViolation>* mistakes);

  std::optional<std::string> String(absl::string_view name);
  bool Bool(absl::string_view name, bool otherwise);
  std::optional<int64_t> Integer(absl::string_view name);
  // The text of a string, a number or a boolean.
  std::optional<std::string> Scalar(absl::string_view name);
  // Those of a list that are strings; empty: it is missing too.
  std::vector<std::string> Strings(absl::string_view name);
  // nullptr: it is missing.
  const nlohmann::json* Find(absl::string_view name);
  // The same, and that it is missing from an object is a mistake.
  const nlohmann::json* Require(absl::string_view name);

  // Call last: notes the members that nobody asked for.
  void RefuseOthers();

  void AddMistake(absl::string_view name, absl::string_view description);

 private:
  std::nullopt_t Mistyped(absl::string_view name, const nlohmann::json& value, absl::string_view wanted);

  const nlohmann::json& object_;
  const std::string path_;
  std::vector<FieldViolation>& mistakes_;
  std::vector<absl::string_view> known_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_OBJECT_READER_H_
