#include "client/gates/gate_core.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/shown.h"
#include "client/events/run_and_wait.h"

namespace scoutlight::client {
namespace {

// How long closing waits for sockets, beside what it was given: longer than each of them takes.
constexpr absl::Duration kCloseSlack = absl::Seconds(1);

absl::Duration Now() { return Clock::System().SinceBoot(); }

}  // namespace

GateCore::Lines::Lines(GateCore* gate, std::unique_ptr<Governor> governor)
    : leaving(gate->parts_.loop.get(), &gate->traffic_, [gate] { gate->OnAllLeft(); }),
      dialled({.loop = gate->parts_.loop.get(),
               .traffic = &gate->traffic_,
               .leaving = &leaving,
               .governor = std::move(governor),
               .linger = gate->options_.linger}),
      bound(&gate->traffic_, &leaving, gate->options_.linger) {}

GateCore::Lines::~Lines() {
  leaving.BeginClose();
  dialled.BeginClose();
  bound.BeginClose();
}

GateCore::GateCore(GateOptions options, Parts parts)
    : options_(std::move(options)),
      parts_(std::move(parts)),
      traffic_(options_, parts_.make_socket, parts_.loop.get(), parts_.sender),
      lines_(std::make_unique<Lines>(this, parts_.make_governor())) {
  traffic_.SetOnPeers([this] { PostGovern(); });
}

GateCore::~GateCore() = default;

absl::Status GateCore::PushFault(const std::string& body) const {
  if (body.size() > options_.message_bytes_max) {
    return InvalidField(Reason::kValueTooLarge, "body",
                        absl::StrCat("has ", body.size(), " bytes, at most ", options_.message_bytes_max, " are allowed"));
  }
  if (traffic_.sender() == nullptr || traffic_.asker() != nullptr) {
    return absl::UnimplementedError(absl::StrCat("a gate of type ", topology::LinkTypeText(*options_.type), " is not pushed into"));
  }
  return absl::OkStatus();
}

absl::Status GateCore::Push(std::string&& body, absl::Duration timeout) {
  if (absl::Status fault = PushFault(body); !fault.ok()) return fault;
  return traffic_.sender()->Push(std::move(body), timeout);
}

absl::Status GateCore::Relay(Message&& cause, std::string body, absl::Duration timeout) {
  if (absl::Status fault = PushFault(body); !fault.ok()) return fault;
  if (traffic_.acked() != nullptr) return traffic_.acked()->Relay(&cause, std::move(body), timeout);
  if (absl::Status failed = traffic_.sender()->Push(std::move(body), timeout); !failed.ok()) return failed;
  return Message(std::move(cause)).Confirm();
}

absl::StatusOr<std::string> GateCore::Ask(std::string body, absl::Duration timeout) {
  if (body.size() > options_.message_bytes_max) {
    return InvalidField(Reason::kValueTooLarge, "body",
                        absl::StrCat("has ", body.size(), " bytes, at most ", options_.message_bytes_max, " are allowed"));
  }
  if (traffic_.asker() == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("a gate of type ", topology::LinkTypeText(*options_.type), " asks nobody, REQ alone does"));
  }
  return traffic_.asker()->Ask(std::move(body), timeout);
}

absl::StatusOr<Message> GateCore::Pull(absl::Duration timeout) {
  if (traffic_.receiver() == nullptr) {
    return absl::UnimplementedError(absl::StrCat("a gate of type ", topology::LinkTypeText(*options_.type), " is not pulled from"));
  }
  return traffic_.receiver()->Pull(timeout);
}

void GateCore::OnLoop(const std::function<void(Lines*)>& work) const {
  RunAndWait(parts_.loop.get(), [this, &work] {
    if (lines_ != nullptr) work(lines_.get());
  });
}

void GateCore::SetWanted(std::vector<GateEndpoint> wanted) {
  parts_.loop->Post([weak = weak_from_this(), wanted = std::move(wanted)]() mutable {
    const std::shared_ptr<GateCore> gate = weak.lock();
    if (gate != nullptr && gate->lines_ != nullptr && !gate->lines_->closing) gate->lines_->dialled.SetWanted(std::move(wanted));
  });
}

void GateCore::PostGovern() {
  if (governing_.exchange(true, std::memory_order_relaxed)) return;
  parts_.loop->Post([weak = weak_from_this()] {
    const std::shared_ptr<GateCore> gate = weak.lock();
    if (gate == nullptr) return;
    gate->governing_.store(false, std::memory_order_relaxed);
    if (gate->lines_ != nullptr && !gate->lines_->closing) gate->lines_->dialled.Govern();
  });
}

absl::Status GateCore::Bind(const std::vector<std::string>& addresses, IfTaken if_taken) {
  absl::Status bound = absl::FailedPreconditionError("the gate is closed");
  OnLoop([&](Lines* lines) {
    if (!lines->closing) bound = lines->bound.SetAddresses(addresses, if_taken);
  });
  return bound;
}

std::vector<std::string> GateCore::urls() const {
  std::vector<std::string> urls;
  OnLoop([&](Lines* lines) { urls = lines->bound.urls(); });
  return urls;
}

void GateCore::SetProblem(absl::Status problem) {
  MutexLock lock(&mu_);
  problem_ = std::move(problem);
}

GateCounters GateCore::CountOf(const Lines& lines) const {
  GateCounters counters = traffic_.Count();
  counters.peers = lines.dialled.peers() + lines.bound.peers();
  return counters;
}

GateCounters GateCore::Count() const {
  GateCounters counters = traffic_.Count();
  OnLoop([&](Lines* lines) { counters = CountOf(*lines); });
  return counters;
}

GateReport GateCore::Look() const {
  GateReport report;
  report.counters = traffic_.Count();
  std::vector<DialledLines::Reported> endpoints;
  OnLoop([&](Lines* lines) {
    lines->dialled.Report(&endpoints);
    report.bound = lines->bound.urls();
    report.counters = CountOf(*lines);
  });
  for (DialledLines::Reported& reported : endpoints) {
    if (reported.unconnected != nullptr) reported.endpoint.problem = reported.unconnected->socket().Problem();
    report.endpoints.push_back(std::move(reported.endpoint));
  }
  MutexLock lock(&mu_);
  report.problem = problem_;
  return report;
}

void GateCore::OnAllLeft() {
  if (!lines_->closing) return;
  MutexLock lock(&mu_);
  all_left_ = true;
  changed_.NotifyAll();
}

GateCloseReport GateCore::Close(absl::Duration flush_timeout) {
  {
    MutexLock lock(&mu_);
    if (std::exchange(closed_, true)) return {};
  }
  const absl::Duration end = Now() + flush_timeout;
  if (on_close_) on_close_();
  GateCloseReport report;
  if (Sender* const sender = traffic_.sender(); sender != nullptr) {
    sender->Stop();
    report.unsent = sender->AwaitEmpty(flush_timeout);
  }
  ReceiveQueue* const receiver = traffic_.receiver();
  // Somebody else is to get what nobody here has pulled.
  if (receiver != nullptr && options_.delivery == Delivery::kAcked) receiver->Stop(ReceiveQueue::Drop::kAll);
  OnLoop([&](Lines* lines) {
    const absl::Duration linger = std::max(end - Now(), absl::ZeroDuration());
    lines->dialled.LeaveAll(linger);
    lines->bound.LeaveAll(linger);
    // Only now does it count when none is left.
    lines->closing = true;
    if (lines->leaving.empty()) OnAllLeft();
  });
  // On the loop nothing would leave meanwhile.
  if (!parts_.loop->IsRunningTask()) {
    MutexLock lock(&mu_);
    for (absl::Duration left = end + kCloseSlack - Now(); !all_left_ && left > absl::ZeroDuration(); left = end + kCloseSlack - Now()) {
      changed_.WaitFor(&mu_, left);
    }
  }
  RunAndWait(parts_.loop.get(), [this] { lines_ = nullptr; });
  if (traffic_.sender() != nullptr) traffic_.sender()->Drop();
  if (receiver != nullptr) receiver->Stop(ReceiveQueue::Drop::kNothing);
  return report;
}

}  // namespace scoutlight::client
