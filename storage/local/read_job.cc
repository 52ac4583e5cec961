#include "storage/local/read_job.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "storage/local/layout.h"

namespace scoutlight::storage {
namespace {

absl::Status ListTooLarge() {
  return InvalidField(Reason::kListTooLarge, "order",
                      absl::StrCat("is creation order, which is limited to ", limits::kCreationOrderEntriesMax,
                                   " entries, and the list is longer; list by key"));
}

bool Before(const Position& a, const Entry& b) { return std::tie(a.create_revision, a.key) < std::tie(b.create_revision, b.key); }

}  // namespace

ReadJob::ReadJob(std::shared_ptr<const StateReader> state, Query query)
    : state_(std::move(state)), query_(std::move(query)), reader_(state_, RequestFor(query_)) {}

RangeRequest ReadJob::RequestFor(const Query& query) {
  RangeRequest request{.range = query.range, .keys_only = query.keys_only, .show_system = query.show_system};
  if (query.order == Order::kCreation) {
    // Everything is needed before the first can be told; values are read for the page alone.
    request.keys_only = true;
    request.entries_max = limits::kCreationOrderEntriesMax;
    return request;
  }
  request.entries_max = query.entries_max;
  request.bytes_max = query.bytes_max;
  if (query.after.has_value()) request.after = query.after->key;
  return request;
}

bool ReadJob::Run(int steps_max) {
  if (!reader_.Run(steps_max)) return false;
  page_.status = reader_.status();
  page_.more = reader_.more();
  page_.entries = reader_.TakeEntries();
  if (page_.status.ok() && query_.order == Order::kCreation) SortAndFill();
  return true;
}

Page ReadJob::TakePage() {
  if (!page_.status.ok()) page_.entries.clear();
  return std::move(page_);
}

void ReadJob::SortAndFill() {
  if (page_.more) {
    page_.status = ListTooLarge();
    return;
  }
  std::vector<Entry> all = std::move(page_.entries);
  page_.entries.clear();
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return Before({a.key, a.create_revision}, b); });
  auto next = query_.after.has_value() ? std::upper_bound(all.begin(), all.end(), *query_.after, Before) : all.begin();
  size_t bytes = 0;
  for (; next != all.end(); ++next) {
    if (next->has_value && !query_.keys_only) {
      absl::StatusOr<std::optional<std::string>> record = state_->Lookup(layout::EncodePath(next->key));
      if (!record.ok() || !record->has_value()) {
        page_.status = record.ok() ? absl::DataLossError("an entry vanished from a fixed state") : record.status();
        return;
      }
      absl::StatusOr<layout::EntryHeader> header = layout::DecodeEntryHeader(**record);
      if (!header.ok()) {
        page_.status = header.status();
        return;
      }
      next->value.bytes = std::string(header->value);
    }
    bytes += EntryBytes(*next);
    if (page_.entries.size() == static_cast<size_t>(query_.entries_max) || (!page_.entries.empty() && bytes > query_.bytes_max)) {
      page_.more = true;
      return;
    }
    page_.entries.push_back(std::move(*next));
  }
}

}  // namespace scoutlight::storage
