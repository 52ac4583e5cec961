#include "server/watch/watch_hub.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/watch/tee_sink.h"

namespace scoutlight::server {
namespace {

// Batches looked at between two looks at the streams.
constexpr size_t kBatchesPerRound = 1'024;
constexpr size_t kBytesPerRound = 4 * limits::kMiB;

}  // namespace

WatchHub::WatchHub(storage::Store* store, WatchHubOptions options)
    : store_(*store),
      options_(std::move(options)),
      inbox_(std::make_shared<WatchInbox>(options_.recent_batches_max, options_.recent_bytes_max)),
      dispatcher_(store, inbox_, options_.limits) {}

WatchHub::~WatchHub() {
  // The store may still hold the inbox, which takes nothing any more.
  inbox_->Close();
  if (thread_.joinable()) thread_.join();
}

void WatchHub::Start() {
  thread_ = std::thread([this] { Loop(); });
}

absl::Status WatchHub::TakePlace() {
  absl::Status full = options_.places->Take();
  if (full.ok()) streams_.fetch_add(1, std::memory_order_relaxed);
  return full;
}

absl::Status WatchHub::OpenOne(std::shared_ptr<WatchStream> stream, uint64_t connection, WatchSpec spec) {
  if (absl::Status full = TakePlace(); !full.ok()) return full;
  inbox_->Post(WatchInbox::Order::kThen, [this, stream = std::move(stream), connection, spec = std::move(spec)]() mutable {
    WatchStream* const call = stream.get();
    dispatcher_.Open(std::move(stream), Stream::Form::kOne, connection);
    dispatcher_.Command(call, CreateWatch{.watch_id = 0, .spec = std::move(spec)});
  });
  return absl::OkStatus();
}

absl::Status WatchHub::OpenMany(std::shared_ptr<WatchStream> stream, uint64_t connection) {
  if (absl::Status full = TakePlace(); !full.ok()) return full;
  inbox_->Post(WatchInbox::Order::kThen, [this, stream = std::move(stream), connection]() mutable {
    dispatcher_.Open(std::move(stream), Stream::Form::kMany, connection);
  });
  return absl::OkStatus();
}

void WatchHub::Command(WatchStream* stream, WatchCommand command) {
  inbox_->Post(WatchInbox::Order::kThen,
               [this, stream, command = std::move(command)]() mutable { dispatcher_.Command(stream, std::move(command)); });
}

void WatchHub::OnWritten(WatchStream* stream) {
  inbox_->Post(WatchInbox::Order::kFirst, [this, stream] { dispatcher_.OnWritten(stream); });
}

void WatchHub::OnCancelled(WatchStream* stream) {
  inbox_->Post(WatchInbox::Order::kThen, [this, stream] { dispatcher_.OnCancelled(stream); });
}

void WatchHub::OnClosed(WatchStream* stream) {
  inbox_->Post(WatchInbox::Order::kThen, [this, stream] {
    dispatcher_.OnClosed(stream);
    options_.places->GiveBack();
    streams_.fetch_sub(1, std::memory_order_relaxed);
  });
}

void WatchHub::Drain(absl::Status reason) {
  inbox_->Post(WatchInbox::Order::kFirst, [this, reason = std::move(reason)]() mutable {
    dispatcher_.Drain(std::move(reason));
    // Who waits for a store that cannot be read need not any more.
    open_ = true;
  });
}

WatchHub::Counts WatchHub::counts() const {
  return {.streams = streams_.load(std::memory_order_relaxed),
          .watches = watches_.load(std::memory_order_relaxed),
          .interests = interests_.load(std::memory_order_relaxed),
          .behind = behind_.load(std::memory_order_relaxed),
          .timers = timers_.load(std::memory_order_relaxed)};
}

void WatchHub::Loop() {
  absl::Duration bound;
  while (true) {
    const auto awaited = dispatcher_.watches() > 0 ? WatchInbox::Awaited::kTasksAndBatches : WatchInbox::Awaited::kTasks;
    WatchInbox::Work work = inbox_->Take(dispatcher_.shown(), bound, awaited);
    if (work.closed) return;
    const absl::Duration now = options_.clock->SinceBoot();
    dispatcher_.BeginRound(now, work.stale);
    for (WatchInbox::Task& task : work.first) std::move(task)();
    if (following_) ShowRecent(work.last);
    for (WatchInbox::Task& task : work.then) early_.push_back(std::move(task));
    if (open_) {
      for (WatchInbox::Task& task : std::exchange(early_, {})) std::move(task)();
    }
    if (!following_ && !finding_start_ && now >= find_start_at_) FindStart();
    const bool more = dispatcher_.CatchUp();
    absl::Duration next = dispatcher_.NextDeadline();
    if (!following_ && !finding_start_) next = std::min(next, find_start_at_);
    bound = more ? absl::ZeroDuration() : std::min(options_.clock_look_interval, next - now);
    watches_.store(static_cast<int>(dispatcher_.watches()), std::memory_order_relaxed);
    interests_.store(static_cast<int>(dispatcher_.interests()), std::memory_order_relaxed);
    behind_.store(static_cast<int>(dispatcher_.behind()), std::memory_order_relaxed);
    timers_.store(static_cast<int>(dispatcher_.timers()), std::memory_order_relaxed);
    shown_.store(dispatcher_.shown(), std::memory_order_relaxed);
  }
}

void WatchHub::FindStart() {
  finding_start_ = true;
  storage::Query query;
  query.bytes_max = 1;
  store_.Read(std::move(query), [this, inbox = inbox_](storage::Page page) {
    inbox->Post(WatchInbox::Order::kFirst, [this, page = std::move(page)] { OnLatest(page); });
  });
}

void WatchHub::OnLatest(const storage::Page& page) {
  finding_start_ = false;
  if (!page.status.ok()) {
    find_start_at_ = options_.clock->SinceBoot() + options_.limits.retry_after;
    return;
  }
  following_ = open_ = true;
  inbox_->StartAt(page.revision);
  dispatcher_.StartAt(page.revision);
  std::shared_ptr<storage::Sink> sink = inbox_;
  if (options_.also != nullptr) sink = std::make_shared<TeeSink>(options_.also, inbox_);
  store_.Follow(page.revision, std::move(sink));
}

void WatchHub::ShowRecent(Revision last) {
  // As many as there may be by now, nobody is to be shown them.
  if (dispatcher_.watches() == 0) return dispatcher_.SkipTo(last);
  while (dispatcher_.shown() < last) {
    const std::optional<BatchRun> run = inbox_->Recent(dispatcher_.shown() + 1, last, kBatchesPerRound, kBytesPerRound);
    if (run.has_value()) {
      dispatcher_.ShowBatches(run->batches, run->to);
    } else {
      // The store told of a gap, or was faster than this thread for longer than the recent batches reach.
      dispatcher_.SkipTo(last);
    }
  }
}

}  // namespace scoutlight::server
