#include "client/gates/ask_queue.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "client/gates/acked_format.h"

namespace scoutlight::client {

absl::Status AskQueue::Push(std::string&& body, absl::Duration timeout) {
  {
    MutexLock lock(&mu_);
    if (absl::Status full = room_.Take(body.size(), timeout, &mu_); !full.ok()) return full;
    auto item = std::make_shared<Item>();
    item->number = ++last_number_;
    item->body_bytes = body.size();
    item->bytes = EncodeRequest({.id = {options_.sender, item->number}, .queue = options_.queue, .body = body});
    body.clear();
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

bool AskQueue::TakeNext(LinePtr* line, ItemPtr* item) {
  MutexLock lock(&mu_);
  while (!pending_.empty() && !items_.contains(pending_.front()->number)) pending_.pop_front();
  if (pending_.empty() || out_ >= options_.unconfirmed_max) return false;
  *line = Choose(*pending_.front());
  if (*line == nullptr) return false;
  *item = std::move(pending_.front());
  pending_.pop_front();
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
    --out_;
    --line->to_send.asks;
    item->is_out = false;
    pending_.push_front(item);
    lines_.erase(std::remove(lines_.begin(), lines_.end(), line), lines_.end());
  }
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
  {
    MutexLock lock(&mu_);
    --out_;
    --line->to_send.asks;
    const auto found = items_.find(ask);
    if (found != items_.end()) {
      found->second->is_out = false;
      Settle(ItemPtr(found->second), std::move(answer));
    }
  }
  Pump();
}

void AskQueue::Settle(const ItemPtr& item, absl::StatusOr<std::string> answer) {
  if (!answer.ok()) return SendAgain(item, /*was_refused=*/false);
  if (item->waiter != nullptr) {
    item->waiter->answer = *std::move(answer);
  } else {
    const std::optional<AckedAnswer> verdict = DecodeAnswer(*answer);
    const MessageId id = {options_.sender, item->number};
    if (!verdict.has_value() || verdict->id != id || verdict->verdict == Verdict::kRefused) {
      ++counters_.refused;
      return SendAgain(item, /*was_refused=*/true);
    }
  }
  ++counters_.sent;
  counters_.sent_bytes += static_cast<int64_t>(item->body_bytes);
  Remove(item);
}

void AskQueue::SendAgain(const ItemPtr& item, bool was_refused) {
  if (!was_refused) {
    pending_.push_front(item);
    return;
  }
  const int doublings = std::min(item->refused++, 10);
  loop_.PostAfter(std::min(kRefusedDelay * (1 << doublings), kRefusedDelayMax), [weak = weak_from_this(), item] {
    const std::shared_ptr<AskQueue> queue = weak.lock();
    if (queue == nullptr) return;
    {
      MutexLock lock(&queue->mu_);
      queue->pending_.push_back(item);
    }
    queue->Pump();
  });
}

void AskQueue::Remove(const ItemPtr& item) {
  if (items_.erase(item->number) == 0) return;
  room_.Free(item->body_bytes);
  if (item->waiter == nullptr) return;
  // A request that nobody waits for any more.
  if (!item->is_out) pending_.erase(std::remove(pending_.begin(), pending_.end(), item), pending_.end());
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
