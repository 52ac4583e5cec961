#include "tests/e2e/served_cluster.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

ServedCluster::ServedCluster() : members_(storage::EtcdProcess::StartCluster(kMembers)) {
  if (members_.size() != kMembers) return;
  const auto target_of = [](std::string* out, const std::unique_ptr<storage::EtcdProcess>& member) { out->append(member->target()); };
  store_flag_ = absl::StrCat("--store=etcd://", absl::StrJoin(members_, ",", target_of), "/cluster");
  for (int i = 0; i < kServers; ++i) {
    servers_.push_back(testing::StartServer({.data_dir = "", .flags = {store_flag_}}));
    addresses_.push_back(servers_.back()->address());
    if (addresses_.back().empty()) return;
    clients_.push_back(std::make_unique<Client>(addresses_.back()));
  }
}

bool ServedCluster::runs() const { return clients_.size() == kServers; }

int ServedCluster::Leader(int but) const {
  for (int i = 0; i < kMembers; ++i) {
    if (i != but && members_[i]->IsLeader()) return i;
  }
  return kNobody;
}

bool ServedCluster::AgreeOnLeader() const {
  int leaders = 0;
  for (const auto& member : members_) {
    const std::optional<bool> leads = member->Leads();
    if (!leads.has_value()) return false;
    leaders += *leads ? 1 : 0;
  }
  return leaders == 1;
}

int ServedCluster::AwaitLeader(int but) const {
  int leader = kNobody;
  EXPECT_TRUE(WaitUntil([&] { return (leader = Leader(but)) != kNobody; })) << "nobody leads the members";
  return leader;
}

int ServedCluster::Pick(Role role, Random* random) const {
  const int leader = AwaitLeader();
  return role == Role::kLeader ? leader : (leader + Between(1, kMembers - 1, random)) % kMembers;
}

void ServedCluster::StartServer(int index) {
  servers_[index] = testing::StartServer({.data_dir = "", .flags = {store_flag_}, .listen = addresses_[index]});
}

void ServedCluster::StopServers() {
  clients_.clear();
  for (const auto& server : servers_) server->Signal(SIGTERM);
  for (const auto& server : servers_) EXPECT_EQ(server->WaitForExit(), Exit{.code = 0}) << server->errors();
}

bool ServedCluster::AwaitServing() {
  using Health = grpc::health::v1::HealthCheckResponse;
  const auto serves = [](const std::unique_ptr<Client>& client) {
    wire::ListRequest request = ListOf("/");
    request.set_page_size(1);
    return client->Send(request).ok() && client->Health() == Health::SERVING;
  };
  const bool all = WaitUntil([&] { return std::all_of(clients_.begin(), clients_.end(), serves); });
  EXPECT_TRUE(all) << "a server does not serve:\n" << servers_[0]->errors() << "\n" << servers_[1]->errors();
  return all;
}

}  // namespace scoutlight::testing
