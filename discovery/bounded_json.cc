#include "discovery/bounded_json.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/shown.h"
#include "discovery/names.h"

namespace scoutlight::discovery {
namespace {

using Json = nlohmann::json;

// Watches a text go by for what a finished tree no longer shows: how deep it was, and members that were there twice.
class Observer {
 public:
  Observer(absl::string_view field, int depth_max) : field_(field), depth_max_(depth_max) {}

  // As nlohmann's parser_callback_t has it: `depth` is that of the enclosing value.
  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    if (event == Json::parse_event_t::object_start || event == Json::parse_event_t::array_start) {
      too_deep_ = too_deep_ || depth >= depth_max_;
      if (!too_deep_) Enter(depth);
    } else if (event == Json::parse_event_t::key && !too_deep_) {
      TakeKey(depth - 1, parsed.get_ref<const std::string&>());
    }
    return true;
  }

  bool too_deep() const { return too_deep_; }
  std::vector<FieldViolation> TakeRepeated() { return std::move(repeated_); }

 private:
  struct Level {
    absl::flat_hash_set<std::string> names;
    std::string name;  // The member that is being read.
  };

  void Enter(int depth) {
    levels_.resize(depth + 1);
    levels_[depth] = Level();
  }

  void TakeKey(int depth, const std::string& name) {
    levels_[depth].name = name;
    if (levels_[depth].names.insert(name).second || repeated_.size() >= static_cast<size_t>(limits::kSchemaMistakesMax)) return;
    std::string path = field_;
    for (int i = 0; i <= depth; ++i) path = levels_[i].name.empty() && i < depth ? path : JsonMemberPath(path, levels_[i].name);
    repeated_.push_back({std::move(path), "is there twice"});
  }

  const std::string field_;
  const int depth_max_;
  bool too_deep_ = false;
  std::vector<Level> levels_;  // At most `depth_max_`.
  std::vector<FieldViolation> repeated_;
};

// The byte at which the parser stops; it tells only the handler of its events.
class MistakeFinder : public nlohmann::detail::json_sax_acceptor<Json> {
 public:
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) {
    byte_ = position;
    return false;
  }
  size_t byte() const { return byte_; }

 private:
  size_t byte_ = 0;
};

}  // namespace

absl::StatusOr<Json> ParseBoundedJson(absl::string_view text, const JsonBounds& bounds, absl::string_view field) {
  if (text.size() > bounds.bytes_max) {
    return InvalidField(Reason::kInvalidField, field,
                        absl::StrCat("is ", text.size(), " bytes long, at most ", bounds.bytes_max, " are allowed"));
  }
  Observer observer(field, bounds.depth_max);
  Json json = Json::parse(text.begin(), text.end(), std::ref(observer), /*allow_exceptions=*/false);
  if (observer.too_deep()) {
    return InvalidField(Reason::kInvalidField, field, absl::StrCat("is nested deeper than the ", bounds.depth_max, " levels allowed"));
  }
  if (json.is_discarded()) {
    MistakeFinder finder;
    Json::sax_parse(text.begin(), text.end(), &finder);
    return InvalidField(Reason::kInvalidField, field, absl::StrCat("is no JSON: mistake at byte ", finder.byte()));
  }
  std::vector<FieldViolation> repeated = observer.TakeRepeated();
  if (!repeated.empty()) return InvalidFields(Reason::kInvalidField, std::move(repeated));
  return json;
}

std::string JsonMemberPath(absl::string_view path, absl::string_view name) {
  const bool plain = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {  //
    return absl::ascii_isalnum(c) || c == '_' || c == '-';
  });
  if (!plain) return absl::StrCat(path, "[", Shown(name), "]");
  return absl::StrCat(path, path.empty() ? "" : ".", name);
}

}  // namespace scoutlight::discovery
