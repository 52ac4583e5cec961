#include "cli/locking.h"

#include <limits.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/key.h"
#include "base/limits.h"
#include "cli/flags.h"
#include "cli/guarded_command.h"

namespace scoutlight::cli {
namespace {

constexpr absl::Duration kGraceDefault = absl::Seconds(5);
constexpr size_t kLeaseNameBytes = 16;

// What others see of who holds a lock.
std::string OwnName() {
  std::array<char, HOST_NAME_MAX + 1> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) return absl::StrCat("process ", getpid());
  return absl::StrCat(host.data(), " process ", getpid());
}

absl::Status Wrong(absl::string_view field, absl::string_view description) {
  return InvalidField(Reason::kInvalidField, field, description);
}

}  // namespace

Locking::Locking(CLI::App* app, Verb* chosen) {
  CLI::App* const lock = app->add_subcommand("lock", "run a program while a lock is held, which one at a time can");
  Declare(lock, "locks", chosen);
  SetFooter(
      lock,
      {.text = absl::StrCat(
           "Each in line has a key below /CLUSTER/locks/NAME; the oldest holds the lock. The program gets its key, fence and lease as\n",
           "SCOUTLIGHT_LOCK_KEY, _FENCE and _LEASE. Exit code 75: the lock was lost, and the program ended."),
       .example = "scoutctl lock nightly --wait 10m -- ./backup.sh"});

  CLI::App* const elect = app->add_subcommand("elect", "run a program while this is the leader of several");
  Declare(elect, "elections", chosen);
  elect->add_option("--value", value_, "what others read of the leader; default: its host and process")->type_name("TEXT");
  SetFooter(elect, {.text = "As lock, with keys below /CLUSTER/elections/NAME: the oldest is the leader's, and its value the leader's own.",
                    .example = "scoutctl elect scheduler --value 10.0.0.5:7000 -- ./scheduler"});
}

void Locking::Declare(CLI::App* verb, const std::string& folder, Verb* chosen) {
  verb->add_option("NAME", name_, "of the lock, such as nightly")->required()->type_name("");
  verb->add_option("COMMAND", command_, "behind --: the program and its arguments")->required()->type_name("");
  AddDuration(verb, "--ttl", &ttl_, "how long the lock outlives this program when it dies, and a server that is away [30s]");
  AddDuration(verb, "--wait", &wait_, "for the lock; if it is not free by then: exit code 5 [without end]");
  AddDuration(verb, "--grace", &grace_,
              "for the program to end after SIGTERM when the lock is lost, at most a third of --ttl [5s or that]");
  verb->callback([this, folder, chosen] {
    *chosen = [this, folder](const Settings& settings, Printer* printer) { return Run(folder, settings, printer); };
  });
}

absl::StatusOr<LockedCommandOptions> Locking::OptionsIn(const std::string& folder, const Settings& settings) const {
  if (name_.find('/') != std::string::npos) return Wrong("NAME", absl::StrCat("must not have a /, is \"", name_, "\""));
  if (ttl_ < limits::kLeaseTtlMin || ttl_ > limits::kLeaseTtlMax) {
    return Wrong("--ttl", absl::StrCat("must be 1s to 24h, is ", absl::FormatDuration(ttl_)));
  }
  if (grace_.value_or(absl::ZeroDuration()) > ttl_ / 3) {
    return Wrong("--grace", absl::StrCat("must be at most a third of --ttl, which is ", absl::FormatDuration(ttl_), "; is ",
                                         absl::FormatDuration(*grace_)));
  }
  LockedCommandOptions options{.folder = absl::StrCat("/", settings.cluster, "/", folder, "/", name_),
                               .value = value_.value_or(OwnName()),
                               .ttl = ttl_,
                               .wait = wait_,
                               .grace = grace_.value_or(std::min(kGraceDefault, ttl_ / 3))};
  // That of the longest key in it.
  const absl::StatusOr<Key> key = Key::Parse(absl::StrCat(options.folder, "/", std::string(kLeaseNameBytes, '0')), "NAME");
  if (!key.ok()) return key.status();
  return options;
}

absl::Status Locking::Run(const std::string& folder, const Settings& settings, Printer* printer) const {
  absl::StatusOr<LockedCommandOptions> options = OptionsIn(folder, settings);
  if (!options.ok()) return options.status();
  absl::StatusOr<std::unique_ptr<GuardedCommand>> command = GuardedCommand::Prepare({.arguments = command_, .grace = options->grace});
  if (!command.ok()) return command.status();
  // From here on there are threads.
  const absl::StatusOr<Connection> connection = Connect(settings);
  if (!connection.ok()) return connection.status();
  return LockedCommand(*connection, *std::move(options), command->get(), printer).Run();
}

}  // namespace scoutlight::cli
