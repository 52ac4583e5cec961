#include "server/discovery/shared_filters.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::server {

absl::StatusOr<discovery::Filter> SharedFilters::Take(const discovery::Filter& filter) {
  if (filter.regexes() == 0) return filter;
  MutexLock lock(&mu_);
  const auto found = filters_.find(filter.text());
  if (found != filters_.end()) {
    ++found->second.users;
    return found->second.filter;
  }
  if (regexes_ + filter.regexes() > regexes_max_) {
    ErrorDetails details;
    details.reason = Reason::kStreamsFull;
    details.retry_after = absl::Seconds(1);
    return MakeError(absl::StatusCode::kResourceExhausted,
                     absl::StrCat("the filters of watches hold ", regexes_, " regular expressions, at most ", regexes_max_,
                                  " are allowed; this one has ", filter.regexes()),
                     details);
  }
  regexes_ += filter.regexes();
  filters_[filter.text()] = {.filter = filter, .users = 1};
  return filter;
}

void SharedFilters::GiveBack(const discovery::Filter& filter) {
  if (filter.regexes() == 0) return;
  MutexLock lock(&mu_);
  const auto found = filters_.find(filter.text());
  if (--found->second.users > 0) return;
  regexes_ -= found->second.filter.regexes();
  filters_.erase(found);
}

}  // namespace scoutlight::server
