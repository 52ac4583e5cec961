#include "tests/checker/workload.h"

#include <utility>

#include "tests/checker/pins.h"

namespace scoutlight::checker {

Workload::Workload(const WorkloadOptions& options, Recorder* recorder) {
  for (int i = 0; i < options.clients; ++i) {
    callers_.push_back(std::make_unique<Caller>(Caller{RequestMix(i + 1, options.seed, options.mix), RecordingClient(recorder), {}}));
  }
}

Workload::~Workload() { Join(); }

void Workload::Start(const std::string& address) {
  for (const auto& caller : callers_) {
    caller->client.Connect(address);
    threads_.emplace_back([one = caller.get()] { Run(one); });
  }
}

void Workload::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void Workload::Run(Caller* caller) {
  for (;;) {
    Call call = caller->client.Make(caller->repeated.has_value() ? *std::move(caller->repeated) : caller->mix.Next());
    caller->repeated.reset();
    caller->mix.Learn(call);
    if (call.outcome != Outcome::kUnknown) continue;
    if (!RequestIdOf(call).empty()) {
      Call again;
      again.client = call.client;
      again.request = call.request;
      caller->repeated = std::move(again);
    }
    if (call.failure.reason == Reason::kUnspecified) return;  // Not the server's answer.
  }
}

}  // namespace scoutlight::checker
