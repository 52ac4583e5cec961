#ifndef SCOUTLIGHT_CLIENT_SESSION_SESSION_MODEL_H_
#define SCOUTLIGHT_CLIENT_SESSION_SESSION_MODEL_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/events/fake_stream.h"
#include "client/wire/session_conversion.h"
#include "discovery/names.h"
#include "scoutlight/discovery/v1/registration.pb.h"

// A server small enough to be looked through, which does what registration.proto says of sessions, at once; its messages and answers are
// on their way until a test lets them through.
namespace scoutlight::client {

using ModelStreams = FakeStreams<discovery::v1::SessionRequest, discovery::v1::SessionResponse>;
using InstanceState = discovery::v1::SessionResponse::InstanceState;

// Values of the property "port" for which the model ends the stream, and which it refuses to register.
inline constexpr char kMalformedPort[] = "malformed";
inline constexpr char kRefusedPort[] = "refused";

class ModelServer {
 public:
  struct Instance {
    std::string session;
    Revision epoch = 0;
    std::map<std::string, std::string> properties;
    std::map<std::string, int64_t> counters;
  };

  explicit ModelServer(ModelStreams* streams) : streams_(*streams) {}

  std::map<discovery::InstanceName, Instance> instances;
  std::string violation;  // What no client may do; the first.

  // Takes in one message of the newest stream, or else delivers one answer. False: there is nothing of either.
  bool Step() {
    FollowNewest();
    if (!streams_.is_open()) return false;
    if (taken_ < call().sent().size() && !ended_.has_value()) {
      Take(call().sent()[taken_++]);
      return true;
    }
    return DeliverOne();
  }
  void Run() {
    for (int i = 0; Step(); ++i) {
      if (i == kStepsMax) return Violate("the client and the server never become quiet");
    }
  }

  // The stream breaks: what is on its way is lost.
  void Break(const absl::Status& status) {
    FollowNewest();
    if (streams_.is_open()) streams_.End(status);
  }

  // The lease ends, and what was on it goes.
  void ExpireLease() {
    FollowNewest();
    ++revision_;
    has_record_ = false;
    std::erase_if(instances, [](const auto& one) { return one.second.session == kSession; });
    if (!opened_ || ended_.has_value()) return;
    lapsed_ = true;
    for (const auto& [name, member] : members_) {
      if (registered_.erase(name) != 0) Tell(name, InstanceState::STATE_LOST);
    }
  }
  // All data goes. The server is another one: the stream has ended.
  void Wipe() {
    instances.clear();
    has_record_ = false;
    Break(absl::UnavailableError("wiped"));
  }
  void Delete(const discovery::InstanceName& name) {
    FollowNewest();
    if (instances.erase(name) == 0) return;
    ++revision_;
    if (registered_.erase(name) == 0 || !opened_ || lapsed_) return;
    Tell(name, InstanceState::STATE_LOST);
    Register(name, false);
  }
  void Own(const discovery::InstanceName& name, const std::string& session) {
    FollowNewest();
    instances[name] = {.session = session, .epoch = ++revision_};
    if (registered_.erase(name) == 0 || !opened_) return;
    members_.erase(name);
    Tell(name, InstanceState::STATE_FENCED);
  }

  static constexpr char kSession[] = "session";

 private:
  using Request = discovery::v1::SessionRequest;
  using Response = discovery::v1::SessionResponse;
  static constexpr int kStepsMax = 100'000;

  ModelStreams::Call& call() { return streams_.newest(); }
  void Violate(const std::string& what) {
    if (violation.empty()) violation = what;
  }

  // Whatever the stream before was about has gone with it.
  void FollowNewest() {
    if (streams_.opened() == followed_) return;
    followed_ = streams_.opened();
    taken_ = 0;
    opened_ = declared_ = lapsed_ = false;
    ended_.reset();
    answers_.clear();
    whole_.Clear();
    named_.clear();
    numbers_.clear();
    number_ = 0;
    members_.clear();
    registered_.clear();
    retried_.clear();
  }

  bool DeliverOne() {
    if (!answers_.empty()) {
      Response answer = std::move(answers_.front());
      answers_.pop_front();
      streams_.Deliver(std::move(answer));
      return true;
    }
    if (!ended_.has_value()) return false;
    streams_.End(*ended_);
    return true;
  }

  void Take(const Request& request) {
    if (opened_ == request.has_open()) Violate("open is the first message, and only that");
    switch (request.step_case()) {
      case Request::kOpen:
        return Open();
      case Request::kDeclare:
        return Declare(request.declare());
      case Request::kHeartbeat:
        return Heartbeat(request.heartbeat());
      case Request::kLeave:
        return Leave();
      default:
        Violate("a message without a step");
    }
  }

  void Open() {
    opened_ = true;
    Response response;
    response.mutable_opened()->set_resumed(std::exchange(has_record_, true));
    Answer(std::move(response));
  }

  void Declare(const Request::Declare& declare) {
    if (declare.ByteSizeLong() > limits::kRequestBytesMax) Violate("a message over the bound");
    if (const absl::Status wrong = Check(declare); !wrong.ok()) {
      ended_ = wrong;
      return;
    }
    Renew();
    Gather(declare);
    if (declare.more()) return;
    named_.clear();
    Carry(std::exchange(whole_, Request::Declare()));
  }

  void Gather(const Request::Declare& part) {
    if (part.number() < whole_.number()) Violate("a number goes back");
    for (const auto& name : part.remove()) {
      if (!named_.insert(NameOf(name)).second) Violate("an instance is named twice");
    }
    for (const auto& one : part.set()) {
      if (!named_.insert({one.cluster(), one.service(), one.id()}).second) Violate("an instance is named twice");
    }
    const bool replace = whole_.replace();
    const bool take_over = whole_.take_over();
    whole_.MergeFrom(part);
    whole_.set_replace(replace || part.replace());
    whole_.set_take_over(take_over || part.take_over());
    if (whole_.set_size() > limits::kSessionInstancesMax || whole_.remove_size() > limits::kSessionInstancesMax) {
      Violate("a declaration over its bounds");
    }
  }

  void Carry(const Request::Declare& declare) {
    if (declare.number() <= number_) Violate("two declarations have one number");
    number_ = declare.number();
    const bool replace = !std::exchange(declared_, true) || declare.replace();
    if (replace) members_.clear();
    for (const auto& name : declare.remove()) members_.erase(NameOf(name));
    std::set<discovery::InstanceName> named;
    for (const auto& one : declare.set()) {
      const discovery::InstanceName name{one.cluster(), one.service(), one.id()};
      named.insert(name);
      members_[name] = {one.properties().begin(), one.properties().end()};
      numbers_[name] = number_;
    }
    CheckWanted();
    for (const discovery::InstanceName& name : named) Register(name, declare.take_over());
    if (replace) RemoveAllBut(named);
    for (const auto& name : declare.remove()) Remove(NameOf(name));
  }

  void CheckWanted() {
    size_t bytes = 0;
    for (const auto& [name, properties] : members_) {
      for (const auto& [property, value] : properties) bytes += property.size() + value.size();
    }
    if (bytes > limits::kBytesPerLeaseMax || members_.size() > limits::kSessionInstancesMax) Violate("more is wanted than a session may");
  }

  absl::Status Check(const Request::Declare& declare) {
    std::vector<FieldViolation> violations;
    for (int i = 0; i < declare.set_size(); ++i) {
      const auto port = declare.set(i).properties().find("port");
      if (port == declare.set(i).properties().end() || port->second != kMalformedPort) continue;
      violations.push_back({absl::StrCat("declare.set[", i, "].properties.port"), "is malformed"});
    }
    return violations.empty() ? absl::OkStatus() : InvalidFields(Reason::kInvalidField, std::move(violations));
  }

  void Register(const discovery::InstanceName& name, bool take_over) {
    const std::map<std::string, std::string>& properties = members_[name];
    const auto port = properties.find("port");
    if (port != properties.end() && port->second == kRefusedPort) {
      retried_.insert(name);
      return Tell(name, InstanceState::STATE_REFUSED);
    }
    const auto there = instances.find(name);
    if (there != instances.end() && there->second.session != kSession && !take_over) {
      members_.erase(name);
      registered_.erase(name);
      return Tell(name, InstanceState::STATE_FENCED);
    }
    Instance& instance = instances[name];
    ++revision_;
    if (instance.session != kSession) instance = {.session = kSession, .epoch = revision_};
    instance.properties = properties;
    registered_.insert(name);
    Tell(name, InstanceState::STATE_REGISTERED, instance.epoch);
  }

  void Remove(const discovery::InstanceName& name) {
    numbers_[name] = number_;
    members_.erase(name);
    registered_.erase(name);
    retried_.erase(name);
    const auto there = instances.find(name);
    if (there != instances.end() && there->second.session != kSession) return Tell(name, InstanceState::STATE_FENCED);
    if (there != instances.end()) instances.erase(there);
    Tell(name, InstanceState::STATE_REMOVED);
  }

  void RemoveAllBut(const std::set<discovery::InstanceName>& named) {
    std::vector<discovery::InstanceName> others;
    for (const auto& [name, instance] : instances) {
      if (instance.session == kSession && !named.contains(name)) others.push_back(name);
    }
    for (const discovery::InstanceName& name : others) Remove(name);
    std::erase_if(members_, [&](const auto& one) { return !named.contains(one.first); });
  }

  // A lease in the place of one that has ended.
  void Renew() {
    has_record_ = true;
    if (!std::exchange(lapsed_, false)) return;
    const std::map<discovery::InstanceName, std::map<std::string, std::string>> members = members_;
    for (const auto& [name, properties] : members) Register(name, false);
  }

  void Heartbeat(const Request::Heartbeat& heartbeat) {
    if (heartbeat.ByteSizeLong() > limits::kRequestBytesMax) Violate("a message over the bound");
    if (!declared_ && named_.empty()) Violate("a heartbeat comes before the first declaration");
    for (const auto& values : heartbeat.values()) {
      const auto there = instances.find(NameOf(values.name()));
      if (there == instances.end() || there->second.session != kSession) continue;
      there->second.counters = {values.soft().counters().begin(), values.soft().counters().end()};
    }
    Renew();
    const std::set<discovery::InstanceName> retried = std::exchange(retried_, {});
    for (const discovery::InstanceName& name : retried) Register(name, false);
    Response response;
    response.mutable_alive();
    Answer(std::move(response));
  }

  void Leave() {
    has_record_ = false;
    std::erase_if(instances, [](const auto& one) { return one.second.session == kSession; });
    Response response;
    response.mutable_left()->set_fenced(0);
    Answer(std::move(response));
    ended_ = absl::OkStatus();
  }

  void Tell(const discovery::InstanceName& name, InstanceState::State state, Revision epoch = 0) {
    Response response;
    InstanceState& told = *response.mutable_instances()->add_states();
    FillName(name, told.mutable_name());
    told.set_state(state);
    told.set_epoch(epoch);
    told.set_declaration(numbers_[name]);
    if (state == InstanceState::STATE_REFUSED) {
      told.set_code(static_cast<int>(absl::StatusCode::kInvalidArgument));
      told.set_reason("INVALID_FIELD");
      (*told.mutable_violations())["instance.properties.port"] = "is refused";
    }
    Answer(std::move(response));
  }
  void Answer(Response response) {
    response.set_revision(revision_);
    response.set_store_id("model");
    answers_.push_back(std::move(response));
  }

  ModelStreams& streams_;
  Revision revision_ = 1;
  bool has_record_ = false;  // The session's, on its lease.
  // Of the newest stream.
  int followed_ = 0;
  size_t taken_ = 0;
  bool opened_ = false;
  bool declared_ = false;
  bool lapsed_ = false;
  std::optional<absl::Status> ended_;  // Behind the answers.
  std::deque<Response> answers_;
  Request::Declare whole_;  // The parts of a declaration that have come; its number.
  std::set<discovery::InstanceName> named_;
  int64_t number_ = 0;  // Of the newest declaration.
  std::map<discovery::InstanceName, int64_t> numbers_;
  std::map<discovery::InstanceName, std::map<std::string, std::string>> members_;
  std::set<discovery::InstanceName> registered_;
  std::set<discovery::InstanceName> retried_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_SESSION_SESSION_MODEL_H_
