#include "client/pool/channel_pool.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/pool/observed_channel.h"

namespace scoutlight::client {
namespace {

constexpr int kChannelsMax = 100'000;

absl::Status CheckOptions(const ServicePoolOptions& options) {
  std::vector<FieldViolation> violations;
  if (options.channels_max < 1 || options.channels_max > kChannelsMax) {
    violations.push_back({"channels_max", absl::StrCat("is ", options.channels_max, ", 1 to ", kChannelsMax, " are allowed")});
  }
  if (options.judge == nullptr) violations.push_back({"judge", "is missing"});
  if (violations.empty()) return absl::OkStatus();
  return InvalidFields(Reason::kInvalidField, std::move(violations));
}

absl::Status NoEndpoint(const discovery::InstanceName& name) {
  ErrorDetails details;
  details.reason = Reason::kNoneMatches;
  return MakeError(absl::StatusCode::kFailedPrecondition, absl::StrCat("the instance ", name.id, " has no endpoint"), details);
}

// Whether the registration is gone, is another one, or drains.
bool IsOver(const discovery::ServiceSnapshot& snapshot, const discovery::InstanceName& name, Revision epoch) {
  const discovery::InstancePtr now = snapshot.Find(name.id);
  return now == nullptr || now->epoch != epoch || now->status == discovery::Status::kDraining;
}

}  // namespace

ChannelPool::ChannelPool(Locator& locator, std::string service, ServicePoolOptions options, MakeStub make_stub)
    : locator_(locator), service_(std::move(service)), options_(std::move(options)), make_stub_(make_stub), wrong_(CheckOptions(options_)) {
  if (wrong_.ok()) Watch();
}

PickedChannel ChannelPool::Pick(const PickOptions& options) {
  if (!wrong_.ok()) return Refuse(wrong_);
  Watch();
  absl::StatusOr<scoutlight::Pick> pick = locator_.Resolve(service_, options_.resolve, options);
  if (!pick.ok()) return Refuse(pick.status());
  if (pick->endpoint() == nullptr) return Refuse(NoEndpoint(pick->instance().name));
  std::shared_ptr<void> stub = Find(*pick);
  if (stub == nullptr) {
    absl::StatusOr<std::shared_ptr<void>> connected = Connect(*pick);
    if (!connected.ok()) return Refuse(connected.status());
    stub = Keep(*pick, *std::move(connected));
  }
  return {.status = {}, .stub = std::move(stub), .pick = *std::move(pick)};
}

int ChannelPool::size() const {
  MutexLock lock(&mu_);
  return static_cast<int>(kept_.size());
}

std::shared_ptr<void> ChannelPool::Find(const scoutlight::Pick& pick) {
  MutexLock lock(&mu_);
  const auto found = kept_.find(InstanceCalls::KeyOf(pick));
  // An instance may have moved.
  if (found == kept_.end() || found->second.endpoint != *pick.endpoint()) return nullptr;
  found->second.used = ++picks_;
  return found->second.stub;
}

absl::StatusOr<std::shared_ptr<void>> ChannelPool::Connect(const scoutlight::Pick& pick) const {
  absl::StatusOr<std::shared_ptr<grpc::Channel>> channel = ObservedChannel(*pick.endpoint(), InstanceCalls(pick), options_);
  if (!channel.ok()) return channel.status();
  return make_stub_(*channel);
}

std::shared_ptr<void> ChannelPool::Keep(const scoutlight::Pick& pick, std::shared_ptr<void> stub) {
  std::vector<Kept> gone;  // Outlives the lock: destroying a channel takes time.
  MutexLock lock(&mu_);
  const discovery::Instance& instance = pick.instance();
  // Picked from what was known before a Retire(), which will not come again for it. What it was not shown yet is newer.
  if (shown_ != nullptr && instance.mod_revision <= shown_->revision() && IsOver(*shown_, instance.name, instance.epoch)) return stub;
  const void* const key = InstanceCalls::KeyOf(pick);
  if (const auto found = kept_.find(key); found != kept_.end()) {
    if (found->second.endpoint == *pick.endpoint()) return found->second.stub;
    gone.push_back(std::move(found->second));
    kept_.erase(found);
  } else if (kept_.size() >= static_cast<size_t>(options_.channels_max)) {
    const auto oldest =
        std::min_element(kept_.begin(), kept_.end(), [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    gone.push_back(std::move(oldest->second));
    kept_.erase(oldest);
  }
  kept_.emplace(key, Kept{.name = pick.instance().name,
                          .epoch = pick.instance().epoch,
                          .endpoint = *pick.endpoint(),
                          .calls = InstanceCalls(pick),
                          .stub = stub,
                          .used = ++picks_});
  return stub;
}

PickedChannel ChannelPool::Refuse(absl::Status status) const {
  std::shared_ptr<void> stub = make_stub_(RefusingChannel(status));
  return {.status = std::move(status), .stub = std::move(stub), .pick = std::nullopt};
}

void ChannelPool::Watch() {
  {
    MutexLock lock(&mu_);
    if (std::exchange(watched_, true)) return;
  }
  absl::StatusOr<ChangeWatch> watch = locator_.OnChange(service_, [this](const ServiceChange& change) { Retire(change); });
  if (watch.ok()) {
    watch_ = *std::move(watch);
    return;
  }
  MutexLock lock(&mu_);
  watched_ = false;
}

void ChannelPool::Retire(const ServiceChange& change) {
  std::vector<Kept> gone;  // Outlives the lock, as in Keep().
  MutexLock lock(&mu_);
  shown_ = change.snapshot;
  for (auto each = kept_.begin(); each != kept_.end();) {
    const auto next = std::next(each);
    if (IsOver(*change.snapshot, each->second.name, each->second.epoch)) {
      gone.push_back(std::move(each->second));
      kept_.erase(each);
    }
    each = next;
  }
}

}  // namespace scoutlight::client
