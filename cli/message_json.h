#ifndef SCOUTLIGHT_CLI_MESSAGE_JSON_H_
#define SCOUTLIGHT_CLI_MESSAGE_JSON_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cli/record.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/util/type_resolver.h"

namespace scoutlight::cli {

// Between the bytes of messages that are known by their descriptors alone, and JSON (protobuf.dev, "ProtoJSON"), whose members have the
// names of the fields as they are declared. Not thread-safe.
class MessageJson {
 public:
  // `pool` outlives this, and has all types that are asked for.
  explicit MessageJson(const google::protobuf::DescriptorPool* pool);

  // kInvalidArgument with the violated field `field`: `json` is none, or does not fit, with the place of the mistake.
  absl::StatusOr<std::string> Encode(const google::protobuf::Descriptor& type, absl::string_view json, absl::string_view field) const;

  // kDataLoss: `bytes` are no message of that type.
  absl::StatusOr<Json> Decode(const google::protobuf::Descriptor& type, const std::string& bytes) const;

 private:
  const std::unique_ptr<google::protobuf::util::TypeResolver> resolver_;
};

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_MESSAGE_JSON_H_
