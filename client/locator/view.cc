#include "client/locator/view.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace scoutlight::client {
namespace {

using discovery::InstancePtr;

ViewEntryPtr MakeEntry(const InstancePtr& instance, const ViewTerms& terms, ServiceCalls* calls) {
  auto entry = std::make_shared<ViewEntry>();
  entry->instance = instance;
  if (!instance->IsFit() && !instance->IsFitButLost()) return entry;
  if (!terms.filter.Matches(*instance, absl::Time())) return entry;
  const discovery::Endpoints read = discovery::ReadEndpoints(instance->properties);
  if (const discovery::Endpoint* endpoint = discovery::PickEndpoint(read.endpoints, terms.endpoint); endpoint != nullptr) {
    entry->endpoint = *endpoint;
  } else if (!terms.endpoint.empty()) {
    return entry;
  }
  entry->matches = true;
  entry->candidate = discovery::MakeCandidate(*instance);
  entry->record = calls->RecordOf(*instance);
  return entry;
}

enum class Among { kNotEjected, kLive, kHeld };

// Of `entries` those that take part. False: nobody of them may be picked.
bool Choose(const ViewEntries& entries, const ViewTerms& terms, Among among, View* view) {
  view->entries.clear();
  bool somebody = false;
  for (const ViewEntryPtr& entry : entries) {
    if (!entry->matches) continue;
    const discovery::Instance& instance = *entry->instance;
    if (among == Among::kHeld ? !instance.IsFitButLost() : !(terms.sees_critical ? instance.IsFit() : instance.resolvable())) continue;
    if (among == Among::kNotEjected && entry->record->ejected.load(std::memory_order_relaxed)) continue;
    somebody = somebody || instance.health != discovery::Health::kCritical;
    view->entries.push_back(entry);
  }
  return somebody;
}

absl::Status NothingKnown(const discovery::ServiceName& service, const Known& known) {
  ErrorDetails details;
  details.reason = Reason::kCatalogLoading;
  details.retry_after = absl::Milliseconds(200);
  details.resource = absl::StrCat(service.cluster, "/", service.service);
  return MakeError(absl::StatusCode::kUnavailable,
                   absl::StrCat(known.too_old ? "what is known is too old of service " : "the registry has not told yet of service ",
                                service.service, " in cluster ", service.cluster),
                   details);
}

absl::Status WhyNobody(const discovery::ServiceName& service, const discovery::ServiceSnapshot& snapshot) {
  if (snapshot.size() == 0) return discovery::ServiceNotFound(service);
  ErrorDetails details;
  details.resource = absl::StrCat(service.cluster, "/", service.service);
  if (snapshot.resolvable() == 0) {
    details.reason = Reason::kNoneResolvable;
    details.retry_after = absl::Seconds(1);
    return MakeError(absl::StatusCode::kUnavailable,
                     absl::StrCat("none of the instances of service ", service.service, " takes work, of ", snapshot.size()), details);
  }
  details.reason = Reason::kNoneMatches;
  return MakeError(
      absl::StatusCode::kFailedPrecondition,
      absl::StrCat("filter or endpoint exclude all instances of service ", service.service, " that take work, ", snapshot.resolvable()),
      details);
}

}  // namespace

ViewEntries MakeEntries(const ViewEntries& before, const discovery::ServiceSnapshot& snapshot, const ViewTerms& terms,
                        ServiceCalls* calls) {
  ViewEntries entries;
  entries.reserve(snapshot.size());
  auto known = before.begin();
  for (const discovery::ServiceSnapshot::ChunkPtr& chunk : snapshot.chunks()) {
    for (const InstancePtr& instance : *chunk) {
      while (known != before.end() && (*known)->instance != instance && (*known)->instance->name.id < instance->name.id) ++known;
      const bool same = known != before.end() && (*known)->instance == instance;
      entries.push_back(same ? *known : MakeEntry(instance, terms, calls));
      if (same) ++known;
    }
  }
  return entries;
}

View MakeView(const discovery::ServiceName& service, const Known& known, const ViewEntries& entries, const ViewTerms& terms) {
  View view;
  view.usable = known.usable;
  view.forgotten = known.forgotten;
  view.candidates = std::make_shared<const discovery::CandidateList>();
  if (known.snapshot == nullptr || known.too_old || known.forgotten) {
    view.nobody = NothingKnown(service, known);
    return view;
  }
  view.guarded = known.kept || known.snapshot->held() > 0;
  const bool somebody = Choose(entries, terms, Among::kNotEjected, &view) || Choose(entries, terms, Among::kLive, &view) ||
                        Choose(entries, terms, Among::kHeld, &view);
  if (!somebody) {
    view.entries.clear();
    view.nobody = WhyNobody(service, *known.snapshot);
    return view;
  }
  auto candidates = std::make_shared<discovery::CandidateList>();
  candidates->reserve(view.entries.size());
  for (const ViewEntryPtr& entry : view.entries) candidates->push_back(entry->candidate);
  view.candidates = std::move(candidates);
  return view;
}

}  // namespace scoutlight::client
