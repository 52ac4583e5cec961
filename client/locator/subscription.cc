#include "client/locator/subscription.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/error.h"
#include "client/wire/time_conversion.h"

namespace scoutlight::client {
namespace {

using Refused = Subscription::Events::Refused;

// Of what trying again at once does not mend.
Refused IsRefused(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kUnimplemented:
      return Refused::kYes;
    default:
      return Refused::kNo;
  }
}

// The id is another's: of a stream that has come after, or of a caller under another address.
bool IsIdLost(const absl::Status& status) {
  if (absl::IsAborted(status)) return true;
  const std::optional<ErrorDetails> details = DetailsOf(status);
  if (!details.has_value() || !absl::IsInvalidArgument(status)) return false;
  return std::any_of(details->violations.begin(), details->violations.end(),
                     [](const FieldViolation& violation) { return violation.field == "subscriber_id"; });
}

absl::Duration RetryAfter(const absl::Status& status) {
  const std::optional<ErrorDetails> details = DetailsOf(status);
  return details.has_value() ? details->retry_after : absl::ZeroDuration();
}

}  // namespace

Subscription::Subscription(Parts parts, Options options, Events events)
    : parts_(std::move(parts)),
      options_(std::move(options)),
      events_(std::move(events)),
      subscriber_id_(options_.subscriber_id),
      backoff_(parts_.unit_random) {}

Subscription::~Subscription() {
  for (const EventLoop::TimerId timer : {opening_, flushing_, silence_}) parts_.loop->Cancel(timer);
}

void Subscription::Add(const std::string& service, Acts acts) {
  if (acts == Acts::kYes && subscriber_id_.empty()) subscriber_id_ = parts_.new_id();
  if (!wanted_.insert(service).second) return;
  if (stream_ == nullptr) {
    if (opening_ == 0) OpenAfter(absl::ZeroDuration());
    return;
  }
  // The server is not to take it for one that knew nothing when it came.
  if (acts == Acts::kYes && nameless_) return BeginAnew(absl::ZeroDuration());
  // It was removed, and whoever forgot what was told of it needs it anew. What is under way of the time before cannot be told from what
  // comes now: on another stream it can.
  if (removed_.contains(service) || asked_.contains(service)) return BeginAnew(absl::ZeroDuration());
  FlushSoon();
}

void Subscription::Remove(const std::string& service) {
  if (wanted_.erase(service) > 0 && stream_ != nullptr) FlushSoon();
}

void Subscription::Goodbye(EventLoop::Task done) {
  goodbye_ = true;
  if (stream_ == nullptr) return parts_.loop->Post(std::move(done));
  on_goodbye_ = std::move(done);
  Request request;
  request.set_confirmed(received_);
  request.set_goodbye(true);
  stream_->Send(std::move(request));
  stream_->CloseSending();
}

void Subscription::OpenAfter(absl::Duration delay) {
  parts_.loop->Cancel(opening_);
  opening_ = parts_.loop->PostAfter(delay, [this] {
    opening_ = 0;
    if (!goodbye_ && !wanted_.empty()) Open();
  });
}

void Subscription::AddService(const std::string& service, Request* request) const {
  Request::Service* const added = request->add_add();
  added->set_cluster(options_.cluster);
  added->set_service(service);
}

void Subscription::Open() {
  opened_at_ = heard_at_ = parts_.loop->Now();
  received_ = confirmed_ = 0;
  removed_.clear();
  asked_ = wanted_;
  nameless_ = subscriber_id_.empty();
  events_.on_begin();
  stream_ = parts_.open(
      {.on_message = [this](Response message) { OnMessage(message); }, .on_end = [this](const absl::Status& status) { OnEnd(status); }});
  Request request;
  request.set_subscriber_id(subscriber_id_);
  *request.mutable_heartbeat() = WireDuration(options_.heartbeat);
  for (const std::string& service : asked_) AddService(service, &request);
  stream_->Send(std::move(request));
  WatchSilence();
}

void Subscription::WatchSilence() {
  parts_.loop->Cancel(silence_);
  const absl::Duration silent_max = options_.heartbeat * kSilentHeartbeats;
  silence_ = parts_.loop->PostAfter(heard_at_ + silent_max - parts_.loop->Now(), [this, silent_max] {
    silence_ = 0;
    if (stream_ == nullptr || goodbye_) return;
    if (parts_.loop->Now() - heard_at_ < silent_max) return WatchSilence();
    GiveUp(absl::UnavailableError("the server is silent"));
  });
}

void Subscription::GiveUp(const absl::Status& why) {
  if (stream_ == nullptr) return;
  stream_->GiveUp();
  OnEnd(why);
}

void Subscription::OnMessage(const Response& message) {
  heard_at_ = parts_.loop->Now();
  ++received_;
  if (goodbye_) return;
  // In the first message, before it can act on anything.
  if (!message.subscriber_id().empty()) subscriber_id_ = message.subscriber_id();
  if (message.has_frame()) {
    if (message.frame().kind() == discovery::v1::WatchResponse::KIND_PROGRESS) {
      events_.on_progress(message.frame());
    } else if (asked_.contains(message.service().service()) && wanted_.contains(message.service().service())) {
      if (absl::Status wrong = events_.on_frame(message.service().service(), message.frame()); !wrong.ok()) {
        stream_ = nullptr;
        return OnEnd(wrong);
      }
    }
  } else if (received_ > 1) {
    events_.on_cut_off();
  }
  FlushSoon();
}

void Subscription::OnEnd(const absl::Status& status) {
  stream_ = nullptr;
  parts_.loop->Cancel(std::exchange(flushing_, 0));
  parts_.loop->Cancel(std::exchange(silence_, 0));
  if (goodbye_) {
    if (on_goodbye_) parts_.loop->Post(std::exchange(on_goodbye_, nullptr));
    return;
  }
  backoff_.NoteLived(parts_.loop->Now() - opened_at_);
  const bool id_lost = IsIdLost(status);
  if (id_lost) subscriber_id_ = parts_.new_id();
  const Refused refused = id_lost ? Refused::kNo : IsRefused(status);
  OpenAfter(refused == Refused::kYes ? std::max(backoff_.Slowest(), RetryAfter(status)) : backoff_.Next(RetryAfter(status)));
  events_.on_end(status, refused);
}

void Subscription::BeginAnew(absl::Duration delay) {
  stream_ = nullptr;
  parts_.loop->Cancel(std::exchange(flushing_, 0));
  OpenAfter(delay);
}

void Subscription::FlushSoon() {
  if (flushing_ == 0) flushing_ = parts_.loop->PostAfter(absl::ZeroDuration(), [this] { Flush(); });
}

void Subscription::Flush() {
  flushing_ = 0;
  if (stream_ == nullptr || goodbye_) return;
  if (stream_->unsent() >= kUnsentMax) {
    flushing_ = parts_.loop->PostAfter(kFlushPause, [this] { Flush(); });
    return;
  }
  Request request;
  for (auto asked = asked_.begin(); asked != asked_.end();) {
    if (wanted_.contains(*asked)) {
      ++asked;
      continue;
    }
    Request::Service* const removed = request.add_remove();
    removed->set_cluster(options_.cluster);
    removed->set_service(*asked);
    removed_.insert(*asked);
    asked = asked_.erase(asked);
  }
  for (const std::string& service : wanted_) {
    if (asked_.insert(service).second) AddService(service, &request);
  }
  if (confirmed_ < received_) {
    if (events_.may_confirm()) {
      confirmed_ = received_;
      request.set_confirmed(confirmed_);
    } else {
      flushing_ = parts_.loop->PostAfter(kFlushPause, [this] { Flush(); });
    }
  }
  if (request.confirmed() > 0 || request.add_size() > 0 || request.remove_size() > 0) stream_->Send(std::move(request));
}

}  // namespace scoutlight::client
