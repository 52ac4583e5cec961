#include "tests/checker/watch_mix.h"

#include <algorithm>
#include <utility>

#include "tests/checker/request_mix.h"
#include "tests/support/deadline.h"

namespace scoutlight::checker {

void WatchMix::Connect(const std::string& address) {
  for (auto& watch : resuming_) {
    if (watch == nullptr) watch = Draw(static_cast<Start>(Below(3)));
    sent_ = std::max(sent_, watch->sent());
    watch->Connect(address);
  }
  for (auto& watch : fresh_) ended_.push_back(watch->Take());
  fresh_.clear();
  for (int i = 0; i < fresh_count_; ++i) {
    fresh_.push_back(Draw(static_cast<Start>(i % 3)));
    fresh_.back()->Connect(address);
  }
}

std::unique_ptr<Collector> WatchMix::Draw(Start start) {
  WatchChain chain;
  chain.client = ++clients_;
  chain.range = DrawWatched(&random_);
  chain.include_previous = Below(2) == 0;
  const Revision from = start == Start::kPast ? 1 + static_cast<Revision>(Below(static_cast<uint64_t>(sent_))) : 0;
  // One that begins in the past is sent the state only if it has to be.
  const bool include_snapshot = start == Start::kState || (start == Start::kPast && Below(2) == 0);
  return std::make_unique<Collector>(std::move(chain), from, include_snapshot);
}

bool WatchMix::WaitFor(Revision revision, absl::Duration bound) {
  const testing::Deadline deadline(bound);
  bool reached = true;
  for (auto* watches : {&resuming_, &fresh_}) {
    for (const auto& watch : *watches) reached = watch->WaitFor(revision, deadline.left()) && reached;
  }
  return reached;
}

void WatchMix::AddTo(History* history) {
  for (auto* watches : {&resuming_, &fresh_}) {
    for (const auto& watch : *watches) ended_.push_back(watch->Take());
    watches->clear();
  }
  for (WatchChain& chain : ended_) history->watches.push_back(std::move(chain));
  ended_.clear();
}

}  // namespace scoutlight::checker
