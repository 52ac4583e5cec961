#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "client/http_client.h"
#include "gtest/gtest.h"
#include "tests/http/hostile_server.h"
#include "tests/http/http_fixture.h"
#include "tests/http/nginx.h"
#include "tests/http/text_source.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

// Against Debian's nginx.
namespace scoutlight::testing {
namespace {

class NginxTest : public HttpFixture {};

TEST_F(NginxTest, ServesFilesByName) {
  Nginx nginx;
  nginx.Serve("page.txt", "hello");
  Add("a", nginx.port());
  HttpClient http = Open();
  const absl::StatusOr<HttpResponse> page = http.Get("svc://Printer/page.txt");
  ASSERT_TRUE(page.ok()) << page.status();
  EXPECT_EQ(page->status, 200);
  EXPECT_EQ(page->body, "hello");
  EXPECT_EQ(*FindHeader(page->headers, "content-type"), "text/plain");
  const absl::StatusOr<HttpResponse> head = http.Call({.method = HttpMethod::kHead, .url = "svc://Printer/page.txt"});
  ASSERT_TRUE(head.ok()) << head.status();
  EXPECT_EQ(*FindHeader(head->headers, "content-length"), "5");
  EXPECT_EQ(http.Get("svc://Printer/none.txt")->status, 404);
  EXPECT_EQ(http.Post("svc://Printer/echo", "{}")->body, "POST");
  EXPECT_EQ(http.Delete("svc://Printer/echo")->body, "DELETE");
}

TEST_F(NginxTest, TenThousandCallsLeakNothing) {
  Nginx first;
  Nginx second;
  Add("a", first.port());
  Add("b", second.port());
  HttpClient http = Open();
  ExpectNoLeakOfTenThousandCalls("svc://Printer/echo", &http);
}

// Makes a root certificate and what it has signed, as nginx and TlsCredentials take them.
class Certificates {
 public:
  Certificates() {
    Run({"req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=root", "-keyout", Path("root.key"), "-out",
         Path("root")});
    WriteFile(Path("names"), "subjectAltName=DNS:localhost");
    for (const char* const name : {"server", "client"}) {
      Run({"req", "-newkey", "rsa:2048", "-nodes", "-subj", absl::StrCat("/CN=", name), "-keyout", Path(absl::StrCat(name, ".key")), "-out",
           Path("request")});
      Run({"x509", "-req", "-in", Path("request"), "-CA", Path("root"), "-CAkey", Path("root.key"), "-CAcreateserial", "-days", "2",
           "-extfile", Path("names"), "-out", Path(name)});
    }
  }

  std::string Path(const std::string& name) const { return folder_.File(name + ".pem"); }
  std::string Pem(const std::string& name) const { return ReadFile(Path(name)); }
  Nginx::Options Server(const std::string& listen_more) const {
    return {.listen_more = listen_more,
            .server_lines = absl::StrCat("ssl_certificate ", Path("server"), ";\nssl_certificate_key ", Path("server.key"),
                                         ";\nssl_client_certificate ", Path("root"),
                                         ";\nssl_verify_client optional;\nlocation = /who { return 200 \"$ssl_client_s_dn "
                                         "$server_protocol $ssl_server_name\"; }\n")};
  }

 private:
  static void Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "/usr/bin/openssl");
    RunToEnd(arguments);
  }

  const TempDir folder_;
};

TEST_F(NginxTest, TlsVerifiesTheEndpointsHost) {
  const Certificates certificates;
  Nginx nginx(certificates.Server(" ssl http2"));
  Add("a", nginx.port(),
      {{"endpoint.secure", absl::StrCat("https://localhost:", nginx.port())},
       {"endpoint.wrong", absl::StrCat("https://127.0.0.1:", nginx.port())}});
  const TlsCredentials trusting = {.root_ca = certificates.Pem("root")};
  HttpClient http = Open({.tls = trusting});
  const HttpRequest who = {.url = "svc://Printer/who", .endpoint = "secure"};
  ASSERT_TRUE(http.Call(who).ok()) << http.Call(who).status();
  EXPECT_EQ(http.Call(who)->body, " HTTP/1.1 localhost");
  EXPECT_EQ(http.Call({.url = "svc://Printer/who", .endpoint = "wrong"}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(Open().Call(who).status().code(), absl::StatusCode::kUnavailable);

  HttpClient known = Open(
      {.version = HttpVersion::k2OverTls,
       .tls = {
           .root_ca = trusting.root_ca, .certificate_chain = certificates.Pem("client"), .private_key = certificates.Pem("client.key")}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(known.Call(who)->body, "CN=client HTTP/2.0 localhost");
  EXPECT_EQ(known.Call({.method = HttpMethod::kPost, .url = "svc://Printer/echo", .body = "{}", .endpoint = "secure"})->body, "POST");
}

TEST_F(NginxTest, BodiesGoOverHttp2) {
  const Certificates certificates;
  HostileServer behind([](const SeenRequest& request) { return Answer(200, request.body); });
  Nginx::Options options = certificates.Server(" ssl http2");
  absl::StrAppend(&options.server_lines, "location = /behind { proxy_pass http://127.0.0.1:", behind.port(), "/; }\n");
  Nginx nginx(options);
  Add("a", nginx.port(), {{"endpoint.secure", absl::StrCat("https://localhost:", nginx.port())}});
  HttpClient http =
      Open({.version = HttpVersion::k2OverTls, .tls = {.root_ca = certificates.Pem("root")}, .resolve = {.endpoint = "secure"}});
  const std::string text(300'000, 'x');
  const absl::StatusOr<HttpResponse> chunks = http.Call(
      {.method = HttpMethod::kPost, .url = "svc://Printer/behind", .source = std::make_shared<TextSource>(text, TextSource::Options{})});
  ASSERT_TRUE(chunks.ok()) << chunks.status();
  EXPECT_TRUE(chunks->body == text);
  const absl::StatusOr<HttpResponse> bytes = http.Put("svc://Printer/behind", text);
  ASSERT_TRUE(bytes.ok()) << bytes.status();
  EXPECT_TRUE(bytes->body == text);
}

// Callers that do not stop until they are told.
class Load {
 public:
  explicit Load(HttpClient* http) {
    for (int thread = 0; thread < 3; ++thread) {
      threads_.emplace_back([this, http, thread] {
        for (int i = 0; !stopped_.load(); ++i) {
          const bool post = (i + thread) % 2 == 0;
          const absl::StatusOr<HttpResponse> response = post ? http->Post("svc://Printer/echo", "{}") : http->Get("svc://Printer/echo");
          const bool right = response.ok() && response->status == 200 && response->body == (post ? "POST" : "GET");
          ++calls_;
          if (!right && ++lost_ == 1) ADD_FAILURE() << (response.ok() ? absl::StrCat(response->status) : response.status().ToString());
        }
      });
    }
  }
  ~Load() { Stop(); }
  void Stop() {
    stopped_ = true;
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }
  int calls() const { return calls_; }
  int lost() const { return lost_; }
  // Until there were that many more.
  bool AwaitMore(int calls) {
    const int until = calls_ + calls;
    return WaitUntil([&] { return calls_ >= until; });
  }

 private:
  std::atomic<bool> stopped_{false};
  std::atomic<int> calls_{0};
  std::atomic<int> lost_{0};
  std::vector<std::thread> threads_;
};

TEST_F(NginxTest, RollingRestartLosesNoCall) {
  std::vector<std::unique_ptr<Nginx>> instances;
  for (int i = 0; i < 3; ++i) {
    instances.push_back(std::make_unique<Nginx>());
    Add(absl::StrCat(i), instances.back()->port());
  }
  HttpClient http = Open();
  Load load(&http);
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(load.AwaitMore(200));
      // For some time after its start a registry calls no drain complete: who subscribed before might come back.
      const auto drained = registrations_.Drain({"default", "Printer", absl::StrCat(i)}, {.timeout = absl::Milliseconds(500)});
      ASSERT_TRUE(drained.ok()) << drained.status();
      EXPECT_TRUE(drained->report.laggards.empty());
      instances[i]->Quit();
      ASSERT_TRUE(registrations_.Deregister({"default", "Printer", absl::StrCat(i)}).ok());
      instances[i] = std::make_unique<Nginx>();
      Add(absl::StrCat(i), instances[i]->port());
    }
  }
  ASSERT_TRUE(load.AwaitMore(200));
  load.Stop();
  EXPECT_EQ(load.lost(), 0);
}

TEST_F(NginxTest, KilledInstanceCostsNoIdempotentCall) {
  std::vector<std::unique_ptr<Nginx>> instances;
  for (int i = 0; i < 3; ++i) {
    instances.push_back(std::make_unique<Nginx>());
    Add(absl::StrCat(i), instances.back()->port());
  }
  HttpClient http = Open({.retry_budget = {.percent = 100}});
  std::atomic<bool> stop{false};
  std::atomic<int> calls{0};
  std::atomic<int> lost{0};
  std::thread caller([&] {
    while (!stop.load()) {
      lost += !http.Get("svc://Printer/echo").ok();
      ++calls;
    }
  });
  EXPECT_TRUE(WaitUntil([&] { return calls >= 100; }));
  instances[1] = nullptr;
  EXPECT_TRUE(WaitUntil([&] { return calls >= 500; }));
  stop = true;
  caller.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace scoutlight::testing
