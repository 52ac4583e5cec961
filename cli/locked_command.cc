#include "cli/locked_command.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "cli/exit_code.h"
#include "cli/terminal_text.h"

namespace scoutlight::cli {
namespace {

constexpr int kSignalCodes = 128;
// After a call that found no server.
constexpr absl::Duration kTroublePause = absl::Milliseconds(500);

absl::Duration Now() { return Clock::System().SinceBoot(); }

absl::Duration MarginOf(absl::Duration ttl) { return ttl / 10; }

// What goes by when the server is there again.
bool IsTrouble(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status) || absl::IsResourceExhausted(status) || absl::IsUnknown(status);
}

}  // namespace

LockedCommand::LockedCommand(const Connection& connection, LockedCommandOptions options, GuardedCommand* command, Printer* printer)
    : options_(std::move(options)),
      command_(*command),
      printer_(*printer),
      line_(connection, {.folder = options_.folder, .value = options_.value, .ttl = options_.ttl, .wake = [command] { command->Wake(); }}),
      give_up_at_(Now() + options_.wait) {}

void LockedCommand::Note(absl::string_view message) { printer_.Note(absl::StrCat("scoutctl: ", message)); }

absl::Status LockedCommand::Run() {
  absl::Status done = Acquire();
  if (done.ok()) done = Hold();
  const absl::Status left = line_.Leave();
  if (!left.ok()) {
    Note(absl::StrCat("the lock is free only when its lease ends, within ", absl::FormatDuration(options_.ttl), ": ", left.message()));
  }
  return done;
}

absl::Status LockedCommand::Acquire() {
  for (;;) {
    if (absl::Status failed = Join(); !failed.ok()) return failed;
    for (;;) {
      const std::optional<absl::Status> over = AwaitTurn();
      if (!over.has_value()) continue;
      if (!absl::IsNotFound(*over)) return *over;
      Note("the place in line is lost; it begins again at the end");
      break;
    }
  }
}

absl::Status LockedCommand::Join() {
  for (;;) {
    absl::Status joined = line_.Join();
    // A server that was never there is told at once.
    if (joined.ok() || !is_reached_ || !IsTrouble(joined)) {
      is_reached_ = is_reached_ || joined.ok();
      return joined;
    }
    if (std::optional<absl::Status> over = Pause(kTroublePause)) return *over;
  }
}

std::optional<absl::Status> LockedCommand::AwaitTurn() {
  const absl::StatusOr<std::optional<Entry>> ahead = line_.LookAhead();
  if (!ahead.ok()) {
    if (!IsTrouble(ahead.status())) return ahead.status();
    if (!std::exchange(waiting_told_, true)) Note(absl::StrCat("waiting for the server: ", ahead.status().message()));
    return Pause(kTroublePause);
  }
  waiting_told_ = false;
  // After a time without the server the lease is renewed first.
  if (!ahead->has_value()) return TermAt() > Now() ? absl::OkStatus() : Pause(kTroublePause);
  const Entry& entry = **ahead;
  if (std::exchange(ahead_told_, entry.key.path()) != entry.key.path()) {
    Note(absl::StrCat("waiting for ", entry.key.path(), ", which is of ", ValueText(entry.value)));
  }
  while (!line_.is_news()) {
    if (std::optional<absl::Status> over = Pause(absl::InfiniteDuration())) return over;
  }
  return std::nullopt;
}

std::optional<absl::Status> LockedCommand::Pause(absl::Duration pause) {
  const absl::Duration left = give_up_at_ - Now();
  if (left <= absl::ZeroDuration()) {
    return absl::DeadlineExceededError(absl::StrCat("the lock was not free within ", absl::FormatDuration(options_.wait)));
  }
  const GuardedCommand::Happening happening = command_.Wait(std::min(pause, left));
  if (happening.signal.has_value()) return PassedOn(kSignalCodes + happening.signal->number);
  if (happening.ended.has_value()) return absl::InternalError("the process between scoutctl and the command is gone");
  return std::nullopt;
}

absl::Duration LockedCommand::KillAt() const { return line_.lease().certain_until() - MarginOf(line_.lease().ttl()); }

absl::Status LockedCommand::LookAtLock() {
  if (!line_.is_news()) return absl::OkStatus();
  const absl::Status found = line_.LookAhead().status();
  // Without an answer the deadlines decide.
  return absl::IsNotFound(found) ? found : absl::OkStatus();
}

absl::Status LockedCommand::Hold() {
  command_.SetDeadlines(TermAt(), KillAt());
  absl::Status started =
      command_.Start({absl::StrCat("SCOUTLIGHT_LOCK_KEY=", line_.key()), absl::StrCat("SCOUTLIGHT_LOCK_FENCE=", line_.fence()),
                      absl::StrCat("SCOUTLIGHT_LOCK_LEASE=", line_.lease().id())});
  if (!started.ok()) return started;
  absl::Status lost;
  for (;;) {
    const GuardedCommand::Happening happening = command_.Wait(line_.is_news() ? kTroublePause : absl::InfiniteDuration());
    if (happening.ended.has_value()) {
      if (happening.ended->was_overdue) lost = absl::AbortedError("its lease could not be renewed in time");
      if (lost.ok()) return PassedOn(happening.ended->code);
      return WithExitCode(absl::AbortedError(absl::StrCat("the lock was lost, and the command ended: ", lost.message())),
                          ExitCode::kLockLost);
    }
    if (happening.signal.has_value() && !happening.signal->is_from_terminal) command_.Signal(happening.signal->number);
    if (!lost.ok()) continue;
    command_.SetDeadlines(TermAt(), KillAt());
    lost = LookAtLock();
    if (!lost.ok()) command_.End();
  }
}

}  // namespace scoutlight::cli
