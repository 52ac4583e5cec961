// Real input: the ports that this machine knows by name, /etc/services of the package netbase.
#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/e2e/served_test.h"

namespace scoutlight::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

class ServicesFile : public ServedTest {
 protected:
  // Reads lines "name port/protocol [alias...] [# comment]" into name -> protocol -> port.
  ServicesFile() {
    std::ifstream file("/etc/services");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string name;
      std::string port;
      if (!(words >> name >> port)) continue;
      const std::pair<std::string, std::string> parts = absl::StrSplit(port, '/');
      ports_[name].emplace(parts.second, parts.first);
    }
  }

  static std::string KeyOf(const std::string& name, const std::string& protocol) {
    return absl::StrCat("/iana/ports/", name, "/", protocol, "/port");
  }

  std::map<std::string, std::map<std::string, std::string>> ports_;
};

TEST_F(ServicesFile, IsLoadedListedChangedAndReadBackAtAnOldRevisionAfterAKill) {
  ASSERT_GT(ports_.size(), 100u) << "/etc/services is not that of netbase";
  size_t entries = 0;
  for (const auto& [name, protocols] : ports_) {
    for (const auto& [protocol, port] : protocols) {
      ASSERT_TRUE(client().Put(KeyOf(name, protocol), port).ok()) << name;
      ++entries;
    }
  }
  const int64_t loaded = client().Revision();
  EXPECT_EQ(loaded, 1 + static_cast<int64_t>(entries));

  // By level.
  EXPECT_THAT(KeysOf(client().List("/")->entries()), ElementsAre("/iana"));
  EXPECT_THAT(KeysOf(client().List("/iana")->entries()), ElementsAre("/iana/ports"));
  std::vector<std::string> names;
  for (const auto& [name, protocols] : ports_) names.push_back("/iana/ports/" + name);
  EXPECT_THAT(KeysOf(client().ListAll(ListOf("/iana/ports"))), ElementsAreArray(names));
  EXPECT_THAT(KeysOf(client().List("/iana/ports/domain")->entries()), ElementsAre("/iana/ports/domain/tcp", "/iana/ports/domain/udp"));
  EXPECT_EQ(client().TextAt("/iana/ports/https/tcp/port"), "443");
  EXPECT_EQ(client().ListAll(ListOf("/iana", wire::SCOPE_SUBTREE)).size(), entries);

  // HTTP moves and telnet goes, at once.
  wire::TransactRequest change;
  auto& condition = *change.add_conditions();
  condition.set_key("/iana/ports/http/tcp/port");
  condition.set_text("80");
  change.add_on_success()->mutable_put()->set_key("/iana/ports/http/tcp/port");
  change.mutable_on_success(0)->mutable_put()->set_text("8080");
  change.add_on_success()->mutable_delete_()->set_key("/iana/ports/telnet");
  change.mutable_on_success(1)->mutable_delete_()->set_scope(wire::SCOPE_SUBTREE);
  const auto changed = client().Send(change);
  ASSERT_TRUE(changed.ok());
  EXPECT_TRUE(changed->succeeded());
  EXPECT_EQ(changed->revision(), loaded + 1);

  KillAndRestart();
  EXPECT_EQ(client().Revision(), loaded + 1);
  EXPECT_EQ(client().TextAt("/iana/ports/http/tcp/port"), "8080");
  EXPECT_FALSE(client().Get("/iana/ports/telnet/tcp/port").ok());
  wire::ListRequest before = ListOf("/iana", wire::SCOPE_SUBTREE);
  before.set_revision(loaded);
  before.set_page_size(50);
  std::map<std::string, std::string> read_back;
  for (const wire::Entry& entry : client().ListAll(before)) read_back[entry.key()] = entry.text();
  EXPECT_EQ(read_back.size(), entries);
  for (const auto& [name, protocols] : ports_) {
    for (const auto& [protocol, port] : protocols) EXPECT_EQ(read_back[KeyOf(name, protocol)], port) << name;
  }
}

}  // namespace
}  // namespace scoutlight::testing
