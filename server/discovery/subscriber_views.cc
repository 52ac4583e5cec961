#include "server/discovery/subscriber_views.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <limits>
#include <utility>

namespace scoutlight::server {
namespace {

constexpr size_t kHeldMax = 4;
constexpr size_t kSentMax = 3;
constexpr int64_t kNotYet = std::numeric_limits<int64_t>::max();

}  // namespace

void SubscriberViews::Begin(discovery::SnapshotPtr snapshot, Revision revision) {
  if (sent_.size() == kSentMax) {
    // The first ones are kept until they are confirmed, so that a subscriber that is always late gets on. No old instances are kept for it.
    sent_.pop_back();
    for (View& view : sent_) view.snapshot = nullptr;
    for (View& view : held_) view.snapshot = nullptr;
  }
  sent_.push_back({.revision = revision, .snapshot = std::move(snapshot), .message = kNotYet});
}

void SubscriberViews::Complete(int64_t message) { sent_.back().message = message; }

bool SubscriberViews::Confirm(int64_t messages) {
  const auto next = std::find_if(sent_.begin(), sent_.end(), [messages](const View& view) { return view.message > messages; });
  if (next == sent_.begin()) return false;
  View confirmed = std::move(*std::prev(next));
  sent_.erase(sent_.begin(), next);
  confirmed_ = std::max(confirmed_, confirmed.revision);
  held_.clear();
  held_.push_back(std::move(confirmed));
  return true;
}

void SubscriberViews::Restart() {
  for (View& view : sent_) Hold(std::move(view));
  sent_.clear();
}

void SubscriberViews::AssumeAny() {
  Hold({});
  // Another server may have shown it older states since.
  confirmed_ = 0;
}

void SubscriberViews::Hold(View view) {
  if (held_.size() == kHeldMax) {
    const auto oldest = std::min_element(held_.begin(), held_.end(), [](const View& a, const View& b) { return a.revision < b.revision; });
    view = {.revision = std::min(view.revision, oldest->revision), .snapshot = nullptr};
    held_.clear();
  }
  held_.push_back(std::move(view));
}

bool SubscriberViews::MayActOn(const std::string& id, Revision revision) const {
  if (confirmed_ >= revision) return false;
  const auto shows_at_work = [&](const View& view) {
    if (view.revision >= revision) return false;
    if (view.snapshot == nullptr) return true;
    const discovery::InstancePtr instance = view.snapshot->Find(id);
    return instance != nullptr && instance->status != discovery::Status::kDraining;
  };
  return std::any_of(held_.begin(), held_.end(), shows_at_work) || std::any_of(sent_.begin(), sent_.end(), shows_at_work);
}

}  // namespace scoutlight::server
