// What a gRPC call by name costs beside a bare call: BM_UnaryCall/<instances> makes one of each in turn, to a server in this process, and
// tells the medians of both in microseconds, and of what the second took more than the first beside it. Asked for: at most 5 us more.
// BM_PickStub/<instances> is a pick alone.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <grpcpp/create_channel.h>
#include <grpcpp/server_builder.h>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/registrations.h"
#include "client/service_pool.h"
#include "client/testing/server.h"
#include "grpc/health/v1/health.grpc.pb.h"

namespace scoutlight {
namespace {

using Health = grpc::health::v1::Health;

// Answers at once.
class Callee : public Health::CallbackService {
 public:
  Callee() {
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  int port() const { return port_; }

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const grpc::health::v1::HealthCheckRequest*,
                                  grpc::health::v1::HealthCheckResponse*) override {
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

// A service of so many instances, all of them at one server.
struct Service {
  explicit Service(int instances) {
    Registrations registrations(registry.Connect());
    for (int i = 0; i < instances; ++i) {
      const auto registered =
          registrations.Register({.service = "Health",
                                  .id = absl::StrCat(i),
                                  .properties = {{"hostname", "127.0.0.1"}, {"port", absl::StrCat(callee.port())}, {"protocol", "grpc"}}},
                                 Permanent());
      if (!registered.ok()) return;
    }
    locator = std::make_unique<Locator>(*Locator::Open(registry.Connect()));
    pool = std::make_unique<ServicePool<Health::Stub>>(*locator, "Health");
  }

  testing::Server registry;
  Callee callee;
  std::unique_ptr<Locator> locator;
  std::unique_ptr<ServicePool<Health::Stub>> pool;
};

double MedianOf(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

template <typename Stub>
bool CallOnce(Stub&& stub) {
  grpc::ClientContext context;
  grpc::health::v1::HealthCheckResponse response;
  return stub->Check(&context, {}, &response).ok();
}

void BM_UnaryCall(benchmark::State& state) {
  Service service(static_cast<int>(state.range(0)));
  const auto bare =
      Health::NewStub(grpc::CreateChannel(absl::StrCat("127.0.0.1:", service.callee.port()), grpc::InsecureChannelCredentials()));
  // Each instance's channel is connected before its calls count.
  for (int i = 0; i < state.range(0) + 1; ++i) {
    if (!CallOnce(service.pool->Pick()) || !CallOnce(bare)) return state.SkipWithError("a call failed");
  }
  std::vector<double> bare_us, by_name_us, more_us;
  Clock& clock = Clock::System();
  for (auto step : state) {
    const absl::Duration start = clock.SinceBoot();
    bool ok = CallOnce(bare);
    const absl::Duration between = clock.SinceBoot();
    ok = CallOnce(service.pool->Pick()) && ok;
    const absl::Duration end = clock.SinceBoot();
    if (!ok) return state.SkipWithError("a call failed");
    bare_us.push_back(absl::ToDoubleMicroseconds(between - start));
    by_name_us.push_back(absl::ToDoubleMicroseconds(end - between));
    more_us.push_back(by_name_us.back() - bare_us.back());
  }
  state.counters["bare_us"] = MedianOf(bare_us);
  state.counters["by_name_us"] = MedianOf(by_name_us);
  state.counters["more_us"] = MedianOf(more_us);
}
BENCHMARK(BM_UnaryCall)->Arg(1)->Arg(10)->UseRealTime()->MinTime(3);

void BM_PickStub(benchmark::State& state) {
  Service service(static_cast<int>(state.range(0)));
  for (auto step : state) {
    const PickedStub<Health::Stub> picked = service.pool->Pick();
    if (!picked.ok()) return state.SkipWithError("nobody was picked");
    benchmark::DoNotOptimize(picked.operator->());
  }
}
BENCHMARK(BM_PickStub)->Arg(10)->Arg(1'000);

}  // namespace
}  // namespace scoutlight

BENCHMARK_MAIN();
