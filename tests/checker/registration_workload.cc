#include "tests/checker/registration_workload.h"

#include "tests/checker/registration_callers.h"

namespace scoutlight::checker {

RegistrationWorkload::RegistrationWorkload(const RegistrationWorkloadOptions& options, RegistrationRecorder* recorder) {
  int number = 0;
  for (int i = 0; i < options.callers; ++i) clients_.push_back(MakeCaller(++number, options.seed, recorder));
  for (int i = 0; i < options.sessions; ++i) clients_.push_back(MakeSession(++number, options.seed, recorder));
  for (int i = 0; i < options.watchers; ++i) clients_.push_back(MakeWatcher(++number, options.seed, recorder));
  for (int i = 0; i < options.subscribers; ++i) clients_.push_back(MakeSubscriber(++number, options.seed, recorder));
}

void RegistrationWorkload::Start(const std::string& address) {
  for (const auto& client : clients_) {
    threads_.emplace_back([one = client.get(), address] { one->Run(address); });
  }
}

void RegistrationWorkload::Join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace scoutlight::checker
