// Streams and watches: how they begin and end. How they are served: dispatcher_serving.cc, how they begin with a state:
// dispatcher_snapshots.cc.
#include "server/watch/watch_dispatcher.h"

#include <algorithm>
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "storage/store_errors.h"

namespace scoutlight::server {
namespace {

// Of commands refused on one stream, until the client reads on; the stream takes no more commands meanwhile.
constexpr size_t kUnsentRefusalsMax = 16;

absl::Status StoreReplaced(const StoreId& asked) {
  ErrorDetails details;
  details.reason = Reason::kStoreReplaced;
  details.violations.push_back({"store_id", absl::StrCat("is ", asked, ", which is not this store's")});
  return MakeError(absl::StatusCode::kFailedPrecondition, "the revision belongs to another store; this one's history is no continuation",
                   details);
}

absl::Status WatchesFull(absl::string_view description) {
  ErrorDetails details;
  details.reason = Reason::kWatchesFull;
  return MakeError(absl::StatusCode::kResourceExhausted, description, details);
}

}  // namespace

absl::Status AboutField(const absl::Status& status, absl::string_view field) {
  ErrorDetails details = DetailsOf(status).value_or(ErrorDetails());
  for (FieldViolation& violation : details.violations) violation.field = std::string(field);
  if (field.empty()) details.violations.clear();
  return MakeError(status.code(), status.message(), details);
}

WatchDispatcher::WatchDispatcher(storage::Store* store, std::shared_ptr<WatchInbox> inbox, WatchLimits limits)
    : store_(*store), inbox_(std::move(inbox)), limits_(limits), store_id_(store->store_id()), pass_(&index_) {}

Stream* WatchDispatcher::Find(WatchStream* call) {
  const auto found = streams_.find(call);
  return found == streams_.end() ? nullptr : found->second.get();
}

void WatchDispatcher::Open(std::shared_ptr<WatchStream> call, Stream::Form form, uint64_t connection) {
  auto stream = std::make_unique<Stream>();
  stream->call = call;
  stream->form = form;
  stream->connection = connection;
  Stream& opened = *stream;
  streams_[call.get()] = std::move(stream);
  if (form == Stream::Form::kMany && !draining_.ok()) {
    EndAll(opened, draining_);
    return ServeReady();
  }
  ReadOn(opened);
}

void WatchDispatcher::ReadOn(Stream& stream) {
  if (stream.form != Stream::Form::kMany || stream.reading || stream.finished || stream.end != nullptr) return;
  if (stream.refusals.size() >= kUnsentRefusalsMax) return;
  stream.reading = true;
  stream.call->ReadNext();
}

void WatchDispatcher::Command(WatchStream* call, WatchCommand command) {
  Stream* const stream = Find(call);
  if (stream == nullptr) return;
  stream->reading = false;
  if (stream->finished || stream->end != nullptr) return;
  if (auto* create = std::get_if<CreateWatch>(&command)) Create(*stream, std::move(*create));
  if (const auto* cancel = std::get_if<CancelWatch>(&command)) Cancel(*stream, cancel->watch_id);
  if (const auto* broken = std::get_if<absl::Status>(&command)) EndAll(*stream, *broken);
  ReadOn(*stream);
  ServeReady();
}

void WatchDispatcher::Create(Stream& stream, CreateWatch command) {
  const bool many = stream.form == Stream::Form::kMany;
  if (many && command.watch_id <= 0) {
    return Refuse(stream, command.watch_id,
                  InvalidField(Reason::kInvalidField, "create.watch_id", absl::StrCat("is ", command.watch_id, ", must be positive")), 0);
  }
  // A frame that said so would be taken for the end of the watch that has the id.
  if (many && stream.watches.contains(command.watch_id)) {
    return EndAll(stream, InvalidField(Reason::kInvalidField, "create.watch_id",
                                       absl::StrCat("is ", command.watch_id, ", which is in use on this stream")));
  }
  absl::Status refused = !draining_.ok() ? draining_ : command.spec.status();
  if (refused.ok()) refused = CheckRoom(stream);
  const Revision sent = command.spec.ok() ? SentBefore(*command.spec, store_id_, shown_) : 0;
  if (many && !refused.ok()) return Refuse(stream, command.watch_id, std::move(refused), sent);
  if (!refused.ok()) return Finish(stream, {.status = std::move(refused), .revision = sent, .store_id = store_id_});
  auto made = std::make_unique<Watch>();
  Watch& watch = *made;
  watch.serial = ++last_serial_;
  watch.id = command.watch_id;
  watch.stream = &stream;
  watch.interest = index_.Acquire(command.spec->range, command.spec->include_previous ? Previous::kShown : Previous::kLeftOut);
  watch.include_snapshot = command.spec->include_snapshot;
  watch.heartbeat = command.spec->heartbeat;
  watch.last_frame = now_;
  stream.watches[watch.id] = std::move(made);
  watches_[watch.serial] = &watch;
  if (many) ++watches_of_connection_[stream.connection];
  SetTimer(watch, now_ + watch.heartbeat);
  Begin(watch, *command.spec);
}

absl::Status WatchDispatcher::CheckRoom(const Stream& stream) const {
  if (watches_.size() >= static_cast<size_t>(limits_.watches_max)) {
    return WatchesFull(absl::StrCat(limits_.watches_max, " watches are open"));
  }
  const auto of_connection = watches_of_connection_.find(stream.connection);
  if (stream.form == Stream::Form::kMany && of_connection != watches_of_connection_.end() &&
      of_connection->second >= limits_.watches_per_connection_max) {
    return WatchesFull(absl::StrCat(limits_.watches_per_connection_max, " watches are open on this connection"));
  }
  return absl::OkStatus();
}

void WatchDispatcher::Begin(Watch& watch, const WatchSpec& spec) {
  const bool same_store = spec.store_id.empty() || spec.store_id == store_id_;
  watch.next = {SentBefore(spec, store_id_, shown_) + 1, 0};
  if (!same_store && !spec.include_snapshot) return End(watch, StoreReplaced(spec.store_id));
  if (!same_store || (spec.start == 0 && spec.include_snapshot)) {
    watch.phase = Watch::Phase::kSnapshot;
    watch.snapshot = std::make_unique<SnapshotProgress>();
  } else if (spec.start > 0) {
    // Revision 1 is that of the empty store: nothing happened there.
    watch.next = {std::max<Revision>(spec.start, 2), 0};
    if (watch.next.revision > shown_ + 1) watch.phase = Watch::Phase::kChecking;
  }
  Queue(watch);
}

void WatchDispatcher::Cancel(Stream& stream, int64_t watch_id) {
  const auto found = stream.watches.find(watch_id);
  if (found == stream.watches.end()) return Refuse(stream, watch_id, absl::CancelledError("there is no such watch"), 0);
  if (found->second->phase != Watch::Phase::kEnding) End(*found->second, absl::CancelledError("the client ended the watch"));
}

void WatchDispatcher::Refuse(Stream& stream, int64_t watch_id, absl::Status status, Revision sent) {
  stream.refusals.emplace_back(watch_id, WatchEnd{.status = std::move(status), .revision = sent, .store_id = store_id_});
  ready_.push_back(&stream);
}

WatchEnd WatchDispatcher::EndOf(const Watch& watch, absl::Status status, Revision oldest) const {
  return {.status = std::move(status), .revision = SentUpTo(watch), .oldest_revision = oldest, .store_id = store_id_};
}

void WatchDispatcher::End(Watch& watch, absl::Status status, Revision oldest) {
  WatchEnd end = EndOf(watch, std::move(status), oldest);
  LeaveCurrent(watch);
  pass_.Remove(&watch);
  if (watch.stream->form == Stream::Form::kOne) {
    Stream& stream = *watch.stream;
    stream.wants.clear();
    Erase(watch);
    return Finish(stream, end);
  }
  watch.phase = Watch::Phase::kEnding;
  watch.end = std::make_unique<WatchEnd>(std::move(end));
  watch.snapshot.reset();
  Queue(watch);
}

void WatchDispatcher::EndAll(Stream& stream, const absl::Status& status) {
  if (stream.finished || stream.end != nullptr) return;
  if (stream.form == Stream::Form::kOne) {
    if (!stream.watches.empty()) End(*stream.watches.begin()->second, status);
    return;
  }
  stream.end = std::make_unique<WatchEnd>(WatchEnd{.status = status, .store_id = store_id_});
  for (const auto& [id, watch] : stream.watches) {
    if (watch->phase != Watch::Phase::kEnding) End(*watch, status);
  }
  ready_.push_back(&stream);
}

void WatchDispatcher::Finish(Stream& stream, const WatchEnd& end) {
  if (std::exchange(stream.finished, true)) return;
  stream.call->Finish(end);
}

void WatchDispatcher::Erase(Watch& watch) {
  LeaveCurrent(watch);
  pass_.Remove(&watch);
  index_.Release(watch.interest);
  watches_.erase(watch.serial);
  PruneTimers();
  Stream& stream = *watch.stream;
  if (stream.form == Stream::Form::kMany) {
    const auto count = watches_of_connection_.find(stream.connection);
    if (--count->second == 0) watches_of_connection_.erase(count);
  }
  stream.watches.erase(watch.id);
}

void WatchDispatcher::OnCancelled(WatchStream* call) {
  Stream* const stream = Find(call);
  if (stream == nullptr) return;
  stream->wants.clear();
  while (!stream->watches.empty()) Erase(*stream->watches.begin()->second);
  Finish(*stream, {.status = absl::CancelledError("the client is gone")});
}

void WatchDispatcher::OnClosed(WatchStream* call) {
  OnCancelled(call);
  streams_.erase(call);
}

void WatchDispatcher::Drain(absl::Status reason) {
  draining_ = std::move(reason);
  for (const auto& [call, stream] : streams_) EndAll(*stream, draining_);
  ServeReady();
}

}  // namespace scoutlight::server
