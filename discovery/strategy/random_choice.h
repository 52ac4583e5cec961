#ifndef SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_CHOICE_H_
#define SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_CHOICE_H_

#include "discovery/strategy/picker.h"

namespace scoutlight::discovery {

// Each as likely as the others, whatever was picked before (the single choice of Mitzenmacher, "The power of two choices in randomized load
// balancing", 1996, with which the others are compared). Without state: many clients need not agree on anything.
class RandomChoicePicker : public Picker {
 public:
  explicit RandomChoicePicker(int candidates) : size_(candidates) {}

  int Pick(const PickRequest& request) override {
    if (size_ == 0) return kNoPick;
    // Drawing again keeps all chances equal; the last draw says where the search begins.
    constexpr int kDraws = 8;
    int place = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      place = static_cast<int>(request.random->Below(size_));
      if (!request.Avoids(place)) return place;
    }
    return FirstAllowed(request, place, size_);
  }

 private:
  const int size_;
};

class RandomChoice : public Strategy {
 public:
  std::unique_ptr<Picker> NewPicker(SharedCandidates candidates) override { return NewPickerOf(static_cast<int>(candidates->size())); }
  std::unique_ptr<Picker> NewPickerOf(int candidates) override { return std::make_unique<RandomChoicePicker>(candidates); }
};

}  // namespace scoutlight::discovery

#endif  // SCOUTLIGHT_DISCOVERY_STRATEGY_RANDOM_CHOICE_H_
