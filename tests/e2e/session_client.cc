#include "tests/e2e/session_client.h"

#include "absl/strings/str_cat.h"
#include "tests/support/client.h"

namespace scoutlight::testing {

namespace disco = discovery::v1;

namespace {

void SetRegistration(const SessionClient::Name& name, int version, disco::Registration* registration) {
  registration->set_service(name.first);
  registration->set_id(name.second);
  auto& properties = *registration->mutable_properties();
  properties["hostname"] = "192.168.1.101";
  properties["port"] = "8001";
  properties["protocol"] = "https";
  properties["version"] = absl::StrCat(version);
}

}  // namespace

void SessionClient::Tick() {
  if (dead_ || left_) return;
  if (call_ == nullptr && stub_ != nullptr) Open();
  if (opened_ && !beating_ && SteadyNow() >= beat_at_) Beat();
}

void SessionClient::Open() {
  opened_ = resumed_ = beating_ = false;
  alives_ = 0;
  for (auto& [name, member] : members_) member.told = State::STATE_UNSPECIFIED;
  const auto start = [this](grpc::ClientContext* context, grpc::CompletionQueue* queue, void* tag) {
    return stub_->AsyncSession(context, queue, tag);
  };
  const auto call = std::make_shared<Call>(options_.recorder);
  call->stream = Stream::Open(&loop_, start,
                              {.on_response = [this, call](const Response& response) { OnResponse(call, response); },
                               .on_end = [this, call](const grpc::Status& status) { OnEnd(call, status); }});
  call_ = call;
  Request request;
  request.mutable_open()->set_session_id(options_.session_id);
  *request.mutable_open()->mutable_ttl() = WireDuration(options_.ttl);
  call->Send(request);
}

void SessionClient::OnResponse(const std::shared_ptr<Call>& call, const Response& response) {
  call->recording.Received(response);
  if (call != call_) return;
  if (response.has_opened()) {
    opened_ = true;
    store_id_ = response.store_id();
    resumed_ = response.opened().resumed();
    lease_id_ = response.opened().lease_id();
    beat_at_ = SteadyNow();
    std::vector<Name> all;
    for (const auto& [name, member] : members_) all.push_back(name);
    // The first of its stream: the whole set.
    call->Send(Declared(all));
  }
  if (response.has_alive()) {
    beating_ = false;
    lease_id_ = response.alive().lease_id();
    ++alives_;
    ++heartbeats_;
  }
  for (const State& state : response.instances().states()) OnState(state);
  left_ = left_ || response.has_left();
  if (options_.on_response != nullptr) options_.on_response(*this, response);
}

void SessionClient::OnState(const State& state) {
  const Name name(state.name().service(), state.name().id());
  ++told_[state.state()];
  if (state.state() == State::STATE_FENCED) {
    ++told_fenced_[name];
    members_.erase(name);
    return;
  }
  const auto found = members_.find(name);
  if (found == members_.end()) return;
  Member& member = found->second;
  member.told = state.state();
  if (state.state() != State::STATE_REGISTERED) return;
  member.epoch = state.epoch();
  member.take_over = false;
}

void SessionClient::OnEnd(const std::shared_ptr<Call>& call, const grpc::Status& status) {
  call->recording.Ended();
  if (call != call_) {
    beside_.push_back(status);
    return;
  }
  call_.reset();
  opened_ = false;
}

void SessionClient::Beat() {
  Request request;
  request.mutable_heartbeat();
  beating_ = true;
  beat_at_ = SteadyNow() + options_.ttl / 3;
  call_->Send(request);
}

SessionClient::Request SessionClient::Declared(const std::vector<Name>& names) const {
  disco::SessionRequest request;
  disco::SessionRequest::Declare& declare = *request.mutable_declare();
  for (const Name& name : names) {
    const Member& member = members_.at(name);
    SetRegistration(name, member.version, declare.add_set());
    declare.set_take_over(declare.take_over() || member.take_over);
  }
  return request;
}

void SessionClient::Declare(const std::vector<Name>& names, int version, TakeOver take_over) {
  for (const Name& name : names) {
    Member& member = members_[name];
    member.version = version;
    member.take_over = take_over == TakeOver::kYes;
    member.told = State::STATE_UNSPECIFIED;
  }
  // Else with the first declaration of the next stream.
  if (opened_) call_->Send(Declared(names));
}

void SessionClient::DeclareStale(const Name& name, int version, double load) {
  if (!opened_) return;
  Request heartbeat;
  disco::SessionRequest::Heartbeat::Values& values = *heartbeat.mutable_heartbeat()->add_values();
  values.mutable_name()->set_service(name.first);
  values.mutable_name()->set_id(name.second);
  values.mutable_soft()->set_load(load);
  beating_ = true;
  call_->Send(heartbeat);
  Request declaration;
  SetRegistration(name, version, declaration.mutable_declare()->add_set());
  call_->Send(declaration);
}

void SessionClient::OpenBeside(int version) {
  if (!opened_) return;
  const std::shared_ptr<Call> older = call_;
  older_.push_back(older);
  Open();
  Request heartbeat;
  heartbeat.mutable_heartbeat();
  older->Send(heartbeat);
  Request declaration;
  for (const auto& [name, member] : members_) SetRegistration(name, version, declaration.mutable_declare()->add_set());
  older->Send(declaration);
}

void SessionClient::Leave() {
  if (!opened_) return;
  Request request;
  request.mutable_leave();
  call_->Send(request);
}

void SessionClient::Die() {
  dead_ = true;
  opened_ = false;
  for (const std::shared_ptr<Call>& older : older_) older->Drop();
  older_.clear();
  if (call_ != nullptr) call_->Drop();
  call_.reset();
}

bool SessionClient::IsWell() const {
  if (!opened_ || alives_ == 0) return false;
  for (const auto& [name, member] : members_) {
    if (member.told != State::STATE_REGISTERED) return false;
  }
  return true;
}

std::string SessionClient::Describe() const {
  std::string text = absl::StrCat("session ", options_.session_id, opened_ ? " open" : " not open", ", ", alives_, " heartbeats answered:");
  for (const auto& [name, member] : members_) {
    absl::StrAppend(&text, " ", name.first, "/", name.second, " ", State::State_Name(member.told), " epoch ", member.epoch);
  }
  return text;
}

int SessionClient::told_fenced(const Name& name) const {
  const auto found = told_fenced_.find(name);
  return found == told_fenced_.end() ? 0 : found->second;
}

}  // namespace scoutlight::testing
