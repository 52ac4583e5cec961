#ifndef SCOUTLIGHT_STORAGE_LOCAL_REQUEST_INDEX_H_
#define SCOUTLIGHT_STORAGE_LOCAL_REQUEST_INDEX_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/entry.h"

namespace scoutlight::storage {

// Remembers which requests were carried out, so that a repetition gets the first answer: that of the transaction evaluated again on the
// state before it, which history still has. Holds at most `requests_max`, each for `window`; drops the oldest first. Holds no clock. Not
// thread-safe: used by whoever leads the commits.
class RequestIndex {
 public:
  struct Request {
    uint64_t hash = 0;
    Revision before = 0;   // The state it was evaluated on.
    bool changed = false;  // It made revision `before + 1`.
  };

  RequestIndex(size_t requests_max, absl::Duration window) : requests_max_(requests_max), window_(window) {}

  // Times given to Add never go back.
  void Add(absl::string_view caller, absl::string_view request_id, Request request, absl::Time now);
  std::optional<Request> Find(absl::string_view caller, absl::string_view request_id) const;
  void Expire(absl::Time now);

  // The oldest state that a repetition may need; nullopt: none.
  std::optional<Revision> OldestNeeded() const;
  size_t size() const { return requests_.size(); }

 private:
  using Name = std::pair<std::string, std::string>;  // Caller, request id.

  size_t requests_max_;
  absl::Duration window_;
  absl::flat_hash_map<Name, Request> requests_;
  std::deque<std::pair<absl::Time, Name>> by_time_;
};

}  // namespace scoutlight::storage

#endif  // SCOUTLIGHT_STORAGE_LOCAL_REQUEST_INDEX_H_
