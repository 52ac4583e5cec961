#ifndef SCOUTLIGHT_STORAGE_LOCAL_ROOM_GAUGE_H_
#define SCOUTLIGHT_STORAGE_LOCAL_ROOM_GAUGE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "absl/time/time.h"
#include "storage/local/engine.h"

namespace scoutlight::storage {

// How much may still be written, looked up anew when the last look is older than kAgeMax: asking the system costs as much as a fifth of the
// sync of a put. What was written since counts as gone. What other processes write in that time shows late: 4 MiB on a disk that takes 2
// GiB a second, which is what the smallest reserve has left when deletes end. Not thread-safe.
class RoomGauge {
 public:
  static constexpr absl::Duration kAgeMax = absl::Milliseconds(2);
  using Look = std::function<std::optional<Engine::Room>()>;

  explicit RoomGauge(Look look) : look_(std::move(look)) {}

  // As of `since_boot`, which never goes back. nullopt: there is no bound, or it cannot be told.
  std::optional<Engine::Room> At(absl::Duration since_boot);

  // So much was written after the last At().
  void Use(size_t bytes);

 private:
  const Look look_;
  std::optional<Engine::Room> room_;
  absl::Duration looked_ = -absl::InfiniteDuration();
};

// Puts will soon be refused with less room for them than this, or than a tenth of the disk if that is less.
inline constexpr int64_t kLowRoomBytes = int64_t{1} << 30;
inline constexpr int64_t kLowRoomShare = 10;

// For people: that puts are refused, or soon will be; empty: there is room.
std::string RoomProblem(const Engine::Room& room);

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_ROOM_GAUGE_H_
