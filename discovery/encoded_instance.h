#ifndef SCOUTLIGHT_DISCOVERY_ENCODED_INSTANCE_H_
#define SCOUTLIGHT_DISCOVERY_ENCODED_INSTANCE_H_

#include <atomic>
#include <string>

#include "absl/functional/function_ref.h"

namespace scoutlight::discovery {

// What an edge shows of an instance, as bytes in its own form.
struct EncodedInstance {
  std::string message;
  std::string first_endpoint;  // Empty: it has none.
};

// Keeps those bytes with the instance, so that they are made once for all who ask until it changes. No part of its value: a copy has none,
// and all compare equal. Thread-safe but for assignment; does not block.
class EncodedOnce {
 public:
  EncodedOnce() = default;
  EncodedOnce(const EncodedOnce&) {}
  EncodedOnce& operator=(const EncodedOnce&) {
    delete made_.exchange(nullptr, std::memory_order_acq_rel);
    return *this;
  }
  ~EncodedOnce() { delete made_.load(std::memory_order_acquire); }

  // Whoever comes first makes them; of several at a time, the bytes of one are kept. Valid as long as the instance.
  const EncodedInstance& Get(absl::FunctionRef<EncodedInstance()> make) const {
    if (const EncodedInstance* const made = made_.load(std::memory_order_acquire); made != nullptr) return *made;
    const EncodedInstance* const mine = new EncodedInstance(make());
    const EncodedInstance* kept = nullptr;
    if (made_.compare_exchange_strong(kept, mine, std::memory_order_acq_rel)) return *mine;
    delete mine;
    return *kept;
  }

  friend bool operator==(const EncodedOnce&, const EncodedOnce&) { return true; }

 private:
  mutable std::atomic<const EncodedInstance*> made_{nullptr};  // Released when complete.
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_ENCODED_INSTANCE_H_
