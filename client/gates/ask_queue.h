#ifndef SCOUTLIGHT_CLIENT_GATES_ASK_QUEUE_H_
#define SCOUTLIGHT_CLIENT_GATES_ASK_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/mutex.h"
#include "client/events/event_loop.h"
#include "client/gates/room.h"
#include "client/gates/sender.h"
#include "client/message.h"

namespace scoutlight::client {

struct AskOptions {
  QueueBounds bounds;
  // Sent and not answered at a time.
  int unconfirmed_max = 0;
  // How long an answer is waited for before the message is sent again.
  absl::Duration confirm_timeout;
  // Acked: with which messages are marked.
  uint64_t sender = 0;
  std::string queue;
};

// Messages that are answered: acked ones, which are kept until a receiver has confirmed them, and requests, until one has replied. Each is
// sent to the line with the fewest unanswered ones. It is sent again when the connection is lost, when no answer comes for confirm_timeout,
// or when it is refused: to another line than before, if there is another.
//
// A message that ends every connection that it comes over takes with it what else is there. So those whose connection was lost
// kSuspectedFrom times are suspected, and sent one after the other, each kSuspectedAlone before the next unless it is answered; one that
// loses it even so is sent again after kAgainDelay, doubling to kLostDelayMax. One that is refused waits likewise, to kRefusedDelayMax.
// Held as shared_ptr, weakly by `loop`, where delays run. Thread-safe.
class AskQueue final : public Sender, public std::enable_shared_from_this<AskQueue> {
 public:
  static constexpr int kSuspectedFrom = 2;
  static constexpr absl::Duration kAgainDelay = absl::Milliseconds(20);
  static constexpr absl::Duration kRefusedDelayMax = absl::Seconds(1);
  static constexpr absl::Duration kLostDelayMax = absl::Seconds(30);
  static constexpr absl::Duration kSuspectedAlone = absl::Milliseconds(100);

  // `loop` outlives it.
  AskQueue(AskOptions options, EventLoop* loop) : options_(std::move(options)), loop_(*loop), room_(options_.bounds) {}

  // An acked message.
  absl::Status Push(std::string&& body, absl::Duration timeout) override;
  // The same of what has been made of `cause`: that is confirmed when this one has been. Takes both on success alone.
  absl::Status Relay(Message* cause, std::string&& body, absl::Duration timeout);
  // A request: waits for its reply. kDeadlineExceeded: none came; somebody may have got it. Else as Push().
  absl::StatusOr<std::string> Ask(std::string body, absl::Duration timeout);

  void OnPeers(const LinePtr& line, int peers) override;
  void Retire(const LinePtr& line) override;
  bool IsIdle(const LinePtr& line) const override;
  void OnSent(const LinePtr&, const absl::Status&, std::string) override {}
  void OnAnswer(const LinePtr& line, uint64_t ask, absl::StatusOr<std::string> answer) override;
  // Those who wait in Ask() are told kFailedPrecondition.
  void Stop() override;
  int64_t AwaitEmpty(absl::Duration timeout) override;
  // Refuses what was relayed and not confirmed, so that it comes again, elsewhere.
  void Drop() override;
  void Count(GateCounters* counters) const override;

 private:
  struct Waiter {
    bool done = false;
    absl::StatusOr<std::string> answer = absl::UnknownError("");
  };
  struct Item {
    uint64_t number = 0;
    std::string bytes;  // As they are sent.
    size_t body_bytes = 0;
    Waiter* waiter = nullptr;      // Of a request, whose Ask() owns it; null: acked.
    std::optional<Message> cause;  // What is confirmed with it.
    const Line* last = nullptr;    // The line that it was sent to last; only ever compared.
    bool is_out = false;
    int sent = 0;
    int lost = 0;     // How often its connection was.
    int delayed = 0;  // How often it has waited before it was sent again.

    bool is_suspected() const { return lost >= kSuspectedFrom; }
  };
  using ItemPtr = std::shared_ptr<Item>;

  // The line for `item`; null: none is there.
  LinePtr Choose(const Item& item) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Takes the next message and its line; false: there is none, or no line.
  bool TakeNext(LinePtr* line, ItemPtr* item) ABSL_LOCKS_EXCLUDED(mu_);
  void Pump() ABSL_LOCKS_EXCLUDED(mu_);
  // It is not out any more.
  void TakeIn(const LinePtr& line, uint64_t number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Sends `item` again, at once, or after a delay that grows to `delay_max`.
  void SendAgain(const ItemPtr& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void SendAgainLater(const ItemPtr& item, absl::Duration delay_max) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Does `work` with this, if it is still there, after `delay`.
  template <typename Work>
  void After(absl::Duration delay, Work work);
  // The next one that may be sent; null: there is none.
  ItemPtr NextPending() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // It is over.
  void Remove(const ItemPtr& item) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What an answer that came means for its message. Answers what is to be confirmed now, without the lock.
  std::optional<Message> Settle(const ItemPtr& item, absl::StatusOr<std::string> answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const AskOptions options_;
  EventLoop& loop_;
  mutable Mutex mu_;
  CondVar answered_;
  Room room_ ABSL_GUARDED_BY(mu_);
  uint64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;
  absl::flat_hash_map<uint64_t, ItemPtr> items_ ABSL_GUARDED_BY(mu_);  // All, by number.
  std::deque<ItemPtr> pending_ ABSL_GUARDED_BY(mu_);                   // To be sent; some may be over.
  std::deque<ItemPtr> suspected_ ABSL_GUARDED_BY(mu_);                 // The same of those that are suspected.
  uint64_t suspected_out_ ABSL_GUARDED_BY(mu_) = 0;                    // The number of the one for which the others wait; 0: none.
  std::vector<LinePtr> lines_ ABSL_GUARDED_BY(mu_);                    // With peers, not retired.
  int out_ ABSL_GUARDED_BY(mu_) = 0;                                   // Asks under way, those too whose message is over.
  GateCounters counters_ ABSL_GUARDED_BY(mu_);
};

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_GATES_ASK_QUEUE_H_
