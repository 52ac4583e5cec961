#include "client/locator.h"

#include <random>
#include <utility>

#include "base/clock.h"
#include "client/locator/locator_core.h"
#include "client/wire/wire.h"

namespace scoutlight {
namespace {

using client::LocatorCore;
using Wait = LocatorCore::Wait;

const ResolveOptions& DefaultOptions() {
  static const auto& options = *new ResolveOptions();
  return options;
}

absl::Status MovedFrom() { return absl::FailedPreconditionError("the locator was moved from"); }

}  // namespace

absl::StatusOr<Pick> ServiceHandle::Resolve(const PickOptions& pick) const { return core_->PickFrom(choice_, pick, Wait::kForFirstAnswer); }

absl::StatusOr<Pick> ServiceHandle::TryResolve(const PickOptions& pick) const { return core_->PickFrom(choice_, pick, Wait::kNever); }

absl::StatusOr<Locator> Locator::Open(const Connection& connection, LocatorOptions options) {
  if (absl::Status wrong = CheckOptions(options); !wrong.ok()) return wrong;
  const std::shared_ptr<client::Wire>& wire = connection.wire();
  std::random_device device;
  LocatorCore::Parts parts{.subscription = {.loop = &wire->loop(),
                                            .open = wire->subscribe_streams(),
                                            .unit_random = wire->unit_random(),
                                            .new_id = [wire = wire.get()] { return wire->NewId(); }},
                           .callbacks = &wire->callbacks(),
                           .clock = &Clock::System(),
                           .saw = [wire = wire.get()](Revision revision, const StoreId& store_id) { wire->Saw(revision, store_id); },
                           .seed = uint64_t{device()} << 32 | device(),
                           .keep = wire};
  return Locator(std::make_shared<LocatorCore>(std::move(parts), std::move(options)));
}

Locator::Locator(Locator&& other) noexcept = default;

Locator& Locator::operator=(Locator&& other) noexcept {
  Locator moved(std::move(other));
  std::swap(core_, moved.core_);
  return *this;
}

Locator::~Locator() {
  if (core_ != nullptr) core_->Close();
}

absl::StatusOr<Pick> Locator::Resolve(absl::string_view service) { return Resolve(service, DefaultOptions()); }

absl::StatusOr<Pick> Locator::Resolve(absl::string_view service, const ResolveOptions& options, const PickOptions& pick) {
  if (core_ == nullptr) return MovedFrom();
  return core_->Resolve(service, options, pick, Wait::kForFirstAnswer);
}

absl::StatusOr<Pick> Locator::TryResolve(absl::string_view service, const ResolveOptions& options, const PickOptions& pick) {
  if (core_ == nullptr) return MovedFrom();
  return core_->Resolve(service, options, pick, Wait::kNever);
}

absl::StatusOr<ServiceHandle> Locator::Service(absl::string_view service, const ResolveOptions& options) {
  if (core_ == nullptr) return MovedFrom();
  absl::StatusOr<std::shared_ptr<client::Choice>> choice = core_->ChoiceFor(service, options);
  if (!choice.ok()) return choice.status();
  return ServiceHandle(core_, *std::move(choice));
}

absl::Status Locator::Follow(const std::vector<std::string>& services) { return core_ == nullptr ? MovedFrom() : core_->Follow(services); }

void Locator::Forget(absl::string_view service) {
  if (core_ != nullptr) core_->Forget(service);
}

absl::Duration Locator::AgeOf(absl::string_view service) const {
  return core_ == nullptr ? absl::InfiniteDuration() : core_->AgeOf(service);
}

discovery::SnapshotPtr Locator::SnapshotOf(absl::string_view service) const {
  return core_ == nullptr ? nullptr : core_->SnapshotOf(service);
}

absl::StatusOr<ChangeWatch> Locator::OnChange(absl::string_view service, ChangeCallback callback) {
  if (core_ == nullptr) return MovedFrom();
  return core_->OnChange(service, std::move(callback));
}

}  // namespace scoutlight
