#ifndef SCOUTLIGHT_CLIENT_HTTP_DRIVE_ONCE_H_
#define SCOUTLIGHT_CLIENT_HTTP_DRIVE_ONCE_H_

#include "client/http/lane.h"

namespace scoutlight::client {

// One round of `lane`, whose transport is a fake one, so that nothing waits.
inline void DriveOnce(Lane* lane) {
  // Before the round, before its poll, and after it.
  int asked = 0;
  lane->DriveUntil([&asked] { return ++asked == 3; });
}

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_DRIVE_ONCE_H_
