// A server behind TLS, with certificates made by openssl.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
#include "tests/http/nginx.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace scoutlight::testing {
namespace {

// A certificate of 127.0.0.1 and its key, and one of its own that nobody trusts.
class Certificates {
 public:
  Certificates() {
    for (const char* name : {"server", "stranger"}) {
      RunToEnd({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", File(name, ".key"), "-out", File(name, ".pem")});
    }
  }

  std::string File(const std::string& name, const std::string& ending) const { return files_.File(name + ending); }

 private:
  TempDir files_;
};

const Certificates& Made() {
  static const Certificates made;
  return made;
}

std::vector<std::string> ServerFlags() {
  return {absl::StrCat("--tls-cert=", Made().File("server", ".pem")), absl::StrCat("--tls-key=", Made().File("server", ".key")),
          absl::StrCat("--tls-client-ca=", Made().File("server", ".pem"))};
}

class TlsTest : public ShellTest {
 protected:
  TlsTest() : ShellTest(ServerFlags()) {}

  // The flags that trust `authority` and show the certificate `name`.
  static std::string Flags(const std::string& authority, const std::string& name) {
    return absl::StrCat(" --tls-ca ", Made().File(authority, ".pem"), " --tls-cert ", Made().File(name, ".pem"), " --tls-key ",
                        Made().File(name, ".key"));
  }
};

TEST_F(TlsTest, WhoTrustsTheServerAndIsTrustedIsServed) {
  EXPECT_EQ(Shown("scoutctl kv put /a 1 -o name" + Flags("server", "server")), "/a\n");
}

TEST_F(TlsTest, TheEnvironmentHasNamesThatAreNotTheServers) {
  const std::string ours =
      absl::StrCat("SCOUTLIGHT_TLS_CA=", Made().File("server", ".pem"), " SCOUTLIGHT_CLIENT_TLS_CERT=", Made().File("server", ".pem"),
                   " SCOUTLIGHT_CLIENT_TLS_KEY=", Made().File("server", ".key"));
  EXPECT_EQ(Shown(ours + " SCOUTLIGHT_TLS_CERT=/nowhere SCOUTLIGHT_TLS_KEY=/nowhere scoutctl kv put /a 1 -o name"), "/a\n");
}

TEST_F(TlsTest, OthersAreNot) {
  for (const std::string& flags : {Flags("stranger", "server"), Flags("server", "stranger"), std::string()}) {
    const std::string shown = Shown("scoutctl kv put /a 1 --timeout 1s" + flags);
    EXPECT_NE(shown.find("! scoutctl: unavailable: "), std::string::npos) << shown;
    EXPECT_NE(shown.find("[exit 6]\n"), std::string::npos) << shown;
  }
}

TEST_F(TlsTest, FilesThatAreNotThereAreNamed) {
  Shows("scoutctl kv get /a --tls-ca /nowhere", R"(
! scoutctl: invalid argument: --tls-ca: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv get /a --tls-ca /tmp", R"(
! scoutctl: invalid argument: --tls-ca: cannot be read: /tmp: Is a directory (INVALID_FIELD)
[exit 2]
)");
  Shows("scoutctl kv get /a --tls-ca /dev/null", R"(
! scoutctl: invalid argument: --tls-ca: is empty: /dev/null (INVALID_FIELD)
[exit 2]
)");
  Shows(absl::StrCat("scoutctl kv get /a --tls-key ", Made().File("server", ".key")), R"(
! scoutctl: invalid argument: tls: has a certificate chain or a private key without the other (INVALID_FIELD)
[exit 2]
)");
}

// The flags that trust `authority` of instances, and show them the certificate `name`.
std::string ServiceFlags(const std::string& authority, const std::string& name) {
  return absl::StrCat(" --service-ca ", Made().File(authority, ".pem"), " --service-cert ", Made().File(name, ".pem"), " --service-key ",
                      Made().File(name, ".key"));
}

TEST_F(TlsTest, CallsTrustAndAreTrustedByTheInstance) {
  const std::string registry = Flags("server", "server");
  // The server itself, and a plain endpoint where nobody is.
  Shown("scoutctl service register ScoutLight --id a endpoint.plain=grpc://127.0.0.1:1 endpoint.safe=grpcs://$ADDRESS --permanent" +
        registry);
  const std::string call = "scoutctl call ScoutLight/ListServices --timeout 2s" + registry;
  EXPECT_NE(Shown(call + ServiceFlags("server", "server")).find("\"name\": \"ScoutLight\""), std::string::npos)
      << Shown(call + ServiceFlags("server", "server"));
  for (const std::string& flags : {ServiceFlags("stranger", "server"), ServiceFlags("server", "stranger"),
                                   absl::StrCat(" --service-ca ", Made().File("server", ".pem")), std::string(" --endpoint-name safe")}) {
    const std::string shown = Shown(call + flags);
    EXPECT_NE(shown.find("! scoutctl: unavailable: the instance a: "), std::string::npos) << flags << "\n" << shown;
    EXPECT_NE(shown.find("[exit 6]\n"), std::string::npos) << flags << "\n" << shown;
  }
  Shows(call + " --service-key " + Made().File("server", ".key"), R"(
! scoutctl: invalid argument: --service-cert: is missing, and --service-key is given (INVALID_FIELD)
[exit 2]
)");
}

TEST_F(TlsTest, RequestsTrustAndAreTrustedByTheInstance) {
  Nginx nginx({.listen_more = " ssl",
               .server_lines = absl::StrCat("ssl_certificate ", Made().File("server", ".pem"), ";\nssl_certificate_key ",
                                            Made().File("server", ".key"), ";\nssl_client_certificate ", Made().File("server", ".pem"),
                                            ";\nssl_verify_client on;\nlocation = /who { return 200 \"$ssl_client_s_dn\\n\"; }\n")});
  const std::string registry = Flags("server", "server");
  Shown(
      absl::StrCat("scoutctl service register Web --id w hostname=127.0.0.1 port=", nginx.port(), " protocol=https --permanent", registry));
  const std::string get = "scoutctl http GET svc://Web/who --timeout 20s" + registry;
  Shows(get + ServiceFlags("server", "server"), "CN=localhost\n");
  for (const std::string& flags : {ServiceFlags("stranger", "server"), std::string()}) {
    const std::string shown = Shown(get + flags);
    EXPECT_NE(shown.find("! scoutctl: unavailable: Web/w, "), std::string::npos) << flags << "\n" << shown;
    EXPECT_NE(shown.find("[exit 6]\n"), std::string::npos) << flags << "\n" << shown;
  }
  // Known by nobody, it is refused by HTTP.
  Shows(get + " -o name --service-ca " + Made().File("server", ".pem"), R"(
w
! scoutctl: invalid argument: the instance w answered with HTTP status 400
[exit 2]
)");
  Shows(get + " --service-ca /nowhere", R"(
! scoutctl: invalid argument: --service-ca: cannot be read: /nowhere: No such file or directory (INVALID_FIELD)
[exit 2]
)");
  Shows(get + " --service-cert " + Made().File("server", ".pem"), R"(
! scoutctl: invalid argument: --service-key: is missing, and --service-cert is given (INVALID_FIELD)
[exit 2]
)");
}

}  // namespace
}  // namespace scoutlight::testing
