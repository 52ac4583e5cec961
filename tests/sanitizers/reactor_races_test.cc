// ThreadSanitizer, with what third_party/sanitizers tells it of gRPC, reports the races of a reactor and not what gRPC orders. Of an order
// that only this test makes it must not know, so here threads wait for each other by relaxed atomics, which give none.

#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/support/server_callback.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"

namespace scoutlight {
namespace {

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

constexpr char kMethod[] = "/scoutlight.Test/Call";

// A step that a test waits for. It must order nothing, or it would hide the races that are planted here: so no lock and no condition, but
// looks with pauses between.
class Step {
 public:
  void Take() { taken_.store(true, std::memory_order_relaxed); }
  // Not for ever: gRPC may need the thread that waits. False: it was not taken.
  bool Await() const {
    for (int left = 20'000; left > 0 && !taken_.load(std::memory_order_relaxed); --left) {
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
    return taken_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<bool> taken_{false};
};

// Any message.
grpc::ByteBuffer Message() {
  const grpc::Slice slice("message");
  return grpc::ByteBuffer(&slice, 1);
}

// Stands in reports as the place of the race.
__attribute__((noinline)) void Touch(int* field) { ++*field; }

// One method, whose calls are the reactors that `open` makes. As in our services, the handler is compiled here.
class OpeningService : public grpc::Service {
 public:
  explicit OpeningService(std::function<Reactor*()> open) {
    AddMethod(new grpc::internal::RpcServiceMethod(kMethod, grpc::internal::RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodRawCallback(0, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                                 [open = std::move(open)](grpc::CallbackServerContext* /*context*/) { return open(); }));
  }
};

// A server whose calls are reactors of `open`, and a client of it.
class Calls {
 public:
  explicit Calls(std::function<Reactor*()> open) : service_(std::move(open)) {
    int port = 0;
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    channel_ = grpc::CreateChannel(absl::StrCat("127.0.0.1:", port), grpc::InsecureChannelCredentials());
  }
  ~Calls() { server_->Shutdown(std::chrono::system_clock::now()); }

  std::shared_ptr<grpc::Channel> channel() const { return channel_; }

 private:
  OpeningService service_;
  std::unique_ptr<grpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
};

// A call seen from the client, which sends nothing.
class ClientCall {
 public:
  explicit ClientCall(const Calls& calls) : stub_(calls.channel()) {
    context_.set_wait_for_ready(true);
    stream_ = stub_.PrepareCall(&context_, kMethod, &queue_);
    stream_->StartCall(this);
    AwaitNext();
  }
  void Cancel() { context_.TryCancel(); }
  void AwaitEnd() {
    grpc::Status status;
    stream_->Finish(&status, this);
    AwaitNext();
  }

 private:
  void AwaitNext() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> stream_;
};

struct Steps {
  Step opened, cancelling, written, finished, cancelled, done;
};

// Has a field for each callback, which the constructor and OnDone touch too: that is what gRPC orders.
class Ordered : public Reactor {
 public:
  enum class Last { kOnCancel, kFinish };

  Ordered(Steps* steps, Last last) : steps_(*steps), last_(last) {
    TouchAll();
    StartWrite(&message_);
    StartRead(&request_);
    steps_.opened.Take();
  }
  void OnWriteDone(bool /*ok*/) override { Touch(&written_); }
  void OnReadDone(bool /*ok*/) override {
    Touch(&read_);
    if (last_ == Last::kFinish) steps_.cancelled.Await();
    Finish(grpc::Status::CANCELLED);
    steps_.finished.Take();
  }
  void OnCancel() override {
    Touch(&cancelled_);
    if (last_ == Last::kOnCancel) {
      steps_.finished.Await();
      // Nothing tells when gRPC is done with Finish(); by then it nearly always is, and if not, the order is another.
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    steps_.cancelled.Take();
  }
  void OnDone() override {
    TouchAll();
    Steps& steps = steps_;
    delete this;
    steps.done.Take();
  }

 private:
  void TouchAll() {
    for (int* field : {&written_, &read_, &cancelled_}) Touch(field);
  }

  Steps& steps_;
  const Last last_;
  int written_ = 0;
  int read_ = 0;
  int cancelled_ = 0;
  const grpc::ByteBuffer message_ = Message();
  grpc::ByteBuffer request_;
};

// Cancels a call whose last callback before OnDone is `last`.
void CancelOrdered(Ordered::Last last) {
  Steps steps;
  const Calls calls([&] { return new Ordered(&steps, last); });
  ClientCall call(calls);
  EXPECT_TRUE(steps.opened.Await());
  call.Cancel();
  call.AwaitEnd();
  EXPECT_TRUE(steps.done.Await());
}

TEST(ReactorRaces, DoneAfterFinishIsOrdered) {
  for (int i = 0; i < 20; ++i) CancelOrdered(Ordered::Last::kFinish);
}

TEST(ReactorRaces, DoneAfterCancelIsOrdered) {
  for (int i = 0; i < 20; ++i) CancelOrdered(Ordered::Last::kOnCancel);
}

#ifdef __SANITIZE_THREAD__

constexpr int kReported = 66;  // The sanitizer's exit status.

// OnWriteDone and a thread that gRPC does not know.
void RaceWithForeignThread() {
  class Racing : public Reactor {
   public:
    Racing(int* field, Step* written) : field_(*field), written_(*written) { StartWrite(&message_); }
    void OnWriteDone(bool /*ok*/) override {
      Touch(&field_);
      written_.Take();
      Finish(grpc::Status::OK);
    }
    void OnDone() override { delete this; }

   private:
    int& field_;
    Step& written_;
    const grpc::ByteBuffer message_ = Message();
  };
  int field = 0;
  Step written;
  std::thread foreign([&] {
    written.Await();
    Touch(&field);
  });
  const Calls calls([&] { return new Racing(&field, &written); });
  ClientCall(calls).AwaitEnd();
  foreign.join();
}

// OnWriteDone and OnCancel at a time, which gRPC allows.
void RaceOfCallbacks() {
  class Racing : public Reactor {
   public:
    explicit Racing(Steps* steps) : steps_(*steps) {
      StartWrite(&message_);
      steps_.opened.Take();
    }
    void OnWriteDone(bool /*ok*/) override {
      steps_.cancelling.Await();
      Touch(&field_);
      steps_.written.Take();
      Finish(grpc::Status::CANCELLED);
    }
    void OnCancel() override {
      steps_.cancelling.Take();
      steps_.written.Await();
      Touch(&field_);
    }
    void OnDone() override { delete this; }

   private:
    Steps& steps_;
    int field_ = 0;
    const grpc::ByteBuffer message_ = Message();
  };
  Steps steps;
  const Calls calls([&] { return new Racing(&steps); });
  ClientCall call(calls);
  steps.opened.Await();
  call.Cancel();
  call.AwaitEnd();
}

// A reactor used by another thread after OnDone has deleted it, which comes right after its last callback, on the same thread.
void UseAfterDone() {
  class Racing : public Reactor {
   public:
    explicit Racing(Steps* steps) : steps_(*steps) {
      StartRead(&request_);
      steps_.opened.Take();
    }
    int* field() { return &field_; }
    void OnReadDone(bool /*ok*/) override {
      Finish(grpc::Status::CANCELLED);
      // By then the other callbacks have nearly always been; else OnDone comes elsewhere.
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    void OnDone() override {
      Steps& steps = steps_;
      delete this;
      steps.done.Take();
    }

   private:
    Steps& steps_;
    int field_ = 0;
    grpc::ByteBuffer request_;
  };
  Steps steps;
  std::atomic<int*> field{nullptr};
  std::thread foreign([&] {
    steps.done.Await();
    Touch(field.load(std::memory_order_relaxed));
  });
  const Calls calls([&] {
    auto* const reactor = new Racing(&steps);
    field.store(reactor->field(), std::memory_order_relaxed);
    return reactor;
  });
  ClientCall call(calls);
  steps.opened.Await();
  call.Cancel();
  call.AwaitEnd();
  foreign.join();
}

class ReportedRaces : public testing::Test {
 protected:
  void SetUp() override { testing::FLAGS_gtest_death_test_style = "threadsafe"; }
};

TEST_F(ReportedRaces, ForeignThread) {
  EXPECT_EXIT(RaceWithForeignThread(), testing::ExitedWithCode(kReported), "SUMMARY: ThreadSanitizer: data race [^\n]* in [^\n]*Touch");
}

TEST_F(ReportedRaces, UnorderedCallbacks) {
  EXPECT_EXIT(RaceOfCallbacks(), testing::ExitedWithCode(kReported), "SUMMARY: ThreadSanitizer: data race [^\n]* in [^\n]*Touch");
}

TEST_F(ReportedRaces, UseAfterDone) {
  // The second when the memory has been taken again.
  EXPECT_EXIT(UseAfterDone(), testing::ExitedWithCode(kReported),
              "SUMMARY: ThreadSanitizer: (heap-use-after-free|data race) [^\n]* in [^\n]*Touch");
}

#endif

}  // namespace
}  // namespace scoutlight
