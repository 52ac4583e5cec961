#include "discovery/strategy/round_robin.h"

#include <utility>

namespace scoutlight::discovery {
namespace {

class RoundRobinPicker : public Picker {
 public:
  RoundRobinPicker(int size, std::shared_ptr<std::atomic<uint64_t>> turn) : size_(size), turn_(std::move(turn)) {}

  int Pick(const PickRequest& request) override {
    if (size_ == 0) return kNoPick;
    const int start = static_cast<int>(turn_->fetch_add(1, std::memory_order_relaxed) % size_);
    if (!request.Avoids(start)) return start;
    const int place = FirstAllowed(request, start, size_);
    // Those passed over have had their turn, or the next one would have two.
    if (place != kNoPick) turn_->fetch_add((place - start + size_) % size_, std::memory_order_relaxed);
    return place;
  }

 private:
  const int size_;
  const std::shared_ptr<std::atomic<uint64_t>> turn_;
};

}  // namespace

std::unique_ptr<Picker> RoundRobin::NewPicker(SharedCandidates candidates) { return NewPickerOf(static_cast<int>(candidates->size())); }

std::unique_ptr<Picker> RoundRobin::NewPickerOf(int candidates) { return std::make_unique<RoundRobinPicker>(candidates, turn_); }

}  // namespace scoutlight::discovery
