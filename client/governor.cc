#include "client/governor.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/container/btree_map.h"

namespace scoutlight {
namespace {

class Follower final : public Governor {
 public:
  explicit Follower(const FollowOptions& options) : options_(options) {}

  GovernorStep Decide(const std::vector<GateEndpoint>& wanted, const std::vector<DialledEndpoint>& dialled) override {
    absl::btree_map<std::string, const GateEndpoint*> to_have;
    for (const GateEndpoint& endpoint : wanted) to_have.emplace(endpoint.url, &endpoint);
    while (to_have.size() > static_cast<size_t>(options_.endpoints_max)) to_have.erase(std::prev(to_have.end()));

    GovernorStep step;
    std::vector<std::string> unwanted;
    // How long it takes at most until what is to be had has been waited for.
    absl::Duration waited_for = absl::ZeroDuration();
    for (const DialledEndpoint& has : dialled) {
      if (to_have.erase(has.endpoint.url) == 0) {
        unwanted.push_back(has.endpoint.url);
      } else if (!has.connected) {
        waited_for = std::max(waited_for, options_.replacement_timeout - has.age);
      }
    }
    for (const auto& [url, endpoint] : to_have) step.dial.push_back(*endpoint);
    if (!step.dial.empty()) waited_for = options_.replacement_timeout;
    if (unwanted.empty()) return step;
    if (waited_for <= absl::ZeroDuration()) {
      step.undial = std::move(unwanted);
    } else {
      step.ask_again = waited_for;
    }
    return step;
  }

 private:
  const FollowOptions options_;
};

class Fixed final : public Governor {
 public:
  GovernorStep Decide(const std::vector<GateEndpoint>& wanted, const std::vector<DialledEndpoint>&) override {
    GovernorStep step;
    if (!std::exchange(has_dialled_, has_dialled_ || !wanted.empty())) step.dial = wanted;
    return step;
  }

 private:
  bool has_dialled_ = false;
};

}  // namespace

GovernorMaker FollowGovernor(FollowOptions options) {
  return [options] { return std::make_unique<Follower>(options); };
}
GovernorMaker NoGovernor() {
  return [] { return std::make_unique<Fixed>(); };
}

}  // namespace scoutlight
