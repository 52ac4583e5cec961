#include "tests/e2e/session_fleet.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/support/deadline.h"

namespace scoutlight::testing {

namespace disco = discovery::v1;

namespace {

// A connection has at most 256 streams.
constexpr int kConnections = 8;

std::vector<std::string> Services(int count) {
  std::vector<std::string> services;
  for (int i = 0; i < count; ++i) services.push_back(absl::StrCat("service", i));
  return services;
}

}  // namespace

SessionFleet::SessionFleet(const Options& options, Random* random, checker::RegistrationRecorder* recorder)
    : options_(options),
      random_(*random),
      recorder_(*recorder),
      subscriber_(&loop_, "subscriber", Services(options.services), recorder),
      watcher_(&loop_, "watcher", Services(1).front(), recorder) {
  for (int i = 0; i < options_.sessions; ++i) {
    std::vector<SessionClient::Name> names;
    for (int of = Between(1, 2, &random_); of > 0; --of) {
      names.emplace_back(subscriber_.services()[Between(0, options_.services - 1, &random_)], absl::StrCat("i", i, "-", of));
    }
    Add(names);
  }
}

bool SessionFleet::AwaitStreamsEnd() {
  const auto all_have = [this] {
    const std::vector<SessionClient*> living = Living();
    return !subscriber_.open() && !watcher_.open() &&
           std::none_of(living.begin(), living.end(), [](const SessionClient* session) { return session->has_stream(); });
  };
  return Await("every stream ends", all_have, kSoon);
}

void SessionFleet::End() {
  for (const auto& session : sessions_) session->Die();
  subscriber_.Stop();
  watcher_.Stop();
  Disconnect();
}

SessionClient* SessionFleet::Add(const std::vector<SessionClient::Name>& names) {
  const size_t number = sessions_.size();
  sessions_.push_back(std::make_unique<SessionClient>(
      &loop_, SessionClient::Options{.session_id = absl::StrCat("session-", number),
                                     .ttl = options_.ttl,
                                     .recorder = &recorder_,
                                     .on_response = [this](const auto& session, const auto& response) { OnResponse(session, response); }}));
  SessionClient* const added = sessions_.back().get();
  added->Declare(names, 1);
  if (!stubs_.empty()) added->Connect(stubs_[number % stubs_.size()].get());
  return added;
}

void SessionFleet::Connect(const std::string& address) {
  Disconnect();
  connected_ = SteadyNow();
  for (int i = 0; i < kConnections; ++i) {
    clients_.push_back(std::make_unique<Client>(address));
    stubs_.push_back(disco::RegistrationService::NewStub(clients_.back()->channel()));
  }
  clients_.push_back(std::make_unique<Client>(address));
  observers_stub_ = disco::DiscoveryService::NewStub(clients_.back()->channel());
  for (size_t i = 0; i < sessions_.size(); ++i) sessions_[i]->Connect(stubs_[i % stubs_.size()].get());
  subscriber_.Connect(observers_stub_.get());
  watcher_.Connect(observers_stub_.get());
}

void SessionFleet::Disconnect() {
  for (const auto& session : sessions_) session->Connect(nullptr);
  subscriber_.Connect(nullptr);
  watcher_.Connect(nullptr);
  stubs_.clear();
  observers_stub_.reset();
  clients_.clear();
}

std::vector<SessionClient*> SessionFleet::Living() const {
  std::vector<SessionClient*> living;
  for (const auto& session : sessions_) {
    if (session->alive()) living.push_back(session.get());
  }
  return living;
}

std::vector<SessionClient*> SessionFleet::Some(int count) {
  std::vector<SessionClient*> some = Living();
  some.erase(std::remove_if(some.begin(), some.end(), [](const SessionClient* session) { return session->members().empty(); }), some.end());
  std::shuffle(some.begin(), some.end(), random_);
  some.resize(std::min(some.size(), static_cast<size_t>(count)));
  return some;
}

void SessionFleet::Tick() {
  for (const auto& session : sessions_) session->Tick();
  subscriber_.Tick();
  watcher_.Tick();
}

void SessionFleet::Run(absl::Duration bound) {
  loop_.RunUntil([this] { return Tick(), false; }, bound);
}

bool SessionFleet::Await(absl::string_view what, const std::function<bool()>& condition, absl::Duration bound) {
  const bool held = loop_.RunUntil([&] { return Tick(), condition(); }, bound);
  EXPECT_TRUE(held) << what << ": not within " << bound;
  return held;
}

bool SessionFleet::AwaitWell(absl::string_view what) {
  const absl::Duration begun = SteadyNow();
  const bool held = loop_.RunUntil([this] { return Tick(), AllWell(); }, options_.ttl + kSoon);
  const absl::Duration now = SteadyNow();
  std::cout << what << ": all is well " << now - begun << " after, " << now - connected_ << " after the server was there" << std::endl;
  if (held) return true;
  int shown = 0;
  for (const SessionClient* session : Living()) {
    if (!session->IsWell() && ++shown <= 5) ADD_FAILURE() << session->Describe();
  }
  ADD_FAILURE() << what << ": " << shown << " sessions are not well; subscriber: " << DifferenceTo(subscriber_)
                << "; watcher: " << DifferenceTo(watcher_);
  return false;
}

bool SessionFleet::AllWell() const {
  for (const auto& session : sessions_) {
    if (session->alive() && !session->IsWell()) return false;
  }
  return DifferenceTo(watcher_).empty() && DifferenceTo(subscriber_).empty();
}

std::string SessionFleet::DifferenceTo(const ServiceObserver& observer) const {
  if (!observer.whole()) return "not all services are shown yet";
  size_t expected = 0;
  for (const SessionClient* session : Living()) {
    for (const auto& [name, member] : session->members()) {
      if (std::find(observer.services().begin(), observer.services().end(), name.first) == observer.services().end()) continue;
      ++expected;
      const auto shown = observer.shown().find(name);
      if (shown == observer.shown().end()) return absl::StrCat(name.first, "/", name.second, " is not shown");
      const disco::Instance& instance = shown->second;
      const auto version = instance.properties().find("version");
      const bool same = instance.epoch() == member.epoch && instance.lease_id() == session->lease_id() &&
                        instance.status() == disco::INSTANCE_STATUS_UP && version != instance.properties().end() &&
                        version->second == absl::StrCat(member.version);
      if (!same) {
        return absl::StrCat("epoch ", member.epoch, " on lease ", session->lease_id(), ", version ", member.version, ", is shown as ",
                            instance.ShortDebugString());
      }
    }
  }
  return expected == observer.shown().size() ? "" : absl::StrCat(observer.shown().size(), " instances are shown, not ", expected);
}

void SessionFleet::OnResponse(const SessionClient& session, const SessionClient::Response& response) {
  for (const SessionClient::State& state : response.instances().states()) {
    if (state.state() != SessionClient::State::STATE_REGISTERED) continue;
    const SessionClient::Name name(state.name().service(), state.name().id());
    Epochs& epochs = epochs_[{response.store_id(), name}];
    const std::string& owner = epochs.owners.try_emplace(state.epoch(), session.session_id()).first->second;
    EXPECT_EQ(owner, session.session_id()) << "two owners of " << name.first << "/" << name.second << " in epoch " << state.epoch();
    int64_t& told = epochs.told[session.session_id()];
    EXPECT_GE(state.epoch(), told) << "the epoch of " << name.first << "/" << name.second << " goes back";
    told = state.epoch();
  }
}

std::set<std::string> SessionFleet::Stores() const {
  std::set<std::string> stores = {subscriber_.stores().back(), watcher_.stores().back()};
  for (const SessionClient* session : Living()) stores.insert(session->store_id());
  return stores;
}

int SessionFleet::Told(SessionClient::State::State state) const {
  int told = 0;
  for (const auto& session : sessions_) told += session->told(state);
  return told;
}

}  // namespace scoutlight::testing
