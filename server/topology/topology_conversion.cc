#include "server/topology/topology_conversion.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/utf8.h"
#include "server/discovery/instance_conversion.h"
#include "server/request_fields.h"
#include "server/violations.h"
#include "topology/topology.h"
#include "topology/topology_records.h"

namespace scoutlight::server {
namespace {

namespace wire = topology::v1;

std::string ReadComment(const std::string& comment, Violations* violations) {
  if (comment.size() > topology::kCommentBytesMax) {
    violations->Add(Reason::kInvalidField, "comment",
                    absl::StrCat("is ", comment.size(), " bytes long, at most ", topology::kCommentBytesMax, " are allowed"));
  } else if (const std::optional<size_t> bad = FindControlCharacter(comment); bad.has_value()) {
    violations->Add(Reason::kInvalidField, "comment", absl::StrCat("has a control character at byte ", *bad));
  }
  return comment;
}

template <typename Request>
TopologyRequest ReadRequest(const Request& request, Violations* violations) {
  TopologyRequest read;
  read.cluster = ReadCluster(request.cluster(), violations);
  read.expected_version = ReadCount(request.expected_version(), "expected_version", violations);
  read.validate_only = request.validate_only();
  read.comment = ReadComment(request.comment(), violations);
  CheckRequestId(request.request_id(), violations);
  return read;
}

template <typename T>
absl::StatusOr<T> IfRight(const Violations& violations, T read) {
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  return read;
}

}  // namespace

absl::StatusOr<TopologyRequest> TopologyRequestOf(const wire::ApplyRequest& request) {
  Violations violations;
  TopologyRequest read = ReadRequest(request, &violations);
  // Its size and emptiness are found with the document's own mistakes, before it is parsed.
  return IfRight(violations, std::move(read));
}

absl::StatusOr<TopologyRequest> TopologyRequestOf(const wire::RollbackRequest& request) {
  Violations violations;
  TopologyRequest read = ReadRequest(request, &violations);
  if (request.version() < 1) {
    violations.Add(Reason::kInvalidField, "version", absl::StrCat("is ", request.version(), ", must be at least 1"));
  }
  return IfRight(violations, std::move(read));
}

absl::StatusOr<TopologyRequest> TopologyRequestOf(const wire::DeleteRequest& request) {
  Violations violations;
  TopologyRequest read = ReadRequest(request, &violations);
  return IfRight(violations, std::move(read));
}

absl::StatusOr<TopologySpec> TopologySpecOf(const wire::GetRequest& request) {
  Violations violations;
  TopologySpec spec{.cluster = ReadCluster(request.cluster(), &violations),
                    .version = ReadCount(request.version(), "version", &violations)};
  return IfRight(violations, std::move(spec));
}

absl::StatusOr<TopologySpec> TopologySpecOf(const wire::ListVersionsRequest& request) {
  Violations violations;
  TopologySpec spec{.cluster = ReadCluster(request.cluster(), &violations), .version = 0};
  return IfRight(violations, std::move(spec));
}

absl::StatusOr<WatchSpec> TopologyWatchOf(const wire::WatchRequest& request) {
  Violations violations;
  const std::string cluster = ReadCluster(request.cluster(), &violations);
  WatchSpec spec;
  spec.include_snapshot = true;
  spec.heartbeat = ReadHeartbeat(request.heartbeat(), &violations);
  if (absl::Status wrong = violations.status(); !wrong.ok()) return wrong;
  spec.range = {topology::NewestKey(cluster), Scope::kKey};
  return spec;
}

void FillVersion(const MadeVersion& made, Documents documents, wire::TopologyVersion* out) {
  const topology::VersionRecord& record = made.version.record;
  out->set_version(record.version);
  out->set_revision(made.revision);
  FillTime(record.applied_at, out->mutable_applied_at());
  out->set_applied_by(record.applied_by);
  out->set_comment(record.comment);
  out->set_restored_version(record.restored_version);
  out->set_deleted(record.deleted);
  if (documents == Documents::kShown) out->set_document(made.version.document);
}

void FillLinkChanges(const TopologyChange& change, wire::LinkChanges* out) {
  out->set_total(static_cast<int32_t>(change.links.size()));
  out->set_unknown(change.links_unknown);
  const size_t shown = std::min(change.links.size(), static_cast<size_t>(kLinkChangesShownMax));
  for (size_t i = 0; i < shown; ++i) {
    const topology::LinkChange& link = change.links[i];
    wire::LinkChange* const told = out->add_changes();
    told->set_service(link.service);
    told->set_end(link.end == topology::LinkEnd::kIn ? wire::LinkChange::END_IN : wire::LinkChange::END_OUT);
    told->set_queue(link.queue);
    told->set_before(link.before);
    told->set_after(link.after);
  }
}

}  // namespace scoutlight::server
