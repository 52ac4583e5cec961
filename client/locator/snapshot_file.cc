#include "client/locator/snapshot_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/shown.h"
#include "base/stable_hash.h"
#include "client/wire/instance_conversion.h"
#include "scoutlight/discovery/v1/instance.pb.h"

namespace scoutlight::client {
namespace {

constexpr absl::string_view kMagic = "SCOUTLOC";
constexpr uint32_t kVersion = 1;

template <typename Integer>
void AppendInteger(Integer value, std::string* out) {
  for (size_t i = 0; i < sizeof(Integer); ++i) out->push_back(static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 0xff));
}

void AppendText(absl::string_view text, std::string* out) {
  AppendInteger(static_cast<uint32_t>(text.size()), out);
  out->append(text.data(), text.size());
}

// Takes fields from the front; once one is not there, all that follow are not.
class Reader {
 public:
  explicit Reader(absl::string_view bytes) : left_(bytes) {}

  template <typename Integer>
  Integer TakeInteger() {
    const absl::string_view bytes = TakeBytes(sizeof(Integer));
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.size(); ++i) value |= static_cast<uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
    return static_cast<Integer>(value);
  }
  absl::string_view TakeText() { return TakeBytes(TakeInteger<uint32_t>()); }
  absl::string_view left() const { return left_; }
  bool failed() const { return failed_; }

 private:
  absl::string_view TakeBytes(size_t bytes) {
    failed_ = failed_ || bytes > left_.size();
    if (failed_) return "";
    const absl::string_view taken = left_.substr(0, bytes);
    left_.remove_prefix(bytes);
    return taken;
  }

  absl::string_view left_;
  bool failed_ = false;
};

std::optional<SavedService> TakeService(Reader* reader) {
  SavedService saved{.service = std::string(reader->TakeText()), .snapshot = nullptr, .current_at = absl::Time()};
  saved.current_at = absl::FromUnixNanos(reader->TakeInteger<int64_t>());
  const auto revision = reader->TakeInteger<int64_t>();
  const auto instances = reader->TakeInteger<uint32_t>();
  discovery::ServiceSnapshot::Changes changes;
  for (uint32_t i = 0; i < instances && !reader->failed(); ++i) {
    const absl::string_view bytes = reader->TakeText();
    discovery::v1::Instance message;
    // In order of id, each once.
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return std::nullopt;
    if (!changes.empty() && message.id() <= changes.back().first) return std::nullopt;
    changes.emplace_back(message.id(), std::make_shared<const discovery::Instance>(ReadInstance(message)));
  }
  if (reader->failed()) return std::nullopt;
  saved.snapshot = discovery::ServiceSnapshot().With(changes, revision);
  return saved;
}

absl::Status Damaged(absl::string_view what) { return absl::DataLossError(absl::StrCat("the snapshot file ", what)); }

absl::Status SystemError(absl::string_view what, const std::string& path) {
  return absl::UnavailableError(absl::StrCat("cannot ", what, " ", Shown(path), ": ", std::strerror(errno)));
}

// Closes what it has.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  const int fd_;
};

bool WriteAll(int fd, absl::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

absl::StatusOr<std::string> EncodeSnapshotFile(const SavedServices& saved) {
  std::string body;
  AppendText(saved.cluster, &body);
  AppendInteger(static_cast<uint32_t>(saved.services.size()), &body);
  for (const SavedService& service : saved.services) {
    AppendText(service.service, &body);
    AppendInteger(absl::ToUnixNanos(service.current_at), &body);
    AppendInteger(service.snapshot->revision(), &body);
    AppendInteger(static_cast<uint32_t>(service.snapshot->size()), &body);
    service.snapshot->ForEachAfter("", [&body](const discovery::InstancePtr& instance) {
      discovery::v1::Instance message;
      FillInstance(*instance, &message);
      AppendText(message.SerializeAsString(), &body);
      return body.size() <= kSnapshotFileBytesMax;
    });
    if (body.size() > kSnapshotFileBytesMax) {
      return absl::ResourceExhaustedError(absl::StrCat("the snapshot file would have more than ", kSnapshotFileBytesMax, " bytes"));
    }
  }
  std::string file(kMagic);
  AppendInteger(kVersion, &file);
  AppendInteger(StableHash().Add(body).value(), &file);
  file += body;
  return file;
}

absl::StatusOr<SavedServices> DecodeSnapshotFile(absl::string_view bytes) {
  if (bytes.substr(0, kMagic.size()) != kMagic) return Damaged("is none");
  Reader reader(bytes.substr(kMagic.size()));
  const auto version = reader.TakeInteger<uint32_t>();
  if (version != kVersion) return Damaged(absl::StrCat("has version ", version, ", this release reads ", kVersion));
  const auto checksum = reader.TakeInteger<uint64_t>();
  if (reader.failed() || checksum != StableHash().Add(reader.left()).value()) return Damaged("is damaged: its checksum does not fit");
  SavedServices saved{.cluster = std::string(reader.TakeText()), .services = {}};
  const auto services = reader.TakeInteger<uint32_t>();
  for (uint32_t i = 0; i < services; ++i) {
    std::optional<SavedService> service = TakeService(&reader);
    if (!service.has_value()) return Damaged(absl::StrCat("is damaged: service number ", i + 1, " cannot be read"));
    saved.services.push_back(*std::move(service));
  }
  if (reader.failed() || !reader.left().empty()) return Damaged("is damaged: its length does not fit");
  return saved;
}

absl::Status WriteSnapshotFile(const std::string& path, absl::string_view bytes, absl::string_view unique) {
  const std::string temporary = absl::StrCat(path, ".", unique, ".tmp");
  {
    const Descriptor file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (file.get() < 0) return SystemError("write", temporary);
    if (!WriteAll(file.get(), bytes) || fdatasync(file.get()) != 0) {
      absl::Status failed = SystemError("write", temporary);
      unlink(temporary.c_str());
      return failed;
    }
  }
  if (std::rename(temporary.c_str(), path.c_str()) == 0) return absl::OkStatus();
  absl::Status failed = SystemError("replace", path);
  unlink(temporary.c_str());
  return failed;
}

absl::StatusOr<std::string> ReadSnapshotFile(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && errno == ENOENT) return absl::NotFoundError(absl::StrCat("there is no file ", Shown(path)));
  struct stat status;
  if (file.get() < 0 || fstat(file.get(), &status) != 0) return SystemError("read", path);
  if (status.st_size > static_cast<off_t>(2 * kSnapshotFileBytesMax)) {
    return absl::ResourceExhaustedError(
        absl::StrCat(Shown(path), " has ", status.st_size, " bytes, at most ", 2 * kSnapshotFileBytesMax, " are read"));
  }
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t have = 0;
  while (have < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + have, bytes.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path);
    if (got == 0) break;
    have += static_cast<size_t>(got);
  }
  bytes.resize(have);
  return bytes;
}

}  // namespace scoutlight::client
