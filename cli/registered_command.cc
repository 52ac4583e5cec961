#include "cli/registered_command.h"

#include <signal.h>

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/exit_code.h"
#include "cli/instance_records.h"

namespace scoutlight::cli {
namespace {

// Between two looks whether the port accepts connections.
constexpr absl::Duration kPortInterval = absl::Milliseconds(100);
// Between two tries to register an instance that another session owns.
constexpr absl::Duration kOwnedInterval = absl::Seconds(1);

absl::Duration Now() { return Clock::System().SinceBoot(); }

}  // namespace

RegisteredCommand::RegisteredCommand(Connection connection, RegisteredCommandOptions options, GuardedCommand* command, Printer* printer)
    : connection_(std::move(connection)),
      options_(std::move(options)),
      command_(*command),
      printer_(*printer),
      started_at_(Now()),
      waits_for_port_(options_.port.has_value()) {
  if (!waits_for_port_) register_at_ = started_at_;
}

RegisteredCommand::~RegisteredCommand() {
  if (leaving_.joinable()) leaving_.join();
  // Its callback uses what goes after this.
  session_.reset();
}

void RegisteredCommand::Note(absl::string_view message) { printer_.Note(absl::StrCat("scoutctl: ", message)); }

absl::Status RegisteredCommand::Run() {
  while (!code_.has_value() || !has_left_) {
    const GuardedCommand::Happening happening = command_.Wait(NextLook());
    if (happening.ended.has_value()) OnEnded(*happening.ended);
    if (happening.signal.has_value()) OnSignal(*happening.signal);
    TakeReport();
    TakeLeft();
    if (code_.has_value() || is_leaving_ || has_left_ || !failed_.ok()) continue;
    if (waits_for_port_) LookAtPort();
    if (register_at_.has_value() && Now() >= *register_at_) Register();
  }
  return failed_.ok() ? PassedOn(*code_) : failed_;
}

absl::Duration RegisteredCommand::NextLook() const {
  if (is_leaving_ || code_.has_value()) return absl::InfiniteDuration();
  if (waits_for_port_) return kPortInterval;
  return register_at_.has_value() ? std::max(*register_at_ - Now(), absl::ZeroDuration()) : absl::InfiniteDuration();
}

void RegisteredCommand::LookAtPort() {
  if (options_.port->probe.Accepts()) {
    waits_for_port_ = false;
    register_at_ = Now();
  } else if (Now() - started_at_ >= options_.port->wait) {
    Fail(absl::DeadlineExceededError(
        absl::StrCat("the command does not accept connections at ", options_.registration.properties.at("hostname"), " port ",
                     options_.registration.properties.at("port"), " after ", absl::FormatDuration(options_.port->wait))));
  }
}

void RegisteredCommand::Register() {
  register_at_.reset();
  if (!session_.has_value()) {
    SessionOptions session;
    session.ttl = options_.ttl;
    session.on_change = [this](const RegistrationReport& report) {
      const MutexLock lock(&mu_);
      report_ = report;
      command_.Wake();
    };
    absl::StatusOr<Session> opened = Session::Open(connection_, std::move(session));
    if (!opened.ok()) return Fail(opened.status());
    session_ = *std::move(opened);
  }
  Registration registration = options_.registration;
  // The same one again, if it was drawn.
  if (name_.has_value()) registration.id = name_->id;
  absl::StatusOr<discovery::InstanceName> name = session_->Register(std::move(registration), options_.if_owned);
  if (!name.ok()) return Fail(name.status());
  name_ = *std::move(name);
}

void RegisteredCommand::TakeReport() {
  std::optional<RegistrationReport> report;
  {
    const MutexLock lock(&mu_);
    report.swap(report_);
  }
  if (!report.has_value() || is_leaving_ || has_left_) return;
  is_registered_ = report->state == RegistrationState::kRegistered;
  switch (report->state) {
    case RegistrationState::kRegistered:
      was_registered_ = true;
      waiting_told_ = false;
      return Note(absl::StrCat("registered ", ShownName(report->name), ", epoch ", report->epoch));
    case RegistrationState::kFenced:
      return OnFenced(*report);
    case RegistrationState::kRefused:
      if (!was_registered_ && absl::IsInvalidArgument(report->status)) return Fail(report->status);
      return Note(absl::StrCat("the registration is refused, and tried again: ", report->status.message()));
    case RegistrationState::kLost:
      return Note(absl::StrCat("not registered at the moment", report->status.ok() ? "" : ": ", report->status.message()));
    case RegistrationState::kPending:
      if (!report->status.ok() && !std::exchange(waiting_told_, true)) {
        Note(absl::StrCat("waiting for the server: ", report->status.message()));
      }
      return;
    case RegistrationState::kRemoved:
      return;
  }
}

void RegisteredCommand::OnFenced(const RegistrationReport& report) {
  if (was_registered_) {
    return Fail(report.status.ok() ? absl::AbortedError("another session has taken the instance over") : report.status);
  }
  if (!std::exchange(waiting_told_, true)) {
    Note(absl::StrCat(ShownName(report.name), " belongs to another session: registered when that has ended"));
  }
  register_at_ = Now() + kOwnedInterval;
}

void RegisteredCommand::OnSignal(const GuardedCommand::Happening::Signal& signal) {
  if (code_.has_value()) return;
  const bool ends = signal.number == SIGTERM || signal.number == SIGINT;
  if (!ends) {
    if (!signal.is_from_terminal) command_.Signal(signal.number);
    return;
  }
  const bool first = !is_leaving_ && !has_left_;
  if (first && is_registered_) {
    if (!signal.is_from_terminal) signal_behind_ = signal.number;
    return BeginLeaving(options_.drain);
  }
  // Nobody is sent here any more, or who sends it does not want to wait.
  signal_behind_.reset();
  if (!signal.is_from_terminal) command_.Signal(signal.number);
  if (first) BeginLeaving(std::nullopt);
}

void RegisteredCommand::OnEnded(const GuardedCommand::Happening::Ended& ended) {
  code_ = ended.code;
  // There is nobody left to finish any work.
  if (!is_leaving_ && !has_left_) BeginLeaving(std::nullopt);
}

void RegisteredCommand::BeginLeaving(std::optional<DrainOptions> drain) {
  waits_for_port_ = false;
  register_at_.reset();
  if (!session_.has_value()) {
    has_left_ = true;
    return;
  }
  is_leaving_ = true;
  leaving_ = std::thread([this, drain] {
    absl::StatusOr<LeaveReport> left = session_->Leave({.drain = drain});
    const MutexLock lock(&mu_);
    left_ = std::move(left);
    command_.Wake();
  });
}

void RegisteredCommand::TakeLeft() {
  std::optional<absl::StatusOr<LeaveReport>> left;
  {
    const MutexLock lock(&mu_);
    left.swap(left_);
  }
  if (!left.has_value()) return;
  leaving_.join();
  is_leaving_ = false;
  has_left_ = true;
  const absl::Status why = left->ok() ? (*left)->status : left->status();
  if (!why.ok()) Note(absl::StrCat("not deregistered; it goes within ", absl::FormatDuration(options_.ttl), ": ", why.message()));
  if (left->ok() && !(*left)->drained.empty()) {
    for (const LeaveReport::Drained& drained : (*left)->drained) {
      if (drained.status.ok()) Note(absl::StrCat(ShownName(drained.name), " ", DrainText(drained.drain)));
    }
  }
  if (signal_behind_.has_value()) command_.Signal(*std::exchange(signal_behind_, std::nullopt));
}

void RegisteredCommand::Fail(absl::Status failed) {
  if (!failed_.ok()) return;
  failed_ = std::move(failed);
  waits_for_port_ = false;
  register_at_.reset();
  command_.End();
}

}  // namespace scoutlight::cli
