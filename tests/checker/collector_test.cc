#include "tests/checker/collector.h"

#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/mutex.h"
#include "scoutlight/registry/v1/registry.grpc.pb.h"
#include "tests/checker/check.h"
#include "tests/support/deadline.h"

namespace scoutlight::checker {
namespace {

namespace wire = registry::v1;

wire::WatchResponse FrameAt(wire::WatchResponse::Kind kind, Revision revision) {
  wire::WatchResponse frame;
  frame.set_kind(kind);
  frame.set_revision(revision);
  return frame;
}

// Puts of keys that are new, one a revision.
wire::WatchResponse PutsAt(std::vector<Revision> revisions) {
  wire::WatchResponse frame = FrameAt(wire::WatchResponse::KIND_CHANGES, revisions.back());
  for (const Revision revision : revisions) {
    wire::Event& event = *frame.add_events();
    event.set_kind(wire::Event::KIND_PUT);
    event.set_cause(wire::EVENT_CAUSE_WRITE);
    event.set_previous_known(true);
    event.mutable_entry()->set_key(absl::StrCat("/", revision));
    event.mutable_entry()->set_text(absl::StrCat("1:", revision));
    event.mutable_entry()->set_create_revision(revision);
    event.mutable_entry()->set_mod_revision(revision);
    event.mutable_entry()->set_version(1);
    event.mutable_entry()->set_has_value(true);
  }
  return frame;
}

// Sends each stream what it is told, and breaks it.
class ScriptedServer : public wire::RegistryService::Service {
 public:
  explicit ScriptedServer(std::vector<wire::WatchResponse> frames) : frames_(std::move(frames)) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  grpc::Status Watch(grpc::ServerContext*, const wire::WatchRequest* request, grpc::ServerWriter<wire::WatchResponse>* writer) override {
    {
      const MutexLock lock(&mu_);
      starts_.push_back(request->start_revision());
    }
    for (const wire::WatchResponse& frame : frames_) writer->Write(frame);
    return {grpc::StatusCode::UNAVAILABLE, "broken"};
  }

  const std::string& address() const { return address_; }
  std::vector<Revision> starts() {
    const MutexLock lock(&mu_);
    return starts_;
  }

 private:
  const std::vector<wire::WatchResponse> frames_;
  Mutex mu_;
  std::vector<Revision> starts_ ABSL_GUARDED_BY(mu_);
  std::string address_;
  std::unique_ptr<grpc::Server> server_;
};

TEST(Collector, ResumesWhereItsStreamBroke) {
  ScriptedServer first({FrameAt(wire::WatchResponse::KIND_STARTED, 1), PutsAt({2, 3})});
  ScriptedServer second({FrameAt(wire::WatchResponse::KIND_STARTED, 3), PutsAt({4}), FrameAt(wire::WatchResponse::KIND_PROGRESS, 4)});
  Collector collector;
  collector.Connect(first.address());
  ASSERT_TRUE(collector.WaitFor(3, testing::kSoon));
  collector.Connect(second.address());
  ASSERT_TRUE(collector.WaitFor(4, testing::kSoon));
  EXPECT_EQ(first.starts(), std::vector<Revision>({2}));
  EXPECT_EQ(second.starts(), std::vector<Revision>({4}));

  History history;
  AddCollected(collector.Take(), &history);
  ASSERT_EQ(history.log.size(), 3u);
  EXPECT_EQ(history.log[2].batch.revision, 4);
  // Written by calls that got no answer.
  for (const Revision revision : {2, 3, 4}) {
    Write write{.form = Write::Form::kPut, .conditions = {}, .on_success = {}, .on_failure = {}};
    write.on_success = {storage::PutOperation{.key = Key::Parse(absl::StrCat("/", revision)).value(),
                                              .value = {Value::Form::kText, absl::StrCat("1:", revision)},
                                              .expected_mod_revision = {}}};
    Call call;
    call.request = std::move(write);
    history.calls.push_back(std::move(call));
  }
  EXPECT_TRUE(Check(history).empty()) << Report(history, Check(history));
}

TEST(Collector, StateThatBrokeOffIsAskedForAgain) {
  wire::WatchResponse part = FrameAt(wire::WatchResponse::KIND_SNAPSHOT, 3);
  part.set_restart(true);
  ScriptedServer first({FrameAt(wire::WatchResponse::KIND_STARTED, 0), part});
  ScriptedServer second({FrameAt(wire::WatchResponse::KIND_STARTED, 0), part, FrameAt(wire::WatchResponse::KIND_SNAPSHOT_END, 3)});
  ScriptedServer third({FrameAt(wire::WatchResponse::KIND_STARTED, 3), FrameAt(wire::WatchResponse::KIND_PROGRESS, 4)});
  Collector collector({.client = 1, .range = {Key(), Scope::kSubtree}}, 0, true);
  collector.Connect(first.address());
  // Nothing that would be complete.
  EXPECT_FALSE(collector.WaitFor(1, absl::Milliseconds(100)));
  collector.Connect(second.address());
  ASSERT_TRUE(collector.WaitFor(3, testing::kSoon));
  collector.Connect(third.address());
  ASSERT_TRUE(collector.WaitFor(4, testing::kSoon));
  EXPECT_EQ(first.starts(), std::vector<Revision>({0}));
  EXPECT_EQ(second.starts(), std::vector<Revision>({0}));
  EXPECT_EQ(third.starts(), std::vector<Revision>({4}));
}

TEST(Collector, RevisionThatDoesNotComeIsAViolation) {
  ScriptedServer server({FrameAt(wire::WatchResponse::KIND_STARTED, 1)});
  Collector collector;
  collector.Connect(server.address());
  EXPECT_FALSE(collector.WaitFor(2, absl::Milliseconds(50)));
  History history;
  AddCollected(collector.Take(), &history);
  const std::vector<Violation> violations = Check(history);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].rule, Rule::kWatch);
}

}  // namespace
}  // namespace scoutlight::checker
