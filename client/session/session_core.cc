#include "client/session/session_core.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "client/events/run_and_wait.h"
#include "client/session/drain_all.h"

namespace scoutlight::client {

using discovery::InstanceName;

namespace {

constexpr size_t kHostBytesMax = 64;

// Says to people where the instance is: host, process, and what makes it unique.
std::string OwnInstanceId(absl::string_view random) {
  char host[kHostBytesMax + 1] = {};
  if (gethostname(host, kHostBytesMax) != 0) host[0] = '\0';
  std::string id;
  for (const char* c = host; *c != '\0'; ++c) {
    if (absl::ascii_isalnum(static_cast<unsigned char>(*c)) || *c == '-' || (*c == '.' && !id.empty())) id.push_back(*c);
  }
  return absl::StrCat(id.empty() ? "instance" : id, "-", getpid(), "-", random.substr(0, 8));
}

absl::Status NotWanted(const InstanceName& name) {
  ErrorDetails details;
  details.reason = Reason::kInstanceNotFound;
  details.resource = absl::StrCat(name.cluster, "/", name.service, "/", name.id);
  return MakeError(absl::StatusCode::kNotFound, absl::StrCat("the session does not want instance ", name.id, " of ", name.service),
                   details);
}

absl::Status AskedTooMuch() {
  return absl::ResourceExhaustedError(absl::StrCat("at most ", kAskedMax, " registrations and removals may wait to be taken in"));
}

absl::Status HasLeft() { return absl::FailedPreconditionError("the session has left, or is leaving"); }

absl::Status NotKnown(absl::Duration waited) {
  return absl::DeadlineExceededError(
      absl::StrCat("no server has said within ", absl::FormatDuration(waited), " whether it is registered, so it was not drained"));
}

// What is wrong with them, before a server is asked.
absl::Status CheckAll(const std::vector<SessionLogic::Wanted>& wanted) {
  std::vector<FieldViolation> violations;
  std::set<InstanceName> names;
  for (size_t i = 0; i < wanted.size(); ++i) {
    for (const FieldViolation& violation : discovery::CheckInstance(wanted[i].name, *wanted[i].properties)) {
      violations.push_back({absl::StrCat("[", i, "].", violation.field), violation.description});
    }
    if (!names.insert(wanted[i].name).second) {
      violations.push_back({absl::StrCat("[", i, "].id"), absl::StrCat("is ", wanted[i].name.id, ", as that of another one before it")});
    }
  }
  return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
}

SessionLogic::Wanted WantedOf(Registration registration, const std::string& own_id, IfOwned if_owned) {
  return {.name = {registration.cluster.empty() ? "default" : std::move(registration.cluster), std::move(registration.service),
                   registration.id.empty() ? own_id : std::move(registration.id)},
          .properties = std::make_shared<const discovery::Properties>(std::move(registration.properties)),
          .if_owned = if_owned};
}

}  // namespace

SessionCore::SessionCore(std::shared_ptr<Wire> wire, SessionOptions options)
    : wire_(std::move(wire)),
      session_id_(options.session_id.empty() ? wire_->NewId() : options.session_id),
      own_id_(OwnInstanceId(wire_->NewId())),
      on_destroy_(options.on_destroy),
      changes_(options.on_change == nullptr ? nullptr : std::make_shared<ChangeQueue>(std::move(options.on_change))),
      gate_(&wire_->callbacks()) {
  SessionLogic::Parts parts{.loop = &wire_->loop(),
                            .open = wire_->session_streams(),
                            .unit_random = wire_->unit_random(),
                            .tell = [this](const RegistrationReport& report) { OnReport(report); },
                            .saw = [this](Revision revision, const StoreId& store_id) { wire_->Saw(revision, store_id); }};
  logic_ = std::make_unique<SessionLogic>(std::move(parts), SessionLogic::Settings{session_id_, options.ttl, options.session_id.empty()});
}

SessionCore::~SessionCore() = default;

absl::Status SessionCore::CheckRoomFor(const std::vector<SessionLogic::Wanted>& wanted) const {
  size_t wanted_after = std::count_if(known_.begin(), known_.end(), [](const auto& one) { return one.second.wanted; });
  size_t known_after = known_.size() + (changes_ == nullptr ? 0 : changes_->size());
  size_t bytes_after = 0;
  for (const auto& [name, known] : known_) bytes_after += known.wanted ? known.bytes : 0;
  for (const SessionLogic::Wanted& one : wanted) {
    const auto known = known_.find(one.name);
    if (known == known_.end()) ++known_after;
    const bool is_wanted = known != known_.end() && known->second.wanted;
    if (!is_wanted) ++wanted_after;
    bytes_after += discovery::PropertyBytes(*one.properties) - (is_wanted ? known->second.bytes : 0);
  }
  if (wanted_after > limits::kSessionInstancesMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the session would want ", wanted_after, " instances, at most ", limits::kSessionInstancesMax, " are allowed"));
  }
  if (bytes_after > limits::kBytesPerLeaseMax) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the session would want ", bytes_after, " bytes of properties, at most ", limits::kBytesPerLeaseMax, " are allowed"));
  }
  if (known_after > 2 * kKnownMax) {
    return absl::ResourceExhaustedError(absl::StrCat(
        known_after, " instances are wanted, still to go, or to be told to the callback; at most ", 2 * kKnownMax, " are allowed"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<InstanceName>> SessionCore::Register(std::vector<Registration> registrations, IfOwned if_owned) {
  std::vector<SessionLogic::Wanted> wanted;
  std::vector<InstanceName> names;
  for (Registration& registration : registrations) {
    wanted.push_back(WantedOf(std::move(registration), own_id_, if_owned));
    names.push_back(wanted.back().name);
  }
  if (absl::Status wrong = CheckAll(wanted); !wrong.ok()) return wrong;
  MutexLock lock(&mu_);
  if (leaving_) return HasLeft();
  if (asked_ == kAskedMax) return AskedTooMuch();
  if (absl::Status full = CheckRoomFor(wanted); !full.ok()) return full;
  for (const SessionLogic::Wanted& one : wanted) {
    Known& known = known_[one.name];
    known.wanted = true;
    ++known.asked;
    known.bytes = discovery::PropertyBytes(*one.properties);
    known.report = {.name = one.name, .epoch = known.report.epoch};
  }
  ++asked_;
  // Under the mutex: what two threads ask of one instance happens in the order in which it is known here.
  wire_->loop().Post([this, wanted = std::move(wanted), names]() mutable {
    logic_->Register(std::move(wanted));
    OnTaken(names);
  });
  return names;
}

void SessionCore::OnTaken(const std::vector<InstanceName>& names) {
  MutexLock lock(&mu_);
  --asked_;
  for (const InstanceName& name : names) {
    if (const auto known = known_.find(name); known != known_.end()) --known->second.asked;
  }
  changed_.NotifyAll();
}

absl::Status SessionCore::Unregister(const InstanceName& name) {
  MutexLock lock(&mu_);
  const auto known = known_.find(name);
  if (known == known_.end() || !known->second.wanted) return NotWanted(name);
  if (asked_ == kAskedMax) return AskedTooMuch();
  ++asked_;
  known->second.wanted = false;
  known->second.report = {.name = name, .epoch = known->second.report.epoch};
  wire_->loop().Post([this, name] {
    logic_->Unregister(name);
    OnTaken({});
  });
  changed_.NotifyAll();
  return absl::OkStatus();
}

absl::Status SessionCore::SetSoftValues(const InstanceName& name, discovery::SoftValues soft) {
  std::vector<FieldViolation> violations = discovery::CheckSoftValues(soft);
  if (!violations.empty()) return InvalidFields(Reason::kInvalidField, std::move(violations));
  MutexLock lock(&mu_);
  const auto known = known_.find(name);
  if (known == known_.end() || !known->second.wanted) return NotWanted(name);
  // Behind the registration of its instance.
  const bool is_new = soft_.insert_or_assign(name, std::move(soft)).second;
  if (is_new) wire_->loop().Post([this, name] { HandOverSoftValues(name); });
  return absl::OkStatus();
}

void SessionCore::HandOverSoftValues(const InstanceName& name) {
  discovery::SoftValues soft;
  {
    MutexLock lock(&mu_);
    soft = std::move(soft_.extract(name).mapped());
  }
  logic_->SetSoftValues(name, std::move(soft));
}

std::optional<RegistrationReport> SessionCore::StateOf(const InstanceName& name) const {
  MutexLock lock(&mu_);
  const auto known = known_.find(name);
  if (known == known_.end()) return std::nullopt;
  return known->second.report;
}

void SessionCore::OnReport(const RegistrationReport& report) {
  {
    MutexLock lock(&mu_);
    const auto found = known_.find(report.name);
    if (found != known_.end()) {
      Known& known = found->second;
      if (report.state == RegistrationState::kRemoved && !known.wanted && known.asked == 0) {
        known_.erase(found);
      } else {
        known.report = report;
        // It is wanted again since.
        if (report.state == RegistrationState::kRemoved) known.report.state = RegistrationState::kPending;
      }
    }
    changed_.NotifyAll();
  }
  if (changes_ != nullptr && changes_->Add(report)) gate_.Post([changes = changes_] { changes->TellOne(); });
}

std::optional<absl::Status> SessionCore::Outcome() const {
  bool all = true;
  for (const auto& [name, known] : known_) {
    if (!known.wanted) continue;
    const RegistrationReport& report = known.report;
    if (known.asked == 0 && report.state == RegistrationState::kRegistered) continue;
    all = false;
    const bool is_final = report.state == RegistrationState::kFenced ||
                          (report.state == RegistrationState::kRefused && absl::IsInvalidArgument(report.status));
    if (known.asked == 0 && is_final) return report.status;
  }
  if (all) return absl::OkStatus();
  return std::nullopt;
}

absl::Status SessionCore::WaitUntilRegistered(absl::Duration timeout) const {
  const absl::Duration end = Clock::System().SinceBoot() + timeout;
  MutexLock lock(&mu_);
  for (;;) {
    if (std::optional<absl::Status> outcome = Outcome(); outcome.has_value()) return *outcome;
    const absl::Duration left = end - Clock::System().SinceBoot();
    if (left <= absl::ZeroDuration()) break;
    changed_.WaitFor(&mu_, left);
  }
  for (const auto& [name, known] : known_) {
    if (!known.wanted || known.report.state == RegistrationState::kRegistered) continue;
    return absl::DeadlineExceededError(absl::StrCat("instance ", name.id, " of ", name.service, " is ",
                                                    RegistrationStateText(known.report.state), " after ", absl::FormatDuration(timeout),
                                                    known.report.status.ok() ? "" : ": ", known.report.status.message()));
  }
  return absl::DeadlineExceededError("not all instances are registered");
}

std::vector<RegistrationReport> SessionCore::Registered() const {
  MutexLock lock(&mu_);
  std::vector<RegistrationReport> registered;
  for (const auto& [name, known] : known_) {
    if (known.wanted && known.report.state == RegistrationState::kRegistered) registered.push_back(known.report);
  }
  return registered;
}

absl::StatusOr<LeaveReport> SessionCore::Leave(const LeaveOptions& options) {
  {
    MutexLock lock(&mu_);
    if (std::exchange(leaving_, true)) return HasLeft();
  }
  std::vector<InstanceName> unsure;
  RunAndWait(&wire_->loop(), [&] { unsure = logic_->BeginLeaving(); });
  LeaveReport report;
  if (options.drain.has_value()) report.drained = Drain(std::move(unsure), *options.drain);
  const absl::StatusOr<int> fenced = Deregister(options.deregister_timeout);
  if (fenced.ok()) {
    report.fenced = *fenced;
  } else {
    report.status = fenced.status();
  }
  return report;
}

std::vector<LeaveReport::Drained> SessionCore::Drain(std::vector<InstanceName> unsure, const DrainOptions& options) {
  const absl::Duration end = Clock::System().SinceBoot() + options.timeout;
  const std::vector<RegistrationReport> registered = Registered();
  for (const RegistrationReport& one : registered) std::erase(unsure, one.name);
  std::vector<LeaveReport::Drained> drained = DrainAll(wire_.get(), registered, options);
  AwaitAnswers(unsure, end);
  std::vector<RegistrationReport> late;
  for (const InstanceName& name : unsure) {
    const std::optional<RegistrationReport> state = StateOf(name);
    if (state.has_value() && state->state == RegistrationState::kRegistered) late.push_back(*state);
    if (state.has_value() && state->state == RegistrationState::kPending) {
      drained.push_back({.name = name, .status = NotKnown(options.timeout), .drain = {}});
    }
  }
  DrainOptions left = options;
  left.timeout = std::clamp(end - Clock::System().SinceBoot(), absl::ZeroDuration(), options.timeout);
  for (LeaveReport::Drained& one : DrainAll(wire_.get(), late, left)) drained.push_back(std::move(one));
  return drained;
}

void SessionCore::AwaitAnswers(const std::vector<InstanceName>& names, absl::Duration end) const {
  MutexLock lock(&mu_);
  const auto is_pending = [this](const InstanceName& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const auto known = known_.find(name);
    return known != known_.end() && known->second.wanted && known->second.report.state == RegistrationState::kPending;
  };
  for (const InstanceName& name : names) {
    while (is_pending(name)) {
      const absl::Duration left = end - Clock::System().SinceBoot();
      if (left <= absl::ZeroDuration()) return;
      changed_.WaitFor(&mu_, left);
    }
  }
}

absl::StatusOr<int> SessionCore::Deregister(absl::Duration timeout) {
  // Outlives this call if that is given up.
  struct Outcome {
    Mutex mu;
    CondVar changed;
    std::optional<absl::StatusOr<int>> fenced ABSL_GUARDED_BY(mu);
  };
  const auto outcome = std::make_shared<Outcome>();
  wire_->loop().Post([this, outcome] {
    logic_->Leave([outcome](absl::StatusOr<int> fenced) {
      MutexLock lock(&outcome->mu);
      outcome->fenced = std::move(fenced);
      outcome->changed.NotifyAll();
    });
  });
  const absl::Duration end = Clock::System().SinceBoot() + timeout;
  MutexLock lock(&outcome->mu);
  while (!outcome->fenced.has_value()) {
    const absl::Duration left = end - Clock::System().SinceBoot();
    if (left <= absl::ZeroDuration()) {
      return absl::DeadlineExceededError(absl::StrCat("no server has confirmed within ", absl::FormatDuration(timeout),
                                                      " that the instances are deregistered; they go with their lease"));
    }
    outcome->changed.WaitFor(&outcome->mu, left);
  }
  return *outcome->fenced;
}

void SessionCore::Close() {
  bool deregister = on_destroy_ == OnDestroy::kDeregister;
  {
    MutexLock lock(&mu_);
    if (std::exchange(leaving_, true)) deregister = false;
  }
  if (deregister) Deregister(kGoodbyeMax).IgnoreError();
  gate_.Close();
  RunAndWait(&wire_->loop(), [this] { logic_.reset(); });
}

}  // namespace scoutlight::client
