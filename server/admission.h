#ifndef SCOUTLIGHT_SERVER_ADMISSION_H_
#define SCOUTLIGHT_SERVER_ADMISSION_H_

#include <atomic>
#include <functional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/key.h"
#include "server/identity.h"

namespace scoutlight::server {

// Decides whether `identity` may use `method` ("RegistryService/Get") on `range`: OK, or kPermissionDenied. Called from any thread, once
// for every range that a request names; must not block.
using Authorize = std::function<absl::Status(const Identity& identity, absl::string_view method, const KeyRange& range)>;

// What every call passes before it is carried out. Thread-safe.
class Admission {
 public:
  // Without `authorize` everybody may do everything.
  explicit Admission(Authorize authorize) : authorize_(std::move(authorize)) {}

  // From now on no call is admitted.
  void Close() { closed_.store(true, std::memory_order_relaxed); }

  // kUnavailable, Reason::kDraining, with a time to try again: closed.
  absl::Status CheckOpen() const;

  // Whether anybody is asked. If not, CheckAllowed allows everything, and nobody need say what a call touches.
  bool asks() const { return authorize_ != nullptr; }

  // kPermissionDenied: one of `ranges` is not allowed. The first refusal is the answer.
  absl::Status CheckAllowed(const Identity& identity, absl::string_view method, const std::vector<KeyRange>& ranges) const;

 private:
  const Authorize authorize_;
  std::atomic<bool> closed_{false};  // Orders nothing: a call that just slips in is carried out.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_ADMISSION_H_
