#include "storage/etcd/etcd_process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <tuple>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "storage/testing/await.h"

namespace scoutlight::storage {
namespace {

// A port that was free a moment ago may be taken when etcd wants it.
constexpr int kLaunchesMax = 5;

sockaddr_in Loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

int FreePort() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  close(fd);
  return ntohs(address.sin_port);
}

std::string MakeTemporaryFolder() {
  std::string folder = (std::filesystem::temp_directory_path() / "scoutlight-etcd-XXXXXX").string();
  EXPECT_NE(mkdtemp(folder.data()), nullptr);
  return folder;
}

bool Etcdctl(const std::string& arguments) {
  const std::string command = absl::StrCat("ETCDCTL_API=3 etcdctl ", arguments, " >/dev/null 2>&1");
  const bool succeeded = std::system(command.c_str()) == 0;
  EXPECT_TRUE(succeeded) << command;
  return succeeded;
}

// In the child: becomes etcd, which writes what it has to say to `log`.
[[noreturn]] void Become(std::vector<std::string>& arguments, const std::string& log) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(fd, STDOUT_FILENO);
  dup2(fd, STDERR_FILENO);
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  execvp(pointers[0], pointers.data());
  _exit(127);
}

}  // namespace

EtcdProcess::EtcdProcess(std::string folder) : folder_(std::move(folder)) {}

std::unique_ptr<EtcdProcess> EtcdProcess::Start(std::vector<std::string> flags) {
  std::unique_ptr<EtcdProcess> etcd(new EtcdProcess(MakeTemporaryFolder()));
  etcd->flags_ = std::move(flags);
  for (int i = 0; i < kLaunchesMax; ++i) {
    etcd->ChoosePorts();
    if (etcd->Launch()) return etcd;
    // It remembers the ports it was first told.
    std::filesystem::remove_all(etcd->folder_ + "/data");
  }
  ADD_FAILURE() << "etcd did not start:\n" << etcd->log();
  return nullptr;
}

std::vector<std::unique_ptr<EtcdProcess>> EtcdProcess::StartCluster(int members) {
  for (int i = 0; i < kLaunchesMax; ++i) {
    std::vector<std::unique_ptr<EtcdProcess>> cluster;
    std::string all;
    for (int member = 0; member < members; ++member) {
      std::unique_ptr<EtcdProcess>& etcd = cluster.emplace_back(new EtcdProcess(MakeTemporaryFolder()));
      etcd->name_ = absl::StrCat("m", member);
      etcd->ChoosePorts();
      absl::StrAppend(&all, all.empty() ? "" : ",", etcd->name_, "=", etcd->peer_url());
    }
    for (const auto& etcd : cluster) etcd->initial_cluster_ = all;
    const auto launch = [](const auto& etcd) { return etcd->Launch(); };
    const auto leads = [](const auto& etcd) { return etcd->IsLeader(); };
    if (!std::all_of(cluster.begin(), cluster.end(), launch)) continue;
    if (AwaitCondition([&] { return std::any_of(cluster.begin(), cluster.end(), leads); })) return cluster;
    ADD_FAILURE() << "the members have no leader:\n" << cluster[0]->log();
    return {};
  }
  ADD_FAILURE() << "the members did not start";
  return {};
}

void EtcdProcess::ChoosePorts() {
  SetClientPort(FreePort());
  peer_port_ = FreePort();
}

void EtcdProcess::SetClientPort(int port) {
  client_port_ = port;
  target_ = absl::StrCat("127.0.0.1:", port);
}

std::string EtcdProcess::peer_url() const { return absl::StrCat("http://127.0.0.1:", peer_port_); }

std::string EtcdProcess::log() const {
  std::ifstream log(folder_ + "/log");
  return std::string(std::istreambuf_iterator<char>(log), {});
}

bool EtcdProcess::OldLeadersEndLeases() {
  FILE* const told = popen("etcd --version", "r");
  int major = 0;
  int minor = 0;
  int patch = 0;
  EXPECT_TRUE(told != nullptr && fscanf(told, "etcd Version: %d.%d.%d", &major, &minor, &patch) == 3) << "etcd does not say its version";
  if (told != nullptr) pclose(told);
  return std::tuple(major, minor, patch) < std::tuple(3, 4, 31) || (major == 3 && minor == 5 && patch < 13);
}

std::optional<bool> EtcdProcess::Leads() const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval bound{.tv_sec = 2, .tv_usec = 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &bound, sizeof(bound));
  const sockaddr_in address = Loopback(client_port_);
  std::string answer;
  constexpr absl::string_view kRequest = "GET /metrics HTTP/1.0\r\n\r\n";
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
      send(fd, kRequest.data(), kRequest.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(kRequest.size())) {
    char piece[4096];
    for (ssize_t got = 0; (got = recv(fd, piece, sizeof(piece), 0)) > 0;) answer.append(piece, got);
  }
  close(fd);
  const bool leads = absl::StrContains(answer, "\netcd_server_is_leader 1\n");
  if (!leads && !absl::StrContains(answer, "\netcd_server_is_leader 0\n")) return std::nullopt;
  return leads;
}

EtcdProcess::~EtcdProcess() {
  Kill();
  std::error_code ignored;  // What stays behind is a temporary folder.
  std::filesystem::remove_all(folder_, ignored);
}

void EtcdProcess::Kill() {
  if (pid_ == 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void EtcdProcess::Pause() {
  EXPECT_EQ(kill(pid_, SIGSTOP), 0);
  // Its threads stop one after the other.
  siginfo_t info{};
  EXPECT_EQ(waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WEXITED | WNOWAIT), 0);
  EXPECT_EQ(info.si_code, CLD_STOPPED);
}

void EtcdProcess::Resume() { EXPECT_EQ(kill(pid_, SIGCONT), 0); }

bool EtcdProcess::Restart() {
  Kill();
  const bool started = Launch();
  EXPECT_TRUE(started) << "etcd did not start again";
  return started;
}

bool EtcdProcess::SaveTo(const std::string& snapshot) const {
  return Etcdctl(absl::StrCat("--endpoints=", target_, " snapshot save ", snapshot));
}

bool EtcdProcess::RestoreFrom(const std::string& snapshot, const std::function<void(const std::string& target)>& before) {
  Kill();
  std::filesystem::remove_all(folder_ + "/data");
  const std::string cluster = absl::StrCat(" --name=", name_, " --initial-cluster=", name_, "=", peer_url());
  const std::string where = absl::StrCat(" --data-dir=", folder_, "/data --initial-advertise-peer-urls=", peer_url());
  if (!Etcdctl(absl::StrCat("snapshot restore ", snapshot, cluster, where))) return false;
  const int port = client_port_;
  SetClientPort(FreePort());
  const bool started = Restart();
  if (started) before(target_);
  Kill();
  SetClientPort(port);
  return started && Restart();
}

bool EtcdProcess::Launch() {
  const auto is_certificate = [](const std::string& flag) { return absl::StartsWith(flag, "--cert-file="); };
  const bool is_tls = std::any_of(flags_.begin(), flags_.end(), is_certificate);
  const std::string client_url = absl::StrCat(is_tls ? "https://" : "http://", target_);
  const std::string cluster = initial_cluster_.empty() ? absl::StrCat(name_, "=", peer_url()) : initial_cluster_;
  std::vector<std::string> arguments = {"etcd",
                                        absl::StrCat("--name=", name_),
                                        absl::StrCat("--data-dir=", folder_, "/data"),
                                        absl::StrCat("--listen-client-urls=", client_url),
                                        absl::StrCat("--advertise-client-urls=", client_url),
                                        absl::StrCat("--listen-peer-urls=", peer_url()),
                                        absl::StrCat("--initial-advertise-peer-urls=", peer_url()),
                                        absl::StrCat("--initial-cluster=", cluster)};
  for (const std::string& flag : flags_) arguments.push_back(flag);
  const std::string log = folder_ + "/log";
  pid_ = fork();
  if (pid_ == 0) Become(arguments, log);
  const bool settled = AwaitCondition([this] { return HasExited() || Listens(); });
  if (settled && pid_ != 0) return true;
  Kill();
  return false;
}

bool EtcdProcess::Listens() const {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(client_port_);
  const bool connected = connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  close(fd);
  return connected;
}

bool EtcdProcess::HasExited() {
  if (pid_ != 0 && waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
  return pid_ == 0;
}

}  // namespace scoutlight::storage
