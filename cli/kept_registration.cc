#include "cli/kept_registration.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "cli/instance_records.h"
#include "cli/until_stopped.h"
#include "cli/watch_loop.h"
#include "client/session.h"

namespace scoutlight::cli {
namespace {

using Where = Field::Where;

Colour ColourOf(RegistrationState state) {
  if (state == RegistrationState::kRegistered) return Colour::kGreen;
  return state == RegistrationState::kPending ? Colour::kDim : Colour::kYellow;
}

Record EventRecord(const std::string& type, Colour colour, const discovery::InstanceName& name) {
  Record record{.name = name.id, .fields = {{"type", type, Where::kAlways, std::nullopt, colour}}};
  record.fields.push_back({"instance", {}, Where::kAlways, ShownName(name)});
  Append(NameFields(name), &record);
  return record;
}

absl::Status TakenOver() { return absl::AbortedError("another session has taken the instance over"); }

// Shows what becomes of the instance, on the thread for callbacks.
class ShownStates {
 public:
  ShownStates(UntilStopped* until, Printer* printer) : until_(*until), printer_(*printer) {}

  void Show(const RegistrationReport& report) {
    Record record = EventRecord(absl::AsciiStrToLower(RegistrationStateText(report.state)), ColourOf(report.state), report.name);
    switch (report.state) {
      case RegistrationState::kRegistered:
        begun_ = true;
        record.fields.push_back({"epoch", report.epoch, Where::kAlways, absl::StrCat("epoch ", report.epoch)});
        return printer_.Event(record);
      case RegistrationState::kFenced:
        return until_.End(report.status.ok() ? TakenOver() : report.status);
      case RegistrationState::kRefused:
        // At the beginning it is refused for what was typed.
        if (!begun_) return until_.End(report.status);
        [[fallthrough]];
      case RegistrationState::kLost:
        record.fields.push_back({"message", std::string(report.status.message())});
        return printer_.Event(record);
      case RegistrationState::kPending:
      case RegistrationState::kRemoved:
        return;
    }
  }

  const std::atomic<bool>& begun() const { return begun_; }

 private:
  UntilStopped& until_;
  Printer& printer_;
  std::atomic<bool> begun_ = false;
};

void ShowLeft(const discovery::InstanceName& name, const LeaveReport& left, Printer* printer) {
  Record record = EventRecord("left", Colour::kDim, name);
  for (const LeaveReport::Drained& drained : left.drained) {
    if (!drained.status.ok()) continue;
    Append(DrainFields(drained.drain), &record);
    for (const DrainReport::Laggard& laggard : drained.drain.laggards) {
      printer->Note(absl::StrCat("not confirmed by ", LaggardText(laggard)));
    }
  }
  printer->Event(record);
}

absl::Status OutcomeOf(const LeaveReport& left, absl::Duration drain_timeout) {
  if (!left.status.ok()) return left.status;
  for (const LeaveReport::Drained& drained : left.drained) {
    if (!drained.status.ok()) return drained.status;
    if (absl::Status incomplete = DrainStatus(drained.drain, drain_timeout); !incomplete.ok()) return incomplete;
  }
  return left.fenced == 0 ? absl::OkStatus() : TakenOver();
}

}  // namespace

absl::Status KeepRegistered(const Call& call, Registration registration, const KeepOptions& options) {
  const absl::StatusOr<std::unique_ptr<UntilStopped>> made = UntilStopped::Create(UntilStopped::WhenUnread::kGoesOn);
  if (!made.ok()) return made.status();
  UntilStopped& until = **made;
  ShownStates shown(&until, &call.printer);
  SessionOptions session_options;
  if (options.ttl.has_value()) session_options.ttl = *options.ttl;
  session_options.on_change = [&shown](const RegistrationReport& report) { shown.Show(report); };
  absl::StatusOr<Session> session = Session::Open(call.connection, std::move(session_options));
  if (!session.ok()) return session.status();
  const absl::StatusOr<discovery::InstanceName> name = session->Register(std::move(registration), options.if_owned);
  if (!name.ok()) return name.status();

  const auto trouble = [&]() -> absl::Status {
    const std::optional<RegistrationReport> report = session->StateOf(*name);
    // States say what has gone wrong later.
    return report.has_value() && !shown.begun() ? report->status : absl::OkStatus();
  };
  absl::Status over = RunWatch(&until, shown.begun(), call.settings.timeout, trouble, &call.printer);
  if (!over.ok()) return over;
  call.printer.Note("leaving: a second signal ends at once");
  until.Release();
  const absl::StatusOr<LeaveReport> left = session->Leave({.drain = options.drain});
  if (!left.ok()) return left.status();
  // Waits for a callback that runs: none shows anything any more.
  { const Session ended = *std::move(session); }
  ShowLeft(*name, *left, &call.printer);
  return OutcomeOf(*left, options.drain.timeout);
}

}  // namespace scoutlight::cli
