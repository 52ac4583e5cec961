#ifndef SCOUTLIGHT_CLIENT_HTTP_FAKE_TRANSPORT_H_
#define SCOUTLIGHT_CLIENT_HTTP_FAKE_TRANSPORT_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "client/http_transport.h"

namespace scoutlight::client {

// A transport whose instances are the test: keeps what was begun, and tells what the test says. Not thread-safe.
class FakeTransport final : public HttpTransport {
 public:
  using Take = HttpExchangeEvents::Take;

  // One exchange as the instance sees it.
  class Exchange {
   public:
    const HttpExchangeRequest& request() const { return request_; }
    bool is_open() const { return !destroyed_ && !ended_; }
    bool is_cancelled() const { return destroyed_ && !ended_; }
    int resumed() const { return resumed_; }
    void set_sent(bool sent) { sent_ = sent; }

    Take Head(int status, HttpHeaders headers = {}) { return events_->OnHead(status, std::move(headers)); }
    Take Body(absl::string_view bytes) { return events_->OnBody(bytes); }
    void End(absl::Status status = absl::OkStatus(), bool sent = true) {
      ended_ = true;
      events_->OnEnd({std::move(status), sent});
    }
    // All at once. A head that is not taken ends the exchange, as with any transport.
    void Answer(int status, absl::string_view body = "", HttpHeaders headers = {}) {
      if (Head(status, std::move(headers)) == Take::kStop) return End(absl::CancelledError("stopped"));
      if (!body.empty() && Body(body) == Take::kStop) return End(absl::CancelledError("stopped"));
      End();
    }
    void Break(bool sent = true) { End(absl::UnavailableError("connection reset"), sent); }

   private:
    friend class FakeTransport;

    HttpExchangeRequest request_;
    HttpExchangeEvents* events_ = nullptr;
    bool ended_ = false;
    bool destroyed_ = false;
    int resumed_ = 0;
    bool sent_ = true;
  };

  std::unique_ptr<HttpExchange> Begin(HttpExchangeRequest request, HttpExchangeEvents* events) override {
    auto exchange = std::make_shared<Exchange>();
    exchange->request_ = std::move(request);
    exchange->events_ = events;
    begun_.push_back(exchange);
    return std::make_unique<Handle>(std::move(exchange));
  }
  void Poll(absl::Duration) override {}
  void Wake() override {}

  int begun() const { return static_cast<int>(begun_.size()); }
  int open() const {
    int open = 0;
    for (const auto& exchange : begun_) open += exchange->is_open();
    return open;
  }
  // That which was begun as number `i`, from 0.
  Exchange& at(int i) { return *begun_[static_cast<size_t>(i)]; }
  Exchange& newest() { return *begun_.back(); }

 private:
  class Handle final : public HttpExchange {
   public:
    explicit Handle(std::shared_ptr<Exchange> exchange) : exchange_(std::move(exchange)) {}
    ~Handle() override { exchange_->destroyed_ = true; }
    void Resume() override { ++exchange_->resumed_; }
    bool WasSent() const override { return exchange_->sent_; }

   private:
    const std::shared_ptr<Exchange> exchange_;
  };

  std::vector<std::shared_ptr<Exchange>> begun_;
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_HTTP_FAKE_TRANSPORT_H_
