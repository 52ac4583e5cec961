#include "client/locator/thread_view.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "discovery/strategy/candidate.h"

namespace scoutlight::client {
namespace {

absl::Status CheckOptions(const PickOptions& options) {
  if (options.affinity_key.size() > limits::kAffinityKeyBytesMax) {
    return InvalidField(
        Reason::kInvalidField, "affinity_key",
        absl::StrCat("has ", options.affinity_key.size(), " bytes, at most ", limits::kAffinityKeyBytesMax, " are allowed"));
  }
  if (options.avoid.size() > static_cast<size_t>(limits::kPickAvoidMax)) {
    return InvalidField(Reason::kInvalidField, "avoid",
                        absl::StrCat("has ", options.avoid.size(), " picks, at most ", limits::kPickAvoidMax, " are allowed"));
  }
  return absl::OkStatus();
}

// The place of an instance in `view`; kNoPick: it is not there.
int PlaceOf(const View& view, const std::string& id) {
  const auto found =
      std::lower_bound(view.entries.begin(), view.entries.end(), id,
                       [](const ViewEntryPtr& entry, const std::string& wanted) { return entry->instance->name.id < wanted; });
  if (found == view.entries.end() || (*found)->instance->name.id != id) return discovery::kNoPick;
  return static_cast<int>(found - view.entries.begin());
}

absl::Status AllAvoided(const View& view) {
  ErrorDetails details;
  details.reason = Reason::kNoneResolvable;
  return MakeError(absl::StatusCode::kUnavailable,
                   absl::StrCat("no instance is left but those to avoid, of ", view.entries.size(), " that could be picked"), details);
}

}  // namespace

std::optional<absl::StatusOr<Pick>> ThreadViewRef::TryPick(const PickOptions& options) const {
  // Counted before it is looked whether the view is current: who has published a newer one, and finds no picks out, will find none later.
  view_->AddPick();
  Pick pick(view_, discovery::kNoPick);
  if (!view_->IsCurrent()) return std::nullopt;
  const View& view = view_->view();
  if (!view.nobody.ok()) return view.nobody;
  discovery::PickRequest request{.random = &view_->random_};
  std::array<int, limits::kPickAvoidMax> avoid;
  if (!options.affinity_key.empty() || !options.avoid.empty()) {
    if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
    if (!options.affinity_key.empty()) request.affinity = discovery::HashName(options.affinity_key);
    size_t avoided = 0;
    for (const Pick& tried : options.avoid) {
      if (tried.view_ == nullptr) continue;
      const int place = tried.view_ == view_ ? tried.place_ : PlaceOf(view, tried.instance().name.id);
      if (place != discovery::kNoPick) avoid[avoided++] = place;
    }
    request.avoid = absl::MakeConstSpan(avoid.data(), avoided);
  }
  if (view_->parts_.clock != nullptr) request.now = view_->parts_.clock->Now();
  const int place = view_->parts_.picker->Pick(request);
  // A strategy of the program's own may say anything.
  if (place < 0 || static_cast<size_t>(place) >= view.entries.size()) return AllAvoided(view);
  pick.place_ = place;
  return pick;
}

}  // namespace scoutlight::client

namespace scoutlight {

Pick::Pick(const Pick& other) : view_(other.view_), place_(other.place_) {
  if (view_ != nullptr) view_->AddPick();
}

Pick::~Pick() {
  if (view_ != nullptr) view_->RemovePick();
}

const discovery::Instance& Pick::instance() const { return *view_->entry(place_).instance; }

const discovery::Endpoint* Pick::endpoint() const {
  const std::optional<discovery::Endpoint>& endpoint = view_->entry(place_).endpoint;
  return endpoint.has_value() ? &*endpoint : nullptr;
}

bool Pick::guarded() const { return view_->view().guarded; }

Call Pick::Begin() const { return Call(*this); }

Call::Call(Pick pick) : pick_(std::move(pick)) {
  pick_.view_->entry(pick_.place_).record->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void Call::Succeeded() {
  if (pick_.view_ == nullptr || std::exchange(told_, true)) return;
  pick_.view_->calls()->Succeeded(pick_.view_->entry(pick_.place_).record.get());
}

void Call::Failed() {
  if (pick_.view_ == nullptr || std::exchange(told_, true)) return;
  pick_.view_->calls()->Failed(pick_.view_->entry(pick_.place_).record.get());
}

void Call::End() {
  if (pick_.view_ != nullptr) pick_.view_->entry(pick_.place_).record->in_flight.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace scoutlight
