#include "cli/migrating.h"

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/backing_up.h"
#include "cli/clean_up_on_stop.h"
#include "cli/flags.h"
#include "cli/new_file.h"
#include "cli/restoring_server.h"
#include "cli/until_stopped.h"

namespace scoutlight::cli {
namespace {

// The store that is to be made.
absl::StatusOr<std::vector<std::string>> FlagsOf(const std::string& to) {
  if (to.empty()) return InvalidField(Reason::kInvalidField, "TO", "is empty");
  if (absl::StartsWith(to, "etcd:")) return std::vector<std::string>{absl::StrCat("--store=", to)};
  if (absl::StrContains(to, "://")) {
    return InvalidField(Reason::kInvalidField, "TO",
                        absl::StrCat("is ", to, ", must be etcd://HOST:PORT[,HOST:PORT...][/PREFIX] or a folder"));
  }
  return std::vector<std::string>{"--store=rocksdb", absl::StrCat("--data-dir=", to)};
}

}  // namespace

Migrating::Migrating(CLI::App* app, Verb* chosen) {
  CLI::App* const verb = app->add_subcommand("migrate", "make another store of what a server holds: in etcd, or in a folder");
  verb->add_option("TO", to_, "etcd://HOST:PORT[,HOST:PORT...][/PREFIX], or the folder of a new data directory")->required()->type_name("");
  verb->add_option("--server", program_, "the program scoutlightd; default: beside this one, else in $PATH")->type_name("FILE");
  verb->add_option("FLAG", flags_, "behind --: flags of scoutlightd for the new store, such as --etcd-ca-file=ca.pem")->type_name("");
  SetFooter(verb, {"The new store holds the state at one revision; what is written later it lacks: stop writers first.\n"
                   "It has an id of its own. In etcd its revisions are etcd's, and what hangs on leases is left out: owners register anew.",
                   "scoutctl migrate etcd://10.0.0.1:2379,10.0.0.2:2379,10.0.0.3:2379"});
  ChooseOnServer(verb, this, &Migrating::Migrate, chosen);
}

absl::Status Migrating::Migrate(const Call& call) const {
  absl::StatusOr<std::vector<std::string>> flags = FlagsOf(to_);
  if (!flags.ok()) return flags.status();
  flags->insert(flags->end(), flags_.begin(), flags_.end());
  const absl::StatusOr<std::string> program = program_.empty() ? FindServerProgram() : program_;
  if (!program.ok()) return program.status();
  const absl::StatusOr<std::unique_ptr<UntilStopped>> until = UntilStopped::Create(UntilStopped::WhenUnread::kGoesOn);
  if (!until.ok()) return until.status();
  const absl::StatusOr<std::unique_ptr<TemporaryFolder>> made_folder = TemporaryFolder::Create();
  if (!made_folder.ok()) return made_folder.status();
  const TemporaryFolder& folder = **made_folder;
  RestoringServer server;
  const CleanUpOnStop clean_up(until->get(), [&] {
    server.Kill();
    folder.Remove();
  });
  const std::string path = folder.File("backup");
  const absl::StatusOr<std::unique_ptr<NewFile>> file = NewFile::Create(path);
  if (!file.ok()) return file.status();
  const absl::StatusOr<BackupSummary> backup = TakeBackup(call, [&file](absl::string_view piece) { return (*file)->Write(piece); });
  if (!backup.ok()) return backup.status();
  if (absl::Status lost = (*file)->Keep(); !lost.ok()) return lost;
  call.printer.Note(absl::StrCat("backed up ", ContentText(*backup), "; restoring into ", to_));
  flags->push_back(absl::StrCat("--restore=", path));
  const absl::StatusOr<std::string> made = server.Run(*program, *flags, folder.File("log"));
  if (!made.ok()) return made.status();
  call.printer.Done(
      absl::StrCat("store ", backup->header.store_id, " at revision ", backup->header.revision, " is now also store ", *made, " in ", to_),
      {.name = to_,
       .fields = {{"to", to_},
                  {"store_id", *made},
                  {"from_store_id", backup->header.store_id},
                  {"from_revision", backup->header.revision},
                  {"entries", backup->counts.entries}}});
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
