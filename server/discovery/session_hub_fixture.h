#ifndef SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_FIXTURE_H_
#define SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_FIXTURE_H_

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "discovery/catalog.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "server/discovery/session_hub.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

// Sessions over a real store, registrar and catalog.
namespace scoutlight::server {

using State = discovery::v1::SessionResponse::InstanceState;

inline constexpr absl::Duration kTtl = absl::Seconds(30);
inline const discovery::InstanceName kName{"c", "s", "i"};

// A client: keeps what it was sent, and reads on at once unless it is told not to.
class FakeStream final : public SessionStream {
 public:
  explicit FakeStream(SessionHub* hub) : hub_(*hub) {}

  void Write(std::shared_ptr<const std::string> frame) override {
    discovery::v1::SessionResponse response;
    EXPECT_TRUE(response.ParseFromString(*frame));
    bool reads = false;
    {
      MutexLock lock(&mu_);
      EXPECT_FALSE(writing_) << "one write at a time";
      EXPECT_FALSE(end_.has_value());
      writing_ = true;
      responses_.push_back(std::move(response));
      reads = reads_;
    }
    if (reads) Read();
  }
  void ReadNext() override {
    MutexLock lock(&mu_);
    EXPECT_FALSE(may_send_);
    EXPECT_FALSE(end_.has_value());
    may_send_ = true;
  }
  void Finish(const absl::Status& status) override {
    MutexLock lock(&mu_);
    EXPECT_FALSE(end_.has_value());
    end_ = status;
  }

  void Read() {
    {
      MutexLock lock(&mu_);
      writing_ = false;
    }
    hub_.OnWritten(this);
  }
  void StopReading() {
    MutexLock lock(&mu_);
    reads_ = false;
  }

  // Sends when it may.
  void Send(absl::StatusOr<SessionStep> step) {
    ASSERT_TRUE(storage::AwaitCondition([this] {
      MutexLock lock(&mu_);
      return may_send_;
    }));
    {
      MutexLock lock(&mu_);
      may_send_ = false;
    }
    hub_.Take(this, std::move(step));
  }
  bool may_send() const {
    MutexLock lock(&mu_);
    return may_send_;
  }

  std::vector<discovery::v1::SessionResponse> responses() const {
    MutexLock lock(&mu_);
    return responses_;
  }
  // The first response for which `is` holds, when it comes.
  template <typename Is>
  std::optional<discovery::v1::SessionResponse> Await(Is is) const {
    std::optional<discovery::v1::SessionResponse> found;
    EXPECT_TRUE(storage::AwaitCondition([&] {
      for (const discovery::v1::SessionResponse& response : responses()) {
        if (is(response)) return found = response, true;
      }
      return false;
    }));
    return found;
  }
  discovery::v1::SessionResponse::Opened Opened() const {
    const auto opened = Await([](const auto& response) { return response.has_opened(); });
    return opened.has_value() ? opened->opened() : discovery::v1::SessionResponse::Opened();
  }
  // All states of an instance, in order.
  std::vector<State> StatesOf(const discovery::InstanceName& name) const {
    std::vector<State> states;
    for (const discovery::v1::SessionResponse& response : responses()) {
      for (const State& state : response.instances().states()) {
        if (state.name().id() == name.id) states.push_back(state);
      }
    }
    return states;
  }
  // The newest state, when the client has been told so often.
  State StateOf(const discovery::InstanceName& name, size_t states = 1) const {
    if (!storage::AwaitCondition([&] { return StatesOf(name).size() >= states; })) {
      ADD_FAILURE() << StatesOf(name).size() << " states";
      return State();
    }
    return StatesOf(name)[states - 1];
  }
  absl::Status End() const {
    EXPECT_TRUE(storage::AwaitCondition([this] {
      MutexLock lock(&mu_);
      return end_.has_value();
    }));
    MutexLock lock(&mu_);
    return end_.value_or(absl::UnknownError("it goes on"));
  }

 private:
  SessionHub& hub_;
  mutable Mutex mu_;
  bool reads_ ABSL_GUARDED_BY(mu_) = true;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool may_send_ ABSL_GUARDED_BY(mu_) = false;
  std::optional<absl::Status> end_ ABSL_GUARDED_BY(mu_);
  std::vector<discovery::v1::SessionResponse> responses_ ABSL_GUARDED_BY(mu_);
};

class SessionHubTest : public ::testing::Test {
 protected:
  SessionHubTest()
      : store_(storage::OpenMemoryStore(clock_)),
        sync_(store_.get()),
        feed_(std::make_shared<CatalogFeed>(store_.get(), CatalogFeedOptions{.clock = &clock_},
                                            [this](const std::vector<discovery::ServiceName>& services) { hub_.OnChanged(services); })),
        registrar_({.store = store_.get(), .feed = feed_.get(), .clock = &clock_, .random = [] { return 1; }}),
        places_(std::make_shared<StreamPlaces>(3)),
        hub_({.store = store_.get(), .feed = feed_.get(), .registrar = &registrar_, .places = places_}) {
    hub_.Start();
    feed_->Start();
    store_->Follow(sync_.Latest(), feed_);
    EXPECT_TRUE(storage::AwaitCondition([this] { return feed_->catalog() != nullptr; }));
  }
  ~SessionHubTest() override { feed_->Stop(); }

  std::shared_ptr<FakeStream> Stream() {
    auto stream = std::make_shared<FakeStream>(&hub_);
    EXPECT_TRUE(hub_.Open(stream, 1).ok());
    return stream;
  }
  std::shared_ptr<FakeStream> Open(const std::string& session, absl::Duration ttl = kTtl) {
    auto stream = Stream();
    stream->Send(SessionOpening{.id = session, .ttl = ttl});
    return stream;
  }
  static Declaration Of(std::vector<std::string> ids, const std::string& port = "80") {
    Declaration declaration;
    for (std::string& id : ids) declaration.set.push_back({{"c", "s", std::move(id)}, {{"port", port}}});
    return declaration;
  }
  // What the registrar answers, which may be inside the call.
  template <typename Call>
  ChangedInstance Ask(Call call) {
    const auto answer = std::make_shared<std::promise<ChangedInstance>>();
    std::future<ChangedInstance> answered = answer->get_future();
    call([answer](ChangedInstance changed) { answer->set_value(std::move(changed)); });
    return answered.get();
  }
  discovery::InstancePtr Shown(const discovery::InstanceName& name = kName) { return feed_->catalog()->FindInstance(name); }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  const storage::SyncStore sync_;
  std::shared_ptr<CatalogFeed> feed_;
  Registrar registrar_;
  const std::shared_ptr<StreamPlaces> places_;
  SessionHub hub_;
};

}  // namespace scoutlight::server

#endif  // SCOUTLIGHT_SERVER_DISCOVERY_SESSION_HUB_FIXTURE_H_
