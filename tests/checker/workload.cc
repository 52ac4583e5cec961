#include "tests/checker/workload.h"

#include <utility>

#include "tests/checker/pins.h"

namespace scoutlight::checker {
namespace {

// Often enough that what one server wrote is read and repeated at another.
constexpr int kCallsBeforeMoving = 40;

}  // namespace

Workload::Workload(const WorkloadOptions& options, Recorder* recorder) {
  for (int i = 0; i < options.clients; ++i) {
    callers_.push_back(std::make_unique<Caller>(Caller{RequestMix(i + 1, options.seed, options.mix), RecordingClient(recorder), {}}));
  }
}

Workload::~Workload() { Finish(); }

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

void Workload::StartOver(const std::vector<std::string>& addresses) {
  over_ = false;
  for (size_t i = 0; i < callers_.size(); ++i) {
    threads_.emplace_back([this, one = callers_[i].get(), addresses, i] { RunOver(one, addresses, i); });
  }
}

void Workload::Finish() {
  over_ = true;
  Join();
}

bool Workload::CallOnce(Caller* caller) {
  Call call = caller->client.Make(caller->repeated.has_value() ? *std::move(caller->repeated) : caller->mix.Next());
  caller->repeated.reset();
  caller->mix.Learn(call);
  if (call.outcome != Outcome::kUnknown) return true;
  if (!RequestIdOf(call).empty()) {
    Call again;
    again.client = call.client;
    again.request = call.request;
    caller->repeated = std::move(again);
  }
  return call.failure.reason != Reason::kUnspecified;
}

void Workload::Run(Caller* caller) {
  while (CallOnce(caller)) {
  }
}

void Workload::RunOver(Caller* caller, const std::vector<std::string>& addresses, size_t first) {
  for (size_t next = first; !over_; ++next) {
    caller->client.Connect(addresses[next % addresses.size()]);
    for (int calls = 0; !over_ && calls < kCallsBeforeMoving && CallOnce(caller); ++calls) {
    }
  }
}

}  // namespace scoutlight::checker
