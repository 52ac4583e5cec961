#include "server/topology/topology_editor.h"

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "server/discovery/store_requests.h"
#include "server/topology/topology_errors.h"
#include "storage/store_errors.h"
#include "topology/topology.h"
#include "topology/topology_document.h"
#include "topology/topology_records.h"

namespace scoutlight::server {
namespace {

using storage::Condition;
using topology::Topology;

Value TextValue(std::string text) { return {Value::Form::kText, std::move(text)}; }

// What makes `version` the newest one, if that is still as it was put at `after`; 0: there is none.
storage::Transaction TransactionFor(const std::string& cluster, const topology::StoredVersion& version, Revision after) {
  const Key newest = topology::NewestKey(cluster);
  const int64_t number = version.record.version;
  storage::Transaction transaction;
  transaction.conditions.push_back(
      {.key = newest, .target = Condition::Target::kModRevision, .comparison = Condition::Comparison::kEqual, .number = after});
  auto& operations = transaction.on_success;
  operations.push_back(storage::PutOperation{.key = newest, .value = TextValue(topology::EncodeNewest(version))});
  operations.push_back(
      storage::PutOperation{.key = topology::VersionKey(cluster, number), .value = TextValue(topology::EncodeRecord(version.record))});
  if (!version.record.deleted) {
    operations.push_back(storage::PutOperation{.key = topology::DocumentKey(cluster, number), .value = TextValue(version.document)});
  }
  if (number > topology::kVersionsMax) {
    operations.push_back(
        storage::DeleteOperation{.range = {topology::VersionKey(cluster, number - topology::kVersionsMax), Scope::kSubtree}});
  }
  return transaction;
}

}  // namespace

// One change, over its tries. Held by whoever it waits for.
class TopologyEditor::Edit : public std::enable_shared_from_this<Edit> {
 public:
  Edit(TopologyEditor* editor, TopologyRequest request, Done done)
      : editor_(*editor), request_(std::move(request)), done_(std::move(done)) {}

  void Apply(std::string document) {
    wanted_.document = std::move(document);
    ReadDocument([](Edit& self, const absl::Status& mistakes) {
      if (!mistakes.ok()) return self.Fail(mistakes, 0);
      self.Try();
    });
  }
  void Rollback(int64_t version) {
    wanted_.record.restored_version = version;
    ReadVersion(&editor_.store_, request_.cluster, version,
                [self = shared_from_this()](Found<std::optional<MadeVersion>> found) { self->OnRestored(std::move(found)); });
  }
  void Delete() {
    wanted_.record.deleted = true;
    Try();
  }

 private:
  // Does `work` at once, or on a reader if it reads so many bytes of documents.
  void RunLong(size_t bytes, ReaderPool::Work work) {
    if (bytes <= kInlineDocumentBytesMax) return std::move(work)();
    if (!editor_.readers_.TryRun(work)) Fail(storage::Overloaded("too many long topologies wait to be read"), 0);
  }

  // `then`: a function of this and of what is wrong with the document.
  template <typename Then>
  void ReadDocument(Then then) {
    RunLong(wanted_.document.size(), [self = shared_from_this(), then] {
      absl::StatusOr<Topology> topology = topology::ParseTopology(self->wanted_.document);
      if (topology.ok()) self->topology_ = *std::move(topology);
      then(*self, topology.status());
    });
  }

  void OnRestored(Found<std::optional<MadeVersion>> found) {
    if (!found.status.ok()) return Fail(found.status, found.revision);
    restored_found_ = found.value.has_value();
    if (!restored_found_) return Try();
    if (found.value->version.record.deleted) return RefuseRestoring("it says that the topology was deleted", found.revision);
    wanted_.document = std::move(found.value->version.document);
    ReadDocument([revision = found.revision](Edit& self, const absl::Status& mistakes) {
      if (!mistakes.ok()) return self.RefuseRestoring(mistakes.message(), revision);
      self.Try();
    });
  }
  void RefuseRestoring(absl::string_view why, Revision revision) {
    Refuse(TopologyNotRestorable(request_.cluster, wanted_.record.restored_version, why), revision);
  }

  void Try() {
    ReadNewest(&editor_.store_, request_.cluster, 0,
               [self = shared_from_this()](Found<std::optional<MadeVersion>> found) { self->OnNewest(std::move(found)); });
  }

  void OnNewest(Found<std::optional<MadeVersion>> found) {
    if (!found.status.ok()) return Fail(found.status, found.revision);
    newest_ = std::move(found.value);
    seen_ = found.revision;
    const int64_t number = newest_.has_value() ? newest_->version.record.version : 0;
    if (request_.expected_version != 0 && request_.expected_version != number) {
      return Refuse(UnexpectedTopologyVersion(request_.cluster, request_.expected_version, number), seen_);
    }
    const int64_t restored = wanted_.record.restored_version;
    if (restored != 0 && !restored_found_) return Refuse(TopologyVersionNotFound(request_.cluster, restored, number), seen_);
    wanted_.record.version = number + 1;
    if (IsSo()) return AnswerUnchanged();
    const bool had = number != 0 && !newest_->version.record.deleted;
    RunLong(had ? newest_->version.document.size() : 0, [self = shared_from_this(), had] {
      self->FindLinks(had);
      self->Commit();
    });
  }

  // Whether the newest version is what is wanted.
  bool IsSo() const {
    const bool there = newest_.has_value() && !newest_->version.record.deleted;
    if (wanted_.record.deleted) return !there;
    return there && newest_->version.document == wanted_.document;
  }

  void FindLinks(bool had) {
    absl::StatusOr<Topology> before = Topology();
    if (had) before = topology::ParseTopology(newest_->version.document);
    links_unknown_ = !before.ok();
    if (before.ok()) links_ = topology::DiffTopologies(*before, topology_);
  }

  void Commit() {
    wanted_.record.applied_at = editor_.clock_.Now();
    wanted_.record.applied_by = request_.applied_by;
    wanted_.record.comment = request_.comment;
    if (request_.validate_only) return Answer(seen_, MadeVersion{wanted_, 0});
    storage::Transaction transaction = TransactionFor(request_.cluster, wanted_, newest_.has_value() ? newest_->revision : 0);
    transaction.origin = request_.origin;
    editor_.store_.Commit(std::move(transaction),
                          [self = shared_from_this()](const storage::CommitResult& result) { self->OnCommitted(result); });
  }

  void OnCommitted(const storage::CommitResult& result) {
    if (!result.status.ok()) return Fail(result.status, result.revision);
    if (result.replayed) return AnswerAgain(result.revision);
    if (result.succeeded) return Answer(result.revision, MadeVersion{wanted_, result.revision});
    if (++tries_ == limits::kContendedTriesMax) return Fail(TopologyContended(request_.cluster), result.revision);
    Try();
  }

  // Ends with `status`, unless this request has been carried out already.
  void Refuse(absl::Status status, Revision revision) {
    IfNotCarriedOut([status = std::move(status), revision](Edit& self) { self.Fail(status, revision); });
  }
  void AnswerUnchanged() {
    IfNotCarriedOut([](Edit& self) {
      TopologyChange change{.revision = self.seen_, .unchanged = true};
      change.newest = std::move(self.newest_);
      std::move(self.done_)(std::move(change));
    });
  }
  template <typename Then>
  void IfNotCarriedOut(Then then) {
    // That which only asks has carried out nothing, and is no repetition of what has.
    if (request_.validate_only) return then(*this);
    AskCarriedOut(&editor_.store_, request_.origin, [self = shared_from_this(), then](const storage::CommitResult& known) {
      if (!known.status.ok()) return self->Fail(known.status, known.revision);
      if (known.replayed) return self->AnswerAgain(known.revision);
      then(*self);
    });
  }

  // This request was carried out at `revision`.
  void AnswerAgain(Revision revision) {
    ReadNewest(&editor_.store_, request_.cluster, revision, [self = shared_from_this(), revision](Found<std::optional<MadeVersion>> found) {
      // Given up by compaction: then only that it was carried out is known.
      if (!found.status.ok() && !absl::IsOutOfRange(found.status)) return self->Fail(found.status, found.revision);
      TopologyChange change{.revision = revision, .replayed = true};
      change.newest = std::move(found.value);
      std::move(self->done_)(std::move(change));
    });
  }

  void Answer(Revision revision, MadeVersion newest) {
    TopologyChange change{.revision = revision, .newest = std::move(newest), .links_unknown = links_unknown_};
    change.links = std::move(links_);
    std::move(done_)(std::move(change));
  }

  void Fail(const absl::Status& status, Revision revision) { std::move(done_)({.status = status, .revision = revision}); }

  TopologyEditor& editor_;
  const TopologyRequest request_;
  Done done_;
  topology::StoredVersion wanted_;
  Topology topology_;            // What its document says; of a deletion nothing.
  bool restored_found_ = false;  // Of a rollback: its version is kept.
  // Of one try.
  std::optional<MadeVersion> newest_;
  Revision seen_ = 0;
  std::vector<topology::LinkChange> links_;
  bool links_unknown_ = false;
  int tries_ = 0;
};

void TopologyEditor::Apply(TopologyRequest request, std::string document, Done done) {
  std::make_shared<Edit>(this, std::move(request), std::move(done))->Apply(std::move(document));
}

void TopologyEditor::Rollback(TopologyRequest request, int64_t version, Done done) {
  std::make_shared<Edit>(this, std::move(request), std::move(done))->Rollback(version);
}

void TopologyEditor::Delete(TopologyRequest request, Done done) {
  std::make_shared<Edit>(this, std::move(request), std::move(done))->Delete();
}

}  // namespace scoutlight::server
