#include "client/gates/ask_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/gates/acked_format.h"

namespace scoutlight::client {

absl::Status AskQueue::Push(std::string&& body, absl::Duration timeout) { return Relay(nullptr, std::move(body), timeout); }

absl::Status AskQueue::Relay(Message* cause, std::string&& body, absl::Duration timeout) {
  {
    MutexLock lock(&mu_);
    if (absl::Status full = room_.Take(body.size(), timeout, &mu_); !full.ok()) return full;
    auto item = std::make_shared<Item>();
    item->number = ++last_number_;
    item->body_bytes = body.size();
    item->bytes = EncodeRequest({.id = {options_.sender, item->number}, .queue = options_.queue, .body = body});
    body.clear();
    if (cause != nullptr) item->cause = std::move(*cause);
    ++counters_.pushed;
    pending_.push_back(item);
    items_.emplace(item->number, std::move(item));
  }
  Pump();
  return absl::OkStatus();
}

absl::StatusOr<std::string> AskQueue::Ask(std::string body, absl::Duration timeout) {
  const absl::Duration end = Clock::System().SinceBoot() + timeout;
  Waiter waiter;
  auto item = std::make_shared<Item>();
  {
    MutexLock lock(&mu_);
    if (absl::Status full = room_.Take(body.size(), timeout, &mu_); !full.ok()) return full;
    item->number = ++last_number_;
    item->body_bytes = body.size();
    item->bytes = std::move(body);
    item->waiter = &waiter;
    ++counters_.pushed;
    pending_.push_back(item);
    items_.emplace(item->number, item);
  }
  Pump();
  MutexLock lock(&mu_);
  while (!waiter.done) {
    const absl::Duration left = end - Clock::System().SinceBoot();
    if (left <= absl::ZeroDuration()) {
      Remove(item);
      return absl::DeadlineExceededError(
          absl::StrCat("no reply came within ", absl::FormatDuration(timeout), "; the request was sent ", item->sent, " times"));
    }
    answered_.WaitFor(&mu_, left);
  }
  return std::move(waiter.answer);
}

LinePtr AskQueue::Choose(const Item& item) const {
  LinePtr best;
  const auto rank = [&item](const LinePtr& line) { return std::pair(line.get() == item.last, line->to_send.asks); };
  for (const LinePtr& line : lines_) {
    if (best == nullptr || rank(line) < rank(best)) best = line;
  }
  return best;
}

AskQueue::ItemPtr AskQueue::NextPending() {
  for (std::deque<ItemPtr>* const pending : {&suspected_, &pending_}) {
    while (!pending->empty() && !items_.contains(pending->front()->number)) pending->pop_front();
    if (!pending->empty() && (pending == &pending_ || suspected_out_ == 0)) return pending->front();
  }
  return nullptr;
}

bool AskQueue::TakeNext(LinePtr* line, ItemPtr* item) {
  MutexLock lock(&mu_);
  if (out_ >= options_.unconfirmed_max) return false;
  *item = NextPending();
  if (*item == nullptr) return false;
  *line = Choose(**item);
  if (*line == nullptr) return false;
  ((*item)->is_suspected() ? suspected_ : pending_).pop_front();
  if ((*item)->is_suspected()) {
    suspected_out_ = (*item)->number;
    After(kSuspectedAlone, [number = suspected_out_](AskQueue& queue) ABSL_NO_THREAD_SAFETY_ANALYSIS {
      if (queue.suspected_out_ == number) queue.suspected_out_ = 0;
    });
  }
  (*item)->last = line->get();
  (*item)->is_out = true;
  counters_.resent += (*item)->sent++ > 0;
  ++(*line)->to_send.asks;
  ++out_;
  return true;
}

void AskQueue::Pump() {
  LinePtr line;
  ItemPtr item;
  while (TakeNext(&line, &item)) {
    if (line->socket().Ask(item->number, item->bytes, options_.confirm_timeout).ok()) continue;
    // It is closed, or has no context: it gets nothing more until its peers change.
    MutexLock lock(&mu_);
    TakeIn(line, item->number);
    item->is_out = false;
    SendAgain(item);
    lines_.erase(std::remove(lines_.begin(), lines_.end(), line), lines_.end());
  }
}

void AskQueue::TakeIn(const LinePtr& line, uint64_t number) {
  --out_;
  --line->to_send.asks;
  if (suspected_out_ == number) suspected_out_ = 0;
}

void AskQueue::OnPeers(const LinePtr& line, int peers) {
  {
    MutexLock lock(&mu_);
    line->to_send.peers = peers;
    const bool usable = peers > 0 && !line->to_send.retired;
    const auto found = std::find(lines_.begin(), lines_.end(), line);
    if (usable && found == lines_.end()) lines_.push_back(line);
    if (!usable && found != lines_.end()) lines_.erase(found);
  }
  Pump();
}

void AskQueue::Retire(const LinePtr& line) {
  MutexLock lock(&mu_);
  line->to_send.retired = true;
  lines_.erase(std::remove(lines_.begin(), lines_.end(), line), lines_.end());
}

bool AskQueue::IsIdle(const LinePtr& line) const {
  MutexLock lock(&mu_);
  return line->to_send.asks == 0;
}

void AskQueue::OnAnswer(const LinePtr& line, uint64_t ask, absl::StatusOr<std::string> answer) {
  std::optional<Message> cause;
  {
    MutexLock lock(&mu_);
    TakeIn(line, ask);
    const auto found = items_.find(ask);
    if (found != items_.end()) {
      found->second->is_out = false;
      cause = Settle(ItemPtr(found->second), std::move(answer));
    }
  }
  // If its sender is not there any more, it comes again: twice is allowed.
  if (cause.has_value()) static_cast<void>(cause->Confirm());
  Pump();
}

std::optional<Message> AskQueue::Settle(const ItemPtr& item, absl::StatusOr<std::string> answer) {
  if (!answer.ok()) {
    const bool was_suspected = item->is_suspected();
    item->lost += absl::IsUnavailable(answer.status());
    if (was_suspected && absl::IsUnavailable(answer.status())) {
      SendAgainLater(item, kLostDelayMax);
    } else {
      SendAgain(item);
    }
    return std::nullopt;
  }
  if (item->waiter != nullptr) {
    item->waiter->answer = *std::move(answer);
  } else {
    const std::optional<AckedAnswer> verdict = DecodeAnswer(*answer);
    const MessageId id = {options_.sender, item->number};
    if (!verdict.has_value() || verdict->id != id || verdict->verdict == Verdict::kRefused) {
      ++counters_.refused;
      // The connection stands.
      item->lost = 0;
      SendAgainLater(item, kRefusedDelayMax);
      return std::nullopt;
    }
  }
  ++counters_.sent;
  counters_.sent_bytes += static_cast<int64_t>(item->body_bytes);
  Remove(item);
  return std::exchange(item->cause, std::nullopt);
}

void AskQueue::SendAgain(const ItemPtr& item) {
  if (item->is_suspected()) {
    suspected_.push_back(item);
  } else {
    pending_.push_front(item);
  }
}

void AskQueue::SendAgainLater(const ItemPtr& item, absl::Duration delay_max) {
  const int doublings = std::min(item->delayed++, 20);
  After(std::min(kAgainDelay * (1 << doublings), delay_max), [item](AskQueue& queue) ABSL_NO_THREAD_SAFETY_ANALYSIS {
    (item->is_suspected() ? queue.suspected_ : queue.pending_).push_back(item);
  });
}

template <typename Work>
void AskQueue::After(absl::Duration delay, Work work) {
  loop_.PostAfter(delay, [weak = weak_from_this(), work = std::move(work)] {
    const std::shared_ptr<AskQueue> queue = weak.lock();
    if (queue == nullptr) return;
    {
      MutexLock lock(&queue->mu_);
      work(*queue);
    }
    queue->Pump();
  });
}

void AskQueue::Remove(const ItemPtr& item) {
  if (items_.erase(item->number) == 0) return;
  room_.Free(item->body_bytes);
  if (item->waiter == nullptr) return;
  // A request that nobody waits for any more.
  if (!item->is_out) std::erase(item->is_suspected() ? suspected_ : pending_, item);
  item->waiter->done = true;
  item->waiter = nullptr;
  answered_.NotifyAll();
}

void AskQueue::Stop() {
  MutexLock lock(&mu_);
  room_.Stop();
  std::vector<ItemPtr> requests;
  for (const auto& [number, item] : items_) {
    if (item->waiter != nullptr) requests.push_back(item);
  }
  for (const ItemPtr& request : requests) {
    request->waiter->answer = absl::FailedPreconditionError("the gate is closed");
    Remove(request);
  }
}

int64_t AskQueue::AwaitEmpty(absl::Duration timeout) {
  MutexLock lock(&mu_);
  return room_.AwaitEmpty(timeout, &mu_);
}

void AskQueue::Drop() {
  // Destroyed without the lock: a cause that is refused may go on with another gate's work.
  std::vector<std::optional<Message>> causes;
  absl::flat_hash_map<uint64_t, ItemPtr> dropped;
  std::deque<ItemPtr> pending;
  std::deque<ItemPtr> suspected;
  MutexLock lock(&mu_);
  for (const auto& [number, item] : items_) {
    room_.Free(item->body_bytes);
    // Of one that waits to be sent again the loop has the rest.
    causes.push_back(std::exchange(item->cause, std::nullopt));
  }
  dropped.swap(items_);
  pending.swap(pending_);
  suspected.swap(suspected_);
}

void AskQueue::Count(GateCounters* counters) const {
  MutexLock lock(&mu_);
  counters->pushed += counters_.pushed;
  counters->sent += counters_.sent;
  counters->sent_bytes += counters_.sent_bytes;
  counters->resent += counters_.resent;
  counters->refused += counters_.refused;
  counters->unconfirmed += out_;
  room_.Count(counters);
}

}  // namespace scoutlight::client
