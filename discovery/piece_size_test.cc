#include "discovery/piece_size.h"

#include <algorithm>

#include "gtest/gtest.h"

namespace scoutlight::discovery {
namespace {

constexpr int kLook = PieceSize::kPiecesPerLook;

TEST(PieceSize, StaysAsLongAsLessIsLeft) {
  PieceSize size(256);
  for (size_t left = 100'000; left > 0; left -= std::min<size_t>(left, 256)) {
    const PieceSize::Piece piece = size.Next(left);
    ASSERT_EQ(piece.instances, 256u) << left;
    ASSERT_EQ(piece.entries, PieceSize::kEntries) << left;
  }
}

TEST(PieceSize, DoublesEachTimeThatNoLessIsLeft) {
  PieceSize size(256);
  for (size_t times = 1; times <= 8; times *= 2) {
    for (int i = 0; i < kLook; ++i) {
      const PieceSize::Piece piece = size.Next(100'000);
      ASSERT_EQ(piece.instances, 256 * times);
      ASSERT_EQ(piece.entries, PieceSize::kEntries * times);
    }
  }
}

// Somebody changes all of a service while a few of its instances are read: what is read from then on does not count as vain.
TEST(PieceSize, ManyThatComeAtOnceGrowItOnce) {
  PieceSize size(256);
  size.Next(300);
  for (size_t left = 100'000; left > 0;) {
    const size_t read = size.Next(left).instances;
    ASSERT_LE(read, 512u) << left;
    left -= std::min(left, read);
  }
}

// However many are changed again between two pieces, it comes to an end, by pieces that are not much larger than that.
TEST(PieceSize, OutrunsWhoeverChangesInstancesMeanwhile) {
  constexpr size_t kAll = 1'000'000;
  for (const size_t changed : {1, 255, 256, 1'000, 30'000, 1'000'000}) {
    PieceSize size(256);
    size_t left = kAll;
    size_t largest = 0;
    int pieces = 0;
    while (true) {
      ASSERT_LT(++pieces, 1'000'000) << changed;
      const size_t read = size.Next(left).instances;
      largest = std::max(largest, read);
      if (read >= left) break;
      left = std::min(kAll, left - read + changed);
    }
    EXPECT_LE(largest, std::max<size_t>(512, 4 * changed)) << changed;
  }
}

}  // namespace
}  // namespace scoutlight::discovery
