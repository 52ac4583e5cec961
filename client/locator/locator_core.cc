#include "client/locator/locator_core.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/events/run_and_wait.h"
#include "discovery/names.h"

namespace scoutlight::client {
namespace {

// How often a pick is tried when what is known changes under it.
constexpr int kTriesMax = 16;
// What the file has of a service that was not asked for is kept for so long.
constexpr absl::Duration kSeedAgeMax = absl::Hours(24);

uint64_t NextId() {
  static std::atomic<uint64_t> ids{0};
  return ids.fetch_add(1, std::memory_order_relaxed) + 1;
}

// Opens once.
class Latch {
 public:
  void Open() {
    MutexLock lock(&mu_);
    open_ = true;
    opened_.NotifyAll();
  }
  // At most about `timeout`.
  void AwaitFor(absl::Duration timeout, Clock* clock) {
    const absl::Duration end = clock->SinceBoot() + timeout;
    MutexLock lock(&mu_);
    for (absl::Duration left = timeout; !open_ && left > absl::ZeroDuration(); left = end - clock->SinceBoot()) {
      opened_.WaitFor(&mu_, left);
    }
  }

 private:
  Mutex mu_;
  CondVar opened_;
  bool open_ ABSL_GUARDED_BY(mu_) = false;
};

absl::Status Closed() { return absl::FailedPreconditionError("the locator is closed"); }

absl::Status Forgotten(const discovery::ServiceName& name) {
  return absl::FailedPreconditionError(absl::StrCat("service ", name.service, " is followed no more"));
}

absl::Status TooManyServices() {
  ErrorDetails details;
  details.reason = Reason::kWatchesFull;
  return MakeError(absl::StatusCode::kResourceExhausted,
                   absl::StrCat("a locator follows at most ", limits::kSubscribedServicesMax, " services: one must be forgotten first"),
                   details);
}

absl::Status ChangesTooFast(const discovery::ServiceName& name) {
  return absl::UnavailableError(absl::StrCat("service ", name.service, " changes faster than it can be read"));
}

}  // namespace

LocatorCore::LocatorCore(Parts parts, LocatorOptions options)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      id_(NextId()),
      problems_(std::make_shared<Problems>()),
      gate_(parts_.callbacks),
      feeds_(std::make_unique<LocatorFeeds>(parts_.subscription, options_, parts_.clock, FeedEvents())) {
  problems_->tell = options_.on_problem;
  if (!options_.snapshot_file.empty()) ReadFile();
}

LocatorFeeds::Events LocatorCore::FeedEvents() {
  LocatorFeeds::Events events{
      .on_published =
          [this] {
            // Whoever has looked before waits by now.
            MutexLock lock(&mu_);
            changed_.NotifyAll();
          },
      .on_connection = [this](const absl::Status& status, LocatorFeeds::Events::Refused refused) { OnConnection(status, refused); },
      .has_old_picks = [this](const std::string& service) { return HasOldPicks(service); },
      .saw = parts_.saw,
      .save = nullptr};
  if (!options_.snapshot_file.empty()) events.save = [this](SavedServices saved) { return SaveSoon(std::move(saved)); };
  return events;
}

void LocatorCore::OnConnection(const absl::Status& status, LocatorFeeds::Events::Refused refused) {
  const bool is_refused = refused == LocatorFeeds::Events::Refused::kYes;
  {
    MutexLock lock(&mu_);
    refusal_ = is_refused ? status : absl::OkStatus();
    changed_.NotifyAll();
  }
  if (is_refused) TellProblem(status);
}

void LocatorCore::TellProblem(const absl::Status& problem) {
  if (problems_->tell == nullptr) return;
  {
    MutexLock lock(&problems_->mu);
    if (std::exchange(problems_->newest, problem).has_value()) return;
  }
  gate_.Post([problems = problems_] {
    std::optional<absl::Status> newest;
    {
      MutexLock lock(&problems->mu);
      newest = std::exchange(problems->newest, std::nullopt);
    }
    problems->tell(*newest);
  });
}

absl::Status LocatorCore::CheckName(absl::string_view service) const {
  if (std::string fault = discovery::ServiceFault(service); !fault.empty()) {
    return InvalidField(Reason::kInvalidField, "service", fault);
  }
  return absl::OkStatus();
}

LocatorCore::StatePtr LocatorCore::FindState(absl::string_view service) const {
  MutexLock lock(&mu_);
  const auto found = services_.find(service);
  return found == services_.end() ? nullptr : found->second;
}

absl::StatusOr<LocatorCore::StatePtr> LocatorCore::StateOf(absl::string_view service) {
  if (closed_) return Closed();
  if (const auto found = services_.find(service); found != services_.end()) return found->second;
  if (services_.size() >= static_cast<size_t>(limits::kSubscribedServicesMax)) return TooManyServices();
  if (absl::Status wrong = CheckName(service); !wrong.ok()) return wrong;
  auto state =
      std::make_shared<ServiceState>(discovery::ServiceName{options_.cluster, std::string(service)}, options_.ejection, parts_.clock);
  discovery::SnapshotPtr seed;
  if (const auto found = seeds_.find(service); found != seeds_.end()) {
    seed = found->second.snapshot;
    const absl::Duration age = parts_.clock->Now() - found->second.current_at;
    state->SetCurrentAt(parts_.clock->SinceBoot() - age);
    state->Publish({.snapshot = seed, .too_old = age > options_.age_max});
  }
  services_[std::string(service)] = state;
  // Under the lock, so that what is followed and forgotten reaches the loop in that order.
  parts_.subscription.loop->Post([this, state, seed] { feeds_->Follow(state, seed); });
  return state;
}

absl::StatusOr<std::shared_ptr<Choice>> LocatorCore::ChoiceFor(absl::string_view service, const ResolveOptions& options) {
  const uint64_t key = Choice::KeyOf(id_, service, options);
  MutexLock lock(&mu_);
  const auto found = choices_.find(key);
  if (found != choices_.end() && found->second->Is(id_, service, options)) return found->second;
  absl::StatusOr<StatePtr> state = StateOf(service);
  if (!state.ok()) return state.status();
  // What is the locator's own was checked when it was made.
  Choice::Parts parts{.locator = id_,
                      .service = *std::move(state),
                      .options = options,
                      .strategy = options.strategy.value_or(options_.strategy),
                      .own_strategy = options.own_strategy,
                      .clock = parts_.clock,
                      .seed = discovery::MixBits(parts_.seed + ++seeds_drawn_)};
  if (!options.strategy.has_value() && options.own_strategy == nullptr) parts.own_strategy = options_.own_strategy;
  absl::StatusOr<std::shared_ptr<Choice>> choice = Choice::Make(std::move(parts));
  if (!choice.ok()) return choice.status();
  if (found == choices_.end()) choices_made_.push_back(key);
  choices_[key] = *choice;
  // One that goes here serves on where it is used already.
  while (choices_made_.size() > kChoicesMax) {
    choices_.erase(choices_made_.front());
    choices_made_.pop_front();
  }
  return choice;
}

absl::StatusOr<Pick> LocatorCore::Resolve(absl::string_view service, const ResolveOptions& options, const PickOptions& pick, Wait wait) {
  ThreadViews& views = ThreadViews::Mine();
  const uint64_t key = Choice::KeyOf(id_, service, options);
  const auto is_it = [&](const Choice& choice) { return choice.Is(id_, service, options); };
  ThreadViews::Slot* slot = views.Find(key, is_it);
  // A service that was forgotten is followed anew.
  if (slot == nullptr || slot->choice->service()->forgotten()) {
    if (slot != nullptr) ThreadViews::Clear(slot);
    absl::StatusOr<std::shared_ptr<Choice>> choice = ChoiceFor(service, options);
    if (!choice.ok()) return choice.status();
    slot = views.Put(*std::move(choice));
  }
  return PickFrom(slot, pick, wait);
}

absl::StatusOr<Pick> LocatorCore::PickFrom(const std::shared_ptr<Choice>& choice, const PickOptions& pick, Wait wait) {
  ThreadViews& views = ThreadViews::Mine();
  ThreadViews::Slot* slot = views.Find(choice->key(), [&choice](const Choice& known) { return &known == choice.get(); });
  if (slot == nullptr) {
    if (choice->service()->forgotten()) return Forgotten(choice->service()->name());
    slot = views.Put(choice);
  }
  return PickFrom(slot, pick, wait);
}

absl::StatusOr<Pick> LocatorCore::PickFrom(ThreadViews::Slot* slot, const PickOptions& pick, Wait wait) {
  for (int i = 0; i < kTriesMax; ++i) {
    if (!slot->view) slot->view = slot->choice->NewView(ThreadViews::Mine().lane());
    std::optional<absl::StatusOr<Pick>> picked = slot->view.TryPick(pick);
    if (!picked.has_value()) {
      slot->view = slot->choice->NewView(ThreadViews::Mine().lane());
      continue;
    }
    const View& view = slot->view->view();
    if (view.usable) return *std::move(picked);
    if (view.forgotten) return Forgotten(slot->choice->service()->name());
    if (wait == Wait::kNever) return *std::move(picked);
    const absl::Status refused = AwaitFirstAnswer(*slot->choice->service());
    if (slot->view->IsCurrent()) return refused.ok() || picked->ok() ? *std::move(picked) : refused;
  }
  return ChangesTooFast(slot->choice->service()->name());
}

absl::Status LocatorCore::AwaitFirstAnswer(const ServiceState& state) {
  MutexLock lock(&mu_);
  while (!closed_ && refusal_.ok() && !state.known().usable) {
    const absl::Duration left = state.followed_at() + options_.first_answer_timeout - parts_.clock->SinceBoot();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(&mu_, left);
  }
  return refusal_;
}

absl::Status LocatorCore::Follow(const std::vector<std::string>& services) {
  for (const std::string& service : services) {
    if (absl::Status wrong = CheckName(service); !wrong.ok()) return wrong;
  }
  MutexLock lock(&mu_);
  for (const std::string& service : services) {
    if (absl::Status full = StateOf(service).status(); !full.ok()) return full;
  }
  return absl::OkStatus();
}

void LocatorCore::Forget(absl::string_view service) {
  MutexLock lock(&mu_);
  const auto found = services_.find(service);
  if (closed_ || found == services_.end()) return;
  StatePtr state = std::move(found->second);
  services_.erase(found);
  for (auto key = choices_made_.begin(); key != choices_made_.end();) {
    const auto choice = choices_.find(*key);
    const bool goes = choice->second->service() == state;
    if (goes) choices_.erase(choice);
    key = goes ? choices_made_.erase(key) : key + 1;
  }
  parts_.subscription.loop->Post([this, state = std::move(state)] {
    state->Publish({.forgotten = true});
    ThreadViews::NoteForgotten();
    feeds_->Forget(state->name().service);
  });
}

absl::Duration LocatorCore::AgeOf(absl::string_view service) const {
  const StatePtr state = FindState(service);
  if (state == nullptr || !state->current_at().has_value()) return absl::InfiniteDuration();
  return std::max(parts_.clock->SinceBoot() - *state->current_at(), absl::ZeroDuration());
}

discovery::SnapshotPtr LocatorCore::SnapshotOf(absl::string_view service) const {
  const StatePtr state = FindState(service);
  return state == nullptr ? nullptr : state->known().snapshot;
}

absl::StatusOr<ChangeWatch> LocatorCore::OnChange(absl::string_view service, ChangeCallback callback) {
  MutexLock lock(&mu_);
  if (absl::Status failed = StateOf(service).status(); !failed.ok()) return failed;
  auto watcher = std::make_shared<ServiceWatcher>(parts_.callbacks, parts_.keep, std::move(callback));
  parts_.subscription.loop->Post([this, service = std::string(service), watched = std::weak_ptr<ServiceWatcher>(watcher)] {
    if (const std::shared_ptr<ServiceWatcher> living = watched.lock(); living != nullptr) feeds_->Watch(service, living);
  });
  return ChangeWatch(std::move(watcher));
}

bool LocatorCore::HasOldPicks(const std::string& service) {
  std::vector<std::shared_ptr<Choice>> of_service;
  {
    MutexLock lock(&mu_);
    for (const auto& [key, choice] : choices_) {
      if (choice->service()->name().service == service) of_service.push_back(choice);
    }
  }
  for (const std::shared_ptr<Choice>& choice : of_service) {
    if (choice->HasOldPicks()) return true;
  }
  return false;
}

void LocatorCore::ReadFile() {
  const absl::StatusOr<std::string> bytes = ReadSnapshotFile(options_.snapshot_file);
  if (absl::IsNotFound(bytes.status())) return;
  absl::StatusOr<SavedServices> saved = bytes.ok() ? DecodeSnapshotFile(*bytes) : bytes.status();
  if (saved.ok() && saved->cluster != options_.cluster) {
    saved = absl::FailedPreconditionError(
        absl::StrCat("the snapshot file is of cluster ", saved->cluster, ", this locator's is ", options_.cluster));
  }
  if (!saved.ok()) return TellProblem(saved.status());
  for (SavedService& service : saved->services) seeds_[service.service] = {std::move(service.snapshot), service.current_at};
}

SavedServices LocatorCore::WithSeeds(SavedServices saved) const {
  absl::flat_hash_map<absl::string_view, bool> known;
  for (const SavedService& service : saved.services) known[service.service] = true;
  std::vector<SavedService> others;
  for (const auto& [service, seed] : seeds_) {
    if (known.contains(service) || parts_.clock->Now() - seed.current_at > kSeedAgeMax) continue;
    others.push_back({.service = service, .snapshot = seed.snapshot, .current_at = seed.current_at});
  }
  for (SavedService& other : others) saved.services.push_back(std::move(other));
  return saved;
}

bool LocatorCore::SaveSoon(SavedServices saved) {
  if (save_waits_.exchange(true, std::memory_order_relaxed)) return false;
  // What it uses, Close() waits for.
  gate_.Post([this, saved = WithSeeds(std::move(saved))] {
    save_waits_.store(false, std::memory_order_relaxed);
    const absl::Status written = WriteFile(saved);
    save_failed_.store(!written.ok(), std::memory_order_relaxed);
    if (!written.ok()) TellProblem(written);
  });
  return true;
}

absl::Status LocatorCore::WriteFile(const SavedServices& saved) const {
  const absl::StatusOr<std::string> bytes = EncodeSnapshotFile(saved);
  if (!bytes.ok()) return bytes.status();
  return WriteSnapshotFile(options_.snapshot_file, *bytes, parts_.subscription.new_id());
}

void LocatorCore::Close() {
  std::vector<StatePtr> states;
  {
    MutexLock lock(&mu_);
    if (std::exchange(closed_, true)) return;
    for (const auto& [service, state] : services_) states.push_back(state);
    changed_.NotifyAll();
  }
  EventLoop* const loop = parts_.subscription.loop;
  const auto heard = std::make_shared<Latch>();
  // What is acted on ends before it is said that it has.
  RunAndWait(loop, [this, &states, heard] {
    for (const StatePtr& state : states) state->Publish({.forgotten = true});
    ThreadViews::NoteForgotten();
    feeds_->Goodbye([heard] { heard->Open(); });
  });
  if (!loop->IsRunningTask()) heard->AwaitFor(kGoodbyeTimeMax, parts_.clock);
  SavedServices saved;
  bool unsaved = false;
  RunAndWait(loop, [this, &saved, &unsaved] {
    saved = feeds_->Saved();
    unsaved = feeds_->unsaved();
    feeds_ = nullptr;
  });
  gate_.Close();
  // What was posted may not have begun, or failed.
  unsaved = unsaved || save_waits_.load(std::memory_order_relaxed) || save_failed_.load(std::memory_order_relaxed);
  // Nobody is left to be told that it failed.
  if (!options_.snapshot_file.empty() && unsaved) WriteFile(WithSeeds(std::move(saved))).IgnoreError();
  MutexLock lock(&mu_);
  choices_.clear();
  choices_made_.clear();
  services_.clear();
}

}  // namespace scoutlight::client
