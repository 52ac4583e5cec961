#ifndef SCOUTLIGHT_SERVER_OPEN_STORE_H_
#define SCOUTLIGHT_SERVER_OPEN_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>

#include "absl/status/statusor.h"
#include "server/config.h"
#include "storage/store.h"

namespace scoutlight::server {

// Opens the store that `config` names; what it has to say goes to the log. `random`: of good quality, called from one thread at a time.
// Errors as those of the backend, in words for the operator; kUnimplemented: etcd is not in this build.
absl::StatusOr<std::unique_ptr<storage::Store>> OpenStore(const Config& config, std::function<uint64_t()> random);

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_OPEN_STORE_H_
