#ifndef SCOUTLIGHT_CLIENT_WIRE_RANDOM_SOURCE_H_
#define SCOUTLIGHT_CLIENT_WIRE_RANDOM_SOURCE_H_

#include <cstdint>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"

namespace scoutlight::client {

// Where the client draws its randomness, from the system's. Ids say nothing of the machine. Thread-safe.
class RandomSource {
 public:
  // From [0, 1).
  double Unit() {
    MutexLock lock(&mu_);
    return std::uniform_real_distribution<double>(0, 1)(generator_);
  }
  // 32 hexadecimal digits, straight from the system: nobody guesses the next.
  static std::string Hex128() { return absl::StrCat(Hex(Draw()), Hex(Draw())); }
  // At most 49 bytes: 128 bits that are this object's own, and a count.
  std::string RequestId() {
    MutexLock lock(&mu_);
    return absl::StrCat(prefix_, "-", absl::Hex(++requests_));
  }

 private:
  static uint64_t Draw() {
    std::random_device device;
    return uint64_t{device()} << 32 | device();
  }
  static std::string Hex(uint64_t number) { return absl::StrCat(absl::Hex(number, absl::kZeroPad16)); }

  const std::string prefix_ = Hex128();
  Mutex mu_;
  std::mt19937_64 generator_ ABSL_GUARDED_BY(mu_){Draw()};
  uint64_t requests_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_WIRE_RANDOM_SOURCE_H_
