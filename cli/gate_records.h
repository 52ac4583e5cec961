#ifndef SCOUTLIGHT_CLI_GATE_RECORDS_H_
#define SCOUTLIGHT_CLI_GATE_RECORDS_H_

#include <vector>

#include "cli/record.h"
#include "discovery/instance.h"
#include "topology/topology.h"

namespace scoutlight::cli {

// The gates of an instance, by queue: those that it has registered as endpoints `gate.<queue>`, and those whose counters it publishes as
// soft values `gate.<queue>.<counter>` (client/gate_counters.h). What links them is what `topology` says by now; a queue that it has on
// both sides makes two records, with the same counters. Thread-safe.
std::vector<Record> GateRecords(const discovery::Instance& instance, const topology::Topology& topology);

}  // namespace scoutlight::cli

#endif  // SCOUTLIGHT_CLI_GATE_RECORDS_H_
