// What a call by name costs over a bare call of libcurl, to the same server over a kept connection: GET of five bytes, one caller. Asked
// for: at most 5 us. Turns are interleaved, so that what else the machine does meets all alike; figures are medians over the turns, of the
// time that passed, and of the caller's processor time, which other programs hardly touch. "started" is HttpClient::Start with a callback;
// "bare loop" is what it is to be held against: a bare `multi` of libcurl in a thread of its own, which the caller wakes and waits for.
//
//   bazel run //bench:http_bench [TURNS]
#include <curl/curl.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "bench/fixed_answer_server.h"
#include "bench/steady_now.h"
#include "client/http_client.h"
#include "client/locator.h"
#include "client/registrations.h"
#include "client/testing/server.h"

namespace scoutlight::bench {
namespace {

constexpr int kCallsPerTurn = 200;
constexpr int kTurnsDefault = 200;

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "%s\n", what.c_str());
  std::exit(1);
}

absl::Duration ThreadTime() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return absl::DurationFromTimespec(time);
}

// As one writes it without a library: one handle, the response into a string.
class BareCaller {
 public:
  explicit BareCaller(int port) : easy_(curl_easy_init()) {
    curl_easy_setopt(easy_, CURLOPT_URL, absl::StrCat("http://127.0.0.1:", port, "/page").c_str());
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_PROXY, "");
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &Append);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, &body_);
  }
  ~BareCaller() { curl_easy_cleanup(easy_); }

  CURL* easy() const { return easy_; }
  // Before and after a transfer of easy().
  void Begin() { body_.clear(); }
  void End(CURLcode code) const {
    if (code != CURLE_OK || body_ != "hello") Fail("a bare call failed");
  }

  void Call() {
    Begin();
    End(curl_easy_perform(easy_));
  }

 private:
  static size_t Append(char* data, size_t size, size_t count, void* body) {
    static_cast<std::string*>(body)->append(data, size * count);
    return size * count;
  }

  CURL* const easy_;
  std::string body_;
};

// As one writes calls that do not block their caller: a thread that drives a `multi`.
class BareLoop {
 public:
  explicit BareLoop(int port) : caller_(port), thread_([this] { Loop(); }) {}
  ~BareLoop() {
    {
      MutexLock lock(&mu_);
      stopping_ = true;
    }
    curl_multi_wakeup(multi_);
    thread_.join();
    curl_multi_cleanup(multi_);
  }

  void Call() {
    {
      MutexLock lock(&mu_);
      asked_ = true;
    }
    curl_multi_wakeup(multi_);
    MutexLock lock(&mu_);
    while (!over_) changed_.Wait(&mu_);
    over_ = false;
  }

 private:
  // Whether to go on; takes what is asked for.
  bool Take() {
    MutexLock lock(&mu_);
    if (std::exchange(asked_, false)) {
      caller_.Begin();
      curl_multi_add_handle(multi_, caller_.easy());
    }
    return !stopping_;
  }

  void Loop() {
    while (Take()) {
      int running = 0;
      curl_multi_perform(multi_, &running);
      int left = 0;
      if (const CURLMsg* message = curl_multi_info_read(multi_, &left); message != nullptr && message->msg == CURLMSG_DONE) {
        caller_.End(message->data.result);
        curl_multi_remove_handle(multi_, caller_.easy());
        MutexLock lock(&mu_);
        over_ = true;
        changed_.NotifyAll();
      }
      curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

  BareCaller caller_;  // The loop's, but for its making.
  CURLM* const multi_ = curl_multi_init();
  Mutex mu_;
  CondVar changed_;
  bool asked_ ABSL_GUARDED_BY(mu_) = false;
  bool over_ ABSL_GUARDED_BY(mu_) = false;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;
};

void CallByName(HttpClient* http) {
  const absl::StatusOr<HttpResponse> response = http->Call({.service = "Printer", .target = "/page"});
  if (!response.ok() || response->body != "hello") Fail("a call by name failed: " + response.status().ToString());
}

void StartByName(HttpClient* http) {
  Mutex mu;
  CondVar changed;
  bool over = false;
  const auto started = http->Start({.service = "Printer", .target = "/page"}, [&](absl::StatusOr<HttpResponse> response) {
    if (!response.ok()) Fail("a started call failed: " + response.status().ToString());
    MutexLock lock(&mu);
    over = true;
    changed.NotifyAll();
  });
  if (!started.ok()) Fail(started.status().ToString());
  MutexLock lock(&mu);
  while (!over) changed.Wait(&mu);
}

struct Contender {
  const char* name;
  std::function<void()> call;
  std::vector<double> passed_us = {};  // Per call, of each turn.
  std::vector<double> used_us = {};
};

void TakeTurn(Contender* contender) {
  const absl::Duration began = SteadyNow();
  const absl::Duration used = ThreadTime();
  for (int i = 0; i < kCallsPerTurn; ++i) contender->call();
  contender->used_us.push_back(absl::ToDoubleMicroseconds(ThreadTime() - used) / kCallsPerTurn);
  contender->passed_us.push_back(absl::ToDoubleMicroseconds(SteadyNow() - began) / kCallsPerTurn);
}

double Median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

void Run(int turns) {
  const FixedAnswerServer server;
  scoutlight::testing::Server registry;
  const Connection connection = registry.Connect();
  const auto registered =
      Registrations(connection)
          .Register({.service = "Printer",
                     .id = "a",
                     .properties = {{"hostname", "127.0.0.1"}, {"port", absl::StrCat(server.port())}, {"protocol", "http"}}},
                    Permanent());
  if (!registered.ok()) Fail(registered.status().ToString());
  Locator locator = *Locator::Open(connection);
  HttpClient http = *HttpClient::Open(locator);
  BareCaller bare(server.port());
  BareLoop bare_loop(server.port());
  Contender contenders[] = {{"bare", [&] { bare.Call(); }},
                            {"by name", [&] { CallByName(&http); }},
                            {"bare loop", [&] { bare_loop.Call(); }},
                            {"started", [&] { StartByName(&http); }}};
  for (int turn = 0; turn < turns; ++turn) {
    for (Contender& contender : contenders) TakeTurn(&contender);
  }
  std::printf("%-10s %12s %12s %14s %14s\n", "", "us a call", "over bare", "caller's cpu", "over bare");
  for (size_t i = 0; i < std::size(contenders); ++i) {
    const Contender& floor = contenders[i - i % 2];  // The bare one of its pair.
    const double passed = Median(contenders[i].passed_us);
    const double used = Median(contenders[i].used_us);
    std::printf("%-10s %12.1f %12.1f %14.1f %14.1f\n", contenders[i].name, passed, passed - Median(floor.passed_us), used,
                used - Median(floor.used_us));
  }
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) {
  int turns = scoutlight::bench::kTurnsDefault;
  if (argc > 1 && (!absl::SimpleAtoi(argv[1], &turns) || turns < 1)) scoutlight::bench::Fail("usage: http_bench [TURNS]");
  scoutlight::bench::Run(turns);
}
