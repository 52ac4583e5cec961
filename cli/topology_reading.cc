#include "cli/topology_reading.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/entry.h"
#include "base/error.h"
#include "cli/entry_records.h"
#include "cli/flags.h"
#include "cli/topology_input.h"
#include "cli/topology_records.h"
#include "client/topology.h"
#include "topology/topology_diff.h"
#include "topology/topology_document.h"

namespace scoutlight::cli {
namespace {

using topology::LinkChange;
using topology::Topology;

}  // namespace

TopologyReading::TopologyReading(CLI::App* topology, Verb* chosen) {
  CLI::App* const get = topology->add_subcommand("get", "print the document of the cluster's topology");
  AddVersion(get, "--version", &version_, "of this version; default: the newest");
  get->add_flag("--raw", raw_, "the bytes of the document and nothing else, whatever the output form");
  SetExample(get, "scoutctl topology get --version 3");
  ChooseOnServer(get, this, &TopologyReading::Get, chosen);

  CLI::App* const history = topology->add_subcommand("history", "list the versions that are kept, the newest first");
  SetExample(history, "scoutctl topology history");
  ChooseOnServer(history, this, &TopologyReading::History, chosen);

  CLI::App* const diff = topology->add_subcommand("diff", "show which links differ between two versions, or a version and a file");
  diff->add_option("FILE", file_, "the document that would follow; -: standard input; without it two --version are wanted")->type_name("");
  AddVersions(diff, "--version", &versions_, "from this version, and again: to this one; default: from the newest to FILE");
  SetExample(diff, "scoutctl topology diff --version 2 --version 3");
  ChooseOnServer(diff, this, &TopologyReading::Diff, chosen);

  CLI::App* const check = topology->add_subcommand("check", "say all that is wrong with a document; asks no server");
  check->add_option("FILE", file_, "the document; -: standard input")->required()->type_name("");
  SetExample(check, "scoutctl topology check topology.json");
  ChooseLocal(check, this, &TopologyReading::Check, chosen);
}

absl::Status TopologyReading::Get(const Call& call) const {
  const absl::StatusOr<GetTopologyResult> result =
      Topologies(call.connection).Get({.cluster = call.settings.cluster, .version = version_.value_or(0)});
  if (!result.ok()) return result.status();
  const std::string& document = result->topology.document;
  if (raw_) {
    call.printer.Raw(document);
    return absl::OkStatus();
  }
  Record record = VersionRecord(result->topology);
  if (result->topology.deleted) {
    record.fields.push_back({"store_id", result->state.store_id, Field::Where::kJson});
    call.printer.Done(absl::StrCat("version ", *version_, " is a deletion"), record);
    return absl::OkStatus();
  }
  record.fields.push_back({"document", document, Field::Where::kJson});
  record.fields.push_back({"store_id", result->state.store_id, Field::Where::kJson});
  call.printer.ValueOf(record, {Value::Form::kText, document});
  return absl::OkStatus();
}

absl::Status TopologyReading::History(const Call& call) const {
  const absl::StatusOr<ListTopologyVersionsResult> result = Topologies(call.connection).ListVersions(call.settings.cluster);
  if (!result.ok()) return result.status();
  std::vector<Record> records;
  for (const TopologyVersion& version : result->versions) records.push_back(VersionRecord(version));
  call.printer.List("versions", records, StateJson(result->state));
  return absl::OkStatus();
}

absl::StatusOr<Topology> TopologyReading::TopologyAt(const Call& call, std::optional<int64_t> version) const {
  const absl::StatusOr<GetTopologyResult> result =
      Topologies(call.connection).Get({.cluster = call.settings.cluster, .version = version.value_or(0)});
  // Where there is none, everything is new.
  if (absl::IsNotFound(result.status()) && !version.has_value()) return Topology();
  if (!result.ok()) return result.status();
  if (result->topology.deleted) return Topology();
  absl::StatusOr<Topology> read = topology::ParseTopology(result->topology.document);
  if (read.ok()) return read;
  // Not what was typed is wrong.
  return absl::FailedPreconditionError(
      absl::StrCat("version ", result->topology.version, " breaks the rules that this program knows: ", read.status().message()));
}

absl::Status TopologyReading::Diff(const Call& call) const {
  const size_t wanted = file_.empty() ? 2 : 1;
  if (versions_.size() > wanted || (file_.empty() && versions_.size() < 2)) {
    return InvalidField(Reason::kInvalidField, "--version",
                        absl::StrCat("is given ", versions_.size(), " times; wanted are FILE and at most one, or two without FILE"));
  }
  absl::StatusOr<Topology> after = Topology();
  if (!file_.empty()) {
    const absl::StatusOr<std::string> document = ReadDocument(file_);
    if (!document.ok()) return document.status();
    after = topology::ParseTopology(*document);
    if (!after.ok()) return after.status();
  }
  const absl::StatusOr<Topology> before = TopologyAt(call, versions_.empty() ? std::nullopt : std::optional<int64_t>(versions_[0]));
  if (!before.ok()) return before.status();
  if (file_.empty()) after = TopologyAt(call, versions_[1]);
  if (!after.ok()) return after.status();
  const std::vector<LinkChange> links = topology::DiffTopologies(*before, *after);
  if (links.empty()) {
    call.printer.Done(ChangesText(links), {.name = "", .fields = {{"changes", Json::array()}}});
    return absl::OkStatus();
  }
  std::vector<Record> records;
  for (const LinkChange& change : links) records.push_back(LinkRecord(change));
  call.printer.List("changes", records, Json::object());
  return absl::OkStatus();
}

absl::Status TopologyReading::Check(Printer* printer) const {
  const absl::StatusOr<std::string> document = ReadDocument(file_);
  if (!document.ok()) return document.status();
  const absl::StatusOr<Topology> topology = topology::ParseTopology(*document);
  if (!topology.ok()) return topology.status();
  printer->Done(absl::StrCat("valid: ", SizeText(*topology)), {.name = file_, .fields = SizeFields(*topology)});
  return absl::OkStatus();
}

}  // namespace scoutlight::cli
