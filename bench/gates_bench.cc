// What a gate costs: messages of 1 KiB from one thread to another over PUSH and PULL on loopback, through gates and through bare nng, which
// is used in two ways: by nng_sendmsg and nng_recvmsg, which take an aio for each message, and by aios that are kept. Prints the messages a
// second of each as one JSON object on stdout. bench/run.py runs it.
#include <nng/nng.h>
#include <nng/protocol/pipeline0/pull.h>
#include <nng/protocol/pipeline0/push.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include "CLI/CLI.hpp"
#include "bench/print_figures.h"
#include "bench/steady_now.h"
#include "client/machine.h"
#include "nlohmann/json.hpp"

namespace scoutlight::bench {
namespace {

constexpr size_t kBodyBytes = 1024;

void Need(bool is_so, const char* what) {
  if (is_so) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

double PerSecond(int messages, absl::Duration took) { return messages / absl::ToDoubleSeconds(took); }

// How a program sends and receives over a socket of nng, one message after the other.
class ByCalls {
 public:
  explicit ByCalls(nng_socket socket) : socket_(socket) {}
  void Send(nng_msg* message) { Need(nng_sendmsg(socket_, message, 0) == 0, "sending"); }
  nng_msg* Receive() {
    nng_msg* message = nullptr;
    Need(nng_recvmsg(socket_, &message, 0) == 0, "receiving");
    return message;
  }

 private:
  const nng_socket socket_;
};
class ByKeptAio {
 public:
  explicit ByKeptAio(nng_socket socket) : socket_(socket) { Need(nng_aio_alloc(&aio_, nullptr, nullptr) == 0, "memory"); }
  ~ByKeptAio() { nng_aio_free(aio_); }
  ByKeptAio(const ByKeptAio&) = delete;
  ByKeptAio& operator=(const ByKeptAio&) = delete;

  void Send(nng_msg* message) {
    nng_aio_set_msg(aio_, message);
    nng_send_aio(socket_, aio_);
    nng_aio_wait(aio_);
    Need(nng_aio_result(aio_) == 0, "sending");
  }
  nng_msg* Receive() {
    nng_recv_aio(socket_, aio_);
    nng_aio_wait(aio_);
    Need(nng_aio_result(aio_) == 0, "receiving");
    return nng_aio_get_msg(aio_);
  }

 private:
  const nng_socket socket_;
  nng_aio* aio_ = nullptr;
};

template <typename Way>
double ThroughNng(int messages) {
  nng_socket in;
  nng_socket out;
  nng_listener listener;
  int port = 0;
  Need(nng_pull0_open(&in) == 0 && nng_push0_open(&out) == 0, "opening sockets");
  Need(nng_listen(in, "tcp://127.0.0.1:0", &listener, 0) == 0, "listening");
  Need(nng_listener_get_int(listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0, "asking for the port");
  Need(nng_dial(out, ("tcp://127.0.0.1:" + std::to_string(port)).c_str(), nullptr, 0) == 0, "dialling");
  absl::Duration took;
  {
    Way sending(out);
    Way receiving(in);
    const std::string body(kBodyBytes, 'x');
    const absl::Duration start = SteadyNow();
    std::thread sender([&] {
      for (int i = 0; i < messages; ++i) {
        nng_msg* message = nullptr;
        Need(nng_msg_alloc(&message, body.size()) == 0, "memory");
        std::memcpy(nng_msg_body(message), body.data(), body.size());
        sending.Send(message);
      }
    });
    for (int i = 0; i < messages; ++i) {
      nng_msg* const message = receiving.Receive();
      const std::string taken(static_cast<const char*>(nng_msg_body(message)), nng_msg_len(message));
      Need(taken.size() == kBodyBytes, "a whole message");
      nng_msg_free(message);
    }
    took = SteadyNow() - start;
    sender.join();
  }
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

int Main(int argc, char** argv) {
  CLI::App app("Measures PUSH and PULL through gates, and through bare nng");
  int messages = 100'000;
  app.add_option("--messages", messages, "so many each way")->check(CLI::Range(1'000, 100'000'000));
  CLI11_PARSE(app, argc, argv);

  absl::StatusOr<Machine> machine = Machine::Open({});
  if (!machine.ok()) return PrintFigures(machine.status());
  const double by_calls = ThroughNng<ByCalls>(messages);
  const double by_kept_aios = ThroughNng<ByKeptAio>(messages);
  const double gates = ThroughGates(&*machine, messages);
  return PrintFigures(
      nlohmann::json{{"gates_per_second", gates}, {"nng_calls_per_second", by_calls}, {"nng_kept_aios_per_second", by_kept_aios}});
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc, argv); }
