#ifndef SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEWS_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEWS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "client/locator/choice.h"
#include "client/locator/thread_view.h"

namespace scoutlight::client {

// The choices that one thread has used, with its views of them, so that the next pick finds them without a lock. At most kSlots; of more,
// some are looked up anew each time. What belongs to services that are followed no more goes at the thread's next look, or with the thread.
class ThreadViews {
 public:
  static constexpr size_t kSlots = 256;

  struct Slot {
    uint64_t key = 0;
    std::shared_ptr<Choice> choice;  // Null: free.
    ThreadViewRef view;              // None: not made yet.
  };

  // The calling thread's.
  static ThreadViews& Mine();
  // What is forgotten goes from the tables of all threads, when they look.
  static void NoteForgotten();

  // The slot of the choice with `key` of which `is_it` holds; nullptr: there is none. Valid until the next call of a method.
  template <typename IsIt>
  Slot* Find(uint64_t key, const IsIt& is_it) {
    if (forgotten_seen_ != forgotten_.load(std::memory_order_relaxed)) DropForgotten();
    Slot* const ways = WaysOf(key);
    for (size_t way = 0; way < kWays; ++way) {
      if (ways[way].key == key && ways[way].choice != nullptr && is_it(*ways[way].choice)) return &ways[way];
    }
    return nullptr;
  }
  // Takes in a choice that is not there, maybe in place of another.
  Slot* Put(std::shared_ptr<Choice> choice);
  static void Clear(Slot* slot) { *slot = Slot(); }

  // A number of this thread's.
  uint64_t lane() const { return lane_; }

 private:
  static constexpr size_t kWays = 4;

  ThreadViews();

  Slot* WaysOf(uint64_t key) { return &slots_[key % (kSlots / kWays) * kWays]; }
  void DropForgotten();

  // How often something was forgotten. Relaxed: it orders nothing.
  static std::atomic<uint64_t> forgotten_;

  const uint64_t lane_;
  uint64_t forgotten_seen_ = 0;
  size_t next_way_ = 0;  // Which goes when all are taken.
  std::vector<Slot> slots_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_THREAD_VIEWS_H_
