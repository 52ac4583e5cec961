#include "client/session/session_logic.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/wire/session_conversion.h"
#include "client/wire/status_conversion.h"

namespace scoutlight::client {

namespace wire = discovery::v1;

SessionLogic::SessionLogic(Parts parts, Settings settings)
    : parts_(std::move(parts)),
      settings_(std::move(settings)),
      loop_(*parts_.loop),
      set_(parts_.tell),
      backoff_(parts_.unit_random, std::min(Backoff::kMax, Backoff::WithinTtl(settings_.ttl))),
      beat_interval_(std::min(settings_.ttl / 3, kBeatMax)),
      reopen_(&loop_),
      answer_(&loop_),
      beat_(&loop_),
      lapse_(&loop_) {}

void SessionLogic::Register(std::vector<Wanted> wanted) {
  if (phase_ == Phase::kLeft) return;
  for (Wanted& one : wanted) set_.Want(one.name, std::move(one.properties), one.if_owned);
  if (phase_ == Phase::kIdle || phase_ == Phase::kTaken) return Open();
  Pump();
}

void SessionLogic::Unregister(const discovery::InstanceName& name) {
  set_.Unwant(name);
  Pump();
}

void SessionLogic::SetSoftValues(const discovery::InstanceName& name, discovery::SoftValues soft) {
  set_.SetSoftValues(name, std::move(soft));
  ScheduleBeat();
}

std::vector<discovery::InstanceName> SessionLogic::BeginLeaving() {
  leaving_ = true;
  return set_.BeginLeaving();
}

void SessionLogic::Leave(LeaveDone done) {
  BeginLeaving();
  leave_done_ = std::move(done);
  // What no stream was opened for cannot be registered, but by a predecessor; what another process has is not this one's to deregister.
  if ((!ever_opened_ && settings_.is_id_drawn) || phase_ == Phase::kTaken) {
    stream_.reset();
    return OnLeft(0);
  }
  set_.UnwantAll();
  if (phase_ == Phase::kOpen) return SendLeave();
  if (phase_ == Phase::kWaiting || phase_ == Phase::kIdle) Open();
}

void SessionLogic::Open() {
  reopen_.Clear();
  set_.BeginStream();
  phase_ = Phase::kOpening;
  round_under_way_ = declared_ = false;
  opened_at_ = loop_.Now();
  stream_ = parts_.open({.on_message = [this](const Response& response) { OnMessage(response); },
                         .on_end = [this](const absl::Status& status) { OnEnd(status); }});
  wire::SessionRequest request;
  request.mutable_open()->set_session_id(settings_.session_id);
  *request.mutable_open()->mutable_ttl() = WireDuration(settings_.ttl);
  stream_->Send(std::move(request));
  AwaitAnswer();
}

void SessionLogic::OnMessage(const Response& response) {
  silent_streams_ = 0;
  if (response.revision() != 0) parts_.saw(response.revision(), response.store_id());
  switch (response.step_case()) {
    case Response::kOpened:
      return OnOpened(response.opened());
    case Response::kAlive:
      return OnAlive();
    case Response::kInstances:
      for (const Response::InstanceState& state : response.instances().states()) set_.OnState(state);
      ScheduleBeat();
      return Pump();
    case Response::kLeft:
      return OnLeft(response.left().fenced());
    case Response::STEP_NOT_SET:
      return;
  }
}

void SessionLogic::OnOpened(const Response::Opened& opened) {
  if (phase_ != Phase::kOpening) return;
  phase_ = Phase::kOpen;
  ever_opened_ = true;
  OnRenewed(sent_at_);
  // With the lease everything went that is being left.
  if (leaving_ && !opened.resumed()) set_.UnwantAll();
  if (leave_done_ != nullptr) return SendLeave();
  Pump();
}

void SessionLogic::OnAlive() {
  if (!std::exchange(round_under_way_, false)) return;
  OnRenewed(sent_at_);
  set_.OnRoundTaken();
  ScheduleBeat();
  Pump();
}

void SessionLogic::OnRenewed(absl::Duration sent_at) {
  // After Leave its answer is the one that is awaited.
  if (leave_done_ == nullptr) answer_.Clear();
  lapse_.Set(sent_at + settings_.ttl - loop_.Now(), [this] {
    set_.OnLapse(absl::UnavailableError(
        absl::StrCat("no server has answered for ", absl::FormatDuration(settings_.ttl), ", for which the registration was to last")));
  });
}

void SessionLogic::OnLeft(int fenced) {
  if (leave_done_ == nullptr) return;
  phase_ = Phase::kLeft;
  answer_.Clear();
  lapse_.Clear();
  beat_.Clear();
  reopen_.Clear();
  set_.RemoveAll();
  std::exchange(leave_done_, nullptr)(fenced);
}

void SessionLogic::OnEnd(const absl::Status& status) {
  stream_.reset();
  answer_.Clear();
  beat_.Clear();
  if (phase_ == Phase::kLeft) return;
  const absl::Duration lived = loop_.Now() - opened_at_;
  backoff_.NoteLived(lived);
  if (lived >= Backoff::kGoodAfter) fenced_streams_ = 0;
  const std::optional<absl::Duration> delay = AfterEnd(status.ok() ? absl::UnavailableError("the server ended the stream") : status);
  if (!delay.has_value()) return;
  phase_ = Phase::kWaiting;
  reopen_.Set(*delay, [this] { Open(); });
}

std::optional<absl::Duration> SessionLogic::AfterEnd(const absl::Status& status) {
  if (ReasonOf(status) == Reason::kFenced && ++fenced_streams_ >= kFencedStreamsMax) {
    phase_ = Phase::kTaken;
    fenced_streams_ = 0;
    lapse_.Clear();
    set_.FenceAll(status);
    if (leave_done_ != nullptr) std::exchange(leave_done_, nullptr)(status);
    return std::nullopt;
  }
  if (Backoff::IsLasting(status.code())) {
    set_.RefuseAll(status);
  } else {
    set_.OnUnreachable(status);
  }
  return backoff_.NextAfter(status);
}

void SessionLogic::Pump() {
  if (phase_ != Phase::kOpen || round_under_way_ || leave_done_ != nullptr) return;
  if (!declared_ || set_.has_due()) SendRound();
}

void SessionLogic::SendRound() {
  beat_.Clear();
  if (auto declare = set_.TakeDeclare(); declare.has_value()) {
    wire::SessionRequest request;
    *request.mutable_declare() = *std::move(declare);
    stream_->Send(std::move(request));
  }
  declared_ = true;
  wire::SessionRequest request;
  *request.mutable_heartbeat() = set_.TakeHeartbeat();
  stream_->Send(std::move(request));
  round_under_way_ = true;
  AwaitAnswer();
}

void SessionLogic::SendLeave() {
  beat_.Clear();
  wire::SessionRequest request;
  request.mutable_leave();
  stream_->Send(std::move(request));
  AwaitAnswer();
}

void SessionLogic::ScheduleBeat() {
  if (phase_ != Phase::kOpen || round_under_way_ || !declared_ || leave_done_ != nullptr) return;
  const absl::Duration interval = set_.has_soft_due() ? std::min(kSoftPace, beat_interval_) : beat_interval_;
  beat_.Set(sent_at_ + interval - loop_.Now(), [this] { SendRound(); });
}

void SessionLogic::AwaitAnswer() {
  sent_at_ = loop_.Now();
  answer_.Set(answer_max(), [this] { OnNoAnswer(); });
}

absl::Duration SessionLogic::answer_max() const {
  absl::Duration max = std::min(beat_interval_, kAnswerFirst);
  for (int i = 0; i < silent_streams_ && max < kAnswerMax; ++i) max *= 2;
  return std::min(max, kAnswerMax);
}

void SessionLogic::OnNoAnswer() {
  const absl::Duration max = answer_max();
  // This process was stopped, or its machine slept: the answer may be here, and only not have been looked at.
  if (loop_.Now() - answer_.due_at() > max) return answer_.Set(max, [this] { OnNoAnswer(); });
  ++silent_streams_;
  stream_->GiveUp();
  OnEnd(absl::UnavailableError(absl::StrCat("the server has not answered for ", absl::FormatDuration(max))));
}

}  // namespace scoutlight::client
