#include "storage/local/committer.h"

#include <algorithm>
#include <utility>

#include "base/deferred.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/history.h"
#include "storage/local/layout.h"
#include "storage/store_errors.h"

namespace scoutlight::storage {
namespace {

// A follower this close behind is brought up by the leader itself, which ends the chase after a busy store.
constexpr Revision kCatchUpByLeaderMax = 64;
// So many batches a submitting thread leads, at most, while nobody else takes over: its own client waits for as many syncs, because gRPC
// holds the answer back until the thread returns.
constexpr int kBatchesPerLeaderMax = 4;
constexpr size_t kHistoryPageBytes = 1 * limits::kMiB;

const KeyRange kEverything{Key(), Scope::kSubtree};

}  // namespace

Committer::Committer(Parts parts)
    : parts_(std::move(parts)),
      requests_(limits::kRequestIdsMax, limits::kRequestIdWindow),
      room_([this] { return parts_.engine->FreeRoom(); }),
      thread_([this] { Loop(); }) {}

Committer::~Committer() {
  Close();
  {
    MutexLock lock(&mu_);
    stopping_ = true;
  }
  wake_.NotifyAll();
  thread_.join();
}

void Committer::Close() {
  std::deque<QueuedWrite> left;
  {
    MutexLock lock(&mu_);
    closing_ = true;
    while (led_ || answering_ > 0) idle_.Wait(&mu_);
    left = queue_.TakeAll();
  }
  const Revision revision = parts_.published->revision();
  for (QueuedWrite& write : left) Refuse(std::move(write), Closing(), revision);
}

void Committer::Submit(QueuedWrite write) {
  absl::Status refused;
  bool lead_here = false;
  bool wake = false;
  {
    MutexLock lock(&mu_);
    if (closing_) {
      refused = Closing();
    } else if (!problem_.empty() && !std::holds_alternative<QueuedTask>(write.work)) {
      refused = ReadOnly(problem_);
    } else {
      refused = queue_.Push(write);
    }
    if (refused.ok() && !led_ && problem_.empty()) {
      led_ = true;
      lead_here = DeferScope::IsOpen() && !std::holds_alternative<QueuedTask>(write.work);
      if (!lead_here) committer_leads_ = wake = true;
    }
  }
  if (wake) wake_.NotifyAll();
  if (lead_here) DeferScope::Defer([this] { Lead(); });
  if (refused.ok()) return;
  const Revision revision = parts_.published->revision();
  auto refuse = [write = std::move(write), refused, revision]() mutable { Refuse(std::move(write), refused, revision); };
  if (DeferScope::IsOpen()) {
    DeferScope::Defer(std::move(refuse));
  } else {
    parts_.pool->Run(std::move(refuse));
  }
}

void Committer::Lead() {
  for (int batches = 1;; ++batches) {
    LeadOneBatch();
    MutexLock lock(&mu_);
    if (led_ || !MayLead()) return;
    led_ = true;
    if (batches < kBatchesPerLeaderMax) continue;
    committer_leads_ = true;
    wake_.NotifyAll();
    return;
  }
}

void Committer::Loop() {
  while (true) {
    {
      MutexLock lock(&mu_);
      if (!committer_leads_ && !led_ && MayLead()) led_ = committer_leads_ = true;
      while (!committer_leads_ && !stopping_) wake_.Wait(&mu_);
      if (!committer_leads_) return;
      committer_leads_ = false;
    }
    LeadOneBatch();
  }
}

void Committer::LeadOneBatch() {
  std::vector<QueuedWrite> batch;
  {
    MutexLock lock(&mu_);
    if (MayLead()) batch = queue_.TakeBatch();
  }
  if (!batch.empty()) Process(batch);
  std::vector<QueuedWrite> refused;
  std::string problem;
  {
    MutexLock lock(&mu_);
    if (!problem_.empty()) {
      // What was put back of the batch, after NoteFailure() had refused the queue.
      refused = TakeWrites();
      problem = problem_;
    }
    led_ = false;
    ++answering_;
  }
  Answer(std::move(batch));
  RefuseAll(std::move(refused), problem);
  MutexLock lock(&mu_);
  --answering_;
  idle_.NotifyAll();
}

void Committer::Process(std::vector<QueuedWrite>& batch) {
  if (auto* task = std::get_if<QueuedTask>(&batch.front().work)) {
    std::move(task->run)(absl::OkStatus());
    return;
  }
  const std::shared_ptr<const View> view = parts_.published->Load();
  last_committed_ = std::max(last_committed_, parts_.clock->Now());
  requests_.Expire(last_committed_);
  const absl::Duration since_boot = parts_.clock->SinceBoot();
  BatchWriter writer({.engine = parts_.engine,
                      .known = &known_,
                      .leases = parts_.leases,
                      .requests = &requests_,
                      .random = &parts_.random,
                      .committed = last_committed_,
                      .lease_now = LeaseNow(since_boot),
                      .room = room_.At(since_boot)},
                     *view);
  size_t added = 0;
  for (; added < batch.size() && !writer.full(); ++added) writer.Add(batch[added]);
  if (added < batch.size()) {
    // What they change is larger than what they say: the rest makes a batch of its own.
    std::vector<QueuedWrite> rest(std::make_move_iterator(batch.begin() + added), std::make_move_iterator(batch.end()));
    batch.resize(added);
    MutexLock lock(&mu_);
    queue_.PutBack(std::move(rest));
  }
  if (absl::Status status = writer.Write(); !status.ok()) {
    for (QueuedWrite& write : batch) {
      std::visit(
          [&](auto& work) {
            if constexpr (!std::is_same_v<std::decay_t<decltype(work)>, QueuedTask>) {
              work.result = {};
              work.result.status = OutcomeUnknown(status.message());
              work.result.revision = view->revision;
            }
          },
          write.work);
    }
    return NoteFailure(status.message());
  }
  room_.Use(writer.bytes());
  Publish(writer, *view);
  std::move(writer).KeepRecords();
}

absl::Duration Committer::LeaseNow(absl::Duration since_boot) {
  MutexLock lock(&parts_.leases->mu);
  return parts_.leases->clock.At(since_boot);
}

void Committer::Publish(BatchWriter& writer, const View& before) {
  writer.ForEachRequest([this](const Origin& origin, RequestIndex::Request request) {
    requests_.Add(origin.caller, origin.request_id, request, last_committed_);
  });
  std::shared_ptr<const View> view;
  if (writer.changed()) {
    parts_.kept->Forget(writer.batches());
    view = std::make_shared<const View>(View{parts_.engine->TakeSnapshot(), writer.revision(), before.oldest});
  }
  writer.ApplyLeases([&] {
    if (view != nullptr) view = parts_.published->Exchange(std::move(view));
  });
  view.reset();
  if (!writer.changed() || !following_.live) return;
  for (std::shared_ptr<const Batch>& batch : writer.TakeBatches()) {
    following_.shown = batch->revision;
    following_.sink->OnBatch(std::move(batch));
  }
}

void Committer::NoteFailure(absl::string_view problem) {
  std::vector<QueuedWrite> left;
  {
    MutexLock lock(&mu_);
    if (problem_.empty()) problem_ = std::string(problem);
    left = TakeWrites();
  }
  RefuseAll(std::move(left), problem);
}

std::vector<QueuedWrite> Committer::TakeWrites() {
  std::vector<QueuedWrite> writes, tasks;
  for (QueuedWrite& write : queue_.TakeAll()) {
    (std::holds_alternative<QueuedTask>(write.work) ? tasks : writes).push_back(std::move(write));
  }
  queue_.PutBack(std::move(tasks));
  return writes;
}

void Committer::RefuseAll(std::vector<QueuedWrite> writes, absl::string_view problem) {
  const Revision revision = parts_.published->revision();
  for (QueuedWrite& write : writes) Refuse(std::move(write), ReadOnly(problem), revision);
}

void Committer::Answer(std::vector<QueuedWrite> batch) {
  for (QueuedWrite& write : batch) {
    std::visit(
        [](auto& work) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(work)>, QueuedTask>) std::move(work.done)(std::move(work.result));
        },
        write.work);
  }
}

void Committer::Refuse(QueuedWrite write, const absl::Status& status, Revision revision) {
  std::visit(
      [&](auto& work) {
        if constexpr (std::is_same_v<std::decay_t<decltype(work)>, QueuedTask>) {
          std::move(work.run)(status);
        } else {
          work.result = {};
          work.result.status = status;
          work.result.revision = revision;
          std::move(work.done)(std::move(work.result));
        }
      },
      write.work);
}

void Committer::Follow(Revision after, std::shared_ptr<Sink> sink) {
  Submit({.work = QueuedTask{[this, after, sink = std::move(sink)](absl::Status status) mutable {
            if (status.ok()) FollowNow({.sink = std::move(sink), .shown = after, .live = false});
          }}});
}

void Committer::FollowNow(Following following) {
  if (catching_up_) {
    next_following_ = std::move(following);
    return;
  }
  following_ = std::move(following);
  CatchUpOrGoLive();
}

void Committer::CatchUpOrGoLive() {
  const std::shared_ptr<const View> view = parts_.published->Load();
  if (following_.shown < view->revision && view->revision - following_.shown <= kCatchUpByLeaderMax && following_.shown >= view->oldest) {
    if (!ShowHistory(*view)) return;
  }
  if (following_.shown >= view->revision) {
    following_.live = true;
    following_.sink->OnFresh();
    return;
  }
  catching_up_ = true;
  parts_.pool->Run([this] { CatchUp(); });
}

void Committer::CatchUp() {
  const std::shared_ptr<const View> view = parts_.published->Load();
  const bool damaged = view != nullptr && !ShowHistory(*view);
  Submit({.work = QueuedTask{[this, damaged](absl::Status status) {
            catching_up_ = false;
            if (!status.ok()) return;
            if (next_following_.has_value()) return FollowNow(*std::exchange(next_following_, std::nullopt));
            if (!damaged) CatchUpOrGoLive();
          }}});
}

bool Committer::ShowHistory(const View& view) {
  while (following_.shown < view.revision) {
    const std::shared_ptr<const View> newest = parts_.published->Load();
    if (newest == nullptr) return true;
    if (following_.shown < newest->oldest) {
      following_.shown = newest->oldest;
      following_.sink->OnGap(newest->oldest);
      continue;
    }
    HistoryPage page = ReadHistory(view, following_.shown + 1, view.revision, kEverything, kHistoryPageBytes);
    if (!page.status.ok()) {
      // Compacted while it was read: the next round says so. Else the log is damaged, and the sink hears that nothing more will come.
      const std::shared_ptr<const View> now = parts_.published->Load();
      if (now != nullptr && following_.shown < now->oldest) continue;
      following_.sink->OnStale();
      return false;
    }
    for (std::shared_ptr<const Batch>& batch : page.batches) following_.sink->OnBatch(std::move(batch));
    following_.shown = page.next - 1;
  }
  return true;
}

void Committer::Compact(Revision oldest, Done<CompactResult> done) {
  Submit({.work = QueuedTask{[this, oldest, done = std::move(done)](absl::Status status) mutable {
            if (!status.ok()) return std::move(done)({.status = status});
            CompactNow(oldest, std::move(done));
          }}});
}

void Committer::CompactNow(Revision oldest, Done<CompactResult> done) {
  const std::shared_ptr<const View> view = parts_.published->Load();
  CompactResult result{.status = {}, .revision = view->revision, .oldest_revision = view->oldest};
  if (oldest > view->revision) {
    result.status = FutureRevision(oldest, view->revision);
  } else if (oldest > view->oldest) {
    const std::unique_ptr<WriteSet> writes = parts_.engine->NewWriteSet();
    writes->Put(Table::kMeta, layout::kMetaOldest, layout::EncodeU64(oldest));
    if (absl::Status status = parts_.engine->Write(*writes, view->revision); !status.ok()) {
      result.status = OutcomeUnknown(status.message());
      NoteFailure(status.message());
    } else {
      result.oldest_revision = oldest;
      auto compacted = std::make_shared<const View>(View{parts_.engine->TakeSnapshot(), view->revision, oldest});
      // The view first: readers of the past look at it again when they have read.
      parts_.published->Exchange(compacted);
      parts_.engine->DropHistory(HistoryFloor(*compacted));
    }
  }
  // With leadership still held: answered elsewhere.
  parts_.pool->Run([done = std::move(done), result = std::move(result)]() mutable { std::move(done)(std::move(result)); });
}

Revision Committer::HistoryFloor(const View& view) const { return std::min(view.oldest, requests_.OldestNeeded().value_or(view.oldest)); }

std::string Committer::problem() const {
  MutexLock lock(&mu_);
  return problem_;
}

void Committer::Remember(absl::string_view caller, absl::string_view request_id, RequestIndex::Request request, absl::Time committed) {
  requests_.Add(caller, request_id, request, committed);
}

bool Committer::BeginRecovery() {
  MutexLock lock(&mu_);
  if (problem_.empty() || led_ || closing_) return false;
  led_ = true;
  // A write that failed may be on the disk.
  known_.Clear();
  return true;
}

void Committer::ShowRecovered(const std::vector<std::shared_ptr<const Batch>>& batches) {
  if (!following_.live) return;
  for (const std::shared_ptr<const Batch>& batch : batches) {
    following_.shown = batch->revision;
    following_.sink->OnBatch(batch);
  }
}

void Committer::EndRecovery(std::string problem) {
  {
    MutexLock lock(&mu_);
    problem_ = std::move(problem);
    if (problem_.empty() && !queue_.empty() && !closing_) {
      committer_leads_ = true;
    } else {
      led_ = false;
    }
  }
  wake_.NotifyAll();
  idle_.NotifyAll();
}

}  // namespace scoutlight::storage
