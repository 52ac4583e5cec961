#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_H_

#include <cstdint>

namespace scoutlight::discovery {

// Spreads 64 bits over 64 bits, one to one: the finalizer of SplitMix64.
inline constexpr uint64_t MixBits(uint64_t bits) {
  bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9U;
  bits = (bits ^ bits >> 27) * 0x94d049bb133111ebU;
  return bits ^ bits >> 31;
}

// The number in [0, 1) that 64 bits stand for.
inline constexpr double UnitInterval(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1p-53; }

// A sequence of random numbers that its seed determines: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators",
// OOPSLA 2014). Eight bytes of state; no protection against someone who wants to foresee it. Not thread-safe: one for each thread.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t Next() { return MixBits(state_ += 0x9e3779b97f4a7c15U); }

  // A number in [0, n), for n > 0; each as likely as the others but for one part in 2^64 / n (Lemire 2019, without the rejection).
  uint64_t Below(uint64_t n) { return static_cast<uint64_t>(static_cast<unsigned __int128>(Next()) * n >> 64); }

  // A number in [0, 1).
  double Unit() { return UnitInterval(Next()); }

 private:
  uint64_t state_;
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_H_
