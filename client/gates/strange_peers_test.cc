// Peers that do not behave: silent ones, those of other protocols, those that do not read, those that cut off.
#include <linux/filter.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "client/gate.h"
#include "client/gates/gate_fixture.h"
#include "client/gates/raw_peer.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr uint8_t kReq = 48;
constexpr uint8_t kPush = 80;

absl::Duration Now() { return Clock::System().SinceBoot(); }

std::string ProblemOf(const OutGate& gate, const std::string& url) {
  for (const GateEndpointReport& endpoint : gate.Look().endpoints) {
    if (endpoint.endpoint.url == url) return endpoint.problem;
  }
  return "not dialled";
}

class StrangePeersTest : public ::testing::TestWithParam<Delivery> {
 protected:
  GateOptions Out() const { return {.queue = "q", .type = LinkType::kPush, .delivery = GetParam()}; }
  GateOptions In() const { return {.queue = "q", .type = LinkType::kPull, .delivery = GetParam()}; }

  GateFactory gates_;
};
INSTANTIATE_TEST_SUITE_P(Deliveries, StrangePeersTest, ::testing::Values(Delivery::kPlain, Delivery::kAcked),
                         [](const auto& info) { return info.param == Delivery::kAcked ? "Acked" : "Plain"; });

TEST_P(StrangePeersTest, OneThatAcceptsAndNeverAnswersGetsNothingAndIsTold) {
  const RawListener silent;
  auto [in, url] = gates_.Bound<InGate>(In());
  OutGate out = gates_.Dialling<OutGate>(Out(), {silent.url(), url});
  const std::shared_ptr<GateCore> core = gates_.newest();
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  for (int i = 0; i < 100; ++i) {
    absl::StatusOr<Message> message = in.Pull(kLong);
    ASSERT_TRUE(message.ok()) << message.status();
    EXPECT_TRUE(message->Confirm().ok());
  }
  EXPECT_TRUE(Await([&out = out] { return out.Look().counters.sent == 100; }));
  // nng gives up a greeting that does not end after ten seconds, and begins another one.
  EXPECT_TRUE(Await([&] { return ProblemOf(out, silent.url()).find("not answered in time") != std::string::npos; }))
      << ProblemOf(out, silent.url());
  GateFactory::SetWanted(core.get(), {url});
  EXPECT_TRUE(Await([&out = out] { return out.Look().endpoints.size() == 1; }));
  EXPECT_EQ(out.Close(kLong).unsent, 0);
}

TEST_P(StrangePeersTest, OneThatSpeaksAnotherProtocolGetsNothingAndIsTold) {
  const RawListener web;
  auto [in, url] = gates_.Bound<InGate>(In());
  OutGate out = gates_.Dialling<OutGate>(Out(), {web.url(), url});
  {
    const RawConnection connection = web.Accept();
    EXPECT_EQ(connection.Receive(100).substr(0, 3), std::string("\0SP", 3));
    connection.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
  }
  ASSERT_TRUE(out.Push("body", kLong).ok());
  EXPECT_EQ(in.Pull(kLong)->body(), "body");
  EXPECT_TRUE(Await([&] { return ProblemOf(out, web.url()).find("no scalability protocol") != std::string::npos; }))
      << ProblemOf(out, web.url());
}

TEST_P(StrangePeersTest, OneThatKnocksAndSaysNothingHoldsUpNobody) {
  auto [in, url] = gates_.Bound<InGate>(In());
  const RawConnection silent = RawConnection::To(url);
  const RawConnection half = RawConnection::To(url);
  half.Send(absl::string_view("\0SP", 3));
  OutGate out = gates_.Dialling<OutGate>(Out(), {url});
  ASSERT_TRUE(out.Push("body", kLong).ok());
  absl::StatusOr<Message> message = in.Pull(kLong);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(message->Confirm().ok());
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  const absl::Duration start = Now();
  in.Close(absl::ZeroDuration());
  EXPECT_LT(Now() - start, absl::Seconds(5)) << "a second is promised; the rest is for a busy machine";
}

// A gate that left took whom it knew of for all that there were: who was about to be known was cut off, with what it had sent.
TEST(StrangePeers, LeavingGateTakesInWhoHasConnectedBeforeAndNobodyElse) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull});
  const absl::Duration start = Now();
  std::thread closing;
  {
    const RawConnection early = RawConnection::To(url);
    EXPECT_EQ(early.Receive(8).size(), 8) << "it may send now";
    closing = std::thread([&in = in] { in.Close(kLong); });
    // Those that stand here are hung up at once, and so are waited for no longer.
    ASSERT_TRUE(Await([&url = url] { return !RawConnection::Towards(url).stands(); }));
    early.Greet(kPush);
    early.SendMessage("sent before it was known");
    absl::StatusOr<Message> message = in.Pull(kLong);
    EXPECT_EQ(message.ok() ? message->body() : message.status().ToString(), "sent before it was known");
  }
  closing.join();
  EXPECT_LT(Now() - start, kLong / 2) << "nobody is there";
}

// Whether somebody who connects to the port at the end of `url` is in the middle of it.
bool IsBeingConnected(const std::string& url) {
  const std::string port = absl::StrFormat(":%04X", std::stoi(url.substr(url.rfind(':') + 1)));
  std::ifstream connections("/proc/net/tcp");
  std::string number, own, peer, state, rest;
  while (connections >> number >> own >> peer >> state && std::getline(connections, rest)) {
    if (absl::EndsWith(own, port) && state == "03") return true;
  }
  return false;
}

bool MayAttachFilters() {
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sock_filter take_all[] = {BPF_STMT(BPF_RET | BPF_K, 0xffff)};
  const sock_fprog program = {.len = 1, .filter = take_all};
  const bool may = setsockopt(descriptor, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
  close(descriptor);
  return may;
}

// Where no filter may be attached such a one was let in and not heard before all others had hung up: too late for what it had sent, if nng
// had given it up by then.
TEST(StrangePeers, WhoIsInTheMiddleOfConnectingToALeavingGateIsHeardOrKeptOff) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull});
  std::optional<RawConnection> staying = RawConnection::To(url);
  staying->Greet(kPush);
  ASSERT_TRUE(Await([&in = in] { return in.Look().counters.peers == 1; }));
  std::optional<RawConnection> late = RawConnection::HalfTo(url);
  ASSERT_TRUE(Await([&url = url] { return IsBeingConnected(url); }));
  std::thread closing([&in = in] { in.Close(kLong); });
  EXPECT_TRUE(Await([&url = url] { return !RawConnection::Towards(url).stands(); }));
  late->EndHandshake();
  if (MayAttachFilters()) {
    staying.reset();
    closing.join();
    late->Greet(kPush);
    EXPECT_EQ(late->Receive(8), "") << "it was told that it may send";
    return;
  }
  EXPECT_EQ(late->Receive(8).size(), 8) << "it may send now";
  late->Greet(kPush);
  late->SendMessage("sent while another stays");
  const absl::StatusOr<Message> message = in.Pull(kLong);
  EXPECT_EQ(message.ok() ? message->body() : message.status().ToString(), "sent while another stays");
  staying.reset();
  late.reset();
  closing.join();
}

TEST(StrangePeers, MessageThatItsReceiverCutsOffDoesNotHoldUpTheOthers) {
  GateFactory gates;
  auto [in, url] = gates.Bound<InGate>({.queue = "q", .type = LinkType::kPull, .delivery = Delivery::kAcked, .message_bytes_max = 1'000});
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush, .delivery = Delivery::kAcked}, {url});
  ASSERT_TRUE(out.Push(std::string(100'000, 'x'), kLong).ok());
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(out.Push(absl::StrCat(i), kLong).ok());
  std::set<std::string> seen;
  // Some are confirmed too late, over a connection that has been cut off meanwhile, and come again.
  while (out.Look().counters.sent < 200) {
    absl::StatusOr<Message> message = in.Pull(absl::Milliseconds(10));
    if (!message.ok()) continue;
    seen.insert(message->body());
    const absl::Status confirmed = message->Confirm();
    EXPECT_TRUE(confirmed.ok() || absl::IsFailedPrecondition(confirmed)) << confirmed;
  }
  EXPECT_EQ(seen.size(), 200);
  EXPECT_EQ(out.Close(absl::ZeroDuration()).unsent, 1);
}

TEST_P(StrangePeersTest, BodyHasWhatIsAllowedAndNotAByteMore) {
  GateOptions narrow = In();
  narrow.message_bytes_max = 10;
  auto [in, url] = gates_.Bound<InGate>(narrow);
  OutGate out = gates_.Dialling<OutGate>(Out(), {url});
  ASSERT_TRUE(out.Push("0123456789", kLong).ok());
  absl::StatusOr<Message> message = in.Pull(kLong);
  ASSERT_TRUE(message.ok()) << message.status();
  EXPECT_EQ(message->body(), "0123456789");
  EXPECT_TRUE(message->Confirm().ok());
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.sent == 1; }));
  ASSERT_TRUE(out.Push("0123456789a", kLong).ok());
  ASSERT_TRUE(Await([&out = out] { return out.Look().counters.sent == 2 || out.Look().counters.refused > 0; }));
  // A plain connection may be cut off with what follows at once.
  message = absl::UnknownError("");
  EXPECT_TRUE(Await([&out = out, &in = in, &message] {
    EXPECT_TRUE(out.Push("last", kLong).ok());
    message = in.TryPull();
    return message.ok();
  }));
  EXPECT_EQ(message->body(), "last");
}

TEST(StrangePeers, BodyOverTheBoundIsNotLetInByWhatHasNoBoundOfItsOwn) {
  GateFactory gates;
  InGate in = gates.Make<InGate>({.queue = "q", .type = LinkType::kPull, .message_bytes_max = 10});
  ASSERT_TRUE(gates.newest()->Bind({"inproc://strange_peers_test"}, IfTaken::kFail).ok());
  OutGate out = gates.Dialling<OutGate>({.queue = "q", .type = LinkType::kPush}, {"inproc://strange_peers_test"});
  ASSERT_TRUE(out.Push("0123456789a", kLong).ok());
  ASSERT_TRUE(out.Push("last", kLong).ok());
  EXPECT_EQ(in.Pull(kLong)->body(), "last");
  EXPECT_EQ(in.Look().counters.malformed, 1);
}

// One that asks and does not read what is answered held every context of the socket for ever, so that nobody else was heard.
TEST(StrangePeers, OneThatReadsNoRepliesDoesNotHoldUpTheOthers) {
  GateFactory gates;
  auto [rep, url] = gates.Bound<InOutGate>({.queue = "q", .type = LinkType::kRep, .message_bytes_max = 16 << 20, .unconfirmed_max = 2});
  std::atomic<bool> over = false;
  std::thread answering([&rep = rep, &over] {
    while (!over.load()) {
      absl::StatusOr<Message> request = rep.Pull(absl::Milliseconds(50));
      if (!request.ok()) continue;
      const std::string reply(request->body() == "big" ? 16 << 20 : 10, 'x');
      EXPECT_TRUE(request->Reply(reply).ok());
    }
  });
  const RawConnection greedy = RawConnection::To(url);
  greedy.Greet(kReq);
  for (int i = 0; i < 8; ++i) greedy.SendMessage(absl::StrCat(std::string("\x80\0\0\1", 4), "big"));
  ASSERT_TRUE(Await([&rep = rep] { return rep.Look().counters.pulled >= 4; }));
  InOutGate req = gates.Dialling<InOutGate>({.queue = "q", .type = LinkType::kReq}, {url});
  const absl::StatusOr<std::string> answer = req.Ask("small", kLong);
  EXPECT_TRUE(answer.ok()) << answer.status();
  over.store(true);
  answering.join();
}

}  // namespace
}  // namespace scoutlight::client
