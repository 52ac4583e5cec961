#include "server/discovery/all_results.h"

#include <algorithm>

#include "server/discovery/instance_conversion.h"

namespace scoutlight::server {

namespace wire = discovery::v1;

AllResults::AllResults(UnaryCall call, int size, const ShownState& state) : call_(call), left_(size) {
  for (int i = 0; i < size; ++i) response_.add_results();
  response_.set_revision(state.revision);
  response_.set_store_id(state.store_id);
}

void AllResults::Set(int place, const ChangedInstance& changed) {
  wire::RegisterAllResponse all;
  {
    MutexLock lock(&mu_);
    wire::RegisterAllResponse::Result& result = *response_.mutable_results(place);
    if (changed.status.ok()) {
      bytes_ += InstanceBytes(*changed.instance);
      if (bytes_ <= limits::kAnswerBytesMax - kSlackBytes) FillInstance(*changed.instance, result.mutable_instance());
      result.set_unchanged(changed.unchanged);
      result.set_replayed(changed.replayed);
    } else {
      bytes_ += kResultErrorBytesMax;
      FillError(changed.status, &result);
    }
    response_.set_revision(std::max(response_.revision(), changed.revision));
    if (--left_ > 0) return;
    all.Swap(&response_);
  }
  call_.Answer(all);
}

}  // namespace scoutlight::server
