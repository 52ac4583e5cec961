// Reads that wait for a revision, and what may be done on gRPC's threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/limits.h"
#include "discovery/system_records.h"
#include "server/discovery/schema_service_fixture.h"

namespace scoutlight::server {
namespace {

using discovery::Binding;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// With those that are there from the start, and the binding by default.
constexpr int kThere = 4;

class SchemaWorkTest : public SchemaServiceTest {
 protected:
  // Stores bindings until there are `entries` schemas and bindings.
  void Store(int entries) {
    std::vector<storage::Operation> puts = {storage::PutOf(discovery::SchemasTree(), "")};
    for (int i = kThere; i < entries; ++i) {
      puts.push_back(storage::PutOf(discovery::BindingKey("many", absl::StrCat("s", i)), "none"));
    }
    ASSERT_TRUE(sync_.Commit(storage::TransactionOf(std::move(puts))).status.ok());
  }
  // Until LetReaders() the reader takes nothing from its queue.
  void HoldReaders() {
    ReaderPool::Work work = [this] {
      reader_waits_.Notify();
      readers_go_on_.WaitForNotification();
    };
    ASSERT_TRUE(readers_.TryRun(work));
    reader_waits_.WaitForNotification();
  }
  void LetReaders() { readers_go_on_.Notify(); }

  struct Named {
    const char* name;
    std::function<grpc::Status()> call;
  };
  // Each looks at everything that is in force, and succeeds in this order, changing nothing in the end.
  std::vector<Named> Methods() {
    return {{"ListSchemas",
             [this] {
               wire::ListSchemasResponse response;
               return Call(&Stub::ListSchemas, wire::ListSchemasRequest(), &response);
             }},
            {"ListBindings",
             [this] {
               wire::ListBindingsResponse response;
               return Call(&Stub::ListBindings, wire::ListBindingsRequest(), &response);
             }},
            {"CheckSchema",
             [this] {
               wire::CheckSchemaRequest request;
               request.set_document(kTwin);
               wire::CheckSchemaResponse response;
               return Call(&Stub::CheckSchema, request, &response);
             }},
            {"PutBinding",
             [this] {
               wire::PutBindingResponse response;
               return Bind({"many", absl::StrCat("s", kThere), "none"}, &response);
             }},
            {"DeleteSchema",
             [this] {
               wire::DeleteSchemaResponse response;
               return Delete("absent", &response);
             }},
            {"PutSchema", [this] {
               wire::PutSchemaResponse response;
               return Put(kMine, &response);
             }}};
  }

  // Calls `method` twice: one call waits for a reader, the other has no room to wait. Then the server stops, and the one is answered.
  void StopWhileOneWaits(const std::function<grpc::Status()>& method) {
    Store(limits::kInlineEntriesMax + 1);
    StartAndLoad();
    HoldReaders();
    std::atomic<int> refused = 0;
    std::atomic<int> answered = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; ++i) {
      callers.emplace_back([&] {
        const grpc::Status status = method();
        EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) << status.error_message();
        ++(status.ok() ? answered : refused);
      });
    }
    EXPECT_TRUE(storage::AwaitCondition([&] { return refused == 1; }));
    feed_->EndWaits();
    std::thread stopping([this] { server_->Shutdown(); });
    wire::GetSchemaResponse get;
    EXPECT_TRUE(storage::AwaitCondition([&] { return Get("printers", &get).error_code() == grpc::StatusCode::UNAVAILABLE; }));
    EXPECT_EQ(answered, 0);
    LetReaders();
    for (std::thread& caller : callers) caller.join();
    stopping.join();
    EXPECT_EQ(answered, 1);
  }

  absl::Notification reader_waits_;
  absl::Notification readers_go_on_;
};

TEST_F(SchemaWorkTest, AFewEntriesNeedNoReader) {
  Store(limits::kInlineEntriesMax);
  StartAndLoad();
  HoldReaders();
  for (const Named& method : Methods()) {
    const grpc::Status status = method.call();
    EXPECT_TRUE(status.ok()) << method.name << ": " << status.error_message();
  }
  LetReaders();
}

TEST_F(SchemaWorkTest, MoreEntriesWaitForAReaderBehindABoundedQueue) {
  Store(limits::kInlineEntriesMax + 1);
  StartAndLoad();
  for (const Named& method : Methods()) {
    SCOPED_TRACE(method.name);
    absl::Notification waits;
    absl::Notification go_on;
    ReaderPool::Work hold = [&] {
      waits.Notify();
      go_on.WaitForNotification();
    };
    ASSERT_TRUE(storage::AwaitCondition([&] { return readers_.TryRun(hold); }));
    waits.WaitForNotification();
    // One of two has the only place in the queue, and the other is refused while it waits.
    std::atomic<int> refused = 0;
    std::atomic<int> answered = 0;
    std::vector<std::thread> callers;
    for (int i = 0; i < 2; ++i) {
      callers.emplace_back([&] {
        const grpc::Status status = method.call();
        if (status.ok()) return void(++answered);
        const Seen seen = SeenOf(status);
        EXPECT_EQ(seen.code, grpc::StatusCode::RESOURCE_EXHAUSTED) << seen.message;
        EXPECT_EQ(seen.reason, "OVERLOADED");
        EXPECT_TRUE(seen.retry);
        ++refused;
      });
    }
    EXPECT_TRUE(storage::AwaitCondition([&] { return refused + answered > 0; }));
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(answered, 0);
    wire::GetSchemaResponse get;
    EXPECT_TRUE(Get("printers", &get).ok()) << "one schema is found at once";
    go_on.Notify();
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(answered, 1);
  }
}

TEST_F(SchemaWorkTest, AnotherTryNeedsAReaderToo) {
  Store(limits::kInlineEntriesMax);
  StartAndLoad();
  HoldReaders();
  ReaderPool::Work filling = [] {};
  ASSERT_TRUE(readers_.TryRun(filling));
  // The binding that comes between is one too many.
  busy_.Disturb(1);
  wire::PutSchemaResponse put;
  const Seen seen = SeenOf(Put(kMine, &put));
  EXPECT_EQ(seen.reason, "OVERLOADED");
  EXPECT_EQ(busy_.commits(), 1);
  EXPECT_FALSE(sync_.Get(discovery::SchemaKey("mine")).has_value());
  LetReaders();
  EXPECT_TRUE(storage::AwaitCondition([&] { return Put(kMine, &put).ok(); }));
}

TEST_F(SchemaWorkTest, ReadThatWaitsForAReaderIsAnsweredWhileTheServerStops) {
  wire::ListBindingsResponse response;
  StopWhileOneWaits([&] {
    wire::ListBindingsResponse mine;
    const grpc::Status status = Call(&Stub::ListBindings, wire::ListBindingsRequest(), &mine);
    if (status.ok()) response = mine;
    return status;
  });
  EXPECT_GT(response.bindings_size(), limits::kInlineEntriesMax - kThere);
}

TEST_F(SchemaWorkTest, ChangeThatWaitsForAReaderIsMadeWhileTheServerStops) {
  wire::PutBindingResponse response;
  StopWhileOneWaits([&] {
    wire::PutBindingResponse mine;
    const grpc::Status status = Bind({"c", "s", "members"}, &mine);
    if (status.ok()) response = mine;
    return status;
  });
  // Whether or not it came into force in time: nobody waits for that any more.
  EXPECT_EQ(sync_.Get(discovery::BindingKey("c", "s"))->mod_revision, response.revision());
}

// What asks each read for a revision.
class SchemaReadsTest : public SchemaServiceTest {
 protected:
  struct Read {
    grpc::Status status;
    Revision revision = 0;
    std::string store_id;
  };
  template <typename Request, typename Response>
  Read ReadWith(grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*), Request request, Revision min_revision) {
    request.set_min_revision(min_revision);
    Response response;
    grpc::Status status = Call(method, request, &response);
    return {.status = std::move(status), .revision = response.revision(), .store_id = response.store_id()};
  }
  std::vector<Read> ReadAll(Revision min_revision) {
    wire::GetSchemaRequest get;
    get.set_name("printers");
    wire::CheckSchemaRequest check;
    check.set_document(kMine);
    return {ReadWith(&Stub::GetSchema, get, min_revision), ReadWith(&Stub::ListSchemas, wire::ListSchemasRequest(), min_revision),
            ReadWith(&Stub::ListBindings, wire::ListBindingsRequest(), min_revision), ReadWith(&Stub::CheckSchema, check, min_revision)};
  }
  // Lets time go on until `caller` has ended.
  void JoinAsTimeGoes(std::thread* caller) {
    std::atomic<bool> ended = false;
    std::thread time([&] {
      while (!ended) clock_.AdvanceAndWaitUntilSeen(absl::Seconds(1));
    });
    caller->join();
    ended = true;
    time.join();
  }
};

TEST_F(SchemaReadsTest, AnswersTellTheRevisionThatTheyAskedFor) {
  StartAndLoad();
  wire::PutSchemaResponse put;
  ASSERT_TRUE(Put(kMine, &put).ok());
  for (const Revision min : {Revision{0}, put.revision()}) {
    for (const Read& read : ReadAll(min)) {
      EXPECT_TRUE(read.status.ok()) << read.status.error_message();
      EXPECT_EQ(read.revision, put.revision());
      EXPECT_EQ(read.store_id, store_->store_id());
    }
  }
  for (const Read& read : ReadAll(-1)) {
    const Seen seen = SeenOf(read.status);
    EXPECT_EQ(seen.code, grpc::StatusCode::INVALID_ARGUMENT);
    EXPECT_THAT(seen.fields, ElementsAre("min_revision"));
  }
}

TEST_F(SchemaReadsTest, WaitingForARevisionEnds) {
  StartAndLoad();
  std::vector<Read> reads;
  std::thread caller([&] { reads = ReadAll(sync_.Latest() + 1); });
  JoinAsTimeGoes(&caller);
  for (const Read& read : reads) {
    const Seen seen = SeenOf(read.status);
    EXPECT_EQ(seen.code, grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(seen.reason, "CATALOG_LOADING");
    EXPECT_THAT(seen.message, HasSubstr(absl::StrCat("revision ", sync_.Latest() + 1)));
  }
}

// The reading of the catalog is held up from before the change until its answer is there.
TEST_F(SchemaReadsTest, ReadWaitsForAChangeThatWasNotAppliedYet) {
  std::atomic<int> gets = 0;
  StartAndLoad([&](const Identity&, absl::string_view method, const KeyRange&) {
    if (method == "SchemaService/GetSchema") ++gets;
    return absl::OkStatus();
  });
  busy_.HoldReads();
  wire::PutSchemaResponse put;
  std::thread caller([&] { EXPECT_TRUE(Put(kMine, &put).ok()); });
  JoinAsTimeGoes(&caller);
  ASSERT_FALSE(put.applied());
  wire::GetSchemaResponse get;
  EXPECT_EQ(SeenOf(Get("mine", &get)).reason, "SCHEMA_NOT_FOUND") << "without min_revision what is in force is shown";
  EXPECT_LT(Check(kMine).revision(), put.revision());
  std::atomic<bool> answered = false;
  wire::GetSchemaResponse waited;
  std::thread reader([&] {
    wire::GetSchemaRequest request;
    request.set_name("mine");
    request.set_min_revision(put.revision());
    const grpc::Status status = Call(&Stub::GetSchema, request, &waited);
    EXPECT_TRUE(status.ok()) << status.error_message();
    answered = true;
  });
  ASSERT_TRUE(storage::AwaitCondition([&] { return gets == 2; }));
  EXPECT_FALSE(answered);
  busy_.LetReads();
  reader.join();
  EXPECT_EQ(waited.schema().document(), put.document());
  EXPECT_GE(waited.revision(), put.revision());
  EXPECT_GE(Check(kMine).revision(), put.revision());
}

}  // namespace
}  // namespace scoutlight::server
