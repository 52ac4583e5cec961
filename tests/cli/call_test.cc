// `scoutctl call`: gRPC by a service's name, to the server itself, which is registered as an instance.
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
#include "tests/http/hostile_server.h"
#include "tests/http/nginx.h"

namespace scoutlight::testing {
namespace {

// Several of the server's services have a Get; in lines, $GET is the registry's.
std::string WithGet(const std::string& line) { return absl::StrCat("GET=ScoutLight/scoutlight.registry.v1.RegistryService/Get; ", line); }

class CallTest : public ShellTest {
 protected:
  CallTest() {
    Shows("scoutctl service register ScoutLight --id a hostname=127.0.0.1 port=${ADDRESS##*:} protocol=grpc --permanent -o name", "a\n");
    Shows("scoutctl kv put /site/host 10.0.0.1 -o name; scoutctl kv put /site/port 80 -o name", "/site/host\n/site/port\n");
  }

  void SaysWhenTyped(const std::string& line, const std::string& what) {
    const std::string shown = Shown(WithGet(line));
    EXPECT_TRUE(absl::StrContains(shown, what)) << "$ " << line << "\n" << shown;
  }
};

TEST_F(CallTest, AMethodIsCalledByItsServicesName) {
  const std::string answer = R"({
  "entry": {
    "key": "/site/host",
    "text": "10.0.0.1",
    "create_revision": "3",
    "mod_revision": "3",
    "version": "1",
    "has_value": true
  })";
  for (const char* form : {"", " -o json", " -o wide"}) {
    SaysWhenTyped(absl::StrCat("scoutctl call $GET -d '{\"key\": \"/site/host\"}'", form), answer);
  }
  Shows(WithGet("scoutctl call $GET -d '{\"key\": \"/site/host\"}' -o name"), "a\n");
  // Without -d it is an empty message; from a file, and from standard input.
  SaysWhenTyped("scoutctl call ScoutLight/ListServices", "\"name\": \"ScoutLight\"");
  SaysWhenTyped("echo '{\"key\": \"/site/port\"}' >$FILES/get; scoutctl call $GET -d @$FILES/get", "\"text\": \"80\"");
  SaysWhenTyped("echo '{\"key\": \"/site/port\"}' | scoutctl call $GET -d -", "\"text\": \"80\"");
}

TEST_F(CallTest, AStreamIsAnObjectALineUntilASignal) {
  const auto watch = Start(
      "scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/Watch -d '{\"key\": \"/site/host\", \"include_snapshot\": true}'");
  WaitForOutput(watch.get(), "KIND_SNAPSHOT_END");
  Shown("scoutctl kv put /site/host 10.0.0.2");
  WaitForOutput(watch.get(), "10.0.0.2");
  const std::string shown = Interrupt(watch.get());
  EXPECT_TRUE(absl::StartsWith(shown, "{\"kind\":\"KIND_")) << shown;
  EXPECT_TRUE(absl::EndsWith(shown, "}\n")) << shown;
  EXPECT_FALSE(absl::StrContains(shown, "[exit")) << shown;
}

TEST_F(CallTest, WhatAStreamEndsWithIsTheExitCode) {
  SaysWhenTyped("scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/Watch",
                "scoutctl: invalid argument: the instance a: key: ");
  Shows(
      "scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/Watch -d '{\"key\": \"/a\", \"start_revision\": 9999}' >/dev/null "
      "2>&1",
      "[exit 4]\n");
}

TEST_F(CallTest, AFailureIsTheInstancesOwn) {
  Shows(WithGet("scoutctl call $GET -d '{\"key\": \"/nothing\"}'"), R"(
! scoutctl: not found: the instance a: nothing is stored at /nothing (KEY_NOT_FOUND)
[exit 3]
)");
  SaysWhenTyped("scoutctl call $GET -d '{\"key\": \"/a//b\"}' -o json",
                "!   \"code\": \"INVALID_ARGUMENT\",\n!   \"reason\": \"INVALID_KEY\",\n!   \"message\": \"the instance a: key: ");
}

TEST_F(CallTest, WhatIsNotThereIsSaidWithWhatIs) {
  SaysWhenTyped("scoutctl call ScoutLight/Gett",
                "scoutctl: not found: the instance a: it has no method \"Gett\"; did you mean Get? It has ");
  SaysWhenTyped(
      "scoutctl call ScoutLight/scoutlight.registry.v1.RegistryService/Gett",
      "scoutlight.registry.v1.RegistryService has no method \"Gett\"; did you mean Get? It has Get, List, Put, Delete, Transact, Watch");
  SaysWhenTyped(
      "scoutctl call ScoutLight/scoutlight.registry.v1.RegistrySrvice/Get",
      "it has no gRPC service \"scoutlight.registry.v1.RegistrySrvice\"; did you mean scoutlight.registry.v1.RegistryService? It has ");
  SaysWhenTyped("scoutctl call ScoutLight/Get",
                "METHOD: is a method of several services: ScoutLight/scoutlight.registry.v1.RegistryService/Get, "
                "ScoutLight/scoutlight.topology.v1.TopologyService/Get");
  SaysWhenTyped("scoutctl call ScoutLight/KeepAlive", "METHOD: takes a stream of requests: scoutlight.registry.v1.LeaseService.KeepAlive");
  Shows("scoutctl call ScoutLigth/Get", R"(
! scoutctl: not found: service ScoutLigth has no instance in cluster default; did you mean ScoutLight? (SERVICE_NOT_FOUND)
[exit 3]
)");
  Shows("scoutctl call Get", R"(
! scoutctl: invalid argument: METHOD: must be SERVICE/package.Service/Method or SERVICE/Method, is "Get" (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(CallTest, JsonThatDoesNotFitNamesTheField) {
  for (const auto& [json, what] : {std::pair("{\"kye\": 1}", "kye"), std::pair("{\"revision\": \"x\"}", "revision"),
                                   std::pair("{\"key\": {}}", "key"), std::pair("{\"key\": ", "--data: is no JSON: mistake at byte "),
                                   std::pair("{\"key\": 1, \"key\": 2}", "--data.key: is there twice")}) {
    const std::string shown = Shown(WithGet(absl::StrCat("scoutctl call $GET -d '", json, "'")));
    EXPECT_TRUE(absl::StartsWith(shown, "! scoutctl: invalid argument: --data")) << shown;
    EXPECT_TRUE(absl::StrContains(shown, what)) << shown;
    EXPECT_TRUE(absl::StrContains(shown, "[exit 2]")) << shown;
  }
}

TEST_F(CallTest, MetadataGoesBothWays) {
  SaysWhenTyped("scoutctl call $GET -d '{\"key\": \"/site/host\"}' -H 'x-job: 17' -H 'x-raw-bin: /w==' -v", "! answered by a\n");
  Shows(WithGet("scoutctl call $GET -H 'grpc-timeout: 1S'"), R"(
! scoutctl: invalid argument: --header: is gRPC's own: grpc-timeout (INVALID_FIELD)
[exit 2]
)");
  Shows(WithGet("scoutctl call $GET -H 'x-raw-bin: ?'"), R"(
! scoutctl: invalid argument: --header: has a value that is no base64: x-raw-bin (INVALID_FIELD)
[exit 2]
)");
  Shows(WithGet("scoutctl call $GET -H \"x-long: $(head -c 9000 /dev/zero | tr '\\0' x)\""), R"(
! scoutctl: invalid argument: --header: has 9006 bytes in all, at most 8192 are allowed (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(CallTest, AnInstanceWithoutReflectionSaysSo) {
  // HTTP/2 it speaks, but nothing of gRPC.
  Nginx nginx(
      {.listen_more = " http2", .server_lines = "location / { default_type application/grpc; add_header grpc-status 12; return 200; }"});
  Shown(absl::StrCat("scoutctl service register Web --id w hostname=127.0.0.1 port=", nginx.port(), " protocol=grpc --permanent"));
  Shows("scoutctl call Web/Get", R"(
! scoutctl: failed precondition: the instance w: it has no reflection (grpc.reflection.v1 or v1alpha), which tells its methods
[exit 4]
)");
  Shown(absl::StrCat("scoutctl service register Gone --id g hostname=127.0.0.1 port=", FreePort(), " protocol=grpc --permanent"));
  SaysWhenTyped("scoutctl call Gone/Get", "scoutctl: unavailable: the instance g: ");
  SaysWhenTyped("scoutctl call Gone/Get", "[exit 6]");
  HostileServer silent([](const SeenRequest&) { return Deed{"", Deed::Then::kStall}; });
  Shown(absl::StrCat("scoutctl service register Silent --id s hostname=127.0.0.1 port=", silent.port(), " protocol=grpc --permanent"));
  SaysWhenTyped("scoutctl call Silent/Get --timeout 500ms",
                "scoutctl: deadline exceeded: the instance s: no answer by the end of --timeout 500ms\n");
  SaysWhenTyped("scoutctl call Silent/Get --timeout 500ms", "[exit 5]");
  // What is typed has its time.
  SaysWhenTyped("{ sleep 2.1; echo '{\"key\": \"/site/port\"}'; } | scoutctl call $GET --timeout 2s -d -", "\"text\": \"80\"");
}

TEST_F(CallTest, TheEndpointIsFoundByWhatTheInstanceHas) {
  Shown("scoutctl service register Bare --id b hostname=127.0.0.1 port=${ADDRESS##*:} --permanent");
  SaysWhenTyped("scoutctl call Bare/scoutlight.registry.v1.RegistryService/Get -d '{\"key\": \"/site/port\"}'", "\"text\": \"80\"");
  Shows("scoutctl call ScoutLight/Get --endpoint-name admin 2>&1 | grep -o NONE_MATCHES", "NONE_MATCHES\n");
}

}  // namespace
}  // namespace scoutlight::testing
