// AdminService.Backup under load, and `--restore` of what it gave; AdminService.Compact.
#include <grpcpp/client_context.h>

#include <atomic>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/str_cat.h"
#include "scoutlight/admin/v1/admin.grpc.pb.h"
#include "tests/e2e/discovery_fixture.h"

namespace scoutlight::testing {
namespace {

using ::testing::HasSubstr;

class BackupTest : public Discovery {
 protected:
  BackupTest() : admin_(admin::v1::AdminService::NewStub(client().channel())) {}

  // The bytes of a backup; fails the test when it does not end well.
  std::string Backup() {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + absl::ToChronoMilliseconds(kCallTimeout));
    const auto reader = admin_->Backup(&context, {});
    std::string bytes;
    for (admin::v1::BackupResponse part; reader->Read(&part);) bytes += part.chunk();
    const grpc::Status status = reader->Finish();
    EXPECT_TRUE(status.ok()) << status.error_message();
    return bytes;
  }
  std::string Save(const std::string& bytes) {
    const std::string path = dir_.File("backup");
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    return path;
  }
  ServerFlags Restoring(const std::string& file, const std::string& store) const {
    return {.data_dir = dir_.File("restored"), .flags = {"--restore=" + file, "--store=" + store}};
  }
  Answered<admin::v1::CompactResponse> Compact(int64_t revision) {
    admin::v1::CompactRequest request;
    request.set_revision(revision);
    return CallOf(*admin_, &admin::v1::AdminService::Stub::Compact, request);
  }

  const std::unique_ptr<admin::v1::AdminService::Stub> admin_;
  TempDir dir_;
};

using Entries = std::map<std::string, std::string>;

// All entries but the system's, whole, as bytes.
Entries EntriesOf(Client& client, int64_t revision = 0) {
  wire::ListRequest request = ListOf("/", wire::SCOPE_SUBTREE);
  request.set_revision(revision);
  Entries entries;
  for (const wire::Entry& entry : client.ListAll(request)) {
    if (entry.has_value()) entries[entry.key()] = entry.SerializeAsString();
  }
  return entries;
}

TEST_F(BackupTest, TakenUnderLoadItHoldsOneStateAndNothingOfWhatCameAfter) {
  // Several pages.
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(100'000, 'x')).ok());
  ASSERT_TRUE(client().PutOnLease("/leased", "soon gone", client().NewLease(absl::Seconds(3'600))).ok());
  ASSERT_TRUE(Call(&disco::RegistrationService::Stub::Register, RegisterOf("Printer", "laser", {{"hostname", "10.0.0.1"}})).ok());
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  std::thread writer([&] {
    for (int i = 0; !stop; ++i) {
      EXPECT_TRUE(client().Put(absl::StrCat("/large/", i % 60), absl::StrCat("now ", i)).ok());
      ++written;
    }
  });
  // One reads its first page while others are written, and goes on when all of them are other than they were.
  grpc::ClientContext context;
  const auto reader = admin_->Backup(&context, {});
  admin::v1::BackupResponse part;
  ASSERT_TRUE(reader->Read(&part));
  std::string bytes = part.chunk();
  const int before = written;
  EXPECT_TRUE(WaitUntil([&] { return written >= before + 60; }));
  while (reader->Read(&part)) bytes += part.chunk();
  EXPECT_TRUE(reader->Finish().ok());
  stop = true;
  writer.join();
  const std::string store_id = client().Put("/after", "").message.store_id();

  for (const std::string store : {"rocksdb", "memory"}) {
    const auto restored = StartServer(Restoring(Save(bytes), store));
    Client other(restored->address());
    const int64_t revision = other.Revision();
    EXPECT_EQ(EntriesOf(other), EntriesOf(client(), revision)) << store;
    EXPECT_NE(other.Get("/leased").message.store_id(), store_id);
    const auto leases = other.Send(wire::ListLeasesRequest());
    ASSERT_EQ(leases->leases_size(), 1);
    EXPECT_EQ(DurationOf(leases->leases(0).ttl()), absl::Seconds(3'600));
    const auto stub = disco::DiscoveryService::NewStub(other.channel());
    disco::GetInstanceRequest wanted;
    wanted.mutable_name()->set_service("Printer");
    wanted.mutable_name()->set_id("laser");
    EXPECT_TRUE(WaitUntil([&] { return CallOf(*stub, &disco::DiscoveryService::Stub::GetInstance, wanted).ok(); }));
    EXPECT_EQ(other.Put("/first", "").message.revision(), revision + 1);
  }
}

TEST_F(BackupTest, AStoreThatIsThereIsNotReplaced) {
  ASSERT_TRUE(client().Put("/a", "one").ok());
  const std::string file = Save(Backup());
  {
    const auto restored = StartServer(Restoring(file, "rocksdb"));
    EXPECT_TRUE(Client(restored->address()).Put("/a", "two").ok());
  }
  ServerProcess again(Restoring(file, "rocksdb"));
  EXPECT_EQ(again.WaitForExit(), Exit{.code = 1});
  EXPECT_THAT(again.errors(), HasSubstr("a store is in"));
  const auto server = StartServer({.data_dir = dir_.File("restored"), .flags = {}});
  EXPECT_EQ(Client(server->address()).TextAt("/a"), "two");
}

TEST_F(BackupTest, AFileThatIsNoWholeBackupIsRefusedAndLeavesNoStore) {
  const std::string whole = Backup();
  for (const std::string& bytes : {std::string("no backup at all, but long enough"), whole.substr(0, whole.size() - 1)}) {
    ServerProcess refused(Restoring(Save(bytes), "rocksdb"));
    EXPECT_EQ(refused.WaitForExit(), Exit{.code = 1});
    EXPECT_THAT(refused.errors(), HasSubstr("--restore="));
  }
  ServerProcess missing(Restoring(dir_.File("nothing"), "rocksdb"));
  EXPECT_EQ(missing.WaitForExit(), Exit{.code = 1});
  EXPECT_THAT(missing.errors(), HasSubstr("cannot be opened"));
  const auto server = StartServer(Restoring(Save(whole), "rocksdb"));
  EXPECT_EQ(Client(server->address()).Revision(), client().Revision());
}

TEST_F(BackupTest, OnlySoManyAreTakenAtATime) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(1'000'000, 'x')).ok());
  struct Slow {
    grpc::ClientContext context;
    std::unique_ptr<grpc::ClientReader<admin::v1::BackupResponse>> reader;
  };
  Slow slow[2];
  admin::v1::BackupResponse part;
  for (Slow& one : slow) {
    one.reader = admin_->Backup(&one.context, {});
    ASSERT_TRUE(one.reader->Read(&part));
  }
  grpc::ClientContext context;
  const auto third = admin_->Backup(&context, {});
  EXPECT_FALSE(third->Read(&part));
  EXPECT_EQ(third->Finish().error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  for (Slow& one : slow) one.context.TryCancel();
  for (Slow& one : slow) EXPECT_EQ(one.reader->Finish().error_code(), grpc::StatusCode::CANCELLED);
  const auto may = [this] {
    grpc::ClientContext again;
    const auto reader = admin_->Backup(&again, {});
    admin::v1::BackupResponse first;
    const bool began = reader->Read(&first);
    again.TryCancel();
    EXPECT_FALSE(reader->Finish().ok()) << "it is larger than what was read";
    return began;
  };
  EXPECT_TRUE(WaitUntil(may)) << "their places are free again";
}

TEST_F(BackupTest, StopEndsThoseThatAreReadAndThoseThatNobodyReads) {
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(client().Put(absl::StrCat("/large/", i), std::string(1'000'000, 'x')).ok());
  grpc::ClientContext contexts[2];
  const auto read = admin_->Backup(&contexts[0], {});
  const auto unread = admin_->Backup(&contexts[1], {});
  admin::v1::BackupResponse part;
  ASSERT_TRUE(read->Read(&part));
  ASSERT_TRUE(unread->Read(&part));
  server().Signal(SIGTERM);
  EXPECT_TRUE(WaitUntil([&] { return !client().Put("/late", "").ok(); }));
  while (read->Read(&part)) {
  }
  EXPECT_EQ(read->Finish().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server().WaitForExit(), Exit{.code = 0}) << server().errors();
  while (unread->Read(&part)) {
  }
  EXPECT_FALSE(unread->Finish().ok());
  Start();
}

TEST_F(BackupTest, CompactGivesUpWhatIsBeforeARevision) {
  ASSERT_TRUE(client().Put("/a", "one").ok());
  const int64_t one = client().Revision();
  ASSERT_TRUE(client().Put("/a", "two").ok());
  EXPECT_EQ(client().TextAt("/a", one), "one");
  const auto compacted = Compact(one + 1);
  ASSERT_TRUE(compacted.ok()) << compacted.status.error_message();
  EXPECT_EQ(compacted->oldest_revision(), one + 1);
  EXPECT_EQ(compacted->revision(), one + 1);
  EXPECT_EQ(client().Get("/a", one).status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  EXPECT_EQ(client().TextAt("/a", one + 1), "two");
  EXPECT_TRUE(Compact(one).ok()) << "they are given up already";
  EXPECT_EQ(Compact(one + 2).status.error_code(), grpc::StatusCode::OUT_OF_RANGE);
  for (const int64_t none : {int64_t{0}, int64_t{-1}}) {
    const grpc::Status refused = Compact(none).status;
    EXPECT_EQ(refused.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(refused.error_message(), HasSubstr("revision"));
  }
}

}  // namespace
}  // namespace scoutlight::testing
