#include "client/locator/instance_calls.h"

#include "client/locator/thread_view.h"

namespace scoutlight::client {

InstanceCalls::InstanceCalls(const Pick& pick) : calls_(pick.view_->calls()), record_(pick.view_->entry(pick.place_).record) {}

const void* InstanceCalls::KeyOf(const Pick& pick) { return pick.view_->entry(pick.place_).record.get(); }

}  // namespace scoutlight::client
