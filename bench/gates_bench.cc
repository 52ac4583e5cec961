// What a gate costs: messages of 1 KiB from one thread to another over PUSH and PULL on loopback, through gates and through bare nng, in
// turns.
//
//   gates_bench [MESSAGES [TURNS]]
//
// Prints messages a second of each turn's pair, and the median of what gates reach of bare nng.
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "bench/steady_now.h"
#include "client/machine.h"

namespace scoutlight::bench {
namespace {

constexpr size_t kBodyBytes = 1024;

void Need(bool is_so, const char* what) {
  if (is_so) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

double PerSecond(int messages, absl::Duration took) { return messages / absl::ToDoubleSeconds(took); }

double ThroughNng(int messages) {
  nng_socket in;
  nng_socket out;
  nng_listener listener;
  int port = 0;
  Need(nng_pull0_open(&in) == 0 && nng_push0_open(&out) == 0, "opening sockets");
  Need(nng_listen(in, "tcp://127.0.0.1:0", &listener, 0) == 0, "listening");
  Need(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0, "asking for the port");
  Need(nng_dial(out, ("tcp://127.0.0.1:" + std::to_string(port)).c_str(), nullptr, 0) == 0, "dialling");
  const std::string body(kBodyBytes, 'x');
  const absl::Duration start = SteadyNow();
  std::thread sender([&] {
    for (int i = 0; i < messages; ++i) {
      nng_msg* message = nullptr;
      Need(nng_msg_alloc(&message, body.size()) == 0, "memory");
      std::memcpy(nng_msg_body(message), body.data(), body.size());
      Need(nng_sendmsg(out, message, 0) == 0, "sending");
    }
  });
  for (int i = 0; i < messages; ++i) {
    nng_msg* message = nullptr;
    Need(nng_recvmsg(in, &message, 0) == 0, "receiving");
    const std::string taken(static_cast<const char*>(nng_msg_body(message)), nng_msg_len(message));
    Need(taken.size() == kBodyBytes, "a whole message");
    nng_msg_free(message);
  }
  const absl::Duration took = SteadyNow() - start;
  sender.join();
  nng_close(out);
  nng_close(in);
  return PerSecond(messages, took);
}

double ThroughGates(Machine* machine, int messages) {
  auto in = machine->InGate({.type = LinkType::kPull, .addresses = {"tcp://127.0.0.1:0"}});
  Need(in.ok(), "opening the in gate");
  auto out = machine->OutGate({.type = LinkType::kPush, .endpoints = {in->Look().bound[0]}});
  Need(out.ok(), "opening the out gate");
  while (out->Look().counters.peers == 0) std::this_thread::yield();
  const std::string body(kBodyBytes, 'x');
  const absl::Duration start = SteadyNow();
  std::thread sender([&] {
    for (int i = 0; i < messages; ++i) Need(out->Push(body).ok(), "pushing");
  });
  for (int i = 0; i < messages; ++i) {
    const auto message = in->Pull();
    Need(message.ok() && message->body().size() == kBodyBytes, "pulling");
  }
  const absl::Duration took = SteadyNow() - start;
  sender.join();
  return PerSecond(messages, took);
}

int Run(int messages, int turns) {
  auto machine = Machine::Open({});
  Need(machine.ok(), "opening a machine");
  std::vector<double> ratios;
  for (int turn = 0; turn < turns; ++turn) {
    const double bare = ThroughNng(messages);
    const double gates = ThroughGates(&*machine, messages);
    ratios.push_back(gates / bare);
    std::printf("bare nng %.0f/s, gates %.0f/s, %.2f of it\n", bare, gates, ratios.back());
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("median: %.2f\n", ratios[ratios.size() / 2]);
  return 0;
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) {
  return scoutlight::bench::Run(argc > 1 ? std::atoi(argv[1]) : 100'000, argc > 2 ? std::atoi(argv[2]) : 5);
}
