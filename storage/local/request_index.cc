#include "storage/local/request_index.h"

namespace scoutlight::storage {

void RequestIndex::Add(absl::string_view caller, absl::string_view request_id, Request request, absl::Time now) {
  Name name{std::string(caller), std::string(request_id)};
  if (!requests_.try_emplace(name, request).second) return;
  by_time_.emplace_back(now, std::move(name));
  while (by_time_.size() > requests_max_) {
    requests_.erase(by_time_.front().second);
    by_time_.pop_front();
  }
}

std::optional<RequestIndex::Request> RequestIndex::Find(absl::string_view caller, absl::string_view request_id) const {
  const auto found = requests_.find(Name{std::string(caller), std::string(request_id)});
  if (found == requests_.end()) return std::nullopt;
  return found->second;
}

void RequestIndex::Expire(absl::Time now) {
  while (!by_time_.empty() && by_time_.front().first < now - window_) {
    requests_.erase(by_time_.front().second);
    by_time_.pop_front();
  }
}

std::optional<Revision> RequestIndex::OldestNeeded() const {
  if (by_time_.empty()) return std::nullopt;
  // Requests are added in the order of the states they saw.
  return requests_.at(by_time_.front().second).before;
}

}  // namespace scoutlight::storage
