#ifndef SCOUTLIGHT_CLIENT_STORE_STATE_H_
#define SCOUTLIGHT_CLIENT_STORE_STATE_H_

#include "absl/time/time.h"
#include "base/entry.h"

namespace scoutlight {

// A state of a store: what an answer shows, or what it made.
struct StoreState {
  Revision revision = 0;
  StoreId store_id;
  // Of an answer of Discovery: for how long it may have lacked what others have written, because the server does not reach its store. Zero:
  // nothing is missing. What a Locator lacks for that reason, its AgeOf() tells.
  absl::Duration behind = absl::ZeroDuration();
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_STORE_STATE_H_
