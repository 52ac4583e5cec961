#ifndef SCOUTLIGHT_CLIENT_STORE_STATE_H_
#define SCOUTLIGHT_CLIENT_STORE_STATE_H_

#include "base/entry.h"

namespace scoutlight {

// A state of a store: what an answer shows, or what it made.
struct StoreState {
  Revision revision = 0;
  StoreId store_id;
};

}  // namespace scoutlight

#endif  // SCOUTLIGHT_CLIENT_STORE_STATE_H_
