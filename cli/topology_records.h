#ifndef SCOUTLIGHT_CLI_TOPOLOGY_RECORDS_H_
#define SCOUTLIGHT_CLI_TOPOLOGY_RECORDS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "cli/printer.h"
#include "cli/record.h"
#include "client/topology_version.h"
#include "topology/topology.h"
#include "topology/topology_diff.h"

// What the verbs of `topology` show. Thread-safe.
namespace scoutlight::cli {

// `version`, `revision`, `applied_at`, `applied_by`, what was done if it was no plain apply, `comment`.
Record VersionRecord(const TopologyVersion& version);

// `change` (added, removed, changed), `service`, `end`, `queue`, `before` and `after`, in tables one text.
Record LinkRecord(const topology::LinkChange& change);
// Of all of them, for JSON.
Json LinksJson(const std::vector<topology::LinkChange>& links);
// "+ in q of sink: {...}".
std::string LinkLine(const topology::LinkChange& change);

// "2 services, 3 links".
std::string SizeText(const topology::Topology& topology);
// `services`, `links`.
std::vector<Field> SizeFields(const topology::Topology& topology);
// "1 link added, 2 changed"; "no link differs".
std::string ChangesText(const std::vector<topology::LinkChange>& links);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_TOPOLOGY_RECORDS_H_
