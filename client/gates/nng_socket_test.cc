// What is special about nng's sockets: see docs/decisions/0026-gates.md.
#include "client/gates/nng_socket.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "client/gate.h"
#include "client/gates/gate_fixture.h"
#include "client/gates/raw_peer.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

// Connects to the port at the end of `url` on loopback, sends `bytes` and hangs up.
void KnockAt(const std::string& url, const std::string& bytes) {
  const int descriptor = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(std::stoi(url.substr(url.rfind(':') + 1)))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ASSERT_EQ(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(send(descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  close(descriptor);
}

TEST(NngSocket, StrangersDoNotEndAListener) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull});
  for (const char* bytes : {"", "abc", "GET / HTTP/1.1\r\n\r\n"}) {
    for (int i = 0; i < 5; ++i) KnockAt(url, bytes);
  }
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush}, {url});
  ASSERT_TRUE(out.Push("body", kLong).ok());
  EXPECT_EQ(in.Pull(kLong)->body(), "body");
}

TEST(NngSocket, MessageOverTheReceiversBoundEndsTheConnectionAlone) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull, .message_bytes_max = 10});
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush}, {url});
  ASSERT_TRUE(out.Push(std::string(100'000, 'x'), kLong).ok());
  // It is lost; those after it come over the next connection.
  ASSERT_TRUE(Await([&out = out, &in = in] {
    EXPECT_TRUE(out.Push("small", kLong).ok());
    return in.TryPull().ok();
  }));
}

bool ClosesAtOnce(GateFactory* gates) {
  InGate quiet = gates->Bound<InGate>({.queue = "q", .type = LinkType::kPull}).first;
  const absl::Duration start = Clock::System().SinceBoot();
  quiet.Close(absl::ZeroDuration());
  return Clock::System().SinceBoot() - start < absl::Milliseconds(400);
}

// Closing while messages come hung every socket of the process (nng issue 1636): none was closed any more, each in all the time that it is
// given.
TEST(NngSocket, ReceiversMayBeClosedInTheMiddleOfAFlood) {
  GateFactory gates;
  for (const LinkType type : {LinkType::kPull, LinkType::kSub}) {
    for (int i = 0; i < 10; ++i) {
      auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = type});
      OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = topology::ComplementOf(type)}, {url});
      std::atomic<bool> over = false;
      std::thread pusher([&out = out, &over] {
        while (!over.load()) {
          const absl::Status pushed = out.TryPush(std::string(100, 'x'));
          EXPECT_TRUE(pushed.ok() || absl::IsResourceExhausted(pushed)) << pushed;
        }
      });
      EXPECT_TRUE(in.Pull(kLong).ok());
      EXPECT_TRUE(in.Pull(kLong).ok());
      in.Close(absl::ZeroDuration());
      over.store(true);
      pusher.join();
    }
  }
  EXPECT_TRUE(Await([&gates] { return ClosesAtOnce(&gates); }));
}

// The same in sending, which had no remedy.
TEST(NngSocket, PeersMayHangUpInTheMiddleOfAMessage) {
  constexpr size_t kBytes = 6'000'000;
  constexpr size_t kPeers = 200;
  GateFactory gates;
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .message_bytes_max = kBytes});
  for (size_t i = 0; i < kPeers; ++i) {
    {
      const RawListener peer;
      GateFactory::SetWanted(gates.newest().get(), {peer.url()});
      const RawConnection connection = peer.Accept();
      connection.Greet(81);
      ASSERT_EQ(connection.Receive(8).size(), 8);
      ASSERT_TRUE(out.Push(std::string(kBytes, 'x'), kLong).ok());
      // It is being written, piece by piece, when this ends.
      for (size_t taken = 0; taken < kBytes * i / kPeers;) {
        const std::string piece = connection.Receive(kBytes / kPeers);
        ASSERT_FALSE(piece.empty());
        taken += piece.size();
      }
    }
    // What is pushed next is not to go to this one.
    GateFactory::SetWanted(gates.newest().get(), {});
    ASSERT_TRUE(Await([&out] { return out.Look().counters.peers == 0; })) << i;
  }
  EXPECT_TRUE(Await([&gates] { return ClosesAtOnce(&gates); }));
}

bool HasIpv6() {
  const int descriptor = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in6 any = {.sin6_family = AF_INET6};
  const bool has = descriptor >= 0 && bind(descriptor, reinterpret_cast<const sockaddr*>(&any), sizeof(any)) == 0;
  if (descriptor >= 0) close(descriptor);
  return has;
}

struct NoEvents final : SocketEvents {
  void OnPeers(int) override {}
  void OnSent(const absl::Status&, std::string) override {}
  void OnReceived(absl::StatusOr<ReceivedMessage>) override {}
  void OnAnswer(uint64_t, absl::StatusOr<std::string>) override {}
};

TEST(NngSocket, WhoIsAcceptedIsKnownBeforeItHasGreeted) {
  NoEvents events;
  const SocketMaker make_socket = NngSockets();
  const SocketOptions options = {.type = LinkType::kPull, .message_bytes_max = 100, .contexts_max = 1, .backlog_max = 1};
  std::vector<const char*> addresses = {"tcp://127.0.0.1:0", "tcp://0.0.0.0:0"};
  // Takes in those who come over the other family too.
  if (HasIpv6()) addresses.push_back("tcp://[::]:0");
  for (const char* address : addresses) {
    const auto socket = make_socket(options, &events);
    const auto other = make_socket(options, &events);
    ASSERT_TRUE(socket.ok() && other.ok());
    const absl::StatusOr<std::string> url = (*socket)->Listen(address);
    ASSERT_TRUE(url.ok()) << url.status();
    ASSERT_TRUE((*other)->Listen("tcp://127.0.0.1:0").ok());
    EXPECT_FALSE((*socket)->TakeInNewcomers());
    {
      const RawConnection newcomer = RawConnection::To(*url);
      EXPECT_EQ(newcomer.Receive(8).size(), 8);
      EXPECT_TRUE((*socket)->IsAlone());
      EXPECT_TRUE((*socket)->TakeInNewcomers()) << address;
      EXPECT_FALSE((*other)->TakeInNewcomers()) << "it is somebody else's";
      (*socket)->StopListening();
      EXPECT_FALSE(RawConnection::Towards(*url).stands()) << address;
      newcomer.Greet(80);
      EXPECT_TRUE(Await([&] { return !(*socket)->IsAlone(); }));
    }
    EXPECT_TRUE(Await([&] { return (*socket)->IsAlone() && !(*socket)->TakeInNewcomers(); }));
    (*socket)->Close();
    (*other)->Close();
  }
}

// Our end of the connection that was made to the port at the end of `url`; -1: there is none.
int AcceptedAt(const std::string& url) {
  const int port = std::stoi(url.substr(url.rfind(':') + 1));
  for (int descriptor = 0; descriptor < getdtablesize(); ++descriptor) {
    sockaddr_in own = {}, peer = {};
    socklen_t bytes = sizeof(own);
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&own), &bytes) != 0 || own.sin_family != AF_INET) continue;
    if (ntohs(own.sin_port) == port && getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &bytes) == 0) return descriptor;
  }
  return -1;
}

TEST(NngSocket, WhoHadBegunToConnectIsHeardAfterListeningHasStopped) {
  NoEvents events;
  const auto socket = NngSockets()({.type = LinkType::kPull, .message_bytes_max = 100, .contexts_max = 1, .backlog_max = 1}, &events);
  ASSERT_TRUE(socket.ok()) << socket.status();
  const absl::StatusOr<std::string> url = (*socket)->Listen("tcp://127.0.0.1:0");
  ASSERT_TRUE(url.ok()) << url.status();
  {
    const RawConnection newcomer = RawConnection::To(*url);
    EXPECT_EQ(newcomer.Receive(8).size(), 8);
    (*socket)->StopListening();
    // As if it had been in the middle of it, by either means; where filters are for the privileged, none is attached.
    const int hops = 255;
    ASSERT_EQ(setsockopt(AcceptedAt(*url), IPPROTO_IP, IP_MINTTL, &hops, sizeof(hops)), 0);
    sock_filter drop_all[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
    const sock_fprog program = {.len = 1, .filter = drop_all};
    static_cast<void>(setsockopt(AcceptedAt(*url), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)));
    EXPECT_TRUE((*socket)->TakeInNewcomers());
    newcomer.Greet(80);
    EXPECT_TRUE(Await([&] { return !(*socket)->IsAlone(); }));
  }
  (*socket)->Close();
}

TEST(NngSocket, ManyCloseOnOneThreadIfThereIsNoOther) {
  std::atomic<int> left = 1;
  const SocketMaker make_socket = NngSockets([&left](std::function<void()> work) { return left.fetch_sub(1) > 0 && TryThread(work); });
  GateFactory gates;
  std::vector<InGate> ins;
  std::vector<std::string> urls;
  for (int i = 0; i < 20; ++i) {
    auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull});
    ins.push_back(std::move(in));
    urls.push_back(url);
  }
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush}, make_socket);
  GateFactory::SetWanted(gates.newest().get(), urls);
  ASSERT_TRUE(Await([&out] { return out.Look().counters.peers == 20; }));
  EXPECT_EQ(left.load(), 0);
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  EXPECT_LT(left.load(), 0) << "another was asked for";
  for (InGate& in : ins) EXPECT_TRUE(Await([&in] { return in.Look().counters.peers == 0; }));
}

TEST(NngSocket, WithoutAThreadToCloseItOnNoneIsOpened) {
  NoEvents events;
  const SocketMaker make_socket = NngSockets([](const std::function<void()>&) { return false; });
  const auto socket = make_socket({.type = LinkType::kPush, .message_bytes_max = 100, .contexts_max = 1, .backlog_max = 1}, &events);
  EXPECT_EQ(socket.status().code(), absl::StatusCode::kResourceExhausted) << socket.status();
}

TEST(NngSocket, ClosedOneDoesNothing) {
  NoEvents events;
  const auto socket = NngSockets()({.type = LinkType::kPush, .message_bytes_max = 100, .contexts_max = 1, .backlog_max = 1}, &events);
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ((*socket)->Receive().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ((*socket)->Ask(1, "", absl::Seconds(1)).code(), absl::StatusCode::kUnimplemented);
  (*socket)->Close();
  (*socket)->Close();
  std::string body = "kept";
  EXPECT_EQ((*socket)->Send(std::move(body)).code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(body, "kept");
  EXPECT_EQ((*socket)->Dial("tcp://127.0.0.1:1").code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ((*socket)->Listen("tcp://127.0.0.1:0").status().code(), absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace scoutlight::client
