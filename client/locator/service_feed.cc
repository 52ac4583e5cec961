#include "client/locator/service_feed.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/wire/instance_conversion.h"

namespace scoutlight::client {
namespace {

using discovery::InstancePtr;
using Frame = discovery::v1::WatchResponse;

}  // namespace

void ServiceFeed::Restart() {
  awaits_snapshot_ = true;
  older_ = nullptr;
  pending_.clear();
}

absl::StatusOr<bool> ServiceFeed::Take(const Frame& frame, absl::Duration now) {
  const bool of_snapshot = frame.kind() == Frame::KIND_SNAPSHOT || frame.kind() == Frame::KIND_SNAPSHOT_END;
  if (!of_snapshot && frame.kind() != Frame::KIND_CHANGES) return false;
  if (of_snapshot != awaits_snapshot_) {
    return absl::InternalError(of_snapshot ? "the server sent a second snapshot" : "the server sent changes before their snapshot");
  }
  if (absl::Status gathered = Gather(frame); !gathered.ok()) return gathered;
  if (frame.kind() == Frame::KIND_SNAPSHOT || (frame.kind() == Frame::KIND_CHANGES && frame.fragment())) return false;
  const size_t kept = kept_.size();
  bool shows = false;
  if (frame.kind() == Frame::KIND_SNAPSHOT_END) {
    shows = Replace(frame, now);
  } else {
    shows = older_ != nullptr ? ApplyToOlder(frame.revision()) : Apply(frame.revision());
  }
  return shows || kept != kept_.size();
}

bool ServiceFeed::Reach(Revision revision, const StoreId& store_id) {
  if (!told_ || awaits_snapshot_ || !pending_.empty() || store_id != store_id_) return false;
  if (older_ == nullptr) {
    revision_ = std::max(revision_, revision);
    return false;
  }
  older_revision_ = std::max(older_revision_, revision);
  return older_revision_ >= revision_ && ShowOlder();
}

absl::Status ServiceFeed::Gather(const Frame& frame) {
  for (const discovery::v1::Instance& message : frame.changed()) {
    pending_[message.id()] = std::make_shared<const discovery::Instance>(ReadInstance(message));
  }
  for (const std::string& id : frame.removed()) pending_[id] = nullptr;
  if (pending_.size() <= kInstancesMax) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the server sent more than ", kInstancesMax, " instances of one service"));
}

bool ServiceFeed::Replace(const Frame& frame, absl::Duration now) {
  const bool other_store = frame.store_id() != store_id_;
  // What was only read from a file may be gone for long.
  const bool keeps = other_store && told_ && grace_ > absl::ZeroDuration();
  awaits_snapshot_ = false;
  if (!other_store && told_ && frame.revision() < revision_) {
    older_ = std::make_shared<const discovery::ServiceSnapshot>();
    older_revision_ = 0;
    return ApplyToOlder(frame.revision());
  }
  if (other_store) store_id_ = frame.store_id();
  if (keeps) Keep(now);
  const bool changed = ReplaceByPending(frame.revision());
  return !std::exchange(told_, true) || changed;
}

bool ServiceFeed::ReplaceByPending(Revision revision) {
  older_until_ = absl::InfiniteDuration();
  // It may be lower than before.
  revision_ = revision;
  if (snapshot_ == nullptr) snapshot_ = std::make_shared<const discovery::ServiceSnapshot>();
  snapshot_->ForEachAfter("", [this](const InstancePtr& known) {
    const auto [told, gone] = pending_.try_emplace(known->name.id, nullptr);
    if (gone && kept_.contains(known->name.id)) pending_.erase(told);
    // One that is as it was stays the same object: what was made of it stays too.
    if (!gone && told->second != nullptr && *told->second == *known) told->second = known;
    return true;
  });
  return Apply(revision);
}

bool ServiceFeed::ApplyToOlder(Revision revision) {
  discovery::ServiceSnapshot::Changes changes;
  for (auto& [id, instance] : std::exchange(pending_, {})) changes.emplace_back(id, instance);
  older_ = older_->With(changes, revision);
  older_revision_ = std::max(older_revision_, revision);
  return older_revision_ >= revision_ && ShowOlder();
}

bool ServiceFeed::ShowOlder() {
  std::exchange(older_, nullptr)->ForEachAfter("", [this](const InstancePtr& instance) {
    pending_[instance->name.id] = instance;
    return true;
  });
  return ReplaceByPending(older_revision_);
}

void ServiceFeed::Keep(absl::Duration now) {
  snapshot_->ForEachAfter("", [&](const InstancePtr& known) {
    if (known->IsFit() && !pending_.contains(known->name.id)) kept_.try_emplace(known->name.id, now + grace_);
    return true;
  });
}

bool ServiceFeed::Apply(Revision revision) {
  discovery::ServiceSnapshot::Changes changes;
  bool differs = false;
  for (auto& [id, instance] : std::exchange(pending_, {})) {
    // The store that is there knows it now.
    kept_.erase(id);
    differs = differs || snapshot_->Find(id) != instance;
    changes.emplace_back(id, instance);
  }
  if (differs) snapshot_ = snapshot_->With(changes, revision);
  revision_ = std::max(revision_, revision);
  return differs;
}

bool ServiceFeed::EndGrace(absl::Duration now) {
  discovery::ServiceSnapshot::Changes changes;
  for (auto kept = kept_.begin(); kept != kept_.end();) {
    if (kept->second > now) {
      ++kept;
      continue;
    }
    changes.emplace_back(kept->first, nullptr);
    kept = kept_.erase(kept);
  }
  if (changes.empty()) return false;
  snapshot_ = snapshot_->With(changes, snapshot_->revision());
  return true;
}

bool ServiceFeed::EndOlder(absl::Duration spoke_at) {
  if (older_ == nullptr || !pending_.empty()) return false;
  older_until_ = std::min(older_until_, spoke_at + kOlderMax);
  return spoke_at >= older_until_ && ShowOlder();
}

}  // namespace scoutlight::client
