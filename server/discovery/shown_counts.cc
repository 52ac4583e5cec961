#include "server/discovery/shown_counts.h"

#include <algorithm>
#include <utility>

namespace scoutlight::server {
namespace {

using discovery::ServiceName;
using discovery::SnapshotPtr;

bool IsAtWork(const SnapshotPtr& snapshot, const std::string& id) {
  if (snapshot == nullptr) return false;
  const discovery::InstancePtr instance = snapshot->Find(id);
  return instance != nullptr && instance->status != discovery::Status::kDraining;
}

}  // namespace

bool ShownCounts::Begin(uint64_t number, const discovery::InstanceName& name, const SnapshotPtr& newest) {
  size_t place = 0;
  while (place < by_place_.size() && taken_[place]) ++place;
  if (place == taken_.size()) return false;
  if (place == by_place_.size()) by_place_.emplace_back();
  const ServiceName service{name.cluster, name.service};
  OnLook(service, newest);
  by_place_[place] = {.name = name, .watches = 0};
  taken_.set(place);
  may_grow_.set(place, IsAtWork(newest, name.id));
  places_[number] = place;
  OfService& of_service = services_[service];
  of_service.looked_at = newest;
  of_service.places.push_back(place);
  return true;
}

void ShownCounts::Enter(uint64_t number, Marks* marks) {
  const size_t place = places_.at(number);
  if (marks->test(place)) return;
  marks->set(place);
  ++by_place_[place].watches;
}

std::optional<int> ShownCounts::At(uint64_t number) const {
  const auto found = places_.find(number);
  if (found == places_.end()) return std::nullopt;
  return by_place_[found->second].watches;
}

void ShownCounts::OnLook(const ServiceName& service, const SnapshotPtr& newest) {
  if (services_.empty()) return;
  const auto found = services_.find(service);
  if (found == services_.end() || found->second.looked_at == newest) return;
  found->second.looked_at = newest;
  for (const size_t place : found->second.places) {
    if (IsAtWork(newest, by_place_[place].name.id)) may_grow_.set(place);
  }
}

void ShownCounts::OnMoved(const ServiceName& service, Shows shows, Marks* marks) {
  if (services_.empty()) return;
  const auto found = services_.find(service);
  if (found == services_.end()) return;
  for (const size_t place : found->second.places) {
    if (!marks->test(place) && !may_grow_[place]) continue;
    Kept& kept = by_place_[place];
    const bool is_in = shows(kept.name.id);
    if (is_in == marks->test(place)) continue;
    marks->set(place, is_in);
    kept.watches += is_in ? 1 : -1;
  }
}

void ShownCounts::Leave(Marks* marks) {
  if (marks->none()) return;
  for (size_t place = 0; place < by_place_.size(); ++place) {
    if (marks->test(place)) --by_place_[place].watches;
  }
  marks->reset();
}

std::optional<ShownCounts::Ended> ShownCounts::End(uint64_t number) {
  const auto found = places_.find(number);
  if (found == places_.end()) return std::nullopt;
  Ended ended{.place = found->second, .name = std::move(by_place_[found->second].name)};
  by_place_[ended.place] = {};
  taken_.reset(ended.place);
  may_grow_.reset(ended.place);
  places_.erase(found);
  const auto of_service = services_.find(ServiceName{ended.name.cluster, ended.name.service});
  std::vector<size_t>& places = of_service->second.places;
  places.erase(std::find(places.begin(), places.end(), ended.place));
  if (places.empty()) services_.erase(of_service);
  return ended;
}

}  // namespace scoutlight::server
