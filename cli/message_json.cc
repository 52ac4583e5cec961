#include "cli/message_json.h"

#include <nlohmann/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/sent_data.h"
#include "discovery/bounded_json.h"
#include "google/protobuf/util/json_util.h"
#include "google/protobuf/util/type_resolver_util.h"

namespace scoutlight::cli {
namespace {

constexpr char kTypePrefix[] = "type.googleapis.com";
// As deep as protobuf reads messages.
constexpr int kDepthMax = 100;

std::string UrlOf(const google::protobuf::Descriptor& type) { return absl::StrCat(kTypePrefix, "/", type.full_name()); }

std::string TextOf(const google::protobuf::util::Status& status) { return std::string(status.message().data(), status.message().size()); }

}  // namespace

MessageJson::MessageJson(const google::protobuf::DescriptorPool* pool)
    : resolver_(google::protobuf::util::NewTypeResolverForDescriptorPool(kTypePrefix, pool)) {}

absl::StatusOr<std::string> MessageJson::Encode(const google::protobuf::Descriptor& type, absl::string_view json,
                                                absl::string_view field) const {
  // Says at which byte something is wrong.
  const absl::StatusOr<nlohmann::json> read =
      discovery::ParseBoundedJson(json, {.bytes_max = kSentBytesMax, .depth_max = kDepthMax}, field);
  if (!read.ok()) return read.status();
  std::string bytes;
  const auto encoded = google::protobuf::util::JsonToBinaryString(resolver_.get(), UrlOf(type), std::string(json), &bytes);
  if (encoded.ok()) return bytes;
  return InvalidField(Reason::kInvalidField, field, absl::StrCat("does not fit ", type.full_name(), ": ", TextOf(encoded)));
}

absl::StatusOr<Json> MessageJson::Decode(const google::protobuf::Descriptor& type, const std::string& bytes) const {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto decoded = google::protobuf::util::BinaryToJsonString(resolver_.get(), UrlOf(type), bytes, &text, options);
  Json json = decoded.ok() ? Json::parse(text, nullptr, /*allow_exceptions=*/false) : Json();
  if (decoded.ok() && !json.is_discarded()) return json;
  return absl::DataLossError(absl::StrCat("the answer is no ", type.full_name(), ": ", TextOf(decoded)));
}

}  // namespace scoutlight::cli
