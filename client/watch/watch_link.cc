#include "client/watch/watch_link.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "client/events/run_and_wait.h"

namespace scoutlight::client {
namespace {

constexpr size_t kBufferBytesMin = 1 << 10;
constexpr size_t kBufferBytesMax = 1 << 30;

// `wire` outlives its parts.
std::shared_ptr<WatchStreams> StreamsOf(Wire* wire) {
  return wire->Part<WatchStreams>([wire] {
    WatchStreams::Options options{.lane = {.loop = &wire->loop(), .open = wire->watch_streams(), .unit_random = wire->unit_random()}};
    options.saw = [wire](Revision revision, const StoreId& store_id) { wire->Saw(revision, store_id); };
    return std::make_unique<WatchStreams>(std::move(options));
  });
}

}  // namespace

WatchLink::WatchLink(std::shared_ptr<Wire> wire, std::string key, WatchOptions options, std::function<void()> on_events)
    : wire_(std::move(wire)), key_(std::move(key)), options_(std::move(options)), streams_(StreamsOf(wire_.get())) {
  // Called by who takes events, so while this lives.
  auto on_room = [loop = &wire_->loop(), streams = std::weak_ptr<WatchStreams>(streams_), handle = handle_] {
    loop->Post([streams, handle] {
      if (const std::shared_ptr<WatchStreams> there = streams.lock()) there->OnRoom(*handle);
    });
  };
  buffer_ = std::make_shared<EventBuffer>(options_.buffer_bytes,
                                          EventBuffer::Hooks{.on_room = std::move(on_room), .on_events = std::move(on_events)});
}

void WatchLink::Begin() {
  if (options_.buffer_bytes < kBufferBytesMin || options_.buffer_bytes > kBufferBytesMax) {
    return buffer_->End(InvalidField(Reason::kInvalidField, "buffer_bytes",
                                     absl::StrCat("must be ", kBufferBytesMin, " to ", kBufferBytesMax, ", is ", options_.buffer_bytes)));
  }
  // This lives until a later task has run.
  wire_->loop().Post([this] { *handle_ = streams_->Add(key_, options_, buffer_); });
}

void WatchLink::Cancel(absl::Status why) {
  buffer_->End(std::move(why));
  // After Begin()'s task. This may be gone when it runs.
  wire_->loop().Post([streams = std::weak_ptr<WatchStreams>(streams_), handle = handle_] {
    if (const std::shared_ptr<WatchStreams> there = streams.lock()) there->Remove(*handle);
  });
}

WatchLink::~WatchLink() {
  RunAndWait(&wire_->loop(), [this] { streams_->Remove(*handle_); });
}

}  // namespace scoutlight::client
