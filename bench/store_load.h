#ifndef SCOUTLIGHT_BENCH_STORE_LOAD_H_
#define SCOUTLIGHT_BENCH_STORE_LOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/histogram.h"
#include "bench/measured_server.h"
#include "bench/store_wire.h"

// Whole stores: filling them, listing them, how soon they serve. Each function blocks until it is done. Statuses: kUnavailable: no
// connection, or a call failed; kDeadlineExceeded: something awaited did not come; kInternal: a server showed what it should not;
// kNotFound: no such server process.
namespace scoutlight::bench {

// What a store is filled with; all values are 128 bytes.
enum class Filling {
  kKeys,  // Those of bench/requests.h.
  kTree,  // kTreeChildren children of kTreeParent and as much below each as makes so many in all.
  kFlat,  // Below kFlatParent.
};
extern const char kTreeParent[];
extern const char kFlatParent[];
constexpr int kTreeChildren = 1'000;

// Puts the first `entries` of a filling that are not there yet, from number `first` on: a hundred a transaction, 16 at a time.
absl::Status Fill(const MeasuredServer& server, Filling filling, int64_t first, int64_t entries);

struct ListsOptions {
  Listing listing;
  int64_t entries = 0;  // That each must show in all; of etcd's children: all below.
  absl::Duration warm_up = absl::Seconds(1);
  absl::Duration duration = absl::Seconds(4);
};
struct ListsResult {
  Histogram latency;  // Of each whole list, its pages one after the other.
  absl::Duration measured;
  absl::Duration server_cpu;
};
// One list after the other; at least one.
absl::StatusOr<ListsResult> MeasureLists(const MeasuredServer& server, const ListsOptions& options);

// The monotonic clock when a get of `key` was answered with an entry, asked once a millisecond for a minute at most.
absl::StatusOr<absl::Duration> AwaitServing(const MeasuredServer& server, const std::string& key);

// Of the store's latest state.
absl::StatusOr<int64_t> LatestRevision(const MeasuredServer& server, const std::string& key);

// Gives up all states but the latest, in which `key` is there; what goes on in the background afterwards is not awaited.
absl::Status Compact(const MeasuredServer& server, const std::string& key);

// Puts all that lies below `parent` into another server, with the same keys and values. How many entries.
absl::StatusOr<int64_t> CopySubtree(const MeasuredServer& from, const std::string& parent, const MeasuredServer& to);

}  // namespace scoutlight::bench

#endif  // SCOUTLIGHT_BENCH_STORE_LOAD_H_
