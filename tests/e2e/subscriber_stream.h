#ifndef SCOUTLIGHT_TESTS_E2E_SUBSCRIBER_STREAM_H_
#define SCOUTLIGHT_TESTS_E2E_SUBSCRIBER_STREAM_H_

#include <cstdint>
#include <optional>
#include <string>

#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "tests/support/deadline.h"
#include "tests/support/frame_reader.h"

namespace scoutlight::testing {

namespace disco = discovery::v1;

// A DiscoveryService.Subscribe.
class SubscriberStream
    : public FrameReader<grpc::ClientAsyncReaderWriter<disco::SubscribeRequest, disco::SubscribeResponse>, disco::SubscribeResponse> {
 public:
  explicit SubscriberStream(disco::DiscoveryService::Stub& stub) {
    stream_ = stub.AsyncSubscribe(&context_, &queue_, TagOf(kStart));
    Begin(kStart);
    Await(kStart, kSoon);
  }

  bool Send(const disco::SubscribeRequest& request) {
    Begin(kWrite);
    stream_->Write(request, TagOf(kWrite));
    return Await(kWrite, kSoon).value_or(false);
  }
  bool Subscribe(const std::string& id, const std::string& service) {
    disco::SubscribeRequest request;
    request.set_subscriber_id(id);
    request.add_add()->set_service(service);
    // Nothing but what the test makes is sent.
    request.mutable_heartbeat()->set_seconds(3'600);
    return Send(request);
  }
  bool Confirm() {
    disco::SubscribeRequest request;
    request.set_confirmed(taken_);
    return Send(request);
  }

  // By which the server named it; empty: it has taken in nothing yet.
  const std::string& id() const { return id_; }

  // Takes in messages until one is the whole of a view that `shows` likes; false: none came.
  template <typename Shows>
  bool TakeUntil(Shows shows) {
    while (std::optional<disco::SubscribeResponse> message = Next(kSoon)) {
      ++taken_;
      if (!message->subscriber_id().empty()) id_ = message->subscriber_id();
      for (const disco::Instance& instance : message->frame().changed()) status_ = instance.status();
      const bool whole = message->frame().kind() != disco::WatchResponse::KIND_SNAPSHOT && !message->frame().fragment();
      if (message->has_frame() && whole && shows(*this)) return true;
    }
    return false;
  }
  bool TakeStatus(disco::InstanceStatus status) {
    return TakeUntil([status](const SubscriberStream& stream) { return stream.status_ == status; });
  }

 private:
  int64_t taken_ = 0;
  std::string id_;
  disco::InstanceStatus status_ = disco::INSTANCE_STATUS_UNSPECIFIED;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SUBSCRIBER_STREAM_H_
