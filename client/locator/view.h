#ifndef SCOUTLIGHT_CLIENT_LOCATOR_VIEW_H_
#define SCOUTLIGHT_CLIENT_LOCATOR_VIEW_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "client/locator/service_calls.h"
#include "client/locator/service_state.h"
#include "discovery/endpoint.h"
#include "discovery/filter/filter.h"
#include "discovery/strategy/candidate.h"

namespace scoutlight::client {

// An instance as picks see it. Never changed once shared, but for its record.
struct ViewEntry {
  discovery::InstancePtr instance;
  bool matches = false;  // Filter and endpoint; only of those that do, the rest is filled.
  std::optional<discovery::Endpoint> endpoint;
  discovery::Candidate candidate;
  std::shared_ptr<CallRecord> record;
};
using ViewEntryPtr = std::shared_ptr<const ViewEntry>;
using ViewEntries = std::vector<ViewEntryPtr>;

// What is asked of those that take part.
struct ViewTerms {
  discovery::Filter filter;  // Without `age`.
  std::string endpoint;
  // Whether the strategy must see instances whose health is critical, though it picks none of them: what a zone can carry is told by how
  // many of it are well.
  bool sees_critical = false;
};

// Who may be picked of one service at one time: those that take work and are not ejected; if there are none, the ejected ones too; if there
// are none, those that are held though their owners were lost. Immutable; thread-safe.
struct View {
  ViewEntries entries;                     // By id.
  discovery::SharedCandidates candidates;  // Of `entries`.
  absl::Status nobody;                     // Why `entries` is empty; OK: it is not.
  bool usable = false;                     // As Known.
  bool forgotten = false;
  bool guarded = false;
};

// All of a service's instances by id, as `terms` see them. Those of `before` that have not changed are taken over, so a change costs what
// has changed and a pointer for each other.
ViewEntries MakeEntries(const ViewEntries& before, const discovery::ServiceSnapshot& snapshot, const ViewTerms& terms, ServiceCalls* calls);

// The view of `known`, whose snapshot `entries` shows. Errors in `nobody`: kNotFound, SERVICE_NOT_FOUND; kUnavailable, NONE_RESOLVABLE;
// kFailedPrecondition, NONE_MATCHES; kUnavailable, CATALOG_LOADING: nothing is known yet, or what is known is too old.
View MakeView(const discovery::ServiceName& service, const Known& known, const ViewEntries& entries, const ViewTerms& terms);

}  // namespace scoutlight::client

#endif  // SCOUTLIGHT_CLIENT_LOCATOR_VIEW_H_
