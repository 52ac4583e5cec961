#ifndef SCOUTLIGHT_SERVER_DISCOVERY_RESOLVE_ANSWER_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_RESOLVE_ANSWER_H_

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/entry.h"
#include "discovery/instance.h"
#include "discovery/service_snapshot.h"
#include "scoutlight/discovery/v1/discovery.pb.h"

namespace scoutlight::server {

// The answer to a Resolve: a ResolveResponse, put together from the messages that instances keep (discovery/encoded_instance.h). To make
// them anew for each call took a third of the call. Not thread-safe.
class ResolveAnswer {
 public:
  // `selector` as of discovery::PickEndpoint. False: it would take the picks over `bytes_max`, and is left out. The first one is not.
  bool AddPick(discovery::InstancePtr instance, const std::string& selector, size_t bytes_max);
  size_t picks() const { return picks_.size(); }

  void set_strategy(discovery::v1::Strategy strategy) { strategy_ = strategy; }
  void set_revision(Revision revision) { revision_ = revision; }
  void set_store_id(StoreId store_id) { store_id_ = std::move(store_id); }
  void set_guarded(bool guarded) { guarded_ = guarded; }
  void set_behind(absl::Duration behind);

  // The bytes of the ResolveResponse.
  std::string Encode() const;

 private:
  struct Shown {
    discovery::InstancePtr instance;  // Whose message `encoded` is.
    const discovery::EncodedInstance* encoded = nullptr;
    std::string other_endpoint;  // If it is not the first one.
    bool first_endpoint = true;

    const std::string& endpoint() const { return first_endpoint ? encoded->first_endpoint : other_endpoint; }
    size_t bytes() const;
  };

  std::vector<Shown> picks_;
  size_t picks_bytes_ = 0;
  discovery::v1::Strategy strategy_ = discovery::v1::STRATEGY_UNSPECIFIED;
  Revision revision_ = 0;
  StoreId store_id_;
  bool guarded_ = false;
  std::string behind_;  // Encoded; empty: nothing is missing.
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_RESOLVE_ANSWER_H_
