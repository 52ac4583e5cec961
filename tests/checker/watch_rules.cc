#include "tests/checker/watch_rules.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "storage/testing/reference_model.h"
#include "tests/checker/compaction_rules.h"

namespace scoutlight::checker {
namespace {

// Goes along one chain and the log.
class ChainChecker {
 public:
  ChainChecker(const History& history, const WatchChain& chain, Findings* findings)
      : history_(history), chain_(chain), findings_(*findings), last_(static_cast<Revision>(history.log.size()) + 1) {}

  void Run() {
    for (const WatchStream& stream : chain_.streams) {
      Begin(stream);
      for (const Frame& frame : stream.frames) {
        Take(frame);
        if (faulty_) return;
      }
      End(stream);
      if (faulty_) return;
    }
    if (stands_ && sent_ < chain_.reached) Fault(sent_ + 1, absl::StrCat("it was to reach ", chain_.reached, " and ended at ", sent_));
  }

 private:
  void Fault(Revision revision, const std::string& message) {
    faulty_ = true;
    findings_.Add(Rule::kWatch, revision, {},
                  absl::StrCat("watch of client ", chain_.client, " (", chain_.range.key.path(), "): ", message));
  }

  void Begin(const WatchStream& stream) {
    stream_ = &stream;
    in_snapshot_ = false;
    state_due_ = false;
    // Revision 1 is that of the empty store: nothing happened there.
    const Revision start = std::max<Revision>(stream.start_revision, 2);
    const bool resumes = stands_ && stream.start_revision != 0;
    // Streams that were never answered leave no trace.
    if (resumes && !stream.frames.empty() && start != sent_ + 1) {
      findings_.Add(Rule::kHistory, stream.start_revision, {},
                    absl::StrCat("client ", chain_.client, " resumes at ", stream.start_revision, " after ", sent_));
      faulty_ = true;
      return;
    }
    if (stream.start_revision != 0) {
      MoveTo(start - 1);
      stands_ = true;
    } else {
      stands_ = false;  // KIND_STARTED says where it begins, or the state.
    }
  }

  // Everything up to `revision` counts as sent.
  void MoveTo(Revision revision) {
    sent_ = revision;
    next_batch_ = static_cast<size_t>(revision) - 1;
    next_event_ = 0;
  }

  void Take(const Frame& frame) {
    if (frame.revision > last_) return Fault(frame.revision, absl::StrCat("a frame names revision ", frame.revision, " of ", last_));
    const bool is_first = &frame == &stream_->frames.front();
    if (is_first != (frame.kind == Frame::Kind::kStarted)) {
      return Fault(frame.revision, "its first frame, and no other, is to say that it stands");
    }
    switch (frame.kind) {
      case Frame::Kind::kStarted:
        return TakeStarted(frame);
      case Frame::Kind::kSnapshot:
      case Frame::Kind::kSnapshotEnd:
        return TakeSnapshot(frame);
      case Frame::Kind::kChanges:
        return TakeChanges(frame);
      case Frame::Kind::kProgress:
        return Progress(frame.revision);
    }
  }

  // Revision 0: the state comes first.
  void TakeStarted(const Frame& frame) {
    if (!stands_ && stream_->include_snapshot && frame.revision != 0) return Fault(frame.revision, "it begins without the state");
    if (frame.revision != 0 && stands_) return Progress(frame.revision);
    if (frame.revision != 0) {
      MoveTo(frame.revision);
      stands_ = true;
      return;
    }
    if (!stream_->include_snapshot) return Fault(0, "it says that the state comes first, which was not asked for");
    state_due_ = true;
  }

  void TakeSnapshot(const Frame& frame) {
    if (!stream_->include_snapshot) return Fault(frame.revision, "it is sent the state, which was not asked for");
    // A watch that stands gets it only when its changes are not to be had.
    if (stands_ && !MayHaveCompacted(history_, sent_ + 1, frame.received)) {
      return Fault(frame.revision, absl::StrCat("it is sent the state, and nobody has compacted ", sent_ + 1));
    }
    state_due_ = false;
    if (in_snapshot_ && frame.revision != snapshot_ && !frame.restart) {
      return Fault(frame.revision, "the snapshot's frames show different revisions");
    }
    if (!in_snapshot_ && !frame.restart) return Fault(frame.revision, "a snapshot begins without restart");
    if (frame.revision == 0) return Fault(0, "a snapshot of no state");
    in_snapshot_ = frame.kind == Frame::Kind::kSnapshot;
    snapshot_ = frame.revision;
    if (stands_ && frame.revision < sent_) return Fault(frame.revision, absl::StrCat("a snapshot of the past, after ", sent_));
    if (frame.kind == Frame::Kind::kSnapshotEnd) {
      MoveTo(frame.revision);
      stands_ = true;
    }
  }

  void TakeChanges(const Frame& frame) {
    if (!IsAmongChanges()) return Fault(frame.revision, "changes before the watch stands, or inside a snapshot");
    if (frame.events.empty()) return Fault(frame.revision, "a frame of changes without one");
    for (size_t i = 0; i < frame.events.size(); ++i) {
      const Event* const due = NextDue(last_);
      const Revision revision = frame.events[i].entry.mod_revision;
      if (due == nullptr) return Fault(revision, absl::StrCat("nothing is due, and it is sent ", frame.events[i].key.path()));
      const std::string fault = FaultInEvent(frame.events[i], *due);
      if (!fault.empty()) return Fault(due->entry.mod_revision, fault);
      ++next_event_;
    }
    EndFrame(frame);
  }

  // A frame ends with a transaction, or says that it does not.
  void EndFrame(const Frame& frame) {
    const Revision last = frame.events.back().entry.mod_revision;
    const bool open = HasMoreOf(last);
    if (frame.fragment) {
      if (!open) return Fault(last, "a fragment of a transaction that is complete");
      if (frame.revision != last - 1) return Fault(last, absl::StrCat("a fragment of ", last, " says that ", frame.revision, " is sent"));
      sent_ = last - 1;
      return;
    }
    if (open) return Fault(last, "a transaction is split");
    if (frame.revision < last) return Fault(last, absl::StrCat("a frame with revision ", last, " says ", frame.revision));
    Progress(frame.revision);
  }

  void Progress(Revision revision) {
    if (!IsAmongChanges()) return Fault(revision, "progress before the watch stands, or inside a snapshot");
    if (revision < sent_) return Fault(revision, absl::StrCat("progress goes back from ", sent_));
    const Event* const due = NextDue(revision);
    if (due != nullptr) {
      return Fault(due->entry.mod_revision, absl::StrCat("it says that all is sent up to ", revision, ", and was not sent ",
                                                         due->key.path(), " of ", due->entry.mod_revision));
    }
    sent_ = revision;
  }

  void End(const WatchStream& stream) {
    const Failure& end = stream.end;
    if (end.code == absl::StatusCode::kOk || end.reason == Reason::kUnspecified || !stands_) return;
    if (end.code == absl::StatusCode::kOutOfRange && end.reason == Reason::kCompacted) {
      const Revision wanted = sent_ + 1;
      if (wanted > end.oldest_revision) Fault(wanted, absl::StrCat(wanted, " is refused, and the oldest is ", end.oldest_revision));
      if (!MayHaveCompacted(history_, end.oldest_revision, stream.ended)) Fault(wanted, "nobody has compacted so far");
      return;
    }
    // "Everything up to it has been sent."
    if (IsAmongChanges() && end.revision > sent_ && end.revision <= last_ && !stream.frames.empty()) Progress(end.revision);
  }

  bool IsAmongChanges() const { return stands_ && !state_due_ && !in_snapshot_; }

  // The next event in the range, if its revision is `to` at most.
  const Event* NextDue(Revision to) {
    for (; next_batch_ < history_.log.size(); ++next_batch_, next_event_ = 0) {
      const Batch& batch = history_.log[next_batch_].batch;
      if (batch.revision > to) return nullptr;
      for (; next_event_ < batch.events.size(); ++next_event_) {
        if (Matches(batch.events[next_event_].key)) return &batch.events[next_event_];
      }
    }
    return nullptr;
  }

  bool HasMoreOf(Revision revision) {
    const Event* const due = NextDue(revision);
    return due != nullptr && due->entry.mod_revision == revision;
  }

  bool Matches(const Key& key) const { return chain_.range.Contains(key) && (!key.IsSystem() || chain_.range.key.IsSystem()); }

  std::string FaultInEvent(const Event& event, const Event& due) const {
    const auto name = [](const Event& one) {
      return absl::StrCat(one.kind == EventKind::kPut ? "put " : "delete ", one.key.path(), " of ", one.entry.mod_revision);
    };
    if (!(event.key == due.key) || event.kind != due.kind || event.entry.mod_revision != due.entry.mod_revision) {
      return absl::StrCat("it is sent ", name(event), " where ", name(due), " is due");
    }
    if (event.cause != due.cause) return absl::StrCat("the cause of ", name(event), " is another one");
    if (event.kind == EventKind::kPut && !(event.entry == due.entry)) {
      return absl::StrCat("it is sent ", storage::Describe(event.entry), " instead of ", storage::Describe(due.entry));
    }
    if (event.previous_known != chain_.include_previous) return absl::StrCat(name(event), " and whether its previous is known");
    if (chain_.include_previous && due.previous_known && event.previous != due.previous) {
      return absl::StrCat("the previous entry of ", name(event), " is another one");
    }
    return "";
  }

  const History& history_;
  const WatchChain& chain_;
  Findings& findings_;
  const Revision last_;
  const WatchStream* stream_ = nullptr;  // The one looked at.
  bool faulty_ = false;
  bool stands_ = false;    // It is known where it began.
  Revision sent_ = 0;      // Everything up to here has been sent.
  size_t next_batch_ = 0;  // Of the log: what is due next.
  size_t next_event_ = 0;
  bool state_due_ = false;  // Next is a snapshot.
  bool in_snapshot_ = false;
  Revision snapshot_ = 0;
};

}  // namespace

void CheckWatches(const History& history, Findings* findings) {
  for (const WatchChain& chain : history.watches) {
    ChainChecker(history, chain, findings).Run();
    if (findings->full(Rule::kWatch)) return;
  }
}

}  // namespace scoutlight::checker
