#include "client/locator/thread_views.h"

namespace scoutlight::client {
namespace {

uint64_t NextLane() {
  static std::atomic<uint64_t> lanes{0};
  return lanes.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

std::atomic<uint64_t> ThreadViews::forgotten_{0};

ThreadViews::ThreadViews() : lane_(NextLane()), slots_(kSlots) {}

ThreadViews& ThreadViews::Mine() {
  thread_local ThreadViews mine;
  return mine;
}

void ThreadViews::NoteForgotten() { forgotten_.fetch_add(1, std::memory_order_relaxed); }

void ThreadViews::DropForgotten() {
  forgotten_seen_ = forgotten_.load(std::memory_order_relaxed);
  for (Slot& slot : slots_) {
    if (slot.choice != nullptr && slot.choice->service()->forgotten()) Clear(&slot);
  }
}

ThreadViews::Slot* ThreadViews::Put(std::shared_ptr<Choice> choice) {
  Slot* const ways = WaysOf(choice->key());
  Slot* taken = nullptr;
  for (size_t way = 0; way < kWays && taken == nullptr; ++way) {
    if (ways[way].choice == nullptr) taken = &ways[way];
  }
  if (taken == nullptr) taken = &ways[next_way_++ % kWays];
  *taken = Slot{.key = choice->key(), .choice = nullptr, .view = {}};
  taken->choice = std::move(choice);
  return taken;
}

}  // namespace scoutlight::client
