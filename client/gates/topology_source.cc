#include "client/gates/topology_source.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/gates/poller.h"
#include "topology/topology_document.h"

namespace scoutlight {
namespace {

class Literal final : public TopologySource {
 public:
  explicit Literal(TopologyPtr topology) : topology_(std::move(topology)) {}

  absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) override {
    callback(topology_);
    return std::make_unique<TopologySourceWatch>();
  }

 private:
  const TopologyPtr topology_;
};

// By what it is told whether a file has changed.
struct FileMark {
  ino_t inode = 0;
  off_t bytes = 0;
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  int error = 0;  // It cannot be looked at.

  friend bool operator==(const FileMark&, const FileMark&) = default;
};

FileMark MarkOf(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) return {.error = errno};
  return {.inode = found.st_ino, .bytes = found.st_size, .seconds = found.st_mtim.tv_sec, .nanoseconds = found.st_mtim.tv_nsec};
}

absl::StatusOr<TopologyPtr> ReadTopology(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  // One byte more than is allowed, so that what is too long is told as that.
  std::string document(topology::kDocumentBytesMax + 1, '\0');
  if (!file.is_open()) return absl::NotFoundError(absl::StrCat("the topology ", path, " cannot be opened: ", std::strerror(errno)));
  file.read(document.data(), static_cast<std::streamsize>(document.size()));
  if (file.bad()) return absl::UnavailableError(absl::StrCat("the topology ", path, " cannot be read"));
  document.resize(static_cast<size_t>(file.gcount()));
  absl::StatusOr<topology::Topology> topology = topology::ParseTopology(document);
  if (!topology.ok()) return topology.status();
  return std::make_shared<const topology::Topology>(*std::move(topology));
}

class File final : public TopologySource {
 public:
  File(std::string path, absl::Duration period) : path_(std::move(path)), period_(period) {}

  absl::StatusOr<std::unique_ptr<TopologySourceWatch>> Watch(Callback callback) override {
    const FileMark mark = MarkOf(path_);
    absl::StatusOr<TopologyPtr> first = ReadTopology(path_);
    if (!first.ok()) return first.status();
    callback(*std::move(first));
    return std::make_unique<Polled>(period_, [path = path_, mark = FileMark(mark), callback = std::move(callback)]() mutable {
      // Looked at before it is read: a change while it is read is seen the next time.
      const FileMark now = MarkOf(path);
      if (now == mark) return;
      mark = now;
      callback(ReadTopology(path));
    });
  }

 private:
  struct Polled final : TopologySourceWatch {
    Polled(absl::Duration period, std::function<void()> look) : poller(period, std::move(look)) {}
    client::Poller poller;
  };

  const std::string path_;
  const absl::Duration period_;
};

}  // namespace

absl::StatusOr<std::shared_ptr<TopologySource>> LiteralTopology(absl::string_view document) {
  absl::StatusOr<topology::Topology> topology = topology::ParseTopology(document);
  if (!topology.ok()) return topology.status();
  return std::make_shared<Literal>(std::make_shared<const topology::Topology>(*std::move(topology)));
}

std::shared_ptr<TopologySource> FileTopology(std::string path, absl::Duration period) {
  return std::make_shared<File>(std::move(path), period);
}

}  // namespace scoutlight
