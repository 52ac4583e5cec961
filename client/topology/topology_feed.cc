#include "client/topology/topology_feed.h"

#include "client/wire/time_conversion.h"
#include "client/wire/topology_conversion.h"

namespace scoutlight::client {

namespace wire = topology::v1;

TopologyFeed::TopologyFeed(Options options)
    : options_(std::move(options)), backoff_(options_.unit_random), reopening_(options_.loop), silence_(options_.loop) {}

void TopologyFeed::Pause() {
  if (std::exchange(paused_, true)) return;
  silence_.Clear();
  if (stream_ != nullptr) stream_->PauseReading();
}

void TopologyFeed::Resume() {
  if (!std::exchange(paused_, false) || stream_ == nullptr) return;
  ListenOn();
  stream_->ResumeReading();
}

void TopologyFeed::Open() {
  opened_at_ = options_.loop->Now();
  stream_ = options_.open({.on_message = [this](wire::WatchResponse frame) { OnMessage(std::move(frame)); },
                           .on_end = [this](const absl::Status& status) { OnEnd(status); }});
  wire::WatchRequest request;
  request.set_cluster(options_.cluster);
  *request.mutable_heartbeat() = WireDuration(kHeartbeat);
  stream_->Send(std::move(request));
  stream_->CloseSending();
  if (paused_) return stream_->PauseReading();
  ListenOn();
}

void TopologyFeed::ListenOn() {
  silence_.Set(kSilenceMax, [this] {
    stream_->GiveUp();
    OnEnd(absl::UnavailableError("the server says nothing any more"));
  });
}

void TopologyFeed::OnMessage(wire::WatchResponse frame) {
  if (!paused_) ListenOn();
  SetTrouble(absl::OkStatus());
  options_.saw(frame.revision(), frame.store_id());
  if (frame.kind() == wire::WatchResponse::KIND_CURRENT && frame.versions().empty()) TellIfNew({}, frame.store_id());
  for (wire::TopologyVersion& version : *frame.mutable_versions()) TellIfNew(std::move(version), frame.store_id());
}

void TopologyFeed::TellIfNew(wire::TopologyVersion version, const StoreId& store_id) {
  const Told now{.store_id = store_id, .version = version.version(), .revision = version.revision()};
  if (told_ == now) return;
  told_ = now;
  options_.on_version(TopologyVersionOf(std::move(version)), store_id);
}

void TopologyFeed::OnEnd(const absl::Status& status) {
  stream_.reset();
  silence_.Clear();
  if (Backoff::IsLasting(status.code())) return options_.on_end(status);
  backoff_.NoteLived(options_.loop->Now() - opened_at_);
  const absl::Status why = status.ok() ? absl::UnavailableError("the server ended the stream") : status;
  SetTrouble(why);
  // What is told is not what is there; and damage is not mended by asking soon.
  if (absl::IsDataLoss(why)) told_.reset();
  const absl::Duration pause = absl::IsDataLoss(why) ? backoff_.Slowest() : backoff_.NextAfter(why);
  reopening_.Set(pause, [this] { Open(); });
}

void TopologyFeed::SetTrouble(const absl::Status& why) {
  // The newest reason replaces another one.
  if (!in_trouble_ && why.ok()) return;
  in_trouble_ = !why.ok();
  options_.on_trouble(why);
}

}  // namespace scoutlight::client
