// The least that a C++ server on this gRPC can cost: the registry's Get and Put and discovery's Resolve, raw, answered at once with an
// empty message. With --streams it is the least that watches can cost instead (bare_streams.h). What a real server needs beyond this is its
// own. Prints "listening on HOST:PORT" on stderr; runs until SIGTERM or SIGINT.

#include <csignal>
#include <cstdio>
#include <memory>

#include "absl/strings/string_view.h"
#include "bench/bare_streams.h"
#include "grpcpp/grpcpp.h"
#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"

namespace scoutlight::bench {
namespace {

using Registry = registry::v1::RegistryService;
using Discovery = discovery::v1::DiscoveryService;

grpc::ServerUnaryReactor* AnswerNothing(grpc::CallbackServerContext* context, grpc::ByteBuffer* response) {
  // A ByteBuffer without a slice is no message at all, which gRPC answers with INTERNAL.
  const grpc::Slice empty;
  *response = grpc::ByteBuffer(&empty, 1);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

class EmptyRegistry final : public Registry::WithRawCallbackMethod_Get<Registry::WithRawCallbackMethod_Put<Registry::Service>> {
 public:
  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* context, const grpc::ByteBuffer*, grpc::ByteBuffer* response) override {
    return AnswerNothing(context, response);
  }
  grpc::ServerUnaryReactor* Put(grpc::CallbackServerContext* context, const grpc::ByteBuffer*, grpc::ByteBuffer* response) override {
    return AnswerNothing(context, response);
  }
};

class EmptyDiscovery final : public Discovery::WithRawCallbackMethod_Resolve<Discovery::Service> {
 public:
  grpc::ServerUnaryReactor* Resolve(grpc::CallbackServerContext* context, const grpc::ByteBuffer*, grpc::ByteBuffer* response) override {
    return AnswerNothing(context, response);
  }
};

int Main(absl::string_view flag) {
  if (!flag.empty() && flag != "--streams") {
    std::fputs("usage: floor_server [--streams]\n", stderr);
    return 2;
  }
  // Blocked before any thread starts, so that all inherit it and sigwait below is the only taker.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  EmptyRegistry registry;
  BareStreams streams;
  EmptyDiscovery discovery;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  if (flag.empty()) {
    builder.RegisterService(&registry);
  } else {
    builder.RegisterService(&streams);
  }
  builder.RegisterService(&discovery);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::fprintf(stderr, "listening on 127.0.0.1:%d\n", port);

  int signal = 0;
  sigwait(&signals, &signal);
  streams.EndAll();
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) { return scoutlight::bench::Main(argc > 1 ? argv[1] : ""); }
