#ifndef SCOUTLIGHT_STORAGE_LOCAL_RECENT_MAP_H_
#define SCOUTLIGHT_STORAGE_LOCAL_RECENT_MAP_H_

#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace scoutlight::storage {

// Values by text, bounded in bytes: beyond, those that were used least lately go. Not thread-safe.
template <typename Value>
class RecentMap {
 public:
  struct Kept {
    std::string key;
    Value value;
    size_t value_bytes = 0;
  };
  // In order of use, the last used first.
  using Uses = std::list<Kept>;

  // What holds a value, beside its key.
  static constexpr size_t kPlaceBytes = 160;

  explicit RecentMap(size_t bytes_max) : bytes_max_(bytes_max) {}

  // nullptr: there is none. Valid until the next call that is not const. Find() is no use.
  const Value* Find(absl::string_view key) const {
    const auto found = places_.find(key);
    return found == places_.end() ? nullptr : &found->second->value;
  }
  const Value* Use(absl::string_view key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return nullptr;
    uses_.splice(uses_.begin(), uses_, found->second);
    return &found->second->value;
  }

  // In place of the value that may be there, and as the last used. What has to go comes into `dropped`, here and below: whoever holds a
  // mutex destroys it when that is free again.
  void Set(absl::string_view key, Value value, size_t value_bytes, Uses* dropped) {
    if (const auto found = places_.find(key); found != places_.end()) {
      Kept& kept = *found->second;
      bytes_ = bytes_ - kept.value_bytes + value_bytes;
      kept.value = std::move(value);
      kept.value_bytes = value_bytes;
      uses_.splice(uses_.begin(), uses_, found->second);
    } else {
      uses_.push_front({.key = std::string(key), .value = std::move(value), .value_bytes = value_bytes});
      places_.emplace(uses_.front().key, uses_.begin());
      bytes_ += BytesOf(uses_.front());
    }
    while (bytes_ > bytes_max_) Drop(std::prev(uses_.end()), dropped);
  }
  void Erase(absl::string_view key, Uses* dropped) {
    if (const auto found = places_.find(key); found != places_.end()) Drop(found->second, dropped);
  }
  void Clear(Uses* dropped) {
    places_.clear();
    dropped->splice(dropped->begin(), uses_);
    bytes_ = 0;
  }

 private:
  static size_t BytesOf(const Kept& kept) { return kept.key.size() + kept.value_bytes + kPlaceBytes; }

  void Drop(typename Uses::iterator use, Uses* dropped) {
    bytes_ -= BytesOf(*use);
    places_.erase(use->key);
    dropped->splice(dropped->begin(), uses_, use);
  }

  const size_t bytes_max_;
  Uses uses_;
  // By the key in `uses_`, which goes after it.
  absl::flat_hash_map<absl::string_view, typename Uses::iterator> places_;
  size_t bytes_ = 0;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_RECENT_MAP_H_
