// Bytes that no client of ours sends, and too many of them: the server stays up, answers others, and stays small.
#include <gmock/gmock.h>

#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/random.h"
#include "tests/support/raw_connection.h"

namespace scoutlight::testing {
namespace {

constexpr size_t kMiB = 1 << 20;
// Of resident memory, after anything in here: 256 MiB of gRPC's buffers, and what the server has with a small store. A sanitizer's shadow
// and its quarantine of freed memory come on top.
#ifdef SCOUTLIGHT_SANITIZED
constexpr size_t kResidentBytesMax = 2048 * kMiB;
constexpr size_t kQuarantineBytes = 1024 * kMiB;
#else
constexpr size_t kResidentBytesMax = 400 * kMiB;
constexpr size_t kQuarantineBytes = 0;
#endif
constexpr char kPut[] = "/scoutlight.registry.v1.RegistryService/Put";
constexpr char kDataFrame = 0;

class Robustness : public ServedTest {
 protected:
  Robustness() { EXPECT_TRUE(client().Put("/a", "one").ok()); }

  // Others are served, nothing has changed, and memory is bounded.
  void TearDown() override {
    EXPECT_EQ(Client(server().address()).TextAt("/a"), "one");
    EXPECT_EQ(Client(server().address()).Revision(), 2);
    EXPECT_LT(server().resident_bytes(), kResidentBytesMax);
    ServedTest::TearDown();
  }
};

TEST_F(Robustness, RandomBytes) {
  Random random(Seed());
  for (int i = 0; i < 50; ++i) {
    RawConnection connection(server().address());
    connection.Send(RandomBytes(static_cast<size_t>(Between(1, 20'000, &random)), &random));
  }
}

TEST_F(Robustness, RandomBytesBehindTheStartOfHttp2) {
  Random random(Seed());
  for (int i = 0; i < 50; ++i) {
    RawConnection connection(server().address());
    connection.Send(absl::StrCat(Http2Start(), RandomBytes(static_cast<size_t>(Between(1, 20'000, &random)), &random)));
  }
}

TEST_F(Robustness, RandomFramesOfACall) {
  Random random(Seed());
  for (int i = 0; i < 200; ++i) {
    RawConnection connection(server().address());
    std::string frames = absl::StrCat(Http2Start(), GrpcCallHeaders(kPut));
    for (int frame = Between(1, 10, &random); frame > 0; --frame) {
      const std::string payload = RandomBytes(static_cast<size_t>(Between(0, 300, &random)), &random);
      frames += Http2Frame(static_cast<char>(Between(0, 10, &random)), static_cast<char>(Between(0, 255, &random)), Between(0, 3, &random),
                           payload);
    }
    connection.Send(frames);
  }
}

TEST_F(Robustness, AnotherProtocol) {
  RawConnection connection(server().address());
  EXPECT_TRUE(connection.Send("GET / HTTP/1.1\r\nHost: registry\r\n\r\n"));
  EXPECT_TRUE(connection.WaitUntilClosed());
  RawConnection tls(server().address());
  EXPECT_TRUE(tls.Send(absl::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10)));
  EXPECT_TRUE(tls.WaitUntilClosed());
}

TEST_F(Robustness, ConnectionsThatSayNothingOrHalfAStartAreClosed) {
  RawConnection silent(server().address());
  RawConnection half(server().address());
  EXPECT_TRUE(half.Send(Http2Start().substr(0, 12)));
  EXPECT_TRUE(silent.WaitUntilClosed());
  EXPECT_TRUE(half.WaitUntilClosed());
}

TEST_F(Robustness, ClaimOfAGibibyteIsRefusedAndTakesNoMemory) {
  const size_t before = server().resident_bytes();
  RawConnection connection(server().address());
  const std::string gibibyte_prefix("\0\x40\0\0\0", 5);  // gRPC's message header: not compressed, 2^30 bytes.
  EXPECT_TRUE(connection.Send(absl::StrCat(Http2Start(), GrpcCallHeaders(kPut), Http2Frame(kDataFrame, 0, 1, gibibyte_prefix))));
  // As much as flow control lets through.
  for (int i = 0; i < 3; ++i) connection.Send(Http2Frame(kDataFrame, 0, 1, std::string(16'000, 'x')));
  EXPECT_EQ(client().TextAt("/a"), "one");
  EXPECT_LT(server().resident_bytes(), before + 64 * kMiB + kQuarantineBytes);
}

TEST_F(Robustness, LargeMessagesByMany) {
  for (const size_t bytes : {2 * kMiB + 1, 4 * kMiB + 1, 64 * kMiB}) {
    std::vector<std::thread> senders;
    for (int i = 0; i < 4; ++i) {
      senders.emplace_back([address = server().address(), bytes] {
        Client client(address);
        for (int call = 0; call < 5; ++call) {
          const grpc::StatusCode code = client.SendBytes("Put", std::string(bytes, '\0')).error_code();
          EXPECT_TRUE(code == grpc::StatusCode::INVALID_ARGUMENT || code == grpc::StatusCode::RESOURCE_EXHAUSTED) << code;
        }
      });
    }
    for (std::thread& sender : senders) sender.join();
  }
}

// The most resident memory that a process has had; 0: it has ended.
size_t PeakResidentBytes(pid_t pid) {
  std::ifstream status(absl::StrCat("/proc/", pid, "/status"));
  std::string word;
  size_t kibibytes = 0;
  while (status >> word && word != "VmHWM:") {
  }
  status >> kibibytes;
  return kibibytes * 1024;
}

// gRPC looks at the size of a message when it has all of it: what all buffers together may hold is what stops this one.
TEST_F(Robustness, AMessageLargerThanAllBuffersTogether) {
  EXPECT_FALSE(Client(server().address()).SendBytes("Put", std::string(512 * kMiB, '\0')).ok());
  EXPECT_GT(PeakResidentBytes(server().pid()), kMiB);
  EXPECT_LT(PeakResidentBytes(server().pid()), kResidentBytesMax) << "memory that was given back since counts too";
}

TEST_F(Robustness, ManyConnectionsOpenedAndClosed) {
  const size_t before = server().resident_bytes();
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<RawConnection>> connections;
    for (int i = 0; i < 100; ++i) {
      connections.push_back(std::make_unique<RawConnection>(server().address()));
      if (i % 2 == 0) connections.back()->Send(Http2Start());
      if (i % 4 == 0) connections.back()->Send(GrpcCallHeaders(kPut));
    }
  }
  EXPECT_EQ(Client(server().address()).TextAt("/a"), "one");
  EXPECT_LT(server().resident_bytes(), before + 128 * kMiB + kQuarantineBytes);
}

TEST_F(Robustness, ManyClientsAtOnce) {
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) {
    clients.push_back(std::make_unique<Client>(server().address()));
    ASSERT_EQ(clients.back()->TextAt("/a"), "one");
  }
  for (const std::unique_ptr<Client>& client : clients) EXPECT_EQ(client->TextAt("/a"), "one");
}

}  // namespace
}  // namespace scoutlight::testing
