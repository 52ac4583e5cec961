#include "tests/e2e/service_observer.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace scoutlight::testing {

namespace disco = discovery::v1;

void ServiceObserver::Tick() {
  if (!open() && stub_ != nullptr) Open(stub_);
}

void ServiceObserver::Begin() {
  whole_.clear();
  snapshots_.clear();
  revisions_.clear();
}

void ServiceObserver::Enter(const std::string& store) {
  if (!stores_.empty() && stores_.back() == store) return;
  EXPECT_EQ(std::count(stores_.begin(), stores_.end(), store), 0) << "a store that was there before another";
  stores_.push_back(store);
  owned_.clear();
}

void ServiceObserver::Take(const std::string& service, const disco::WatchResponse& frame) {
  Enter(frame.store_id());
  if (frame.kind() == disco::WatchResponse::KIND_SNAPSHOT) {
    for (const disco::Instance& instance : frame.changed()) snapshots_[service][instance.id()] = instance;
    return;
  }
  int64_t& revision = revisions_[service];
  EXPECT_GE(frame.revision(), revision) << service;
  revision = frame.revision();
  if (frame.kind() == disco::WatchResponse::KIND_SNAPSHOT_END) {
    Replace(service, std::exchange(snapshots_[service], {}));
    whole_.insert(service);
    return;
  }
  for (const disco::Instance& instance : frame.changed()) Show(service, instance);
  for (const std::string& id : frame.removed()) {
    if (shown_.erase({service, id}) > 0) removed_.emplace_back(service, id);
  }
}

void ServiceObserver::Replace(const std::string& service, std::map<std::string, disco::Instance> snapshot) {
  for (auto shown = shown_.lower_bound({service, ""}); shown != shown_.end() && shown->first.first == service;) {
    if (snapshot.count(shown->first.second) > 0) {
      ++shown;
    } else {
      removed_.push_back(shown->first);
      shown = shown_.erase(shown);
    }
  }
  for (const auto& [id, instance] : snapshot) Show(service, instance);
}

void ServiceObserver::Show(const std::string& service, const disco::Instance& instance) {
  const Name name(service, instance.id());
  Owned& owned = owned_[name];
  EXPECT_GE(instance.epoch(), owned.epoch) << "the epoch of " << service << "/" << instance.id() << " goes back";
  if (instance.epoch() == owned.epoch) {
    EXPECT_EQ(instance.lease_id(), owned.lease_id) << "two owners of " << service << "/" << instance.id() << " in epoch " << owned.epoch;
  }
  owned = {.epoch = instance.epoch(), .lease_id = instance.lease_id()};
  if (instance.status() == disco::INSTANCE_STATUS_OWNER_LOST) held_.insert(name);
  shown_[name] = instance;
}

void SubscribeObserver::Open(Stub* stub) {
  Begin();
  taken_ = 0;
  recording_ = std::make_unique<checker::ObserverRecording>(&recorder_, subscriber_id_);
  const auto start = [stub](grpc::ClientContext* context, grpc::CompletionQueue* queue, void* tag) {
    return stub->AsyncSubscribe(context, queue, tag);
  };
  stream_ = Stream::Open(&loop_, start,
                         {.on_response = [this](const Response& response) { OnResponse(response); },
                          .on_end =
                              [this](const grpc::Status&) {
                                recording_->Ended();
                                stream_.reset();
                              }});
  Request request;
  request.set_subscriber_id(subscriber_id_);
  for (const std::string& service : services()) request.add_add()->set_service(service);
  Send(request);
}

void SubscribeObserver::Send(const Request& request) {
  recording_->Sending(request);
  stream_->Send(request);
}

void SubscribeObserver::OnResponse(const Response& response) {
  recording_->Received(response);
  ++taken_;
  if (response.has_service()) Take(response.service().service(), response.frame());
  Request request;
  request.set_confirmed(taken_);
  Send(request);
}

void SubscribeObserver::Stop() {
  Connect(nullptr);
  if (stream_ == nullptr) return;
  recording_->Ended();
  stream_->Drop();
  stream_.reset();
}

void WatchObserver::Open(Stub* stub) {
  Begin();
  disco::WatchRequest request;
  request.set_service(services().front());
  recording_ = std::make_unique<checker::ObserverRecording>(&recorder_, name_, request);
  const auto start = [&](grpc::ClientContext* context, grpc::CompletionQueue* queue, void* tag) {
    return stub->AsyncWatch(context, request, queue, tag);
  };
  stream_ = Stream::Open(&loop_, start,
                         {.on_response =
                              [this](const Response& response) {
                                recording_->Received(response);
                                Take(services().front(), response);
                              },
                          .on_end =
                              [this](const grpc::Status&) {
                                recording_->Ended();
                                stream_.reset();
                              }});
}

void WatchObserver::Stop() {
  Connect(nullptr);
  if (stream_ == nullptr) return;
  recording_->Ended();
  stream_->Drop();
  stream_.reset();
}

}  // namespace scoutlight::testing
