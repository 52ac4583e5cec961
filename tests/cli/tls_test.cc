// A server behind TLS, with certificates made by openssl.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/cli/shell.h"
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

}  // namespace
}  // namespace scoutlight::testing
