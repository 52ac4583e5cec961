#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_DECLARATION_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_DECLARATION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "discovery/instance.h"
#include "discovery/names.h"

namespace scoutlight::server {

// What a client wants registered from now on, or a part of that. Names are valid, and each is there once; properties are as the client
// sent them: what is wrong with them is told of their instance.
struct Declaration {
  struct Wanted {
    discovery::InstanceName name;
    discovery::Properties properties;
  };
  std::vector<Wanted> set;
  std::vector<discovery::InstanceName> remove;
  bool replace = false;
  bool take_over = false;
  bool more = false;  // The next one goes on with it.
  int64_t number = 0;
};

// Puts a declaration together that comes in several messages, within the bounds of a whole one. Not thread-safe.
class DeclarationParts {
 public:
  // The next part. The whole with its last one; until then nullopt. kInvalidArgument, kInvalidField, nothing has changed: over
  // limits::kSessionInstancesMax to be set, or to be removed; over limits::kBytesPerLeaseMax of properties; an instance named by an earlier
  // part; a number less than that of the part, or declaration, before (0 before the first).
  absl::StatusOr<std::optional<Declaration>> Add(Declaration part);
  // What is unfinished is not wanted.
  void Drop();

 private:
  absl::Status Check(const Declaration& part, size_t bytes) const;

  int64_t number_ = 0;  // Of the newest part.
  // Unfinished: the parts that came.
  Declaration whole_;
  size_t bytes_ = 0;  // Of its properties.
  absl::flat_hash_set<discovery::InstanceName> named_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_DECLARATION_H_
