#include "server/topology/topology_frames.h"

#include <utility>

#include "absl/status/status.h"
#include "base/entry.h"
#include "base/key.h"
#include "scoutlight/registry/v1/registry.pb.h"
#include "scoutlight/topology/v1/topology.pb.h"
#include "server/topology/topology_conversion.h"
#include "server/topology/topology_errors.h"
#include "server/topology/topology_reads.h"

namespace scoutlight::server {
namespace {

namespace kv = registry::v1;
namespace wire = topology::v1;

absl::Status AddVersion(const kv::Entry& shown, wire::WatchResponse* out) {
  absl::StatusOr<Key> key = Key::FromNormal(shown.key());
  if (!key.ok()) return key.status();
  Entry entry;
  entry.key = *std::move(key);
  entry.value = {Value::Form::kText, shown.text()};
  entry.mod_revision = shown.mod_revision();
  const absl::StatusOr<MadeVersion> made = NewestIn(entry);
  if (!made.ok()) return made.status();
  FillVersion(*made, Documents::kShown, out->add_versions());
  return absl::OkStatus();
}

absl::Status AddChanges(const kv::WatchResponse& frame, wire::WatchResponse* out) {
  for (const kv::Event& event : frame.events()) {
    if (event.kind() != kv::Event::KIND_PUT) {
      const absl::StatusOr<Key> key = Key::FromNormal(event.entry().key());
      if (!key.ok()) return key.status();
      return TopologyUnreadable(*key, "is gone, though a deletion leaves a version there");
    }
    if (absl::Status unreadable = AddVersion(event.entry(), out); !unreadable.ok()) return unreadable;
  }
  return absl::OkStatus();
}

// KIND_UNSPECIFIED: nothing is to be sent.
absl::StatusOr<wire::WatchResponse> Turned(const kv::WatchResponse& frame) {
  wire::WatchResponse out;
  out.set_revision(frame.revision());
  out.set_store_id(frame.store_id());
  switch (frame.kind()) {
    case kv::WatchResponse::KIND_SNAPSHOT: {
      // All of the state: it is one key.
      out.set_kind(wire::WatchResponse::KIND_CURRENT);
      if (absl::Status unreadable = AddVersion(frame.entries(0), &out); !unreadable.ok()) return unreadable;
      return out;
    }
    case kv::WatchResponse::KIND_SNAPSHOT_END:
      // It begins the state too: there is none.
      if (frame.restart()) out.set_kind(wire::WatchResponse::KIND_CURRENT);
      return out;
    case kv::WatchResponse::KIND_CHANGES: {
      out.set_kind(wire::WatchResponse::KIND_CHANGES);
      if (absl::Status unreadable = AddChanges(frame, &out); !unreadable.ok()) return unreadable;
      return out;
    }
    case kv::WatchResponse::KIND_PROGRESS:
      out.set_kind(wire::WatchResponse::KIND_PROGRESS);
      return out;
    default:
      return out;
  }
}

}  // namespace

absl::StatusOr<FrameBytes> TopologyFrames::Turn(const FrameBytes& frame) {
  if (last_.lock() == frame) return turned_;
  kv::WatchResponse read;
  if (!read.ParseFromString(*frame)) return absl::InternalError("the hub made a frame that is no message");
  absl::StatusOr<wire::WatchResponse> turned = Turned(read);
  if (!turned.ok()) return turned.status();
  turned_ = nullptr;
  if (turned->kind() != wire::WatchResponse::KIND_UNSPECIFIED) {
    turned_ = std::make_shared<const std::string>(turned->SerializeAsString());
  }
  last_ = frame;
  return turned_;
}

}  // namespace scoutlight::server
