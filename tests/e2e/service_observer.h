#ifndef SCOUTLIGHT_TESTS_E2E_SERVICE_OBSERVER_H_
#define SCOUTLIGHT_TESTS_E2E_SERVICE_OBSERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scoutlight/discovery/v1/discovery.grpc.pb.h"
#include "tests/checker/registration_recorder.h"
#include "tests/support/stream_loop.h"

namespace scoutlight::testing {

// The instances of some services as a stream of Subscribe or Watch shows them; begun anew whenever it has ended. What no stream may show
// fails the test: an epoch that goes back within a store, one epoch on two leases, a revision that goes back within a stream. On a
// StreamLoop; all is recorded.
class ServiceObserver {
 public:
  using Stub = discovery::v1::DiscoveryService::Stub;
  using Name = std::pair<std::string, std::string>;  // Service and id.
  using Shown = std::map<Name, discovery::v1::Instance>;

  virtual ~ServiceObserver() = default;

  // Streams are opened there from now on; null: nowhere. `stub` is valid until the next call.
  void Connect(Stub* stub) { stub_ = stub; }
  // To be called often: begins anew when that is due.
  void Tick();
  virtual void Stop() = 0;
  virtual bool open() const = 0;  // Whether it has a stream.

  const std::vector<std::string>& services() const { return services_; }
  // The present stream has shown all of each service.
  bool whole() const { return whole_.size() == services_.size(); }
  // As shown last: of a service whose snapshot is under way, as it was before.
  const Shown& shown() const { return shown_; }
  // Since the last call: those that were shown no more, in a frame or in the first snapshot of a stream; those shown as OWNER_LOST.
  std::vector<Name> TakeRemoved() { return std::exchange(removed_, {}); }
  std::set<Name> TakeHeld() { return std::exchange(held_, {}); }
  // The stores it was shown, in order.
  const std::vector<std::string>& stores() const { return stores_; }

 protected:
  ServiceObserver(StreamLoop* loop, std::vector<std::string> services, checker::RegistrationRecorder* recorder)
      : loop_(*loop), recorder_(*recorder), services_(std::move(services)) {}

  virtual void Open(Stub* stub) = 0;
  void Begin();  // A new stream.
  void Take(const std::string& service, const discovery::v1::WatchResponse& frame);

  StreamLoop& loop_;
  checker::RegistrationRecorder& recorder_;
  const std::vector<std::string> services_;

 private:
  void Enter(const std::string& store);
  void Show(const std::string& service, const discovery::v1::Instance& instance);
  void Replace(const std::string& service, std::map<std::string, discovery::v1::Instance> snapshot);

  Stub* stub_ = nullptr;
  std::set<std::string> whole_;
  std::map<std::string, std::map<std::string, discovery::v1::Instance>> snapshots_;  // Under way, by service.
  std::map<std::string, int64_t> revisions_;                                         // Of the present stream, by service.
  Shown shown_;
  std::vector<Name> removed_;
  std::set<Name> held_;
  std::vector<std::string> stores_;
  // Of the present store: the highest epoch of each, and its lease.
  struct Owned {
    int64_t epoch = 0;
    int64_t lease_id = 0;
  };
  std::map<Name, Owned> owned_;
};

// Confirms each message.
class SubscribeObserver final : public ServiceObserver {
 public:
  SubscribeObserver(StreamLoop* loop, std::string subscriber_id, std::vector<std::string> services, checker::RegistrationRecorder* recorder)
      : ServiceObserver(loop, std::move(services), recorder), subscriber_id_(std::move(subscriber_id)) {}
  ~SubscribeObserver() override { Stop(); }

  void Stop() override;
  bool open() const override { return stream_ != nullptr; }

 private:
  using Request = discovery::v1::SubscribeRequest;
  using Response = discovery::v1::SubscribeResponse;
  using Stream = LoopStream<grpc::ClientAsyncReaderWriter<Request, Response>, Response>;

  void Open(Stub* stub) override;
  void Send(const Request& request);
  void OnResponse(const Response& response);

  const std::string subscriber_id_;
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<checker::ObserverRecording> recording_;
  int64_t taken_ = 0;
};

class WatchObserver final : public ServiceObserver {
 public:
  WatchObserver(StreamLoop* loop, std::string name, const std::string& service, checker::RegistrationRecorder* recorder)
      : ServiceObserver(loop, {service}, recorder), name_(std::move(name)) {}
  ~WatchObserver() override { Stop(); }

  void Stop() override;
  bool open() const override { return stream_ != nullptr; }

 private:
  using Response = discovery::v1::WatchResponse;
  using Stream = LoopStream<grpc::ClientAsyncReader<Response>, Response>;

  void Open(Stub* stub) override;

  const std::string name_;
  std::shared_ptr<Stream> stream_;
  std::unique_ptr<checker::ObserverRecording> recording_;
};

}  // namespace scoutlight::testing

#endif  // SCOUTLIGHT_TESTS_E2E_SERVICE_OBSERVER_H_
