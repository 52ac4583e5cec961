#ifndef SCOUTLIGHT_BASE_CONNECT_ERRNO_H_
#define SCOUTLIGHT_BASE_CONNECT_ERRNO_H_

#include "absl/base/internal/cycleclock.h"

namespace scoutlight {

// To be called before a channel is made. gRPC 1.51 locks mutexes between connect() and its look at errno (mended later by its pull request
// 35064). Abseil's Mutex measures the cycle counter when a thread first waits behind another one, and leaves errno changed by that: once in
// a process a connection under way is taken for failed. This measures it now, the first time. Thread-safe.
inline void KeepErrnoOfConnect() { absl::base_internal::CycleClock::Frequency(); }

}  // namespace scoutlight

#endif  // SCOUTLIGHT_BASE_CONNECT_ERRNO_H_
