// A gate whose endpoints change all the time under load: nothing is lost, and neither memory nor descriptors grow.
#include <dirent.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "client/gate.h"
#include "client/gates/gate_fixture.h"
#include "gtest/gtest.h"

namespace scoutlight::client {
namespace {

constexpr size_t kLeavingMax = 16;

bool IsTorture() { return std::getenv("SCOUTLIGHT_TORTURE") != nullptr; }

int Descriptors() {
  DIR* const descriptors = opendir("/proc/self/fd");
  int count = 0;
  while (readdir(descriptors) != nullptr) ++count;
  closedir(descriptors);
  return count;
}

int64_t ResidentBytes() {
  std::ifstream statm("/proc/self/statm");
  int64_t total = 0;
  int64_t resident = 0;
  statm >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// Pulls until its gate closes.
class Receiver {
 public:
  Receiver(GateFactory* gates, const GateOptions& options, std::function<void(const std::string&)> see)
      : Receiver(gates->Bound<InGate>(options), std::move(see)) {}
  ~Receiver() { Leave(); }

  const std::string& url() const { return url_; }
  // After nobody dials it any more.
  void Leave() {
    if (!puller_.joinable()) return;
    gate_.Close(kLong);
    puller_.join();
  }

 private:
  Receiver(std::pair<InGate, std::string> bound, std::function<void(const std::string&)> see)
      : gate_(std::move(bound.first)), url_(std::move(bound.second)), puller_([this, see = std::move(see)] {
          for (;;) {
            absl::StatusOr<Message> message = gate_.Pull();
            if (!message.ok()) return;
            see(message->body());
            // Not if its connection has gone meanwhile: then it comes again.
            const absl::Status confirmed = message->Confirm();
            EXPECT_TRUE(confirmed.ok() || absl::IsFailedPrecondition(confirmed)) << confirmed;
          }
        }) {}

  InGate gate_;
  const std::string url_;
  std::thread puller_;
};

class GateChurn : public ::testing::TestWithParam<Delivery> {};

TEST_P(GateChurn, LosesNothingAndGrowsByNothing) {
  const int changes = IsTorture() ? 10'000 : 1'000;
  GateFactory gates;
  const GateOptions in = {.queue = "q", .type = LinkType::kPull, .delivery = GetParam()};
  Mutex mu;
  std::vector<bool> seen;
  const auto see = [&](const std::string& body) {
    const size_t number = std::stoul(body);
    MutexLock lock(&mu);
    if (seen.size() <= number) seen.resize(number + 1);
    seen[number] = true;
  };
  OutGate out = gates.Make<OutGate>({.queue = "q", .type = LinkType::kPush, .delivery = GetParam()});
  const std::shared_ptr<GateCore> core = gates.newest();
  std::atomic<bool> over = false;
  int64_t pushed = 0;
  std::thread pusher([&] {
    while (!over.load()) {
      ASSERT_TRUE(out.Push(absl::StrCat(pushed), kLong).ok());
      ++pushed;
    }
  });
  std::deque<std::unique_ptr<Receiver>> receivers;
  std::deque<std::thread> leaving;  // Those that nobody dials any more, until their peer has hung up.
  const auto join_but = [&leaving](size_t kept) {
    for (; leaving.size() > kept; leaving.pop_front()) leaving.front().join();
  };
  int descriptors = 0;
  int64_t bytes = 0;
  for (int i = 0; i < changes; ++i) {
    receivers.push_back(std::make_unique<Receiver>(&gates, in, see));
    std::vector<std::unique_ptr<Receiver>> gone;
    // Sometimes it is given up before it is connected.
    while (receivers.size() > 1 + static_cast<size_t>(i) % 3) {
      gone.push_back(std::move(receivers.front()));
      receivers.pop_front();
    }
    std::vector<std::string> urls;
    for (const auto& receiver : receivers) urls.push_back(receiver->url());
    GateFactory::SetWanted(core.get(), urls);
    for (auto& receiver : gone) leaving.emplace_back([gone = std::move(receiver)] { gone->Leave(); });
    join_but(kLeavingMax);
    if (i == changes / 5) {
      join_but(0);
      descriptors = Descriptors();
      bytes = ResidentBytes();
    }
  }
  join_but(0);
  EXPECT_LE(Descriptors(), descriptors + 30);
#ifndef SCOUTLIGHT_SANITIZED  // Else what was freed stays in memory for a while.
  EXPECT_LE(ResidentBytes(), bytes + (16 << 20));
#endif
  over.store(true);
  pusher.join();
  EXPECT_EQ(out.Close(kLong).unsent, 0);
  receivers.clear();
  int64_t missing = 0;
  for (int64_t i = 0; i < pushed; ++i) missing += static_cast<size_t>(i) >= seen.size() || !seen[i];
  EXPECT_EQ(missing, 0) << "of " << pushed;
  std::printf("%d changes under %ld messages: %d descriptors, %ld KiB more\n", changes, static_cast<long>(pushed), Descriptors(),
              static_cast<long>((ResidentBytes() - bytes) / 1024));
}

INSTANTIATE_TEST_SUITE_P(Deliveries, GateChurn, ::testing::Values(Delivery::kPlain, Delivery::kAcked),
                         [](const auto& info) { return info.param == Delivery::kAcked ? "Acked" : "Plain"; });

}  // namespace
}  // namespace scoutlight::client
