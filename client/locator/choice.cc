#include "client/locator/choice.h"

#include <algorithm>
#include <utility>

#include "absl/hash/hash.h"
#include "base/error.h"

namespace scoutlight::client {
namespace {

using discovery::StrategyKind;
using discovery::StrategyOptions;

bool IsSame(const StrategyOptions& a, const StrategyOptions& b) {
  return a.kind == b.kind && a.slow_start == b.slow_start && a.subset == b.subset && a.subset_caller == b.subset_caller && a.zone == b.zone;
}

bool IsSame(const std::optional<StrategyOptions>& a, const std::optional<StrategyOptions>& b) {
  return a.has_value() == b.has_value() && (!a.has_value() || IsSame(*a, *b));
}

bool IsSame(const ResolveOptions& a, const ResolveOptions& b) {
  return a.own_strategy == b.own_strategy && a.endpoint == b.endpoint && a.filter == b.filter && IsSame(a.strategy, b.strategy);
}

bool CountsInFlight(const Choice::Parts& parts) {
  const StrategyKind kind = parts.strategy.kind;
  return parts.own_strategy == nullptr && (kind == StrategyKind::kLeastLoaded || kind == StrategyKind::kPowerOfTwo);
}

bool TakesTurns(const Choice::Parts& parts) {
  const StrategyKind kind = parts.strategy.kind;
  return parts.own_strategy == nullptr && (kind == StrategyKind::kRoundRobin || kind == StrategyKind::kWeightedRoundRobin);
}

}  // namespace

uint64_t Choice::KeyOf(uint64_t locator, absl::string_view service, const ResolveOptions& options) {
  const uint64_t of_name = absl::HashOf(locator, service, options.endpoint, options.filter.text());
  if (!options.strategy.has_value() && options.own_strategy == nullptr) return of_name;
  const StrategyOptions& strategy = options.strategy.has_value() ? *options.strategy : StrategyOptions();
  return absl::HashOf(of_name, options.strategy.has_value(), options.own_strategy, strategy.kind, strategy.slow_start, strategy.subset,
                      strategy.subset_caller, strategy.zone);
}

absl::StatusOr<std::shared_ptr<Choice>> Choice::Make(Parts parts) {
  if (parts.options.filter.uses_age()) {
    return InvalidField(Reason::kInvalidField, "filter", "asks for the age of instances, which a locator does not look at");
  }
  const std::shared_ptr<Choice> choice(new Choice(std::move(parts), nullptr));
  absl::StatusOr<std::unique_ptr<discovery::Strategy>> strategy = choice->NewStrategy();
  if (!strategy.ok()) return PrefixFields(strategy.status(), "strategy.");
  MutexLock lock(&choice->mu_);
  choice->lanes_[0].strategy = *std::move(strategy);
  return choice;
}

Choice::Choice(Parts parts, std::unique_ptr<discovery::Strategy> first)
    : parts_(std::move(parts)),
      key_(KeyOf(parts_.locator, parts_.service->name().service, parts_.options)),
      terms_({.filter = parts_.options.filter, .endpoint = parts_.options.endpoint, .sees_critical = !parts_.strategy.zone.empty()}),
      counts_in_flight_(CountsInFlight(parts_)),
      lanes_count_(parts_.own_strategy != nullptr || parts_.strategy.kind == StrategyKind::kLeastUsed ? 1 : kLanesMax),
      random_(parts_.seed) {
  lanes_[0].strategy = std::move(first);
}

bool Choice::Is(uint64_t locator, absl::string_view service, const ResolveOptions& options) const {
  return parts_.locator == locator && parts_.service->name().service == service && IsSame(parts_.options, options);
}

absl::StatusOr<std::unique_ptr<discovery::Strategy>> Choice::NewStrategy() const {
  if (parts_.own_strategy != nullptr) return discovery::ModifyStrategy(parts_.strategy, parts_.own_strategy);
  if (parts_.strategy.kind == StrategyKind::kLeastLoaded) return discovery::ModifyStrategy(parts_.strategy, MakeLeastLoadedInFlight);
  if (parts_.strategy.kind == StrategyKind::kPowerOfTwo) return discovery::ModifyStrategy(parts_.strategy, MakePowerOfTwoInFlight);
  return discovery::MakeStrategy(parts_.strategy);
}

ThreadViewRef Choice::NewView(uint64_t lane) {
  MutexLock lock(&mu_);
  MakeCurrent();
  DropOut();
  ThreadView::Parts parts{.view = view_,
                          .calls = parts_.service->calls(),
                          .newest = parts_.service->shared_version(),
                          .version = version_,
                          .seed = random_.Next()};
  if (view_->nobody.ok()) parts.picker = PickerOf(&lanes_[lane % static_cast<uint64_t>(lanes_count_)]);
  const bool looks_at_time = parts_.strategy.slow_start != absl::ZeroDuration() || parts_.own_strategy != nullptr;
  if (looks_at_time) parts.clock = parts_.clock;
  ThreadViewRef made = ThreadViewRef::Make(std::move(parts));
  out_.push_back(made);
  return made;
}

void Choice::MakeCurrent() {
  // Read before what it is the version of: if that changes meanwhile, it is looked at again.
  const uint64_t version = parts_.service->version();
  if (version == version_) return;
  const Known known = parts_.service->known();
  entries_ = known.snapshot == nullptr || known.forgotten ? ViewEntries()
                                                          : MakeEntries(entries_, *known.snapshot, terms_, parts_.service->calls().get());
  view_ = std::make_shared<const View>(MakeView(parts_.service->name(), known, entries_, terms_));
  version_ = version;
  if (!counts_in_flight_) return;
  records_.clear();
  for (const ViewEntryPtr& entry : view_->entries) records_[entry->candidate.id] = entry->record;
}

const std::shared_ptr<discovery::Picker>& Choice::PickerOf(Lane* lane) {
  if (lane->view == view_) return lane->picker;
  const bool first = lane->picker == nullptr;
  // Options that were good for the first lane are for all.
  if (lane->strategy == nullptr) lane->strategy = NewStrategy().value();
  const RecordsScope scope(&records_);
  lane->picker = lane->strategy->NewPicker(view_->candidates);
  lane->view = view_;
  if (first) DrawTurn(view_->entries.size(), lane->picker.get());
  return lane->picker;
}

void Choice::DrawTurn(size_t size, discovery::Picker* picker) {
  if (!TakesTurns(parts_) || size == 0) return;
  constexpr size_t kTurnsMax = 1'024;
  const uint64_t turns = random_.Below(std::min(size, kTurnsMax));
  discovery::Random random(random_.Next());
  for (uint64_t turn = 0; turn < turns; ++turn) picker->Pick({.now = parts_.clock->Now(), .random = &random});
}

void Choice::DropOut() {
  const uint64_t newest = parts_.service->version();
  out_.erase(
      std::remove_if(out_.begin(), out_.end(),
                     [newest](const ThreadViewRef& view) { return view->IsLast() || (view->version() != newest && view->picks() == 0); }),
      out_.end());
}

bool Choice::HasOldPicks() {
  MutexLock lock(&mu_);
  DropOut();
  const uint64_t newest = parts_.service->version();
  return std::any_of(out_.begin(), out_.end(), [newest](const ThreadViewRef& view) { return view->version() != newest; });
}

}  // namespace scoutlight::client
