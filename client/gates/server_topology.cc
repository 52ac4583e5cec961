#include "client/gates/server_topology.h"

#include <utility>

#include "client/topology.h"

namespace scoutlight {
namespace {

class ServerWatch final : public TopologySourceWatch {
 public:
  ServerWatch(const Connection& connection, const std::string& cluster, TopologySource::Callback callback)
      : callback_(std::move(callback)),
        watch_(
            connection, cluster, [this](const TopologyUpdate& update) { Tell(update); },
            [this](const absl::Status& why) { callback_(why); }) {}

 private:
  void Tell(const TopologyUpdate& update) {
    if (update.topology == nullptr) return callback_(update.status);
    callback_(update.topology);
  }

  const TopologySource::Callback callback_;
  const TopologyWatch watch_;  // Last: it calls at once.
};

class Server final : public TopologySource {
 public:
  Server(Connection connection, std::string cluster) : connection_(std::move(connection)), cluster_(std::move(cluster)) {}

  absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) override {
    return std::make_unique<ServerWatch>(connection_, cluster_, std::move(callback));
  }

 private:
  const Connection connection_;
  const std::string cluster_;
};

}  // namespace

std::shared_ptr<TopologySource> ServerTopology(Connection connection, std::string cluster) {
  return std::make_shared<Server>(std::move(connection), std::move(cluster));
}

}  // namespace scoutlight
