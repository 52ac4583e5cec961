#include "storage/local/room_gauge.h"

#include <cstdint>

namespace scoutlight::storage {

std::optional<Engine::Room> RoomGauge::At(absl::Duration since_boot) {
  if (since_boot - looked_ >= kAgeMax) {
    room_ = look_();
    looked_ = since_boot;
  }
  return room_;
}

void RoomGauge::Use(size_t bytes) {
  if (!room_.has_value()) return;
  room_->for_puts_bytes -= static_cast<int64_t>(bytes);
  room_->for_deletes_bytes -= static_cast<int64_t>(bytes);
}

}  // namespace scoutlight::storage
