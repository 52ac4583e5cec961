#include "discovery/service_snapshot.h"

#include <algorithm>
#include <string>

namespace scoutlight::discovery {
namespace {

using Chunk = ServiceSnapshot::Chunk;
using ChunkPtr = ServiceSnapshot::ChunkPtr;
using Change = std::pair<std::string, InstancePtr>;

bool IsHeld(const Instance& instance) { return instance.status == Status::kOwnerLost; }

const std::string& IdOf(const InstancePtr& instance) { return instance->name.id; }

// The first chunk that holds ids at or after `id`; the last one if all come before.
size_t ChunkFor(const std::vector<ChunkPtr>& chunks, absl::string_view id) {
  const auto found = std::upper_bound(chunks.begin(), chunks.end(), id,
                                      [](absl::string_view wanted, const ChunkPtr& chunk) { return wanted < IdOf(chunk->front()); });
  return found == chunks.begin() ? 0 : static_cast<size_t>(found - chunks.begin()) - 1;
}

Chunk::const_iterator FirstAtOrAfter(const Chunk& chunk, absl::string_view id) {
  return std::lower_bound(chunk.begin(), chunk.end(), id,
                          [](const InstancePtr& instance, absl::string_view wanted) { return IdOf(instance) < wanted; });
}

// Appends `chunk`, cut into as many as it takes.
void AppendCut(Chunk chunk, std::vector<ChunkPtr>* chunks) {
  if (chunk.empty()) return;
  const size_t pieces = (chunk.size() + ServiceSnapshot::kChunkInstancesMax - 1) / ServiceSnapshot::kChunkInstancesMax;
  if (pieces == 1) return chunks->push_back(std::make_shared<const Chunk>(std::move(chunk)));
  for (size_t piece = 0; piece < pieces; ++piece) {
    const auto begin = chunk.begin() + chunk.size() * piece / pieces;
    const auto end = chunk.begin() + chunk.size() * (piece + 1) / pieces;
    chunks->push_back(std::make_shared<const Chunk>(begin, end));
  }
}

// Walks the instances of a snapshot in order.
class Cursor {
 public:
  explicit Cursor(const ServiceSnapshot* snapshot) : chunks_(snapshot == nullptr ? Empty() : snapshot->chunks()) {}

  bool Valid() const { return chunk_ < chunks_.size(); }
  const InstancePtr& Get() const { return (*chunks_[chunk_])[place_]; }
  void Next() {
    if (++place_ < chunks_[chunk_]->size()) return;
    NextChunk();
  }
  // The chunk that it stands at the start of; null: it stands within one.
  const Chunk* WholeChunk() const { return place_ == 0 ? chunks_[chunk_].get() : nullptr; }
  void NextChunk() {
    ++chunk_;
    place_ = 0;
  }

 private:
  static const std::vector<ChunkPtr>& Empty() {
    static const auto& empty = *new std::vector<ChunkPtr>();
    return empty;
  }

  const std::vector<ChunkPtr>& chunks_;
  size_t chunk_ = 0;
  size_t place_ = 0;
};

}  // namespace

SnapshotPtr ServiceSnapshot::With(const Changes& changes, Revision revision) const {
  auto next = std::make_shared<ServiceSnapshot>(catalog_);
  next->revision_ = revision;
  next->size_ = size_;
  next->version_ = version_ + 1;
  next->resolvable_ = resolvable_;
  next->held_ = held_;
  next->chunks_.reserve(chunks_.size() + 1);
  size_t done = 0;  // Of `chunks_`.
  for (auto change = changes.begin(); change != changes.end();) {
    const size_t at = chunks_.empty() ? 0 : ChunkFor(chunks_, change->first);
    next->chunks_.insert(next->chunks_.end(), chunks_.begin() + done, chunks_.begin() + at);
    // Those of this chunk: up to where the next one begins.
    auto end = changes.end();
    if (at + 1 < chunks_.size()) {
      end = std::lower_bound(change, changes.end(), IdOf(chunks_[at + 1]->front()),
                             [](const Change& a, const std::string& id) { return a.first < id; });
    }
    next->Append(at < chunks_.size() ? chunks_[at] : nullptr, change, end);
    change = end;
    done = std::min(at + 1, chunks_.size());
  }
  next->chunks_.insert(next->chunks_.end(), chunks_.begin() + done, chunks_.end());
  return next;
}

void ServiceSnapshot::Append(const ChunkPtr& before, Changes::const_iterator change, Changes::const_iterator end) {
  Chunk chunk = before == nullptr ? Chunk() : *before;
  bool changed = false;
  for (; change != end; ++change) {
    const auto place = chunk.begin() + (FirstAtOrAfter(chunk, change->first) - chunk.cbegin());
    const bool there = place != chunk.end() && IdOf(*place) == change->first;
    if (there ? *place == change->second : change->second == nullptr) continue;
    changed = true;
    if (there) {
      --size_;
      resolvable_ -= (*place)->resolvable() ? 1 : 0;
      held_ -= IsHeld(**place) ? 1 : 0;
      if (change->second == nullptr) {
        chunk.erase(place);
        continue;
      }
      *place = change->second;
    } else {
      chunk.insert(place, change->second);
    }
    ++size_;
    resolvable_ += change->second->resolvable() ? 1 : 0;
    held_ += IsHeld(*change->second) ? 1 : 0;
  }
  if (changed) {
    AppendCut(std::move(chunk), &chunks_);
  } else if (before != nullptr) {
    chunks_.push_back(before);
  }
}

InstancePtr ServiceSnapshot::Find(absl::string_view id) const {
  if (chunks_.empty()) return nullptr;
  const Chunk& chunk = *chunks_[ChunkFor(chunks_, id)];
  const auto found = FirstAtOrAfter(chunk, id);
  return found != chunk.end() && IdOf(*found) == id ? *found : nullptr;
}

void ServiceSnapshot::ForEachAfter(absl::string_view after, const std::function<bool(const InstancePtr&)>& show) const {
  if (chunks_.empty()) return;
  for (size_t i = ChunkFor(chunks_, after); i < chunks_.size(); ++i) {
    for (auto it = FirstAtOrAfter(*chunks_[i], after); it != chunks_[i]->end(); ++it) {
      if (IdOf(*it) != after && !show(*it)) return;
    }
  }
}

void ForEachDifference(const ServiceSnapshot* before, const ServiceSnapshot* after,
                       const std::function<void(const InstancePtr&, const InstancePtr&)>& show) {
  Cursor was(before);
  Cursor is(after);
  while (was.Valid() || is.Valid()) {
    if (!was.Valid()) {
      show(nullptr, is.Get());
      is.Next();
    } else if (is.Valid() && was.WholeChunk() != nullptr && was.WholeChunk() == is.WholeChunk()) {
      // Before any id is looked at: most chunks are shared, and not in a processor's cache.
      was.NextChunk();
      is.NextChunk();
    } else if (!is.Valid() || IdOf(was.Get()) < IdOf(is.Get())) {
      show(was.Get(), nullptr);
      was.Next();
    } else if (IdOf(is.Get()) < IdOf(was.Get())) {
      show(nullptr, is.Get());
      is.Next();
    } else {
      if (was.Get() != is.Get() && !(*was.Get() == *is.Get())) show(was.Get(), is.Get());
      was.Next();
      is.Next();
    }
  }
}

}  // namespace scoutlight::discovery
