// Peers that speak HTTP/2 to hurt: in the short form as much as a careless proxy might do, under SCOUTLIGHT_TORTURE more. The server stays
// up, answers others, and loses nothing. What it costs when somebody means it: bench/hostile.py, SECURITY.md.
#include <gmock/gmock.h>
#include <sys/resource.h>

#include <filesystem>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/deadline.h"
#include "tests/support/random.h"
#include "tests/support/raw_connection.h"

namespace scoutlight::testing {
namespace {

using namespace std::string_literals;

constexpr char kData = 0, kHeaders = 1, kResetStream = 3, kSettings = 4, kPing = 6, kContinuation = 9;
constexpr char kEndStream = 1, kEndHeaders = 4;
constexpr char kWatch[] = "/grpc.health.v1.Health/Watch";
constexpr char kPut[] = "/scoutlight.registry.v1.RegistryService/Put";
const std::string kEmptyMessage(5, '\0');  // gRPC's header of a message, and nothing behind it.
// Of others' calls meanwhile. Far from what it is: the figure is the benchmark's.
constexpr absl::Duration kAnswerMax = absl::Seconds(5);

// GrpcCallHeaders on another stream than the first.
std::string CallHeaders(const std::string& method, int stream) {
  constexpr size_t kFrameHeaderBytes = 9;
  return Http2Frame(kHeaders, kEndHeaders, stream, GrpcCallHeaders(method).substr(kFrameHeaderBytes));
}

class HostilePeers : public ServedTest {
 protected:
  HostilePeers() { EXPECT_TRUE(client().Put("/a", "one").ok()); }

  void TearDown() override {
    ExpectOthersServed();
    EXPECT_EQ(client().Revision(), revision_);
    ServedTest::TearDown();
  }

  void ExpectOthersServed() {
    const absl::Duration start = SteadyNow();
    EXPECT_EQ(Client(server().address()).TextAt("/a"), text_);
    EXPECT_EQ(client().TextAt("/a"), text_);
    EXPECT_LT(SteadyNow() - start, kAnswerMax);
  }

  // Opens streams on one connection, a hundred at a time, each followed by `then(stream)`.
  template <typename Then>
  void OpenStreams(int streams, const Then& then) {
    RawConnection connection(server().address());
    connection.Send(Http2Start());
    std::string frames;
    for (int i = 0; i < streams; ++i) {
      const int stream = 2 * i + 1;
      absl::StrAppend(&frames, CallHeaders(kWatch, stream), then(stream));
      if (i % 100 != 99) continue;
      if (!connection.Send(frames)) return;  // It is cut off, as it should be.
      frames.clear();
    }
    ExpectOthersServed();
  }

  // Sends `frame` again and again, so many bytes in all, or until it is cut off.
  void Flood(absl::string_view start, const std::string& frame, size_t bytes) {
    RawConnection connection(server().address());
    connection.Send(absl::StrCat(Http2Start(), start));
    for (size_t sent = 0; sent < bytes && connection.Send(frame); sent += frame.size()) {
    }
    ExpectOthersServed();
  }

  static constexpr size_t kMiB = 1 << 20;

  // What the store holds at /a, and at which revision.
  std::string text_ = "one";
  int64_t revision_ = 2;
};

TEST_F(HostilePeers, StreamsOpenedAndResetInMasses) {
  OpenStreams(IsTorture() ? 50'000 : 3'000, [](int stream) {
    return absl::StrCat(Http2Frame(kData, kEndStream, stream, kEmptyMessage), Http2Frame(kResetStream, 0, stream, "\0\0\0\x08"s));
  });
}

// The settings, which limit streams, are never acknowledged.
TEST_F(HostilePeers, StreamsOpenedInMassesAndLeftOpen) {
  OpenStreams(IsTorture() ? 20'000 : 3'000, [](int stream) { return Http2Frame(kData, kEndStream, stream, kEmptyMessage); });
}

TEST_F(HostilePeers, HeadersWithoutEnd) {
  // A literal (RFC 7541, 6.2.2) of 100 bytes, a hundred times.
  std::string headers;
  for (int i = 0; i < 100; ++i) absl::StrAppend(&headers, "\0\x05x-abc\x64"s, std::string(100, 'v'));
  Flood(Http2Frame(kHeaders, 0, 1, GrpcCallHeaders(kWatch).substr(9)), Http2Frame(kContinuation, 0, 1, headers),
        (IsTorture() ? 200 : 8) * kMiB);
}

TEST_F(HostilePeers, AnIntegerOfHeadersWithoutEnd) {
  // A table's new size (RFC 7541, 6.3), in more and more bytes that add nothing.
  Flood(Http2Frame(kHeaders, 0, 1, "\x3f"), Http2Frame(kContinuation, 0, 1, std::string(16'000, '\x80')), kMiB / (IsTorture() ? 1 : 4));
}

TEST_F(HostilePeers, PingsAndSettingsInMasses) {
  const size_t bytes = (IsTorture() ? 8 : 1) * kMiB;
  Flood("", Http2Frame(kPing, 0, 0, "12345678"), bytes / 16);
  Flood("", Http2Frame(kSettings, 0, 0, "\0\4\0\1\0\0"s), bytes / 16);
}

// A method has one name, whatever else might be taken for it.
TEST_F(HostilePeers, OddPathsCallNothing) {
  const std::string put = "\0\0\0\0\x09\x0a\x02/a\x12\x03two"s;
  for (const std::string& path : {"scoutlight.registry.v1.RegistryService/Put"s, "//scoutlight.registry.v1.RegistryService/Put"s,
                                  "/scoutlight.registry.v1.RegistryService//Put"s, "/scoutlight.registry.v1.RegistryService/Put/"s,
                                  "/scoutlight.registry.v1.RegistryService/%50ut"s, "/scoutlight.registry.v1.RegistryService/x/../Put"s,
                                  "/scoutlight.registry.v1.RegistryService/Put?x"s, "/scoutlight.registry.v1.RegistryService/Put\0"s,
                                  "/scoutlight.registry.v1.registryservice/put"s}) {
    RawConnection connection(server().address());
    connection.Send(absl::StrCat(Http2Start(), GrpcCallHeaders(path), Http2Frame(kData, kEndStream, 1, put)));
    ExpectOthersServed();
  }
  EXPECT_EQ(client().Revision(), 2);
  RawConnection connection(server().address());
  connection.Send(absl::StrCat(Http2Start(), GrpcCallHeaders(kPut), Http2Frame(kData, kEndStream, 1, put)));
  EXPECT_TRUE(WaitUntil([&] { return client().TextAt("/a") == "two"; })) << "the bytes are no put";
  text_ = "two";
  revision_ = 3;
}

// Each connection says another byte of its beginning five times a second, which would take longer than it has, and is closed all the same.
TEST_F(HostilePeers, ConnectionsThatGoOnSlowlyAreClosed) {
  std::vector<std::unique_ptr<RawConnection>> connections;
  for (int i = 0; i < (IsTorture() ? 1'000 : 200); ++i) connections.push_back(std::make_unique<RawConnection>(server().address()));
  const std::string all = Http2Start();
  absl::string_view unsent = absl::string_view(all).substr(0, all.size() - 1);
  const Deadline deadline(kSoon);
  for (Deadline due(absl::ZeroDuration()); !connections.empty() && !deadline.passed();) {
    const bool is_due = due.passed() && !unsent.empty();
    std::erase_if(connections, [&](const std::unique_ptr<RawConnection>& each) {
      return (is_due && !each->Send(unsent.substr(0, 1))) || each->WaitUntilClosed(absl::ZeroDuration());
    });
    if (is_due) {
      unsent.remove_prefix(1);
      due = Deadline(absl::Milliseconds(200));
    }
    ExpectOthersServed();
  }
  EXPECT_TRUE(connections.empty()) << connections.size() << " are open still";
}

// How many are open; 0: it has ended.
int64_t DescriptorsOf(pid_t pid) {
  std::error_code ended;
  return std::distance(std::filesystem::directory_iterator(absl::StrCat("/proc/", pid, "/fd"), ended), {});
}

// gRPC 1.51 accepts nothing more once descriptors ran out: either it was spared that, or the server ends, for its supervisor to start it.
TEST(Descriptors, AServerThatRanOutOfThemServesOrEnds) {
  const TempDir dir;
  const auto server = StartServer({.data_dir = dir.File("data")});
  ASSERT_TRUE(Client(server->address()).Put("/a", "one").ok());
  const rlimit few = {.rlim_cur = 128, .rlim_max = 128};
  ASSERT_EQ(prlimit(server->pid(), RLIMIT_NOFILE, &few, nullptr), 0);
  {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (int i = 0; i < 400; ++i) connections.push_back(std::make_unique<RawConnection>(server->address()));
    // Some are accepted as long as there are descriptors.
    EXPECT_TRUE(WaitUntil([&] { return DescriptorsOf(server->pid()) >= 120 || server->WaitForExit(absl::ZeroDuration()).has_value(); }));
  }
  std::optional<Exit> exit;
  EXPECT_TRUE(WaitUntil([&] {
    exit = server->WaitForExit(absl::ZeroDuration());
    return exit.has_value() || Client(server->address()).TextAt("/a") == "one";
  }));
  if (!exit.has_value()) return;
  EXPECT_EQ(*exit, Exit{.code = 1}) << server->errors();
  const auto again = StartServer({.data_dir = dir.File("data")});
  EXPECT_EQ(Client(again->address()).TextAt("/a"), "one");
}

}  // namespace
}  // namespace scoutlight::testing
