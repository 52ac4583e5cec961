#include "storage/local/range_reader.h"

#include <utility>

#include "absl/strings/match.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {

RangeReader::RangeReader(std::shared_ptr<const StateReader> state, RangeRequest request)
    : state_(std::move(state)),
      request_(std::move(request)),
      path_(layout::EncodePath(request_.range.key)),
      end_(layout::SubtreeEnd(path_)),
      hide_system_(!request_.show_system && !request_.range.key.IsSystem()) {}

bool RangeReader::Run(int steps_max) {
  if (cursor_ == nullptr && !finished_) Start();
  for (int step = 0; step < steps_max && !finished_; ++step) {
    if (!cursor_->status().ok()) {
      status_ = cursor_->status();
      Finish();
    } else if (!cursor_->Valid()) {
      Finish();
    } else if (SkipSystem()) {
      continue;
    } else if (request_.range.scope == Scope::kKey) {
      StepKey();
    } else if (request_.range.scope == Scope::kChildren) {
      StepChildren();
    } else {
      StepSubtree();
    }
  }
  return finished_;
}

void RangeReader::Start() {
  std::string start = request_.range.scope == Scope::kChildren ? layout::BelowStart(path_) : path_;
  if (request_.after.has_value()) {
    const std::string after = layout::EncodePath(*request_.after);
    start = request_.range.scope == Scope::kSubtree ? layout::BelowStart(after) : layout::SubtreeEnd(after);
    if (start >= end_) return Finish();
  }
  cursor_ = state_->NewCursor(start, end_);
  cursor_->Seek(start);
}

void RangeReader::StepKey() {
  Finish();
  // What lies below the key makes it a branch, but only what is stored at it is the entry.
  if (cursor_->key() != path_) return;
  Entry entry;
  if (!DecodeHere(&entry)) return;
  cursor_->Next();
  status_ = cursor_->status();
  if (!status_.ok()) return;
  entry.has_children = IsBelow(path_);
  Add(std::move(entry));
}

void RangeReader::StepChildren() {
  const std::string child(layout::ChildPath(path_, cursor_->key()));
  Entry entry;
  if (cursor_->key() == child) {
    if (!DecodeHere(&entry)) return;
    cursor_->Next();
    entry.has_children = IsBelow(child);
  } else {
    absl::StatusOr<Key> key = layout::DecodePath(child);
    if (!key.ok()) {
      status_ = key.status();
      return Finish();
    }
    entry.key = *std::move(key);
    entry.has_children = true;
  }
  const bool below = entry.has_children;
  if (entry.has_value || request_.branches) {
    if (!Add(std::move(entry))) return;
  }
  if (below) cursor_->Seek(layout::SubtreeEnd(child));
}

void RangeReader::StepSubtree() {
  Entry entry;
  const std::string path(cursor_->key());
  if (!DecodeHere(&entry)) return;
  cursor_->Next();
  entry.has_children = IsBelow(path);
  Add(std::move(entry));
}

bool RangeReader::Add(Entry entry) {
  const size_t bytes = EntryBytes(entry);
  const bool full = entries_.size() == static_cast<size_t>(request_.entries_max);
  if (full || (!entries_.empty() && bytes_ + bytes > request_.bytes_max)) {
    more_ = true;
    Finish();
    return false;
  }
  bytes_ += bytes;
  entries_.push_back(std::move(entry));
  return true;
}

bool RangeReader::DecodeHere(Entry* entry) {
  absl::StatusOr<Key> key = layout::DecodePath(cursor_->key());
  absl::StatusOr<layout::EntryHeader> header = layout::DecodeEntryHeader(cursor_->value());
  if (!key.ok() || !header.ok()) {
    status_ = key.ok() ? header.status() : key.status();
    Finish();
    return false;
  }
  entry->key = *std::move(key);
  entry->create_revision = header->create_revision;
  entry->mod_revision = header->mod_revision;
  entry->version = header->version;
  entry->lease_id = header->lease_id;
  entry->has_value = true;
  entry->value.form = header->form;
  if (!request_.keys_only) entry->value.bytes = std::string(header->value);
  return true;
}

bool RangeReader::IsBelow(absl::string_view path) const {
  return cursor_->Valid() && cursor_->key().size() > path.size() && absl::StartsWith(cursor_->key(), layout::BelowStart(path));
}

bool RangeReader::SkipSystem() {
  if (!hide_system_ || !layout::IsSystemPath(cursor_->key())) return false;
  static const std::string kBehind = layout::SubtreeEnd(layout::EncodePath(*Key::Parse(kSystemTree)));
  cursor_->Seek(kBehind);
  return true;
}

}  // namespace scoutlight::storage
