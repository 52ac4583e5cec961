#include "discovery/json_serializer.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

namespace scoutlight::discovery {
namespace {

using Json = nlohmann::json;

// Takes the members of the outermost object as the parser comes upon them. What is nested is passed over without being kept, so depth
// costs nothing.
class MemberReader : public Json::json_sax_t {
 public:
  explicit MemberReader(DecodedProperties* out) : out_(*out) {}

  bool null() override { return Refuse("is null"); }
  bool boolean(bool value) override { return Take(value ? "true" : "false"); }
  bool number_integer(number_integer_t value) override { return Take(absl::StrCat(value)); }
  bool number_unsigned(number_unsigned_t value) override { return Take(absl::StrCat(value)); }
  bool number_float(number_float_t, const string_t& text) override { return Take(text); }
  bool string(string_t& value) override { return Take(std::move(value)); }
  bool binary(binary_t&) override { return Refuse("is binary"); }
  bool start_object(std::size_t) override {
    if (depth_ > 0) Refuse("is an object");
    ++depth_;
    return true;
  }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t) override {
    Refuse("is an array");
    ++depth_;
    return true;
  }
  bool end_array() override { return Leave(); }
  bool key(string_t& name) override {
    if (depth_ == 1) name_ = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    // What was read of a broken object is not what its writer meant.
    out_.properties.clear();
    out_.problems = {{"", absl::StrCat("has a value that is no JSON: mistake at byte ", position == 0 ? 0 : position - 1)}};
    out_.unreadable = true;
    return false;
  }

 private:
  bool Leave() {
    --depth_;
    return true;
  }

  bool Take(std::string value) {
    if (depth_ == 0) return Refuse("");
    if (depth_ > 1) return true;
    if (!out_.properties.try_emplace(name_, std::move(value)).second) AddProblem("is there more than once; the first is taken");
    return true;
  }

  bool Refuse(absl::string_view what) {
    if (depth_ == 0) {
      out_.problems.push_back({"", "has a value that is no JSON object"});
      out_.unreadable = true;
    } else if (depth_ == 1) {
      AddProblem(absl::StrCat(what, "; a string, number or boolean is wanted"));
    }
    return true;
  }

  void AddProblem(std::string message) {
    if (out_.problems.size() < static_cast<size_t>(limits::kProblemsPerInstanceMax)) out_.problems.push_back({name_, std::move(message)});
  }

  DecodedProperties& out_;
  std::string name_;
  int depth_ = 0;
};

}  // namespace

std::vector<Piece> JsonSerializer::Encode(const Properties& properties) const {
  Json object = Json::object();
  for (const auto& [name, value] : properties) object[name] = value;
  return {{std::nullopt, {Value::Form::kText, object.dump()}}};
}

DecodedProperties JsonSerializer::Decode(absl::Span<const Piece> pieces) const {
  DecodedProperties decoded;
  for (const Piece& piece : pieces) {
    MemberReader reader(&decoded);
    Json::sax_parse(piece.value.bytes, &reader);
  }
  return decoded;
}

}  // namespace scoutlight::discovery
