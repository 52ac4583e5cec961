// Sessions over a real store, registrar and catalog. What they do in which order: session_test.cc, session_interleavings_test.cc.
#include "server/discovery/session_hub.h"

#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/mutex.h"
#include "discovery/catalog.h"
#include "discovery/system_records.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "scoutlight/discovery/v1/registration.pb.h"
#include "storage/testing/await.h"
#include "storage/testing/fake_clock.h"
#include "storage/testing/local_stores.h"
#include "storage/testing/sync_store.h"

namespace scoutlight::server {
namespace {

namespace wire = discovery::v1;
using discovery::InstanceName;
using storage::AwaitCondition;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using State = wire::SessionResponse::InstanceState;

constexpr absl::Duration kTtl = absl::Seconds(30);
const InstanceName kName{"c", "s", "i"};

// A client: keeps what it was sent, and reads on at once unless it is told not to.
class FakeStream final : public SessionStream {
 public:
  explicit FakeStream(SessionHub* hub) : hub_(*hub) {}

  void Write(std::shared_ptr<const std::string> frame) override {
    wire::SessionResponse response;
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
    ASSERT_TRUE(AwaitCondition([this] {
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

  std::vector<wire::SessionResponse> responses() const {
    MutexLock lock(&mu_);
    return responses_;
  }
  // The first response for which `is` holds, when it comes.
  template <typename Is>
  std::optional<wire::SessionResponse> Await(Is is) const {
    std::optional<wire::SessionResponse> found;
    EXPECT_TRUE(AwaitCondition([&] {
      for (const wire::SessionResponse& response : responses()) {
        if (is(response)) return found = response, true;
      }
      return false;
    }));
    return found;
  }
  wire::SessionResponse::Opened Opened() const {
    const auto opened = Await([](const auto& response) { return response.has_opened(); });
    return opened.has_value() ? opened->opened() : wire::SessionResponse::Opened();
  }
  // All states of an instance, in order.
  std::vector<State> StatesOf(const InstanceName& name) const {
    std::vector<State> states;
    for (const wire::SessionResponse& response : responses()) {
      for (const State& state : response.instances().states()) {
        if (state.name().id() == name.id) states.push_back(state);
      }
    }
    return states;
  }
  // The newest state, when the client has been told so often.
  State StateOf(const InstanceName& name, size_t states = 1) const {
    if (!AwaitCondition([&] { return StatesOf(name).size() >= states; })) {
      ADD_FAILURE() << StatesOf(name).size() << " states";
      return State();
    }
    return StatesOf(name)[states - 1];
  }
  absl::Status End() const {
    EXPECT_TRUE(AwaitCondition([this] {
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
  std::vector<wire::SessionResponse> responses_ ABSL_GUARDED_BY(mu_);
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
    EXPECT_TRUE(AwaitCondition([this] { return feed_->catalog() != nullptr; }));
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
  discovery::InstancePtr Shown(const InstanceName& name = kName) { return feed_->catalog()->FindInstance(name); }

  storage::FakeClock clock_;
  std::unique_ptr<storage::Store> store_;
  const storage::SyncStore sync_;
  std::shared_ptr<CatalogFeed> feed_;
  Registrar registrar_;
  const std::shared_ptr<StreamPlaces> places_;
  SessionHub hub_;
};

TEST_F(SessionHubTest, DeclaredInstancesAreOnTheSessionsLease) {
  const auto stream = Open("a");
  const auto opened = stream->Opened();
  EXPECT_GT(opened.lease_id(), 0);
  EXPECT_EQ(opened.ttl().seconds(), 30);
  EXPECT_FALSE(opened.resumed());
  stream->Send(Of({"i", "j"}));
  const State state = stream->StateOf(kName);
  EXPECT_EQ(state.state(), State::STATE_REGISTERED);
  const auto instance = Shown();
  ASSERT_NE(instance, nullptr);
  EXPECT_EQ(instance->epoch, state.epoch());
  EXPECT_EQ(instance->lease_id, opened.lease_id());
  for (const auto& response : stream->responses()) {
    EXPECT_EQ(response.store_id(), store_->store_id());
    EXPECT_GT(response.revision(), 0);
  }
  EXPECT_EQ(sync_.Get(discovery::SessionKey("a"))->lease_id, opened.lease_id());
}

TEST_F(SessionHubTest, ANewStreamEndsTheOneBeforeAndGoesOnWithItsInstances) {
  const auto first = Open("a");
  first->Send(Of({"i", "j"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  first->StateOf({"c", "s", "j"});
  const auto second = Open("a");
  EXPECT_EQ(ReasonOf(first->End()), Reason::kFenced);
  EXPECT_TRUE(second->Opened().resumed());
  EXPECT_EQ(second->Opened().lease_id(), first->Opened().lease_id());
  second->Send(Of({"i"}));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(second->StateOf({"c", "s", "j"}).state(), State::STATE_REMOVED);
  EXPECT_EQ(Shown({"c", "s", "j"}), nullptr);
}

TEST_F(SessionHubTest, WithAnotherTtlAnotherLeaseIsTakenAndEverythingMoves) {
  const auto first = Open("a");
  first->Send(Of({"i", "j"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  first->StateOf({"c", "s", "j"});
  hub_.OnClosed(first.get());
  const auto second = Open("a", 2 * kTtl);
  EXPECT_FALSE(second->Opened().resumed());
  EXPECT_NE(second->Opened().lease_id(), first->Opened().lease_id());
  second->Send(Of({"i"}));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(second->StateOf({"c", "s", "j"}).state(), State::STATE_REMOVED);
  EXPECT_EQ(Shown()->lease_id, second->Opened().lease_id());
}

TEST_F(SessionHubTest, ADeregisteredInstanceComesBack) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const int64_t epoch = stream->StateOf(kName).epoch();
  registrar_.Deregister({.name = kName, .origin = {}}, [](const ChangedInstance&) {});
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_LOST);
  const State again = stream->StateOf(kName, 3);
  EXPECT_EQ(again.state(), State::STATE_REGISTERED);
  EXPECT_GT(again.epoch(), epoch);
  EXPECT_EQ(Shown()->epoch, again.epoch());
}

TEST_F(SessionHubTest, AfterItsLeaseTheNextHeartbeatRegistersAnew) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  const LeaseId lease = stream->Opened().lease_id();
  ASSERT_TRUE(sync_.Revoke(lease).status.ok());
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_LOST);
  EXPECT_EQ(Shown(), nullptr);
  stream->Send(SessionHeartbeat());
  const auto alive = stream->Await([](const auto& response) { return response.has_alive(); });
  ASSERT_TRUE(alive.has_value());
  EXPECT_NE(alive->alive().lease_id(), lease);
  EXPECT_EQ(stream->StateOf(kName, 3).state(), State::STATE_REGISTERED);
  EXPECT_EQ(Shown()->lease_id, alive->alive().lease_id());
}

TEST_F(SessionHubTest, TheSecondOfTwoOwnersIsFencedUnlessItTakesOver) {
  const auto first = Open("a");
  first->Send(Of({"i"}));
  first->StateOf(kName);
  const auto second = Open("b");
  second->Send(Of({"i"}));
  const State fenced = second->StateOf(kName);
  EXPECT_EQ(fenced.state(), State::STATE_FENCED);
  EXPECT_EQ(fenced.reason(), "INSTANCE_OWNED");
  Declaration take_over = Of({"i"});
  take_over.take_over = true;
  second->Send(std::move(take_over));
  EXPECT_EQ(second->StateOf(kName, 2).state(), State::STATE_REGISTERED);
  EXPECT_EQ(first->StateOf(kName, 2).state(), State::STATE_FENCED);
}

TEST_F(SessionHubTest, WhatItsSchemaRefusesIsToldWithItsFields) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}, "80001"));
  const State refused = stream->StateOf(kName);
  EXPECT_EQ(refused.state(), State::STATE_REFUSED);
  EXPECT_EQ(refused.reason(), "INVALID_FIELD");
  EXPECT_TRUE(refused.violations().contains("instance.properties.port"));
  stream->Send(Of({"i"}));
  EXPECT_EQ(stream->StateOf(kName, 2).state(), State::STATE_REGISTERED);
}

TEST_F(SessionHubTest, HeartbeatsBringSoftValuesOfWhatTheSessionOwns) {
  const auto owner = Open("a");
  owner->Send(Of({"i"}));
  owner->StateOf(kName);
  const auto other = Open("b");
  other->Send(Of({"j"}));
  other->StateOf({"c", "s", "j"});
  owner->Send(SessionHeartbeat{.updates = {{kName, {.load = 0.25}}, {{"c", "s", "j"}, {.load = 0.75}}}});
  owner->Await([](const auto& response) { return response.has_alive(); });
  EXPECT_EQ(Shown()->soft.load, 0.25);
  EXPECT_EQ(Shown({"c", "s", "j"})->soft.load, std::nullopt);
}

TEST_F(SessionHubTest, LeavingTakesEverythingAwayAndEndsWell) {
  const auto stream = Open("a");
  stream->Send(Of({"i", "j", "k"}));
  stream->StateOf(kName);
  stream->Send(SessionLeaving());
  EXPECT_TRUE(stream->End().ok()) << stream->End();
  EXPECT_TRUE(stream->responses().back().has_left());
  EXPECT_EQ(Shown(), nullptr);
  EXPECT_THAT(sync_.List(discovery::InstanceRecordsTree(), Scope::kChildren), IsEmpty());
  EXPECT_THAT(sync_.ListLeases().leases, IsEmpty());
  EXPECT_EQ(sync_.Get(discovery::SessionKey("a")), std::nullopt);
}

TEST_F(SessionHubTest, AStreamThatEndsOtherwiseLeavesItsInstances) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  hub_.OnReadsDone(stream.get());
  EXPECT_TRUE(stream->End().ok());
  hub_.OnClosed(stream.get());
  EXPECT_TRUE(AwaitCondition([this] { return places_->taken() == 0; }));
  EXPECT_NE(Shown(), nullptr);
}

TEST_F(SessionHubTest, AGuardThatDoesNotHoldChangesNothingAndSaysWhatIsThere) {
  const Key key = discovery::SessionKey("x");
  const auto register_with = [&](Revision guarded) {
    Registration registration{.name = kName, .properties = {{"port", absl::StrCat(8'000 + guarded)}}, .guard = Guard{key, guarded}};
    return Ask([&](Registrar::Done done) { registrar_.Register(std::move(registration), std::move(done)); });
  };
  const auto deregister_with = [&](Revision guarded) {
    return Ask([&](Registrar::Done done) { registrar_.Deregister({.name = kName, .guard = Guard{key, guarded}}, std::move(done)); });
  };
  EXPECT_EQ(register_with(5).guard_found, 0);
  EXPECT_EQ(Shown(), nullptr);
  const Revision put = sync_.Put(key, "{}").revision;
  const ChangedInstance other = register_with(put - 1);
  EXPECT_EQ(other.guard_found, put);
  EXPECT_EQ(other.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(other.status), Reason::kFenced);
  const ChangedInstance held = register_with(put);
  EXPECT_TRUE(held.status.ok()) << held.status;
  EXPECT_EQ(held.guard_found, std::nullopt);
  EXPECT_EQ(deregister_with(put - 1).guard_found, put);
  EXPECT_NE(Shown(), nullptr);
  EXPECT_TRUE(deregister_with(put).status.ok());
  EXPECT_EQ(Shown(), nullptr);
}

TEST_F(SessionHubTest, MessagesOutOfOrderEndTheStream) {
  const auto unopened = Stream();
  unopened->Send(Of({"i"}));
  EXPECT_EQ(DetailsOf(unopened->End())->violations.front().field, "step");
  const auto twice = Open("a");
  twice->Send(SessionOpening{.id = "a", .ttl = kTtl});
  EXPECT_EQ(DetailsOf(twice->End())->violations.front().field, "open");
}

TEST_F(SessionHubTest, ThereIsAPlaceForSoManyStreams) {
  const std::vector<std::shared_ptr<FakeStream>> streams = {Stream(), Stream(), Stream()};
  const absl::Status full = hub_.Open(std::make_shared<FakeStream>(&hub_), 1);
  EXPECT_EQ(ReasonOf(full), Reason::kStreamsFull);
  hub_.OnClosed(streams[0].get());
  EXPECT_TRUE(AwaitCondition([this] { return places_->taken() == 2; }));
}

TEST_F(SessionHubTest, ASlowClientIsToldTheNewestStates) {
  const auto stream = Open("a");
  stream->Opened();
  stream->StopReading();
  stream->Send(Of({"i"}));
  stream->StateOf(kName);  // Being written; nothing more is.
  for (const char* port : {"81", "82", "83"}) {
    stream->Send(Of({"i"}, port));
    ASSERT_TRUE(AwaitCondition([&] {
      const auto instance = Shown();
      return instance != nullptr && *discovery::FindProperty(instance->properties, "port") == port;
    }));
  }
  registrar_.Deregister({.name = kName, .origin = {}}, [](const ChangedInstance&) {});
  ASSERT_TRUE(AwaitCondition([&] {
    const auto instance = Shown();
    return instance != nullptr && instance->epoch > stream->StatesOf(kName).front().epoch();
  }));
  EXPECT_EQ(stream->StatesOf(kName).size(), 1u);
  stream->Send(SessionHeartbeat());
  // As it reads on it is told of the newest state, without those between.
  ASSERT_TRUE(AwaitCondition([&] {
    const size_t before = stream->responses().size();
    stream->Read();
    if (!AwaitCondition([&] { return stream->responses().size() > before; })) return true;
    return stream->StatesOf(kName).back().epoch() == Shown()->epoch;
  }));
  EXPECT_EQ(stream->StatesOf(kName).back().epoch(), Shown()->epoch);
  EXPECT_LE(stream->StatesOf(kName).size(), 3u);
}

TEST_F(SessionHubTest, WhatIsBoundAnewIsRegisteredUnderTheNewSchema) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  const int64_t epoch = stream->StateOf(kName).epoch();
  ASSERT_TRUE(sync_.Put(storage::K("/.scoutlight/bindings/c/s"), "members").status.ok());
  ASSERT_TRUE(AwaitCondition([&] {
    const auto instance = Shown();
    return instance != nullptr && feed_->catalog()->claims()->SchemaOf("c", "s")->name == "members" && instance->valid;
  }));
  EXPECT_EQ(Shown()->epoch, epoch);
  EXPECT_EQ(discovery::ReadOwnership(*feed_->catalog()->FindStored(kName)).schema, "members");
}

TEST_F(SessionHubTest, WhoIsDrainingStaysSoOverStreams) {
  const auto first = Open("a");
  first->Send(Of({"i"}));
  const int64_t epoch = first->StateOf(kName).epoch();
  ASSERT_TRUE(
      Ask([&](Registrar::Done done) { registrar_.Drain({.name = kName, .epoch = epoch, .origin = {}}, std::move(done)); }).status.ok());
  const auto second = Open("a");
  second->Send(Of({"i"}, "81"));
  EXPECT_EQ(second->StateOf(kName).epoch(), epoch);
  EXPECT_EQ(Shown()->status, discovery::Status::kDraining);
  EXPECT_EQ(*discovery::FindProperty(Shown()->properties, "port"), "81");
}

TEST_F(SessionHubTest, DrainEndsStreamsAlsoLaterOnes) {
  const auto stream = Open("a");
  stream->Send(Of({"i"}));
  stream->StateOf(kName);
  hub_.Drain(absl::UnavailableError("stopping"));
  EXPECT_TRUE(absl::IsUnavailable(stream->End()));
  EXPECT_TRUE(absl::IsUnavailable(Stream()->End()));
  EXPECT_NE(Shown(), nullptr);
}

}  // namespace
}  // namespace scoutlight::server
