#ifndef SCOUTLIGHT_DISCOVERY_PIECE_SIZE_H_
#define SCOUTLIGHT_DISCOVERY_PIECE_SIZE_H_

#include <cstddef>

namespace scoutlight::discovery {

// How much of a service's changed instances is read at a time, so that others get their turn in between. As long as no less is left to
// read although pieces were read, because others change as many meanwhile, pieces grow: reading ends, whatever others do, and a commit
// waits for no more than that takes. Not thread-safe.
class PieceSize {
 public:
  // About a millisecond's work.
  static constexpr size_t kEntries = 2'048;
  // After so many pieces it is looked whether less is left.
  static constexpr int kPiecesPerLook = 16;

  // `instances`: of the first pieces; at least 1.
  explicit PieceSize(size_t instances) : instances_(instances) {}

  struct Piece {
    size_t instances = 0;
    size_t entries = 0;  // With the instance that brings it there, or over, a piece ends.
  };
  // The next piece; `left`: how many instances are still to be read.
  Piece Next(size_t left) {
    if (pieces_ == kPiecesPerLook) {
      if (left >= left_at_look_ && times_ < kTimesMax) times_ *= 2;
      pieces_ = 0;
    }
    if (pieces_++ == 0) left_at_look_ = left;
    return {.instances = instances_ * times_, .entries = kEntries * times_};
  }

 private:
  static constexpr size_t kTimesMax = 1 << 20;  // Then it is all there may be.

  const size_t instances_;
  size_t times_ = 1;
  size_t left_at_look_ = 0;
  int pieces_ = 0;  // Since the last look.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_PIECE_SIZE_H_
