#include "storage/etcd/history_point.h"

#include <algorithm>
#include <utility>

#include "absl/status/statusor.h"
#include "storage/etcd/etcd_errors.h"

namespace scoutlight::storage {
namespace {

PlacedMark MarkIn(const etcdserverpb::RangeResponse& response) {
  if (response.kvs_size() == 0) return {};
  const absl::StatusOr<EtcdMark> mark = EtcdMapping::DecodeMark(response.kvs(0));
  // One that no ScoutLight put is like no other.
  return {.revision = response.kvs(0).mod_revision(), .committed = mark.ok() ? mark->committed : absl::InfinitePast()};
}

}  // namespace

void SearchPoint(EtcdClient& client, const EtcdMapping& mapping, const HistoryPoint& point, absl::AnyInvocable<void(PointSearch) &&> done) {
  etcdserverpb::RangeRequest request;
  request.set_key(mapping.mark_key());
  // There is none before.
  request.set_revision(std::max<Revision>(point.revision, 1));
  client.Range(std::move(request), [expected = point.mark, done = std::move(done)](const RpcOutcome& outcome,
                                                                                   const etcdserverpb::RangeResponse& response) mutable {
    PointSearch search;
    if (IsCompacted(outcome)) {
      search.found = PointSearch::Found::kCompacted;
    } else {
      search.outcome = outcome;
      search.mark = MarkIn(response);
      if (expected.has_value() && !(*expected == search.mark)) search.found = PointSearch::Found::kOther;
    }
    std::move(done)(std::move(search));
  });
}

}  // namespace scoutlight::storage
