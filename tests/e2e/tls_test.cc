// The server behind TLS, with certificates made by openssl.
#include <gmock/gmock.h>

#include "absl/strings/str_cat.h"
#include "tests/e2e/served_test.h"
#include "tests/support/process.h"

namespace scoutlight::testing {
namespace {

using ::testing::HasSubstr;

class Tls : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    files_ = new TempDir;
    MakeAuthority("ca");
    MakeAuthority("other-ca");
    MakeCertificate("server", "ca");
    MakeCertificate("client", "ca");
    MakeCertificate("stranger", "other-ca");
  }
  static void TearDownTestSuite() { delete files_; }

  static std::string File(const std::string& name) { return files_->File(name); }

  static void MakeAuthority(const std::string& name) {
    RunToEnd({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
              "/CN=" + name, "-keyout", File(name + ".key"), "-out", File(name + ".pem")});
  }

  static void MakeCertificate(const std::string& name, const std::string& authority) {
    RunToEnd({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=" + name, "-keyout",
              File(name + ".key"), "-out", File(name + ".csr")});
    WriteFile(File(name + ".ext"), absl::StrCat("subjectAltName=DNS:localhost,DNS:", name, ",IP:127.0.0.1\n"));
    RunToEnd({"openssl", "x509", "-req", "-days", "2", "-in", File(name + ".csr"), "-CA", File(authority + ".pem"), "-CAkey",
              File(authority + ".key"), "-CAcreateserial", "-extfile", File(name + ".ext"), "-out", File(name + ".pem")});
  }

  static std::unique_ptr<ServerProcess> Start(const std::vector<std::string>& more_flags = {}, const std::string& listen = "127.0.0.1:0") {
    std::vector<std::string> flags = {"--store=memory", "--tls-cert=" + File("server.pem"), "--tls-key=" + File("server.key")};
    flags.insert(flags.end(), more_flags.begin(), more_flags.end());
    return StartServer({.data_dir = "", .flags = flags, .listen = listen});
  }

  // Credentials that trust `authority` and, if there is one, show the certificate `name`.
  static std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::string& authority, const std::string& name = "") {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(File(authority + ".pem"));
    if (!name.empty()) {
      options.pem_private_key = ReadFile(File(name + ".key"));
      options.pem_cert_chain = ReadFile(File(name + ".pem"));
    }
    return grpc::SslCredentials(options);
  }

  static grpc::StatusCode PutAs(const ServerProcess& server, const std::string& address,
                                std::shared_ptr<grpc::ChannelCredentials> credentials) {
    EXPECT_GT(server.resident_bytes(), 0u) << "it has ended";
    return Client(address, std::move(credentials)).Put("/a", "").status.error_code();
  }

 private:
  static TempDir* files_;
};
TempDir* Tls::files_ = nullptr;

TEST_F(Tls, ClientsThatTrustTheCertificateAreServed) {
  const auto server = Start();
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("ca")), grpc::StatusCode::OK);
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("other-ca")), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(Tls, PlainTextIsRefused) {
  const auto server = Start();
  EXPECT_EQ(PutAs(*server, server->address(), grpc::InsecureChannelCredentials()), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("ca")), grpc::StatusCode::OK);
}

TEST_F(Tls, ClientsMustShowACertificateOfTheClientCa) {
  const auto server = Start({"--tls-client-ca=" + File("ca.pem")});
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("ca")), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("ca", "stranger")), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(PutAs(*server, server->address(), Credentials("ca", "client")), grpc::StatusCode::OK);
}

TEST_F(Tls, ListeningOffThisMachineNeedsNoInsecure) {
  const auto server = Start({}, "0.0.0.0:0");
  const std::string port = server->address().substr(server->address().rfind(':'));
  EXPECT_EQ(PutAs(*server, "127.0.0.1" + port, Credentials("ca")), grpc::StatusCode::OK);
}

TEST_F(Tls, FilesThatDoNotFitAreRefusedByName) {
  struct Case {
    std::vector<std::string> flags;
    int exit_code;
    std::string said;
  };
  WriteFile(File("empty.pem"), "");
  for (const Case& c : {
           Case{{"--tls-cert=" + File("server.pem")}, 2, "--tls-key"},
           Case{{"--tls-client-ca=" + File("ca.pem")}, 2, "--tls-client-ca"},
           Case{{"--tls-cert=" + File("none.pem"), "--tls-key=" + File("server.key")}, 1, File("none.pem")},
           Case{{"--tls-cert=" + File("server.pem"), "--tls-key=" + File("empty.pem")}, 1, File("empty.pem")},
           Case{{"--tls-cert=" + File("server.pem"), "--tls-key=" + File("client.key")}, 1, "do not fit"},
       }) {
    std::vector<std::string> flags = {"--store=memory"};
    flags.insert(flags.end(), c.flags.begin(), c.flags.end());
    ServerProcess refused({.data_dir = "", .flags = flags});
    EXPECT_EQ(refused.WaitForExit(), Exit{.code = c.exit_code}) << c.said;
    EXPECT_THAT(refused.errors(), HasSubstr(c.said));
  }
}

}  // namespace
}  // namespace scoutlight::testing
