#include "client/watch.h"

#include <atomic>
#include <string>
#include <utility>

#include "client/events/callback_gate.h"
#include "client/watch/watch_link.h"

namespace scoutlight {

struct WatchReader::Core {
  client::WatchLink link;
};

WatchReader::WatchReader(Connection connection, absl::string_view key, WatchOptions options)
    : core_(new Core{client::WatchLink(connection.wire(), std::string(key), std::move(options), [] {})}) {
  core_->link.Begin();
}
WatchReader::~WatchReader() = default;
WatchReader::WatchReader(WatchReader&&) noexcept = default;
WatchReader& WatchReader::operator=(WatchReader&&) noexcept = default;

std::optional<WatchEvent> WatchReader::Next(absl::Duration timeout) { return core_->link.buffer().Take(timeout); }
void WatchReader::Cancel() { core_->link.Cancel(absl::CancelledError("the program cancelled the watch")); }
absl::Status WatchReader::status() const { return core_->link.buffer().end().value_or(absl::OkStatus()); }
absl::Status WatchReader::trouble() const { return core_->link.buffer().trouble(); }

// Kept by its tasks too, so that a callback may destroy the Watch.
struct Watch::Core : std::enable_shared_from_this<Watch::Core> {
  // Before another callback of the program has its turn.
  static constexpr int kEventsPerTurn = 16;

  Core(std::shared_ptr<client::Wire> its_wire, OnEvent its_on_event, OnEnd its_on_end)
      : wire(std::move(its_wire)), on_event(std::move(its_on_event)), on_end(std::move(its_on_end)), gate(&wire->callbacks()) {}

  void Begin(absl::string_view key, WatchOptions options) {
    // On the loop, which must not be the last to let go.
    link.emplace(wire, std::string(key), std::move(options), [weak = weak_from_this()] {
      if (std::shared_ptr<Core> core = weak.lock()) PostTurn(std::move(core));
    });
    link->Begin();
  }
  static void PostTurn(std::shared_ptr<Core> core) {
    if (core->turn_posted.exchange(true)) return;
    client::CallbackGate& gate = core->gate;
    gate.Post([core = std::move(core)] { core->TakeTurn(); });
  }
  void TakeTurn() {
    // Before it looks at the buffer: what comes after it has done so has a turn of its own.
    turn_posted = false;
    for (int i = 0; i < kEventsPerTurn; ++i) {
      std::optional<WatchEvent> event = link->buffer().TryTake();
      if (!event.has_value()) return TellEnd();
      on_event(*std::move(event));
      if (closed) return;
    }
    PostTurn(shared_from_this());
  }
  void TellEnd() {
    const std::optional<absl::Status> end = link->buffer().end();
    if (end.has_value() && on_end != nullptr) std::exchange(on_end, nullptr)(*end);
  }

  const std::shared_ptr<client::Wire> wire;  // Goes last.
  const OnEvent on_event;
  OnEnd on_end;  // Of the thread for callbacks; null: none, or told.
  // Set by the destructor, which may run inside a callback; read after each one by the same thread.
  std::atomic<bool> closed = false;
  std::atomic<bool> turn_posted = false;  // And has not begun. Orders nothing but itself: the buffer has its own lock.
  client::CallbackGate gate;
  std::optional<client::WatchLink> link;
};

Watch::Watch(Connection connection, absl::string_view key, WatchOptions options, OnEvent on_event, OnEnd on_end)
    : core_(std::make_shared<Core>(connection.wire(), std::move(on_event), std::move(on_end))) {
  core_->Begin(key, std::move(options));
}

Watch::~Watch() {
  core_->closed = true;
  core_->gate.Close();
}

absl::Status Watch::trouble() const { return core_->link->buffer().trouble(); }

}  // namespace scoutlight
