#include "client/gates/topology_source.h"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight {
namespace {

using client::Await;

constexpr char kFeeder[] = R"({"sink": {"links": [{"addresses": ["tcp://0.0.0.0:1"], "queue": "q", "type": "PULL"}]}})";
constexpr char kMore[] = R"({"sink": {"links": [{"addresses": ["tcp://0.0.0.0:1"], "queue": "q", "type": "PULL"}]},
                             "feeder": {"links": [{"outgate": "sink", "queue": "q", "type": "PUSH"}]}})";

// What a watch was told.
class Told {
 public:
  TopologySource::Callback callback() {
    return [this](absl::StatusOr<TopologyPtr> topology) {
      MutexLock lock(&mu_);
      told_.push_back(std::move(topology));
    };
  }
  size_t size() const {
    MutexLock lock(&mu_);
    return told_.size();
  }
  absl::StatusOr<TopologyPtr> newest() const {
    MutexLock lock(&mu_);
    return told_.back();
  }

 private:
  mutable Mutex mu_;
  std::vector<absl::StatusOr<TopologyPtr>> told_ ABSL_GUARDED_BY(mu_);
};

// A file that is replaced by renaming.
class TopologyFile {
 public:
  TopologyFile() : path_(::testing::TempDir() + "/topology." + std::to_string(getpid())) {}
  ~TopologyFile() { std::remove(path_.c_str()); }
  void Replace(const std::string& document) const {
    std::ofstream(path_ + ".new") << document;
    ASSERT_EQ(std::rename((path_ + ".new").c_str(), path_.c_str()), 0);
  }
  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

TEST(LiteralTopology, IsToldOnceOrRefused) {
  Told told;
  const auto watch = (*LiteralTopology(kFeeder))->Watch(told.callback());
  ASSERT_EQ(told.size(), 1);
  EXPECT_EQ((*told.newest())->services.size(), 1);
  EXPECT_EQ(LiteralTopology("{").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(FileTopology, IsReadAgainWhenItChanges) {
  TopologyFile file;
  file.Replace(kFeeder);
  Told told;
  const auto watch = FileTopology(file.path(), absl::Milliseconds(1))->Watch(told.callback());
  ASSERT_TRUE(watch.ok()) << watch.status();
  EXPECT_EQ((*told.newest())->services.size(), 1);
  file.Replace(kMore);
  ASSERT_TRUE(Await([&] { return told.size() == 2; }));
  EXPECT_EQ((*told.newest())->services.size(), 2);
}

TEST(FileTopology, MistakeIsToldOnceAndChangesNothing) {
  TopologyFile file;
  file.Replace(kFeeder);
  Told told;
  const auto watch = FileTopology(file.path(), absl::Milliseconds(1))->Watch(told.callback());
  file.Replace("{");
  ASSERT_TRUE(Await([&] { return told.size() == 2; }));
  EXPECT_EQ(told.newest().status().code(), absl::StatusCode::kInvalidArgument);
  std::remove(file.path().c_str());
  ASSERT_TRUE(Await([&] { return told.size() == 3; }));
  EXPECT_EQ(told.newest().status().code(), absl::StatusCode::kNotFound);
  file.Replace(kMore);
  ASSERT_TRUE(Await([&] { return told.size() == 4; }));
  EXPECT_TRUE(told.newest().ok());
}

TEST(FileTopology, ThatIsNotThereIsAnErrorAtOnce) {
  Told told;
  EXPECT_EQ(FileTopology("/nowhere/at/all")->Watch(told.callback()).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(told.size(), 0);
}

TEST(FileTopology, OverTheBoundIsRefused) {
  TopologyFile file;
  file.Replace(std::string(topology::kDocumentBytesMax + 10, ' '));
  Told told;
  EXPECT_EQ(FileTopology(file.path())->Watch(told.callback()).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace scoutlight
