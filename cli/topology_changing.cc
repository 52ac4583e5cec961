#include "cli/topology_changing.h"

#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "cli/flags.h"
#include "cli/topology_input.h"
#include "cli/topology_records.h"
#include "topology/topology_document.h"

namespace scoutlight::cli {
namespace {

// What has come of a change, or would.
std::string SentenceOf(const ChangeTopologyResult& result, absl::string_view cluster, bool dry_run) {
  if (!result.topology.has_value()) return absl::StrCat("nothing to do: cluster ", cluster, " never had a topology");
  const std::string version = absl::StrCat("version ", result.topology->version, " of ", cluster);
  if (result.unchanged && result.topology->deleted) return absl::StrCat("nothing to do: ", version, " is a deletion already");
  if (result.unchanged) return absl::StrCat("nothing to do: ", version, " is the same");
  const std::string how = result.replayed ? "" : result.links_unknown ? ": what changes is not known" : ": " + ChangesText(result.links);
  if (dry_run) return absl::StrCat("would make ", version, how);
  const std::string deed = result.topology->deleted ? " deletes the topology" : "";
  return absl::StrCat("made ", version, " at revision ", result.topology->revision, deed, how);
}

void ShowChange(const ChangeTopologyResult& result, bool dry_run, const Call& call) {
  Record record{.name = "", .fields = {}};
  if (result.topology.has_value()) record = VersionRecord(*result.topology);
  record.fields.push_back({"dry_run", dry_run});
  record.fields.push_back({"unchanged", result.unchanged});
  record.fields.push_back({"changes", LinksJson(result.links)});
  record.fields.push_back({"changes_total", result.links_total});
  record.fields.push_back({"changes_unknown", result.links_unknown});
  record.fields.push_back({"store_id", result.state.store_id});
  call.printer.Done(SentenceOf(result, call.settings.cluster, dry_run), record);
  for (const topology::LinkChange& change : result.links) call.printer.Note(absl::StrCat("  ", LinkLine(change)));
  const int more = result.links_total - static_cast<int>(result.links.size());
  if (more > 0) call.printer.Note(absl::StrCat("  and ", more, " more"));
}

}  // namespace

TopologyChanging::TopologyChanging(CLI::App* topology, Verb* chosen) {
  CLI::App* const apply = topology->add_subcommand("apply", "make a document the cluster's topology");
  apply->add_option("FILE", file_, "the document; -: standard input")->required()->type_name("");
  AddChangeFlags(apply);
  SetExample(apply, "scoutctl topology apply topology.json --dry-run");
  ChooseOnServer(apply, this, &TopologyChanging::Apply, chosen);

  CLI::App* const rollback = topology->add_subcommand("rollback", "apply the document of an earlier version again");
  AddVersion(rollback, "VERSION", &version_, "which; see history")->required()->type_name("");
  AddChangeFlags(rollback);
  SetExample(rollback, "scoutctl topology rollback 2");
  ChooseOnServer(rollback, this, &TopologyChanging::Rollback, chosen);

  CLI::App* const remove = topology->add_subcommand("delete", "unlink all services of the cluster; the versions stay; asks before");
  remove->add_flag("-y,--yes", yes_, "do not ask");
  AddChangeFlags(remove);
  SetExample(remove, "scoutctl topology delete --yes");
  ChooseOnServer(remove, this, &TopologyChanging::Delete, chosen);
}

void TopologyChanging::AddChangeFlags(CLI::App* verb) {
  AddVersion(verb, "--expected-version", &expected_version_, "only if this is the newest version");
  verb->add_flag("--dry-run", dry_run_, "say what would change, and change nothing");
  verb->add_option("--comment", comment_, "why, for the history")->type_name("TEXT");
}

ChangeTopologyOptions TopologyChanging::OptionsFor(const Call& call) const {
  return {
      .cluster = call.settings.cluster, .expected_version = expected_version_.value_or(0), .validate_only = dry_run_, .comment = comment_};
}

absl::Status TopologyChanging::Apply(const Call& call) const {
  absl::StatusOr<std::string> document = ReadDocument(file_);
  if (!document.ok()) return document.status();
  // All mistakes: an answer has no room for many.
  if (absl::Status mistakes = topology::ParseTopology(*document).status(); !mistakes.ok()) return mistakes;
  const absl::StatusOr<ChangeTopologyResult> result = Topologies(call.connection).Apply(*std::move(document), OptionsFor(call));
  if (!result.ok()) return result.status();
  ShowChange(*result, dry_run_, call);
  return absl::OkStatus();
}

absl::Status TopologyChanging::Rollback(const Call& call) const {
  const absl::StatusOr<ChangeTopologyResult> result = Topologies(call.connection).Rollback(*version_, OptionsFor(call));
  if (!result.ok()) return result.status();
  ShowChange(*result, dry_run_, call);
  return absl::OkStatus();
}

absl::Status TopologyChanging::Confirm(const Call& call) const {
  if (yes_ || dry_run_) return absl::OkStatus();
  const std::string what = absl::StrCat("the topology of cluster ", call.settings.cluster);
  if (!call.printer.can_ask()) {
    return InvalidField(Reason::kInvalidField, "--yes", absl::StrCat("is missing: nobody can be asked whether to delete ", what));
  }
  if (call.printer.Confirmed(absl::StrCat("Delete ", what, "?"))) return absl::OkStatus();
  return absl::CancelledError("nothing was deleted");
}

absl::Status TopologyChanging::Delete(const Call& call) const {
  if (absl::Status refused = Confirm(call); !refused.ok()) return refused;
  const absl::StatusOr<ChangeTopologyResult> result = Topologies(call.connection).Delete(OptionsFor(call));
  if (!result.ok()) return result.status();
  ShowChange(*result, dry_run_, call);
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
