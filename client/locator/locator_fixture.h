#ifndef SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FIXTURE_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FIXTURE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/events/fake_stream.h"
#include "client/events/manual_loop.h"
#include "client/locator/locator_core.h"
#include "client/wire/instance_conversion.h"
#include "gtest/gtest.h"

// What the tests of the locator share.
namespace scoutlight::client {

using SubscribeStreams = FakeStreams<discovery::v1::SubscribeRequest, discovery::v1::SubscribeResponse>;
using Frame = discovery::v1::WatchResponse;

inline constexpr char kStore[] = "11111111111111111111111111111111";
inline constexpr char kOtherStore[] = "22222222222222222222222222222222";

// A clock that goes with a loop.
class LoopClock : public Clock {
 public:
  explicit LoopClock(const ManualLoop* loop) : loop_(*loop) {}
  absl::Time Now() override { return absl::FromUnixSeconds(1'800'000'000) + loop_.Now(); }
  absl::Duration SinceBoot() override { return absl::Hours(1) + loop_.Now(); }

 private:
  const ManualLoop& loop_;
};

// An instance at work, at http://{id}:80.
inline discovery::Instance Up(const std::string& id, const discovery::Properties& more = {}) {
  discovery::Instance instance;
  instance.name = {"default", "Printer", id};
  instance.properties = {{"hostname", id}, {"port", "80"}, {"protocol", "http"}};
  for (const auto& [name, value] : more) instance.properties[name] = value;
  instance.epoch = instance.mod_revision = 5;
  return instance;
}

inline discovery::Instance Draining(const std::string& id) {
  discovery::Instance instance = Up(id);
  instance.status = discovery::Status::kDraining;
  return instance;
}

inline discovery::Instance Lost(const std::string& id) {
  discovery::Instance instance = Up(id);
  instance.status = discovery::Status::kOwnerLost;
  return instance;
}

inline Frame MakeFrame(Frame::Kind kind, Revision revision, const std::vector<discovery::Instance>& changed = {},
                       const std::vector<std::string>& removed = {}, const std::string& store = kStore) {
  Frame frame;
  frame.set_kind(kind);
  frame.set_revision(revision);
  frame.set_store_id(store);
  for (const discovery::Instance& instance : changed) FillInstance(instance, frame.add_changed());
  for (const std::string& id : removed) frame.add_removed(id);
  return frame;
}
inline Frame SnapshotOf(const std::vector<discovery::Instance>& instances, const std::string& store = kStore) {
  return MakeFrame(Frame::KIND_SNAPSHOT, 0, instances, {}, store);
}
inline Frame SnapshotEnd(Revision revision, const std::string& store = kStore) {
  return MakeFrame(Frame::KIND_SNAPSHOT_END, revision, {}, {}, store);
}
inline Frame Changes(Revision revision, const std::vector<discovery::Instance>& changed, const std::vector<std::string>& removed = {}) {
  return MakeFrame(Frame::KIND_CHANGES, revision, changed, removed);
}

inline std::vector<std::string> IdsOf(const discovery::SnapshotPtr& snapshot) {
  std::vector<std::string> ids;
  if (snapshot == nullptr) return ids;
  snapshot->ForEachAfter("", [&ids](const discovery::InstancePtr& instance) {
    ids.push_back(instance->name.id);
    return true;
  });
  return ids;
}

inline discovery::v1::SubscribeResponse ResponseOf(const std::string& service, Frame frame) {
  discovery::v1::SubscribeResponse response;
  response.mutable_service()->set_cluster("default");
  response.mutable_service()->set_service(service);
  *response.mutable_frame() = std::move(frame);
  return response;
}

// A locator whose server is the test.
class LocatorFixture {
 public:
  explicit LocatorFixture(LocatorOptions options = {}) { Open(std::move(options)); }
  ~LocatorFixture() { Close(); }

  // Another locator, as of a program that starts.
  void Open(LocatorOptions options) {
    int* const ids = &ids_;
    core = std::make_unique<LocatorCore>(LocatorCore::Parts{.subscription = {.loop = &loop,
                                                                             .open = streams.opener(),
                                                                             .unit_random = [] { return 0.5; },
                                                                             .new_id = [ids] { return absl::StrCat("id-", ++*ids); }},
                                                            .callbacks = &callbacks,
                                                            .clock = &clock,
                                                            .saw = [this](Revision revision, const StoreId&) { saw = revision; },
                                                            .seed = 7,
                                                            .keep = nullptr},
                                         std::move(options));
  }
  void Close() {
    loop.Post([this] { core = nullptr; });
    loop.RunUntilIdle();
    callbacks.RunUntilIdle();
  }

  absl::StatusOr<Pick> Try(const ResolveOptions& options = {}, const PickOptions& pick = {}) {
    return core->Resolve("Printer", options, pick, LocatorCore::Wait::kNever);
  }
  // The id of a pick; the reason of an error.
  std::string TryId(const ResolveOptions& options = {}, const PickOptions& pick = {}) {
    const absl::StatusOr<Pick> picked = Try(options, pick);
    return picked.ok() ? picked->instance().name.id : std::string(ReasonName(ReasonOf(picked.status())));
  }
  // How often each is picked.
  std::map<std::string, int> Counts(int picks, const ResolveOptions& options = {}) {
    std::map<std::string, int> counts;
    for (int i = 0; i < picks; ++i) ++counts[TryId(options)];
    return counts;
  }
  std::set<std::string> Picked(const ResolveOptions& options = {}) {
    std::set<std::string> ids;
    for (const auto& [id, count] : Counts(100, options)) ids.insert(id);
    return ids;
  }

  void Deliver(Frame frame, const std::string& service = "Printer") { streams.Deliver(ResponseOf(service, std::move(frame))); }
  // Follows Printer, which has these.
  void Follow(const std::vector<discovery::Instance>& instances) {
    ASSERT_TRUE(core->Follow({"Printer"}).ok());
    loop.RunUntilIdle();
    Deliver(SnapshotOf(instances));
    Deliver(SnapshotEnd(10));
  }
  // What the newest stream has confirmed.
  int64_t confirmed() {
    int64_t highest = 0;
    for (const auto& request : streams.newest().sent()) highest = std::max(highest, request.confirmed());
    return highest;
  }

  ManualLoop loop;
  ManualLoop callbacks;
  LoopClock clock{&loop};
  SubscribeStreams streams{&loop};
  Revision saw = 0;
  std::unique_ptr<LocatorCore> core;

 private:
  int ids_ = 0;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_LOCATOR_FIXTURE_H_
