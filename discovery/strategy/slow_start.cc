#include "discovery/strategy/slow_start.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <utility>

#include "base/limits.h"

namespace scoutlight::discovery {
namespace {

constexpr int kTries = 4;
constexpr double kShareMin = 0.1;

class SlowStartPicker : public Picker {
 public:
  SlowStartPicker(absl::Duration window, SharedCandidates candidates, std::unique_ptr<Picker> inner)
      : window_(window), candidates_(std::move(candidates)), inner_(std::move(inner)) {
    for (const Candidate& candidate : *candidates_) {
      newest_ = std::max(newest_, candidate.registered_at);
      oldest_ = std::min(oldest_, candidate.registered_at);
    }
  }

  int Pick(const PickRequest& request) override {
    if (request.now - newest_ >= window_) return inner_->Pick(request);
    // The caller's to avoid, then the refused ones.
    std::array<int, limits::kPickAvoidMax> avoid;
    size_t avoided = std::min(request.avoid.size(), avoid.size());
    std::copy_n(request.avoid.begin(), avoided, avoid.begin());
    PickRequest again = request;
    int chosen = kNoPick;
    double least = std::numeric_limits<double>::infinity();  // Of what was drawn for each, as a part of its share.
    for (int i = 0; i < kTries; ++i) {
      again.avoid = absl::MakeConstSpan(avoid.data(), avoided);
      const int place = inner_->Pick(again);
      if (place == kNoPick) break;
      const double drawn = Draw(request, place) / ShareOf(place, request.now);
      if (drawn < 1) return place;
      if (drawn < least) {
        least = drawn;
        chosen = place;
      }
      if (avoided == avoid.size()) break;
      avoid[avoided++] = place;
    }
    return chosen;
  }

 private:
  double ShareOf(int place, absl::Time now) const {
    const auto age = [&](absl::Time registered_at) { return std::clamp(now - registered_at, absl::ZeroDuration(), window_); };
    const absl::Duration behind = age(oldest_) - age((*candidates_)[place].registered_at);
    return std::max(kShareMin, 1 - absl::FDivDuration(behind, window_));
  }

  double Draw(const PickRequest& request, int place) const {
    if (!request.affinity.has_value()) return request.random->Unit();
    return UnitInterval(MixBits(MixBits(*request.affinity) ^ (*candidates_)[place].id));
  }

  const absl::Duration window_;
  const SharedCandidates candidates_;
  const std::unique_ptr<Picker> inner_;
  // Registrations. Constant after construction.
  absl::Time newest_ = absl::InfinitePast();
  absl::Time oldest_ = absl::InfiniteFuture();
};

}  // namespace

SlowStart::SlowStart(absl::Duration window, std::unique_ptr<Strategy> inner) : window_(window), inner_(std::move(inner)) {}

std::unique_ptr<Picker> SlowStart::NewPicker(SharedCandidates candidates) {
  std::unique_ptr<Picker> inner = inner_->NewPicker(candidates);
  return std::make_unique<SlowStartPicker>(window_, std::move(candidates), std::move(inner));
}

}  // namespace scoutlight::discovery
