// Lets ThreadSanitizer see that whoever gives up the last reference to an absl::Status comes after all who had one before. Abseil is not
// instrumented, and counts down in its library (absl/status/status.cc: UnrefNonInlined, of 20220623); what it counts up, in its header, is
// seen. Linked into thread-sanitized programs only, as visible_calls.cc.

#include <cstdint>

#include "absl/status/status.h"
#include "third_party/sanitizers/original.h"

namespace absl {
ABSL_NAMESPACE_BEGIN

// As the fetch_sub(acq_rel) that this does: it sees what those before it have released.
void Status::UnrefNonInlined(uintptr_t rep) {
  static auto* const original = scoutlight::sanitizers::Original<void(uintptr_t)>("_ZN4absl7debian36Status15UnrefNonInlinedEm");
  __tsan_release(RepToPointer(rep));
  __tsan_acquire(RepToPointer(rep));
  original(rep);
}

ABSL_NAMESPACE_END
}  // namespace absl
