// What is too long for gRPC threads.
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "base/limits.h"
#include "base/mutex.h"
#include "discovery/catalog.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/discovery/registration_service_fixture.h"
#include "storage/testing/await.h"
#include "storage/testing/local_stores.h"

namespace scoutlight::server {
namespace {

using ::testing::ElementsAre;

// Notes the threads that ask it.
class NotedThreads {
 public:
  Authorize authorize() {
    return [this](const Identity&, absl::string_view, const KeyRange&) {
      MutexLock lock(&mu_);
      threads_.insert(std::this_thread::get_id());
      return absl::OkStatus();
    };
  }
  std::set<std::thread::id> Take() {
    MutexLock lock(&mu_);
    return std::exchange(threads_, {});
  }

 private:
  Mutex mu_;
  std::set<std::thread::id> threads_ ABSL_GUARDED_BY(mu_);
};

TEST_F(RegistrationServiceTest, OverSixtyFourRegistrationsAreWorkForAReader) {
  NotedThreads noted;
  Open(storage::OpenMemoryStore(clock_), noted.authorize());
  const std::thread::id reader = server_->reader_thread();
  const auto few = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax));
  ASSERT_TRUE(few.ok()) << few.status.error_message();
  EXPECT_FALSE(noted.Take().contains(reader));
  const auto many = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1, "81"));
  ASSERT_TRUE(many.ok()) << many.status.error_message();
  EXPECT_THAT(noted.Take(), ElementsAre(reader));
  for (const auto& seen : {few, many}) {
    for (const auto& result : seen->results()) EXPECT_EQ(result.code(), 0) << result.message();
  }
  ASSERT_EQ(many->results_size(), limits::kInlineEntriesMax + 1);
  EXPECT_EQ(many->results(64).instance().id(), "i64");
  EXPECT_EQ(many->revision(), sync().Latest());
}

TEST_F(RegistrationServiceTest, ManyRegistrationsAreRefusedWhenReadersAreBehindAndFewAreNot) {
  server_->HoldReaders();
  const auto refused = Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1));
  EXPECT_EQ(refused.status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.reason, "OVERLOADED");
  EXPECT_EQ(server_->catalog()->instances(), 0u);
  EXPECT_TRUE(Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax)).ok());
  server_->LetReaders();
  EXPECT_TRUE(storage::AwaitCondition([this] { return Call(&Registrations::RegisterAll, AllOf(limits::kInlineEntriesMax + 1)).ok(); }));
}

TEST_F(RegistrationServiceTest, ListsWithRegularExpressionsAreWorkForAReader) {
  ASSERT_TRUE(Call(&Registrations::RegisterAll, AllOf(2)).ok());
  wire::ListInstancesRequest request;
  request.set_cluster("c");
  request.set_service("s");
  const auto list = [&](const std::string& filter) {
    request.set_filter(filter);
    grpc::ClientContext context;
    wire::ListInstancesResponse response;
    return server_->reads().ListInstances(&context, request, &response).error_code();
  };
  server_->HoldReaders();
  EXPECT_EQ(list("protocol == 'http'"), grpc::StatusCode::OK);
  EXPECT_EQ(list("protocol matches 'http'"), grpc::StatusCode::RESOURCE_EXHAUSTED);
  server_->LetReaders();
  EXPECT_TRUE(storage::AwaitCondition([&] { return list("protocol matches 'http'") == grpc::StatusCode::OK; }));
}

}  // namespace
}  // namespace scoutlight::server
