// `scoutctl http`: requests by a service's name to servers in processes and threads of their own.
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/cli/shell.h"
#include "tests/http/hostile_server.h"
#include "tests/http/nginx.h"

namespace scoutlight::testing {
namespace {

class HttpTest : public ShellTest {
 protected:
  // An instance of Printer at a port of 127.0.0.1.
  void Add(const std::string& id, int port, const std::string& properties = "protocol=http") {
    Shows(absl::StrCat("scoutctl service register Printer --id ", id, " hostname=127.0.0.1 port=", port, " ", properties,
                       " --permanent -o name"),
          absl::StrCat(id, "\n"));
  }
};

// What it was sent: the target, then these headers, then the body.
Deed Echo(const SeenRequest& request) {
  std::string text = absl::StrCat(request.method, " ", request.target, "\n");
  for (const char* name : {"content-type", "x-job"}) {
    const auto found = request.headers.find(name);
    if (found != request.headers.end()) absl::StrAppend(&text, name, ": ", found->second, "\n");
  }
  return Answer(200, absl::StrCat(text, request.body), "X-A: one\r\nx-a: two\r\n");
}

TEST_F(HttpTest, ABodyComesByteForByte) {
  Nginx nginx;
  const std::string bytes("\x00\x01\xff\r\nend", 8);
  nginx.Serve("photo", bytes);
  nginx.Serve("large", std::string(20'000'000, 'x'));
  Add("laser", nginx.port());
  EXPECT_EQ(Shown("scoutctl http GET svc://Printer/photo"), bytes);
  EXPECT_EQ(Shown("scoutctl http GET svc://Printer/large | wc -c"), "20000000\n");
  EXPECT_EQ(Shown("scoutctl http HEAD svc://Printer/photo"), "");
  // In JSON it is one object, whose size has a bound.
  EXPECT_NE(Shown("scoutctl http GET svc://Printer/large -o json").find("\"message\": \"response_bytes_max: "), std::string::npos);
  // A reader that has enough ends it quietly.
  Shows("scoutctl http GET svc://Printer/large | head -c 3; echo; echo ${PIPESTATUS[0]}", "xxx\n0\n");
}

TEST_F(HttpTest, WhatIsGivenIsSent) {
  HostileServer server(&Echo);
  Add("laser", server.port());
  Shows("scoutctl http POST 'svc://Printer/jobs?state=open' -d '{\"pages\": 3}' -H 'X-Job: 17'", R"(
POST /jobs?state=open
content-type: application/json
x-job: 17
{"pages": 3})");
  Shows("printf 'from a file' >$FILES/body; scoutctl http PUT svc://Printer/ -d @$FILES/body -H 'content-type:text/plain'", R"(
PUT /
content-type: text/plain
from a file)");
  Shows("printf 'from a pipe' | scoutctl http PATCH svc://Printer -d -", R"(
PATCH /
content-type: application/json
from a pipe)");
  Shows("scoutctl http DELETE svc://Printer/jobs/1", R"(
DELETE /jobs/1
)");
}

TEST_F(HttpTest, StatusAndHeadersAreShownOnRequest) {
  HostileServer server(&Echo);
  Add("laser", server.port());
  Shows("scoutctl http GET svc://Printer/a -v", R"(
GET /a
! HTTP 200 from laser
! Content-Length: 7
! X-A: one
! x-a: two
)");
  Shows("scoutctl http GET svc://Printer/a -v -o json", R"(
{
  "instance": "laser",
  "status": 200,
  "headers": {
    "content-length": "7",
    "x-a": "one, two"
  },
  "body": "GET /a\n"
}
)");
  Shows("scoutctl http GET svc://Printer/a -o wide", R"(
instance          laser
status            200
headers
  content-length  7
  x-a             one, two
body              GET /a\n
)");
  Shows("scoutctl http GET svc://Printer/a -o name", R"(
laser
)");
}

TEST_F(HttpTest, BytesThatAreNoTextAreMarkedInJson) {
  HostileServer server([](const SeenRequest&) { return Answer(200, "\xff"); });
  Add("laser", server.port());
  Shows("scoutctl http GET svc://Printer/ -o json", R"(
{
  "instance": "laser",
  "status": 200,
  "headers": {
    "content-length": "1"
  },
  "body": "/w==",
  "encoding": "base64"
}
)");
}

TEST_F(HttpTest, TheExitCodeTellsTheStatus) {
  const std::vector<std::pair<int, int>> cases = {{200, 0}, {204, 0}, {302, 0}, {400, 2}, {401, 7}, {403, 7}, {404, 3}, {409, 4}, {410, 3},
                                                  {412, 4}, {418, 1}, {429, 1}, {500, 1}, {501, 1}, {502, 6}, {503, 6}, {504, 5}};
  std::string locations;
  for (const auto& [status, code] : cases) absl::StrAppend(&locations, "location = /", status, " { return ", status, " 'why'; }\n");
  Nginx nginx({.server_lines = locations});
  Add("laser", nginx.port());
  for (const auto& [status, code] : cases) {
    EXPECT_EQ(Shown(absl::StrCat("scoutctl http POST svc://Printer/", status, " >/dev/null 2>&1; echo $?")), absl::StrCat(code, "\n"))
        << status;
  }
  Shows("scoutctl http GET svc://Printer/404; echo \" $?\"", R"(
why 3
! scoutctl: not found: the instance laser answered with HTTP status 404
)");
  Shows("scoutctl http GET svc://Printer/503 -o json >/dev/null", R"(
! {
!   "code": "UNAVAILABLE",
!   "message": "the instance laser answered with HTTP status 503",
!   "http_status": 503,
!   "instance": "laser",
!   "exit_code": 6
! }
[exit 6]
)");
}

TEST_F(HttpTest, AnInstanceIsChosen) {
  HostileServer a([](const SeenRequest&) { return Answer(200, "a"); });
  HostileServer b([](const SeenRequest&) { return Answer(200, "b"); });
  Add("a", a.port(), "protocol=http zone=north");
  Add("b", b.port(), absl::StrCat("protocol=amqp zone=south endpoint.web=http://127.0.0.1:", b.port(), "/"));
  Shows("scoutctl http GET svc://Printer/ --filter 'zone == \"north\"'; scoutctl http GET svc://Printer/ --endpoint-name web", "ab");
  Shows("scoutctl http GET svc://Printer/ --zone south --endpoint-name http --strategy round_robin", "b");
  for (const char* key : {"17", "18", "19"}) {
    const std::string line = absl::StrCat("scoutctl http GET svc://Printer/ --strategy consistent_hash --affinity ", key, " -o name");
    const std::string first = Shown(line);
    EXPECT_EQ(Shown(line), first);
  }
}

TEST_F(HttpTest, WhatIsWrongIsNamed) {
  Shows("scoutctl http FETCH svc://Printer/", R"(
! scoutctl: invalid argument: METHOD: must be one of GET|HEAD|POST|PUT|PATCH|DELETE, is "FETCH"; see scoutctl http --help
[exit 2]
)");
  Shows("scoutctl http GET http://Printer/", R"(
! scoutctl: invalid argument: url: does not begin with svc:// (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl http GET svc://Printer/ -d x", R"(
! scoutctl: invalid argument: body: is given, GET takes none (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl http POST svc://Printer/ -H nothing", R"(
! scoutctl: invalid argument: --header: must be 'NAME: VALUE', is "nothing" (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl http POST svc://Printer/ -d @/nowhere", R"(
! scoutctl: invalid argument: --data: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("head -c 17000000 /dev/zero | scoutctl http POST svc://Printer/ -d -", R"(
! scoutctl: invalid argument: --data: has more than 16777216 bytes (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl http GET svc://Printer/", R"(
! scoutctl: not found: service Printer has no instance in cluster default (SERVICE_NOT_FOUND)
[exit 3]
)");
  Add("laser", FreePort());
  EXPECT_NE(Shown("scoutctl http GET svc://Printer/").find("[exit 6]"), std::string::npos);
  HostileServer silent([](const SeenRequest&) { return Deed{"", Deed::Then::kStall}; });
  Shown("scoutctl service deregister Printer laser");
  Add("laser", silent.port());
  EXPECT_NE(Shown("scoutctl http GET svc://Printer/ --timeout 300ms").find("[exit 5]"), std::string::npos);
}

}  // namespace
}  // namespace scoutlight::testing
