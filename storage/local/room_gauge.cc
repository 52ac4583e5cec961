#include "storage/local/room_gauge.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/limits.h"

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

std::string RoomProblem(const Engine::Room& room) {
  if (room.for_puts_bytes <= 0) return "the disk is nearly full: puts are refused";
  if (room.for_puts_bytes >= std::min(kLowRoomBytes, room.disk_bytes / kLowRoomShare)) return "";
  const int64_t mib = static_cast<int64_t>(limits::kMiB);
  return absl::StrCat("the disk has ", room.for_puts_bytes / mib, " MiB left for puts, of ", room.disk_bytes / mib,
                      " MiB: when they are used up, puts are refused");
}

}  // namespace scoutlight::storage
