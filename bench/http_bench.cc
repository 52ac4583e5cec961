// What a call by name costs over a bare call of libcurl, to the same server over a kept connection: GET of five bytes, one caller. Asked
// for: at most 5 us. Turns are interleaved, so that what else the machine does meets all alike; figures are medians over the turns, of the
// time that passed, and of the caller's processor time, which other programs hardly touch. "started" is HttpClient::Start with a callback:
// two threads more take part.
//
//   bazel run //bench:http_bench [TURNS]
#include <curl/curl.h>
#include <time.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

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

  void Call() {
    body_.clear();
    if (curl_easy_perform(easy_) != CURLE_OK || body_ != "hello") Fail("a bare call failed");
  }

 private:
  static size_t Append(char* data, size_t size, size_t count, void* body) {
    static_cast<std::string*>(body)->append(data, size * count);
    return size * count;
  }

  CURL* const easy_;
  std::string body_;
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
  Contender contenders[] = {
      {"bare", [&] { bare.Call(); }}, {"by name", [&] { CallByName(&http); }}, {"started", [&] { StartByName(&http); }}};
  for (int turn = 0; turn < turns; ++turn) {
    for (Contender& contender : contenders) TakeTurn(&contender);
  }
  const double bare_passed = Median(contenders[0].passed_us);
  const double bare_used = Median(contenders[0].used_us);
  std::printf("%-10s %12s %12s %14s %14s\n", "", "us a call", "over bare", "caller's cpu", "over bare");
  for (const Contender& contender : contenders) {
    const double passed = Median(contender.passed_us);
    const double used = Median(contender.used_us);
    std::printf("%-10s %12.1f %12.1f %14.1f %14.1f\n", contender.name, passed, passed - bare_passed, used, used - bare_used);
  }
}

}  // namespace
}  // namespace scoutlight::bench

int main(int argc, char** argv) {
  int turns = scoutlight::bench::kTurnsDefault;
  if (argc > 1 && (!absl::SimpleAtoi(argv[1], &turns) || turns < 1)) scoutlight::bench::Fail("usage: http_bench [TURNS]");
  scoutlight::bench::Run(turns);
}
