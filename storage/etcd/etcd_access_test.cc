// An etcd that wants TLS, or a password.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/etcd/etcd_process.h"
#include "storage/etcd/etcd_store.h"
#include "storage/testing/await.h"
#include "storage/testing/recording_sink.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::storage {
namespace {

using ::testing::HasSubstr;

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void RunToEnd(const std::string& command) { ASSERT_EQ(std::system((command + " >/dev/null 2>&1").c_str()), 0) << command; }

EtcdStoreOptions OptionsFor(const EtcdProcess& etcd) {
  EtcdStoreOptions options;
  options.endpoints = {etcd.target()};
  options.random = [device = std::make_shared<std::random_device>()] { return (uint64_t{(*device)()} << 32) | (*device)(); };
  options.open_timeout = absl::Seconds(3);
  return options;
}

// Puts, follows and renews: unary calls and both streams.
void ExpectServed(const EtcdStoreOptions& options) {
  absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  const SyncStore sync(store->get());
  const LeaseId lease = sync.Grant(absl::Seconds(60)).lease.id;
  const Revision before = sync.Latest();
  const auto sink = std::make_shared<RecordingSink>(before, **store);
  (*store)->Follow(before, sink);
  const CommitResult put = sync.Put(K("/a"), "v", lease);
  ASSERT_TRUE(put.status.ok()) << put.status;
  EXPECT_TRUE(sink->WaitFor(put.revision));
  EXPECT_TRUE(sync.Renew({lease})[0].status.ok());
  store->reset();
}

class EtcdOverTls : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = (std::filesystem::temp_directory_path() / "scoutlight-pem-XXXXXX").string();
    ASSERT_NE(mkdtemp(folder_.data()), nullptr);
    for (const char* authority : {"ca", "other"}) {
      RunToEnd(absl::StrCat("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=", authority,
                            " -keyout ", File(authority), ".key -out ", File(authority), ".pem"));
    }
    Certify("etcd", "ca");
    Certify("client", "ca");
    Certify("stranger", "other");
    etcd_ = EtcdProcess::Start(
        {"--cert-file=" + File("etcd.pem"), "--key-file=" + File("etcd.key"), "--client-cert-auth", "--trusted-ca-file=" + File("ca.pem")});
    ASSERT_NE(etcd_, nullptr);
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string File(const std::string& name) const { return folder_ + "/" + name; }

  void Certify(const std::string& name, const std::string& authority) const {
    RunToEnd(absl::StrCat("openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=", name, " -keyout ", File(name),
                          ".key -out ", File(name), ".csr"));
    std::ofstream(File(name + ".ext")) << "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    RunToEnd(absl::StrCat("openssl x509 -req -days 2 -in ", File(name), ".csr -CA ", File(authority), ".pem -CAkey ", File(authority),
                          ".key -CAcreateserial -extfile ", File(name), ".ext -out ", File(name), ".pem"));
  }

  EtcdStoreOptions As(const std::string& name, const std::string& authority = "ca") const {
    EtcdStoreOptions options = OptionsFor(*etcd_);
    options.tls = {.ca = ReadAll(File(authority + ".pem")), .certificate = {}, .key = {}, .enabled = true};
    if (name.empty()) return options;
    options.tls.certificate = ReadAll(File(name + ".pem"));
    options.tls.key = ReadAll(File(name + ".key"));
    return options;
  }

  std::string folder_;
  std::unique_ptr<EtcdProcess> etcd_;
};

TEST_F(EtcdOverTls, WhoShowsACertificateIsServedAndNobodyElse) {
  ExpectServed(As("client"));
  EtcdStoreOptions plain = OptionsFor(*etcd_);
  for (const EtcdStoreOptions& options : {As(""), As("stranger"), As("client", "other"), plain}) {
    const absl::Status refused = OpenEtcdStore(options).status();
    EXPECT_EQ(refused.code(), absl::StatusCode::kUnavailable) << refused;
    EXPECT_EQ(ReasonOf(refused), Reason::kBackendUnavailable);
  }
}

class EtcdWithUsers : public ::testing::Test {
 protected:
  void SetUp() override {
    // Tokens end after three seconds without use.
    etcd_ = EtcdProcess::Start({"--auth-token=simple", "--auth-token-ttl=3"});
    ASSERT_NE(etcd_, nullptr);
    const std::string etcdctl = absl::StrCat("ETCDCTL_API=3 etcdctl --endpoints=", etcd_->target(), " ");
    RunToEnd(etcdctl + "user add root:secret");
    RunToEnd(etcdctl + "user grant-role root root");
    RunToEnd(etcdctl + "role add ours");
    RunToEnd(etcdctl + "role grant-permission ours readwrite --prefix=true scoutlight/");
    RunToEnd(etcdctl + "user add scout:light");
    RunToEnd(etcdctl + "user grant-role scout ours");
    RunToEnd(etcdctl + "auth enable");
  }

  EtcdStoreOptions As(const std::string& user, const std::string& password) const {
    EtcdStoreOptions options = OptionsFor(*etcd_);
    options.user = user;
    options.password = password;
    return options;
  }

  std::unique_ptr<EtcdProcess> etcd_;
};

TEST_F(EtcdWithUsers, OneWhoMayWriteUnderThePrefixIsServed) { ExpectServed(As("scout", "light")); }

TEST_F(EtcdWithUsers, OthersAreRefusedAtOnceAndToldWhy) {
  const absl::Status wrong = OpenEtcdStore(As("scout", "dark")).status();
  EXPECT_EQ(wrong.code(), absl::StatusCode::kUnavailable) << wrong;
  EXPECT_THAT(std::string(wrong.message()), HasSubstr("authentication failed"));
  const absl::Status nobody = OpenEtcdStore(As("", "")).status();
  EXPECT_THAT(std::string(nobody.message()), HasSubstr("user name is empty"));
  EtcdStoreOptions elsewhere = As("scout", "light");
  elsewhere.prefix = "elsewhere/";
  const absl::Status denied = OpenEtcdStore(elsewhere).status();
  EXPECT_THAT(std::string(denied.message()), HasSubstr("permission denied"));
}

TEST_F(EtcdWithUsers, ATokenThatHasEndedIsAskedForAnew) {
  const absl::StatusOr<std::unique_ptr<Store>> store = OpenEtcdStore(As("scout", "light"));
  ASSERT_TRUE(store.ok()) << store.status();
  const SyncStore sync(store->get());
  ASSERT_TRUE(sync.Put(K("/a"), "1").status.ok());
  // A restart forgets the tokens: they are in no log.
  ASSERT_TRUE(etcd_->Restart());
  CommitResult put;
  EXPECT_TRUE(AwaitCondition([&] { return (put = sync.Put(K("/a"), "2")).status.ok(); })) << put.status;
  EXPECT_EQ(sync.Get(K("/a"))->value, Text("2"));
}

}  // namespace
}  // namespace scoutlight::storage
