// What an operator sees: flags, environment, logs, refusals to start, stopping.
#include <gmock/gmock.h>
#include <grpcpp/client_context.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "base/mutex.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/failure.h"

namespace scoutlight::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

std::vector<std::string> LinesOf(const std::string& text) { return absl::StrSplit(text, '\n', absl::SkipEmpty()); }

class Operation : public ::testing::Test {
 protected:
  std::string DataDir() const { return dir_.File("data"); }
  std::string File(absl::string_view name) const { return dir_.File(name); }

  // Starts a server that must refuse to, with `exit_code`. Returns what it said, which is not much.
  static std::string RefusalOf(ServerFlags flags, int exit_code) {
    ServerProcess refused(std::move(flags));
    EXPECT_EQ(refused.WaitForExit(), Exit{.code = exit_code});
    EXPECT_EQ(refused.address(), "");
    EXPECT_LE(LinesOf(refused.errors()).size(), 8u) << refused.errors();
    return refused.errors();
  }

  static void StopWell(ServerProcess& server) {
    server.Signal(SIGTERM);
    EXPECT_EQ(server.WaitForExit(), Exit{.code = 0}) << server.errors();
  }

 private:
  TempDir dir_;
};

TEST_F(Operation, HelpNamesEveryFlagAndItsVariable) {
  ServerProcess help({.data_dir = "", .flags = {"--help"}, .listen = ""});
  EXPECT_EQ(help.WaitForExit(), Exit{.code = 0});
  EXPECT_EQ(help.errors(), "");
  for (const std::string flag : {"listen", "data-dir", "store", "log-level", "log-format", "tls-cert", "tls-key", "tls-client-ca",
                                 "insecure", "restore", "history-age", "history-bytes", "disk-reserve"}) {
    std::string variable = absl::StrCat("SCOUTLIGHT_", flag);
    for (char& c : variable) c = c == '-' ? '_' : static_cast<char>(toupper(c));
    EXPECT_THAT(help.output(), AllOf(HasSubstr("--" + flag), HasSubstr(variable)));
  }
}

TEST_F(Operation, VersionIsOneLine) {
  ServerProcess version({.data_dir = "", .flags = {"--version"}, .listen = ""});
  EXPECT_EQ(version.WaitForExit(), Exit{.code = 0});
  EXPECT_THAT(version.output(), StartsWith("scoutlightd "));
  EXPECT_EQ(LinesOf(version.output()).size(), 1u);
}

TEST_F(Operation, ListeningIsSaidAtEveryLevelAndFormat) {
  for (const std::string level : {"debug", "info", "warn", "error"}) {
    for (const std::string format : {"text", "json"}) {
      const auto server = StartServer({.data_dir = "", .flags = {"--store=memory", "--log-level=" + level, "--log-format=" + format}});
      EXPECT_TRUE(Client(server->address()).Put("/a", "").ok()) << level << " " << format;
      StopWell(*server);
      EXPECT_EQ(server->output(), "");
    }
  }
}

TEST_F(Operation, JsonLogIsJsonOnEveryLine) {
  const auto server = StartServer({.data_dir = DataDir(), .flags = {"--log-format=json", "--log-level=debug"}});
  EXPECT_TRUE(Client(server->address()).Put("/a", "").ok());
  StopWell(*server);
  const std::vector<std::string> lines = LinesOf(server->errors());
  EXPECT_GT(lines.size(), 10u);
  for (const std::string& line : lines) {
    const auto json = nlohmann::json::parse(line, nullptr, false);
    ASSERT_TRUE(json.is_object()) << line;
    for (const char* field : {"time", "level", "message"}) EXPECT_TRUE(json.contains(field) && json[field].is_string()) << line;
  }
}

TEST_F(Operation, JsonLogIsJsonAlsoWhenTheStartIsRefused) {
  WriteFile(DataDir(), "a file, no folder");
  const std::string said = RefusalOf({.data_dir = DataDir(), .flags = {"--log-format=json"}}, 1);
  for (const std::string& line : LinesOf(said)) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

TEST_F(Operation, EffectiveConfigurationIsShownAtDebugLevel) {
  const auto server = StartServer({.data_dir = DataDir(), .flags = {"--log-level=debug", "--history-age=90m"}});
  for (const char* setting : {"listen=127.0.0.1:0", "store=rocksdb", "log-level=debug", "log-format=text", "insecure=false",
                              "history-age=1h30m", "history-bytes=1073741824", "disk-reserve=67108864"}) {
    EXPECT_THAT(server->errors(), HasSubstr(setting));
  }
  EXPECT_THAT(server->errors(), HasSubstr("data-dir=" + DataDir()));
  StopWell(*server);
  const auto quiet = StartServer({.data_dir = DataDir()});
  EXPECT_THAT(quiet->errors(), Not(HasSubstr("history-age")));
}

TEST_F(Operation, EnvironmentSetsWhatNoFlagDoes) {
  const auto server = StartServer({.data_dir = "",
                                   .flags = {"--log-level=debug"},
                                   .listen = "",
                                   .environment = {{"SCOUTLIGHT_LISTEN", "127.0.0.1:0"},
                                                   {"SCOUTLIGHT_DATA_DIR", DataDir()},
                                                   {"SCOUTLIGHT_LOG_LEVEL", "error"},
                                                   {"SCOUTLIGHT_HISTORY_AGE", "30s"}},
                                   .mount = std::nullopt});
  EXPECT_THAT(server->errors(), AllOf(HasSubstr("log-level=debug"), HasSubstr("history-age=30s")));
  EXPECT_TRUE(Client(server->address()).Put("/a", "").ok());
  EXPECT_TRUE(std::filesystem::exists(DataDir() + "/db"));
}

TEST_F(Operation, MemoryStoreTouchesNoDisk) {
  const auto server = StartServer({.data_dir = DataDir(), .flags = {"--store=memory"}});
  EXPECT_TRUE(Client(server->address()).Put("/a", "").ok());
  EXPECT_FALSE(std::filesystem::exists(DataDir()));
}

TEST_F(Operation, WrongSettingsAreAllNamedAtOnce) {
  const std::string said =
      RefusalOf({.data_dir = DataDir(),
                 .flags = {"--log-level=loud", "--store=floppy", "--history-age=soon", "--disk-reserve=1XB", "--no-such-flag"},
                 .listen = "127.0.0.1"},
                2);
  for (const char* part :
       {"--listen", "--log-level=loud", "--store=floppy", "--history-age=soon", "--disk-reserve=1XB", "--no-such-flag"}) {
    EXPECT_THAT(said, HasSubstr(part));
  }
  EXPECT_FALSE(std::filesystem::exists(DataDir()));
}

TEST_F(Operation, ListeningOffThisMachineNeedsTlsOrInsecure) {
  for (const std::string listen : {"0.0.0.0:0", "[::]:0", "192.0.2.1:0"}) {
    EXPECT_THAT(RefusalOf({.data_dir = DataDir(), .flags = {}, .listen = listen}, 2), AllOf(HasSubstr(listen), HasSubstr("--insecure")));
  }
  const auto server = StartServer({.data_dir = DataDir(), .flags = {"--insecure"}, .listen = "0.0.0.0:0"});
  EXPECT_THAT(server->address(), StartsWith("0.0.0.0:"));
}

TEST_F(Operation, TakenPortIsNamed) {
  const auto first = StartServer({.data_dir = DataDir()});
  const std::string said = RefusalOf({.data_dir = File("other"), .flags = {}, .listen = first->address()}, 1);
  EXPECT_THAT(said, AllOf(HasSubstr("cannot start: "), HasSubstr(first->address())));
}

TEST_F(Operation, DataDirectoryOfALiveServerIsLocked) {
  const auto first = StartServer({.data_dir = DataDir()});
  EXPECT_THAT(RefusalOf({.data_dir = DataDir()}, 1), AllOf(HasSubstr(DataDir() + "/LOCK"), HasSubstr(absl::StrCat(first->pid()))));
  EXPECT_TRUE(Client(first->address()).Put("/a", "").ok());
  first->Kill();
  EXPECT_TRUE(StartServer({.data_dir = DataDir()})->WaitUntilListening());
}

TEST_F(Operation, DataDirectoryThatIsAFileIsNamed) {
  WriteFile(DataDir(), "a file");
  EXPECT_THAT(RefusalOf({.data_dir = DataDir()}, 1), AllOf(HasSubstr(DataDir()), HasSubstr("not a directory")));
}

TEST_F(Operation, DataDirectoryThatCannotBeWrittenIsNamed) {
  std::filesystem::create_directory(File("mount"));
  for (const std::string folder : {"mount", "mount/data"}) {
    const std::string said = RefusalOf({.data_dir = File(folder), .mount = PrivateMount{.path = File("mount"), .read_only = true}}, 1);
    EXPECT_THAT(said, AllOf(HasSubstr(File(folder)), HasSubstr("Read-only file system")));
  }
}

TEST_F(Operation, ForeignDatabaseIsLeftAlone) {
  std::filesystem::create_directories(DataDir() + "/db");
  WriteFile(DataDir() + "/db/CURRENT", "of somebody else");
  EXPECT_THAT(RefusalOf({.data_dir = DataDir()}, 1), HasSubstr(DataDir() + "/db"));
  EXPECT_EQ(ReadFile(DataDir() + "/db/CURRENT"), "of somebody else");
}

TEST_F(Operation, ServerThatIsThereStartsAgainInTwoSeconds) {
  StopWell(*StartServer({.data_dir = DataDir()}));
  const absl::Duration start = SteadyNow();
  const auto server = StartServer({.data_dir = DataDir()});
  EXPECT_LT(SteadyNow() - start, absl::Seconds(2));
}

// Servers that are told to stop.
class Stopping : public Operation {};

TEST_F(Stopping, SigtermUnderLoadEndsEveryCallAndLosesNothing) {
  const auto server = StartServer({.data_dir = DataDir()});
  const std::string address = server->address();
  Mutex mu;
  std::vector<std::string> stored;
  std::vector<grpc::Status> ends;
  std::atomic<int> answered{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 8; ++i) {
    writers.emplace_back([&, i] {
      Client client(address);
      for (int number = 0;; ++number) {
        const std::string key = absl::StrCat("/load/", i, "-", number);
        const auto put = client.Put(key, "");
        const MutexLock lock(&mu);
        if (!put.ok()) {
          ends.push_back(put.status);
          return;
        }
        stored.push_back(key);
        ++answered;
      }
    });
  }
  EXPECT_TRUE(WaitUntil([&] { return answered.load() > 100; }));
  const absl::Duration start = SteadyNow();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForExit(), Exit{.code = 0}) << server->errors();
  EXPECT_LT(SteadyNow() - start, absl::Seconds(5));
  for (std::thread& writer : writers) writer.join();
  for (const grpc::Status& end : ends) EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE) << end.error_message();

  const auto again = StartServer({.data_dir = DataDir()});
  Client client(again->address());
  wire::ListRequest all = ListOf("/load");
  all.set_page_size(10'000);
  const std::vector<std::string> keys = KeysOf(client.ListAll(all));
  const std::set<std::string> present(keys.begin(), keys.end());
  for (const std::string& key : stored) EXPECT_TRUE(present.contains(key)) << key << " was acknowledged";
}

// A stream of health answers, which holds the server up until it is cut off.
class HealthWatch {
 public:
  explicit HealthWatch(Client& client, const std::string& service = "") {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    context_.set_deadline(std::chrono::system_clock::now() + absl::ToChronoSeconds(kSoon));
    reader_ = client.health().Watch(&context_, request);
  }
  ~HealthWatch() { context_.TryCancel(); }

  // The next status; UNKNOWN when the stream has ended.
  grpc::health::v1::HealthCheckResponse::ServingStatus Next() {
    grpc::health::v1::HealthCheckResponse response;
    return reader_->Read(&response) ? response.status() : grpc::health::v1::HealthCheckResponse::UNKNOWN;
  }

 private:
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>> reader_;
};

using Health = grpc::health::v1::HealthCheckResponse;

TEST_F(Stopping, HealthSaysServingThenNotServing) {
  const auto server = StartServer({.data_dir = DataDir()});
  Client client(server->address());
  for (const std::string service : {"", "scoutlight.registry.v1.RegistryService"}) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    Health response;
    ASSERT_TRUE(client.health().Check(&context, request, &response).ok());
    EXPECT_EQ(response.status(), Health::SERVING) << service;
  }
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckRequest request;
  request.set_service("no.such.Service");
  Health response;
  EXPECT_EQ(client.health().Check(&context, request, &response).error_code(), grpc::StatusCode::NOT_FOUND);

  HealthWatch watch(client);
  EXPECT_EQ(watch.Next(), Health::SERVING);
  const absl::Duration start = SteadyNow();
  server->Signal(SIGTERM);
  EXPECT_EQ(watch.Next(), Health::NOT_SERVING);
  EXPECT_EQ(server->WaitForExit(), Exit{.code = 0});
  EXPECT_LT(SteadyNow() - start, absl::Seconds(5));
}

TEST_F(Stopping, SecondSigtermEndsItAtOnce) {
  const auto server = StartServer({.data_dir = DataDir()});
  Client client(server->address());
  HealthWatch watch(client);
  EXPECT_EQ(watch.Next(), Health::SERVING);
  server->Signal(SIGTERM);
  EXPECT_EQ(watch.Next(), Health::NOT_SERVING);
  const absl::Duration start = SteadyNow();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForExit(), Exit{.code = 1});
  EXPECT_LT(SteadyNow() - start, absl::Seconds(1));
  // It is as after a kill: nothing is lost.
  EXPECT_TRUE(StartServer({.data_dir = DataDir()})->WaitUntilListening());
}

TEST_F(Stopping, SigintStopsToo) {
  const auto server = StartServer({.data_dir = DataDir()});
  server->Signal(SIGINT);
  EXPECT_EQ(server->WaitForExit(), Exit{.code = 0});
}

TEST_F(Stopping, SilentConnectionsDoNotHoldItUp) {
  const auto server = StartServer({.data_dir = DataDir()});
  Client idle(server->address());
  ASSERT_TRUE(idle.Put("/a", "").ok());
  const absl::Duration start = SteadyNow();
  server->Signal(SIGTERM);
  EXPECT_EQ(server->WaitForExit(), Exit{.code = 0});
  EXPECT_LT(SteadyNow() - start, absl::Seconds(5));
}

// A full disk: a tmpfs of the server's own, with a ballast file that is taken away.
TEST_F(Operation, FullDiskRefusesWritesUntilThereIsRoom) {
  constexpr size_t kMiB = 1 << 20;
  std::filesystem::create_directory(File("mount"));
  const auto server = StartServer(
      {.data_dir = File("mount/data"), .flags = {"--disk-reserve=24MiB"}, .mount = PrivateMount{.path = File("mount"), .size = "64m"}});
  const std::string ballast = absl::StrCat("/proc/", server->pid(), "/root", File("mount/ballast"));
  WriteFile(ballast, std::string(16 * kMiB, 'b'));
  Client client(server->address());
  int stored = 0;
  grpc::Status refusal;
  while (stored < 1000) {
    refusal = client.Put(absl::StrCat("/full/", stored), std::string(kMiB / 4, 'v')).status;
    if (!refusal.ok()) break;
    ++stored;
  }
  EXPECT_GT(stored, 0);
  const std::vector<std::string> no_fields;
  ExpectFailure(refusal, grpc::StatusCode::RESOURCE_EXHAUSTED, "DISK_FULL", no_fields);
  EXPECT_TRUE(FailureOf(refusal).retry_delay.has_value());
  EXPECT_GT(FailureOf(refusal).retry_delay.value_or(absl::ZeroDuration()), absl::ZeroDuration());
  // Small ones too, again and again.
  for (int i = 0; i < 20; ++i) ExpectFailure(client.Put("/small", "").status, grpc::StatusCode::RESOURCE_EXHAUSTED, "DISK_FULL", no_fields);

  EXPECT_EQ(client.List("/full").status.error_code(), grpc::StatusCode::OK);
  EXPECT_EQ(client.TextAt("/full/0").size(), kMiB / 4);
  EXPECT_EQ(client.Delete("/full/0")->deleted(), 1);
  EXPECT_EQ(client.Get("/full/0").status.error_code(), grpc::StatusCode::NOT_FOUND);

  ASSERT_TRUE(std::filesystem::remove(ballast));
  EXPECT_TRUE(WaitUntil([&] { return client.Put("/after", "room").ok(); }, absl::Seconds(5)));
  EXPECT_EQ(client.TextAt("/after"), "room");
  for (int i = 1; i < stored; ++i) EXPECT_TRUE(client.Get(absl::StrCat("/full/", i)).ok()) << i;
  StopWell(*server);
}

}  // namespace
}  // namespace scoutlight::testing
